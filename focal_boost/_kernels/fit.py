"""Polynomials for the logit link's kernels: what is fitted for one γ.

:mod:`focal_boost.links` makes gradient and curvatures of three bounded functions of
|m′| that depend on γ alone. With a = |m′|/(1+γ) and u = exp(−a) they are analytic in u
and in a·u, not in one variable: the margin z = a + r(m′) enters through exp(−z) and
through z·exp(−z). So each is a polynomial in u and a second variable s,

    Σ_j s^j Σ_i c_ji u^i,

fitted by least squares of the relative errors at Chebyshev nodes.

For γ = 1 and 2, where exp(−|m′|) is a power of u, s = a u, and the weight A itself is
fitted. For any γ, s = 1/(1 + γ (a u + ln 2 u²)), which takes the pole of 1/(1+γκ(−z))
out of the way (and γ is no smaller than ¼ there, for s to be a second variable), and
log A is fitted, to be added to an exponent that is needed anyway.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from focal_boost._logit import Shapes, shapes

Floats = NDArray[np.float64]


class Shape(NamedTuple):
    """How many powers of u there are for each power of s."""

    weight: tuple[int, ...]
    ratio: tuple[int, ...]


PRODUCT = Shape(weight=(10, 6, 3), ratio=(6, 4))
GENERAL = Shape(weight=(8, 7, 6, 5, 4, 3, 2, 1), ratio=(6, 5, 4, 3))
LEAST_POLE = 0.25
#: All fits have as many coefficients, so that the kernel is compiled once for all.
LENGTH = sum(GENERAL.weight) + 3 * sum(GENERAL.ratio)
#: Powers of u that are products.
PRODUCTS = (1.0, 2.0)
#: Greatest relative errors of A and of the curvature over it that a fit may have: half
#: of a float32's last digit, and the digits that Newton steps are good for.
_OF_WEIGHT, _OF_RATIO = 2.9e-8, 5e-6
_NODES = 60
# The margin at which the fits end; beyond it, where γ a u has yet to vanish if γ is
# large, they are only checked.
_REACH = 30.0
# Keep the coefficients small where the powers nearly depend on each other: products of
# a float32 slope cancel, a logarithm's terms less so.
_RCOND_OF_WEIGHT, _RCOND_OF_RATIO = 1e-13, 1e-12


@lru_cache(maxsize=256)
def fit(gamma: float, *, exact: bool) -> tuple[float, ...] | None:
    """Return the coefficients for one γ > 0, None where they would be too coarse.

    Parameters
    ----------
    gamma : float > 0
    exact : bool
        Whether the curvature is the exact Hessian; that has two more terms, u and
        a u, where a row is on the wrong side.

    Returns
    -------
    tuple of float or None
        Of the weight, of the curvature over the slope on the right side, and of that
        on the wrong side, over u; with `exact` of the parts with u and with a u.
    """
    at = _nodes(gamma, _NODES, _REACH)
    check = _nodes(gamma, _NODES + 51, 2 * _REACH)
    if not at.weight.all():
        return None  # 2^−γ is 0 in float64
    product = gamma in PRODUCTS and not exact
    shape = PRODUCT if product else GENERAL
    found: list[float] = []
    ratio = shape.ratio, _OF_RATIO, _RCOND_OF_RATIO
    for name, powers, bound, rcond in (
        ("weight", shape.weight, _OF_WEIGHT, _RCOND_OF_WEIGHT),
        ("right", *ratio),
        ("wrong", *ratio),
    ):
        columns, values = _system(name, powers, gamma, at, exact=exact)
        if not (np.isfinite(columns).all() and np.isfinite(values).all()):
            return None
        coefficients = np.linalg.lstsq(columns, values, rcond=rcond)[0]
        columns, values = _system(name, powers, gamma, check, exact=exact)
        if not np.abs(columns @ coefficients - values).max() <= bound:
            return None
        found += coefficients.tolist()
    return tuple(found + [0.0] * (LENGTH - len(found)))


def _nodes(gamma: float, number: int, reach: float) -> Shapes:
    """Return the shapes where exp(−z), and z up to `reach`, have Chebyshev's nodes."""
    half = (1 - np.cos(np.pi * (np.arange(number) + 0.5) / number)) / 2
    return shapes(np.concatenate([-np.log(half), reach * half]), gamma)


def _system(
    name: str, powers: tuple[int, ...], gamma: float, at: Shapes, *, exact: bool
) -> tuple[Floats, Floats]:
    """Return columns and values whose difference is the relative error."""
    product = gamma in PRODUCTS and not exact
    a = at.log_odds / (1 + gamma)
    u = np.exp(-a)
    pole = max(gamma, LEAST_POLE) * (a * u + np.log(2.0) * u * u)
    s = a * u if product else 1 / (1 + pole)
    columns = np.stack(
        [s**j * u**i for j, number in enumerate(powers) for i in range(number)], axis=1
    )
    if name == "weight" and not product:
        return columns, np.log(at.weight)
    upper = getattr(at, name)
    if not exact or name == "weight":
        scale = upper if name != "wrong" else upper / u
        return columns / scale[:, None], np.ones_like(u)
    values = getattr(at, f"{name}_exact") / upper
    if name == "wrong":
        columns = np.concatenate(
            [columns * u[:, None], columns * (a * u)[:, None]], axis=1
        )
    return columns / upper[:, None], values
