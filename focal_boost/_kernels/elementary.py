"""exp, reciprocal, log1p and log as plain arithmetic, for the compiled loops.

LLVM does not vectorise calls of libm, and the division unit is slower than a dozen
multiplications. Two accuracies, as relative errors:

        exp     reciprocal  log1p
SHORT   3e-10   2e-12       1e-11    a hundredth of a float32's last digit
LONG    6e-15   5e-16       5e-16    for what is left of a difference

exp is so right to x = -40 and loses as n ln 2 is rounded, at most 1e-13.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import int64, njit

from focal_boost._kernels.llvm import bits, from_bits

# exp(-708) is the last power of e above 2⁻¹⁰²², and 0 in float32 many times over.
LIMIT = 708.0
_LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
# Adding 1.5 · 2⁵² leaves the nearest integer in the low bits of a float64.
ROUND = 6755399441055744.0


class Series(NamedTuple):
    """Coefficients from the constant up, and steps of third order for a reciprocal.

    Those of exp and log1p interpolate at the Chebyshev nodes: of (exp(r) − 1 − r)/r²
    on |r| <= ln(2)/2, and of (2 atanh(u)/u − 2)/v, where v = u², on 0 <= v <= 1/9.
    """

    exp: tuple[float, ...]
    log1p: tuple[float, ...]
    steps: int


SHORT = Series(
    exp=(
        0.5000000013457727, 0.16666666681614256, 0.04166646500604005,
        0.008333310934448869, 0.0013933641031986701, 0.00019890980869750327,
    ),
    log1p=(
        0.6666666665002361, 0.4000001076994966, 0.2857030572188366,
        0.22264711209001326, 0.17464702465440774, 0.20787616855746752,
    ),
    steps=1,
)  # fmt: skip
LONG = Series(
    exp=(
        0.5, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065,
        0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05,
        2.7557268480310024e-06, 2.762007587998348e-07, 2.510037583256132e-08,
    ),
    log1p=(
        0.6666666666666666, 0.40000000000014585, 0.2857142856710876,
        0.22222222717427864, 0.18181789436132859, 0.15385570064958623,
        0.13314144209654935, 0.12001072809590713, 0.08800738486144674,
        0.1616404561194353,
    ),
    steps=2,
)  # fmt: skip
# Interpolates (2 atanh(u)/u − 2)/v, where v = u², on |u| <= 0.172.
_LOG = (
    0.666666666666667, 0.39999999999899444, 0.2857142862600327, 0.22222211130259878,
    0.18182889455674947, 0.15331710618210773, 0.14616585424888623,
)  # fmt: skip
_SQRT_HALF = 0x3FE6A09E667F3BCD
# The bits of 2⁵² + n are these and n in the low ones.
_TWO_52 = 0x4330000000000000
# Minimax in e, with error 1.2e-4.
_RECIPROCAL = (
    0.49994052886897306, -0.7459375764036535, 0.8262928919213188,
    -0.7042513924040569, 0.38729285527163676, -0.09669046429789382,
)  # fmt: skip


@njit(inline="always")
def _polynomial(x, coefficients):
    """Return Σ cₖ xᵏ by Horner's scheme, which has the fewest operations."""
    s = coefficients[len(coefficients) - 1]
    for k in range(len(coefficients) - 2, -1, -1):
        s = coefficients[k] + x * s
    return s


@njit(inline="always")
def exp(x, series):
    """Return exp(x) for -708 <= x <= 0.

    x = n ln 2 + r with |r| <= ln(2)/2, and 2ⁿ is written into the exponent bits.
    """
    shifted = ROUND + x * _LOG2_E
    r = x - (shifted - ROUND) * LN2
    two_to_n = from_bits((bits(shifted) << int64(52)) + (int64(1023) << int64(52)))
    return two_to_n * (1.0 + r * (1.0 + r * _polynomial(r, series.exp)))


@njit(inline="always")
def reciprocal(e, d, series):
    """Return 1/d for d = (1 + e)(2 + e) and 0 <= e <= 1."""
    s = _polynomial(e, _RECIPROCAL)
    for _ in range(series.steps):
        h = 1.0 - d * s
        s += s * (h + h * h)
    return s


@njit(inline="always")
def log1p(u, series):
    """Return log1p(e) = 2 atanh(u) for u = e/(2 + e) and 0 <= e <= 1."""
    v = u * u
    return u * (2.0 + v * _polynomial(v, series.log1p))


@njit(inline="always")
def log(x):
    """Return log(x) for 2⁻⁵² <= x <= 1, to 6e-16.

    x = 2ⁿ m with √½ <= m < √2, and log m = 2 atanh(u) for u = (m − 1)/(m + 1).
    """
    n = (bits(x) - int64(_SQRT_HALF)) >> int64(52)
    m = from_bits(bits(x) - (n << int64(52)))
    u = (m - 1.0) / (m + 1.0)
    v = u * u
    exponent = from_bits((n + int64(64)) | int64(_TWO_52)) - (4503599627370496.0 + 64.0)
    return exponent * LN2 + u * (2.0 + v * _polynomial(v, _LOG))
