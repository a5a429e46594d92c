"""Gradient and Hessian on the CPU: one compiled pass over margin, label and weight.

The scalar functions read like the formulas derived in :mod:`focal_boost.loss`;
everything is float64 inside and float32 on the way out. exp and log1p are plain
arithmetic, because LLVM vectorises that, and does not vectorise calls of libm.

A row's terms depend on each other in one long chain (exp, division, logarithm,
products), and a loop over whole rows spends most of its time waiting for it. So the
rows are taken in blocks that fit the first-level cache, and a block in three or four
short loops, whose iterations overlap. No array of the data's length is made.

A call returns whether the rows are sound as bits, so that slices of the arrays can
run apart and their findings be joined by "or".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, types
from numba.extending import intrinsic

_LOG2_E = 1.4426950408889634
# ln 2 = _LN2_HIGH + _LN2_LOW; the high part has 20 trailing zero bits, so that its
# product with any exponent is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Adding 1.5 · 2⁵² leaves the nearest integer in the low bits of a float64.
_ROUND = 6755399441055744.0
# exp(-708) is the last power of e above 2⁻¹⁰²², and 0 in float32 many times over.
_LIMIT = 708.0
# Rows per block: its terms, 16 KiB, stay in the first-level cache.
_BLOCK = 512
# A weight times this is infinite where its products could overflow float32.
_WEIGHT_SCALE = 1e271


# Fused multiply-add is the one liberty taken: sums keep their order.
_compiled = njit(nogil=True, error_model="numpy", fastmath={"contract"})


def _bitcast(name: str, source: Any, target: Any) -> Any:
    """Return an intrinsic that reads the bits of `source` as `target`."""

    def typed(_typing: Any, _value: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), codegen

    typed.__name__ = name
    return intrinsic(typed)


@intrinsic
def _prefer_wide_vectors(_typing: Any) -> Any:
    """Have LLVM use whole registers in the function that calls this.

    Where the processor has AVX-512, LLVM takes half of each register unless it is
    asked; whole ones are a third faster here, because the loops wait for results more
    than for multipliers. Elsewhere the wish has no effect.
    """

    def codegen(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        attributes = builder.function.attributes
        # llvmlite's own add() accepts only attributes without a value.
        if isinstance(attributes, set):
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


_bits = _bitcast("_bits", types.float64, types.int64)
_from_bits = _bitcast("_from_bits", types.int64, types.float64)


@njit(inline="always")
def _polynomial_of_degree_9(x, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9):  # type: ignore[no-untyped-def]
    """Return Σ cₖ xᵏ by Estrin's scheme.

    Horner's scheme is one chain of 9 dependent operations, and the loop would wait
    for it: this one is 4 deep and twice as fast.
    """
    x2 = x * x
    x4 = x2 * x2
    low = (c0 + c1 * x) + (c2 + c3 * x) * x2
    high = (c4 + c5 * x) + (c6 + c7 * x) * x2
    return low + (high + (c8 + c9 * x) * x4) * x4


@njit(inline="always")
def _exp_of_minus(a):  # type: ignore[no-untyped-def]
    """Return exp(-a) for 0 <= a <= 708, to 1 ulp.

    -a = n ln 2 + r with |r| <= ln(2)/2; the polynomial is a near-minimax fit of
    (exp(r) − 1 − r)/r² (Chebyshev nodes, relative error 2e-17), and 2ⁿ is written
    into the exponent bits.
    """
    shifted = _ROUND - a * _LOG2_E
    n = shifted - _ROUND
    r = (-a - n * _LN2_HIGH) - n * _LN2_LOW
    s = _polynomial_of_degree_9(
        r, 0.5, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065,
        0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05,
        2.7557268480310024e-06, 2.762007587998348e-07, 2.510037583256132e-08,
    )  # fmt: skip
    two_to_n = _from_bits((_bits(shifted) << int64(52)) + (int64(1023) << int64(52)))
    return two_to_n * (1.0 + (r + r * r * s))


@njit(inline="always")
def _log1p_of(e, inverse):  # type: ignore[no-untyped-def]
    """Return log1p(e) for 0 <= e <= 1, to 1 ulp, given 1/((1 + e)(2 + e)).

    log1p(e) = 2 atanh(u) with u = e/(2 + e) <= 1/3; the polynomial in v = u² is a
    near-minimax fit of (atanh(u)/u − 1)/v (Chebyshev nodes, relative error 5e-18).
    """
    u = e * (1.0 + e) * inverse
    v = u * u
    s = _polynomial_of_degree_9(
        v, 0.3333333333333333, 0.20000000000007292, 0.1428571428355438,
        0.11111111358713932, 0.09090894718066429, 0.07692785032479312,
        0.06657072104827468, 0.06000536404795356, 0.04400369243072337,
        0.08082022805971766,
    )  # fmt: skip
    return 2.0 * u + 2.0 * u * v * s


@_compiled
def _fill_exp(margin, offset, e):  # type: ignore[no-untyped-def]
    """Write exp(-|z|)."""
    _prefer_wide_vectors()
    for i in range(margin.shape[0]):
        e[i] = _exp_of_minus(min(abs(margin[i] + offset), _LIMIT))


@_compiled
def _fill_log1p(e, r, log1p_e):  # type: ignore[no-untyped-def]
    """Write 1/(1 + e) and log(1 + e)."""
    _prefer_wide_vectors()
    for i in range(e.shape[0]):
        inverse = 1.0 / ((1.0 + e[i]) * (2.0 + e[i]))
        r[i] = (2.0 + e[i]) * inverse
        log1p_e[i] = _log1p_of(e[i], inverse)


@_compiled
def _fill_power(margin, y_true, offset, gamma, log1p_e, q_power):  # type: ignore[no-untyped-def]
    """Write q^γ = exp(-γ softplus(t))."""
    _prefer_wide_vectors()
    for i in range(margin.shape[0]):
        z = margin[i] + offset
        t = z if y_true[i] == 1.0 else -z
        softplus = log1p_e[i] + min(max(t, 0.0), _LIMIT)
        q_power[i] = _exp_of_minus(min(gamma * softplus, _LIMIT))


@njit(inline="always")
def _slope_and_curvature(t, e, r, log1p_e, given, gamma, power, negative_term):  # type: ignore[no-untyped-def]
    """Return φ′(t) and φ̄″(t), or φ″(t) for `negative_term` 1.

    `power` is gamma where it is 0, 1 or 2 and q^γ a product; elsewhere q^γ is `given`.
    """
    right = t >= 0.0
    p = r if right else e * r
    q = e * r if right else r
    ell = log1p_e if right else log1p_e + min(-t, _LIMIT)
    if power == 0:
        q_power = 1.0
    elif power == 1:
        q_power = q
    elif power == 2:
        q_power = q * q
    else:
        q_power = given
    p_ell = p * ell
    slope = -q_power * (q + gamma * p_ell)
    upper = p * ((1.0 + 2.0 * gamma) * q + gamma * gamma * p_ell)
    return slope, q_power * (upper - negative_term * gamma * q * p_ell)


@njit(inline="always")
def _row(z, y, w, e, r, log1p_e, q_power, loss, power):  # type: ignore[no-untyped-def]
    """Return gradient, Hessian and, as bits of a float64, whether the row is sound."""
    negative, positive, gamma, negative_term = loss
    is_positive = y == 1.0
    t = z if is_positive else -z
    weight = w * (positive if is_positive else negative)
    slope, curvature = _slope_and_curvature(
        t, e, r, log1p_e, q_power, gamma, power, negative_term
    )
    g = weight * (slope if is_positive else -slope)
    h = weight * curvature
    # 0 where the row is sound. Differences of a number with itself are NaN for NaN
    # and inf, and unlike comparisons they cost the vector loop next to nothing.
    large = w * _WEIGHT_SCALE
    fault = (y * y - y) + (abs(large) - large) + (z - z)
    return g, h, _bits(fault)


def _finish_for(power: int) -> Any:
    """Return the loop over a block's terms, compiled for one power of q."""

    def finish(margin, y_true, sample_weight, offset, loss, terms, grad, hess):  # type: ignore[no-untyped-def]
        _prefer_wide_vectors()
        e, r, log1p_e, q_power = terms
        fault = int64(0)
        weight = int64(sample_weight is None)
        for i in range(margin.shape[0]):
            w = 1.0 if sample_weight is None else np.float64(sample_weight[i])
            y = np.float64(y_true[i])
            z = margin[i] + offset
            g, h, found = _row(z, y, w, e[i], r[i], log1p_e[i], q_power[i], loss, power)
            grad[i], hess[i] = np.float32(g), np.float32(h)
            fault |= found
            weight |= _bits(abs(w))
        return fault, weight

    return _compiled(finish)


_finish_0, _finish_1, _finish_2, _finish = map(_finish_for, (0, 1, 2, -1))


@_compiled
def _block(margin, y_true, sample_weight, offset, loss, terms, grad, hess):  # type: ignore[no-untyped-def]
    """Fill one block of rows; see :func:`gradient_hessian`."""
    _prefer_wide_vectors()
    rows = margin.shape[0]
    e, r, log1p_e, q_power = (
        terms[0, :rows], terms[1, :rows], terms[2, :rows], terms[3, :rows]
    )  # fmt: skip
    _fill_exp(margin, offset, e)
    _fill_log1p(e, r, log1p_e)
    given = (e, r, log1p_e, q_power)
    gamma = loss[2]
    if gamma == 2.0:
        return _finish_2(margin, y_true, sample_weight, offset, loss, given, grad, hess)
    if gamma == 1.0:
        return _finish_1(margin, y_true, sample_weight, offset, loss, given, grad, hess)
    if gamma == 0.0:
        return _finish_0(margin, y_true, sample_weight, offset, loss, given, grad, hess)
    _fill_power(margin, y_true, offset, gamma, log1p_e, q_power)
    return _finish(margin, y_true, sample_weight, offset, loss, given, grad, hess)


def _compiled_and_kept(function: Any) -> Any:
    """Compile with a cache on disk, beside this file or in the user's cache folder."""
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither can be written: compile once in every process.
        return njit(nogil=True, error_model="numpy")(function)


@_compiled_and_kept
def gradient_hessian(margin, y_true, sample_weight, offset, loss, grad, hess):  # type: ignore[no-untyped-def]
    """Fill grad and hess for every row and return whether the rows are sound.

    Parameters
    ----------
    margin : array of float32 or float64, (n,)
    y_true : array of float32 or float64, (n,)
    sample_weight : array of float32 or float64, (n,), or None
    offset : float64
        Added to every margin.
    loss : tuple of float64
        α_t of the negative and of the positive class, γ, and the share of the
        negative term in the Hessian: 0 for the upper curvature, 1 for the exact one.
    grad, hess : arrays of float32, (n,), contiguous
        Written; finite where the rows are sound.

    Returns
    -------
    fault : int64
        0 if every label is 0 or 1, every margin finite, and every weight in
        [0, 1.7e37], so that no product with it overflows.
    weight : int64
        0 if every weight is 0.
    """
    _prefer_wide_vectors()
    fault, weight = int64(0), int64(0)
    terms = np.empty((4, _BLOCK))
    for start in range(0, margin.shape[0], _BLOCK):
        stop = min(start + _BLOCK, margin.shape[0])
        found, some = _block(
            margin[start:stop],
            y_true[start:stop],
            None if sample_weight is None else sample_weight[start:stop],
            offset,
            loss,
            terms,
            grad[start:stop],
            hess[start:stop],
        )
        fault |= found
        weight |= some
    return fault, weight
