"""Gradient and curvature in log-odds on the CPU, as :mod:`focal_boost.links` has them.

With m′ the raw score less its shift, t′ = (2y − 1) m′, a = |m′|/(1+γ) and u = exp(−a),

    |gradient| = α_t A min(1, exp(−t′)),    curvature = |gradient| W,

where A and W, which differs for t′ >= 0 and t′ < 0, are the polynomials of ``fit.py``.
There is no division, no logarithm, and one exponential for γ = 1 and 2, two for others.
Rows are taken in blocks as in ``cpu.py``.
"""

from __future__ import annotations

from itertools import accumulate, count, islice
from typing import Any

import numpy as np
from numba import int64, njit

from focal_boost._kernels.elementary import LIMIT, LN2, LONG, SHORT, exp
from focal_boost._kernels.faults import BLOCK, find_faults
from focal_boost._kernels.fit import GENERAL, LEAST_POLE, PRODUCT, PRODUCTS, Shape
from focal_boost._kernels.llvm import (
    borrowed,
    compiled,
    prefer_wide_vectors,
)
from focal_boost._kernels.openmp import on_team


def _written_out(first: int, powers: tuple[int, ...]) -> Any:
    """Return the function (u, s, fit) → Σ s^j Σ u^i c_ji, coefficients from `first` on.

    By Horner's scheme, as one expression: an index of a tuple that is no constant is
    looked up in every row.
    """
    coefficients = (f"fit[{k}]" for k in count(first))
    inner = [_horner("u", list(islice(coefficients, number))) for number in powers]
    space: dict[str, Any] = {}
    exec(f"def in_two(u, s, fit):\n    return {_horner('s', inner)}", space)
    function = space["in_two"]
    # No two have one name: see `compiled_as`.
    function.__module__ = __name__
    function.__qualname__ = f"in_two from {first}, {powers}"
    return njit(inline="always")(function)


def _horner(variable: str, terms: list[str]) -> str:
    *lower, text = terms
    for term in reversed(lower):
        text = f"{term} + {variable} * ({text})"
    return text


def _three(shape: Shape) -> list[Any]:
    """Return the functions of the weight and of both curvatures over the slope."""
    powers = (shape.weight, shape.ratio, shape.ratio, shape.ratio)
    first = accumulate(map(sum, powers), initial=0)
    return [_written_out(at, one) for at, one in zip(first, powers, strict=False)]


_product_weight, _product_right, _product_wrong, _ = _three(PRODUCT)
_log_weight, _right, _wrong, _wrong_log = _three(GENERAL)


@compiled
def _fill(raw_score, shift, gamma, odds, a, u):
    """Write m′, |m′|/(1+γ), no further out than matters, and exp of minus that.

    The coefficients multiply an error of u, not of both variables, by hundreds.
    """
    prefer_wide_vectors()
    scale = 1.0 / (1.0 + gamma)
    for i in range(raw_score.shape[0]):
        odds[i] = raw_score[i] + shift
        a[i] = min(abs(odds[i]) * scale, LIMIT)
        u[i] = exp(-a[i], LONG)


@compiled
def _finish_product(y_true, sample_weight, known, odds, a, u, grad, hess):
    """Finish a block for γ = 1 or 2."""
    prefer_wide_vectors()
    cubed = known.gamma == 2.0
    for i in range(y_true.shape[0]):
        is_positive = y_true[i] == 1
        right = (odds[i] >= 0.0) == is_positive
        x = u[i]
        s = a[i] * x
        fall = x * x * (x if cubed else 1.0)
        slope = _product_weight(x, s, known.fit) * (fall if right else 1.0)
        on_right = _product_right(x, s, known.fit)
        on_wrong = x * _product_wrong(x, s, known.fit)
        slope *= known.positive if is_positive else known.negative
        if sample_weight is not None:
            slope *= sample_weight[i]
        grad[i] = np.float32(-slope if is_positive else slope)
        hess[i] = np.float32(slope * (on_right if right else on_wrong))


@compiled
def _finish(y_true, sample_weight, known, odds, a, u, grad, hess):
    """Finish a block for any γ."""
    prefer_wide_vectors()
    pole = max(known.gamma, LEAST_POLE)
    for i in range(y_true.shape[0]):
        is_positive = y_true[i] == 1
        right = (odds[i] >= 0.0) == is_positive
        x = u[i]
        s = 1.0 / (1.0 + pole * x * (a[i] + LN2 * x))
        log_slope = _log_weight(x, s, known.fit)
        log_slope -= abs(odds[i]) if right else 0.0
        slope = exp(max(log_slope, -LIMIT), SHORT)
        on_right = _right(x, s, known.fit)
        on_wrong = x * _wrong(x, s, known.fit)
        slope *= known.positive if is_positive else known.negative
        if sample_weight is not None:
            slope *= sample_weight[i]
        grad[i] = np.float32(-slope if is_positive else slope)
        hess[i] = np.float32(slope * (on_right if right else on_wrong))


@compiled
def _add_exact(y_true, known, odds, a, u, grad, hess):
    """Add the exact Hessian's term with a u, where t < 0."""
    prefer_wide_vectors()
    pole = max(known.gamma, LEAST_POLE)
    for i in range(y_true.shape[0]):
        right = (odds[i] >= 0.0) == (y_true[i] == 1)
        x = u[i]
        s = 1.0 / (1.0 + pole * x * (a[i] + LN2 * x))
        more = a[i] * x * _wrong_log(x, s, known.fit)
        hess[i] += np.float32(0.0 if right else abs(grad[i]) * more)


@compiled
def _block(raw_score, y_true, sample_weight, offset, known, terms, grad, hess):
    """Fill one block of rows; see :func:`gradient_hessian`."""
    found = find_faults(raw_score)
    if found:
        return found
    odds, a, u = terms
    _fill(raw_score, offset - known.shift, known.gamma, odds, a, u)
    if known.exact == 0.0 and known.gamma in PRODUCTS:
        _finish_product(y_true, sample_weight, known, odds, a, u, grad, hess)
    else:
        _finish(y_true, sample_weight, known, odds, a, u, grad, hess)
        if known.exact != 0.0:
            _add_exact(y_true, known, odds, a, u, grad, hess)
    return found


@compiled
def _rows(raw_score, y_true, sample_weight, offset, known, grad, hess):
    """Fill grad and hess for every row and return whether the raw scores are sound."""
    prefer_wide_vectors()
    fault = int64(0)
    memory = np.empty((3, BLOCK))
    rows = borrowed(memory)
    terms = (rows[0], rows[1], rows[2])
    for start in range(0, raw_score.shape[0], BLOCK):
        stop = min(start + BLOCK, raw_score.shape[0])
        fault |= _block(
            raw_score[start:stop],
            y_true[start:stop],
            None if sample_weight is None else sample_weight[start:stop],
            offset,
            known,
            terms,
            grad[start:stop],
            hess[start:stop],
        )
    memory[0, 0] = 0.0  # it must live until here
    return fault


gradient_hessian = on_team(_rows)
