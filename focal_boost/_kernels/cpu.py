"""Gradient and Hessian on the CPU: one compiled pass over margin, label and weight.

The scalar functions read like the formulas derived in :mod:`focal_boost.loss`;
everything is float64 inside and float32 on the way out.

A row's terms depend on each other in one long chain (exp, reciprocal, logarithm,
products), and a loop over whole rows spends most of its time waiting for it. So the
rows are taken in blocks that fit the first-level cache, and a block in three or four
short loops, whose iterations overlap. No array of the data's length is made.

A call returns whether the rows are sound as bits, so that slices of the arrays can
run apart and their findings be joined by "or".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit

from focal_boost._kernels.elementary import (
    LIMIT,
    LONG,
    SHORT,
    Series,
    exp,
    log1p,
    reciprocal,
)
from focal_boost._kernels.faults import BLOCK, find_faults
from focal_boost._kernels.llvm import (
    borrowed,
    compiled,
    compiled_as,
    prefer_wide_vectors,
)
from focal_boost._kernels.openmp import on_team


def _fill_for(series: Series, name: str) -> Any:
    """Return the loops over exp, log1p and q^γ, compiled for one accuracy."""

    def fill_exp(margin, offset, z, e):
        """Write z, no further out than matters, and exp(-|z|)."""
        prefer_wide_vectors()
        for i in range(margin.shape[0]):
            z[i] = max(min(margin[i] + offset, LIMIT), -LIMIT)
            e[i] = exp(-abs(z[i]), series)

    def fill_log1p(rows, e, larger, log1p_e):
        """Write σ(|z|) = 1/(1 + e) and log(1 + e), and σ(-|z|) = e/(1 + e) over e."""
        prefer_wide_vectors()
        for i in range(rows):
            x = e[i]
            inverse = reciprocal(x, 2.0 + x * (3.0 + x), series)
            large = (2.0 + x) * inverse
            larger[i] = large
            e[i] = x * large
            log1p_e[i] = log1p((x + x * x) * inverse, series)

    def fill_power(z, y_true, gamma, log1p_e, q_power):
        """Write q^γ = exp(-γ softplus(t))."""
        prefer_wide_vectors()
        for i in range(y_true.shape[0]):
            size, right = abs(z[i]), (z[i] >= 0.0) == (y_true[i] == 1)
            softplus = log1p_e[i] + (size if right else 0.0)
            q_power[i] = exp(max(-gamma * softplus, -LIMIT), series)

    return [compiled_as(name, one) for one in (fill_exp, fill_log1p, fill_power)]


_fill_exp, _fill_log1p, _fill_power = _fill_for(SHORT, "short")
_fill_exp_long, _fill_log1p_long, _fill_power_long = _fill_for(LONG, "long")


@njit(inline="always")
def _slope_and_curvature(z, is_positive, terms, known, power):
    """Return q^γ, -φ′(t)/q^γ, and φ̄″(t)/q^γ, or φ″(t)/q^γ if that is asked for.

    `power` is gamma where it is 0, 1 or 2 and q^γ a product; elsewhere q^γ is given.
    """
    smaller, larger, log1p_e, given = terms
    gamma = known.gamma
    right = (z >= 0.0) == is_positive  # t >= 0
    size = abs(z)
    p = larger if right else smaller
    q = smaller if right else larger
    ell = log1p_e + (0.0 if right else size)
    if power == 0:
        q_power = 1.0
    elif power == 1:
        q_power = q
    elif power == 2:
        q_power = q * q
    else:
        q_power = given
    p_ell = p * ell
    bracket = q * (1.0 + 2.0 * gamma - known.exact * gamma * ell)
    bracket += gamma * gamma * p_ell
    return q_power, q + gamma * p_ell, p * bracket


def _finish_for(power: int) -> Any:
    """Return the loop over a block's terms, compiled for one power of q."""

    def finish(y_true, sample_weight, known, terms, grad, hess):
        prefer_wide_vectors()
        z, smaller, larger, log1p_e, q_power = terms
        negative, positive = known.negative, known.positive
        for i in range(y_true.shape[0]):
            is_positive = y_true[i] == 1
            given = (smaller[i], larger[i], log1p_e[i], q_power[i])
            weight, slope, curvature = _slope_and_curvature(
                z[i], is_positive, given, known, power
            )
            if sample_weight is not None:
                weight = weight * sample_weight[i]
            g = weight * (-positive if is_positive else negative)
            h = weight * (positive if is_positive else negative)
            grad[i], hess[i] = np.float32(g * slope), np.float32(h * curvature)

    return compiled_as(f"power {power}", finish)


_finish_0, _finish_1, _finish_2, _finish = map(_finish_for, (0, 1, 2, -1))


@compiled
def _block(raw_score, y_true, sample_weight, offset, known, terms, grad, hess):
    """Fill one block of rows; see :func:`gradient_hessian`."""
    prefer_wide_vectors()
    found = find_faults(raw_score)
    if found:
        return found
    z, e, larger, log1p_e, q_power = terms
    gamma, is_difference = known.gamma, known.exact != 0.0
    # A difference keeps few of its terms' digits; and γ = 0 is the built-in objective,
    # whose float32 it must round to.
    if is_difference or gamma == 0.0:
        _fill_exp_long(raw_score, offset, z, e)
        _fill_log1p_long(raw_score.shape[0], e, larger, log1p_e)
    else:
        _fill_exp(raw_score, offset, z, e)
        _fill_log1p(raw_score.shape[0], e, larger, log1p_e)
    if gamma == 2.0:
        _finish_2(y_true, sample_weight, known, terms, grad, hess)
    elif gamma == 1.0:
        _finish_1(y_true, sample_weight, known, terms, grad, hess)
    elif gamma == 0.0:
        _finish_0(y_true, sample_weight, known, terms, grad, hess)
    else:
        if is_difference:
            _fill_power_long(z, y_true, gamma, log1p_e, q_power)
        else:
            _fill_power(z, y_true, gamma, log1p_e, q_power)
        _finish(y_true, sample_weight, known, terms, grad, hess)
    return found


@compiled
def _rows(raw_score, y_true, sample_weight, offset, known, grad, hess):
    """Fill grad and hess for every row and return whether the raw scores are sound."""
    prefer_wide_vectors()
    fault = int64(0)
    memory = np.empty((5, BLOCK))
    rows = borrowed(memory)
    terms = (rows[0], rows[1], rows[2], rows[3], rows[4])
    for start in range(0, raw_score.shape[0], BLOCK):
        stop = min(start + BLOCK, raw_score.shape[0])
        fault |= _block(
            raw_score[start:stop],
            y_true[start:stop],
            None if sample_weight is None else sample_weight[start:stop],
            offset - known.shift,
            known,
            terms,
            grad[start:stop],
            hess[start:stop],
        )
    memory[0, 0] = 0.0  # it must live until here
    return fault


gradient_hessian = on_team(_rows)
