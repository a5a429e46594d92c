"""Log loss in single precision on the CPU, to the bit as XGBoost computes its own.

With every step rounded to float32,

    p = 1/(1 + exp(−m)),  gradient = w (p − y),  Hessian = w max(p (1 − p), 1e-16).

XGBoost takes exp from the C library. That of glibc computes in float64, with k the
integer nearest to 32 x/ln 2,

    exp(x) = 2^(k/32) 2^r,  r = 32 x/ln 2 − k,

where 2^r is a cubic polynomial, whose four digits more than float32 decide the last one
in a row of some hundreds: so it has to be the same one.
"""

from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, uint64

from focal_boost._kernels.elementary import ROUND
from focal_boost._kernels.faults import BLOCK, find_faults
from focal_boost._kernels.llvm import (
    bits,
    compiled,
    from_bits,
    prefer_wide_vectors,
)
from focal_boost._kernels.openmp import on_team

_STEPS = 32
_SCALE = float.fromhex("0x1.71547652b82fep+0") * _STEPS
_CUBIC = tuple(
    float.fromhex(c) / _STEPS**power
    for power, c in enumerate(
        ("0x1.62e42ff0c52d6p-1", "0x1.ebfce50fac4f3p-3", "0x1.c6af84b912394p-5"), 1
    )
)
# The bits of 2^(k/32) less those that k itself adds to the exponent.
_POWERS = (2.0 ** (np.arange(_STEPS) / _STEPS)).view(np.int64) - (
    np.arange(_STEPS) << 47
)
# Beyond these exp(x) is finite no more, and added to 1 without effect.
_LARGEST, _SMALLEST = np.float32(88.7), np.float32(-100.0)
_ONE, _LEAST_HESSIAN = np.float32(1.0), np.float32(1e-16)


@njit(inline="always")
def _exp(x):
    """Return the float32 that glibc returns for -100 <= x <= 88.7."""
    scaled = _SCALE * np.float64(x)
    shifted = scaled + ROUND
    k = bits(shifted)
    r = scaled - (shifted - ROUND)
    power = from_bits(_POWERS[uint64(k) & uint64(31)] + (k << int64(47)))
    linear, square, cube = _CUBIC
    return float32(((cube * r + square) * (r * r) + (linear * r + 1.0)) * power)


@compiled
def _block(raw_score, y_true, sample_weight, known, grad, hess):
    prefer_wide_vectors()
    negative, positive = float32(known.negative), float32(known.positive)
    for i in range(raw_score.shape[0]):
        x = max(min(-raw_score[i], _LARGEST), _SMALLEST)
        p = _ONE / (_exp(x) + _ONE)
        is_positive = y_true[i] == 1
        w = positive if is_positive else negative
        if sample_weight is not None:
            w = w * float32(sample_weight[i])
        grad[i] = (p - (_ONE if is_positive else float32(0.0))) * w
        hess[i] = max(p * (_ONE - p), _LEAST_HESSIAN) * w


@compiled
def _rows(
    raw_score,
    y_true,
    sample_weight,
    offset,  # noqa: ARG001 (the interface of all kernels)
    known,
    grad,
    hess,
):
    """Fill grad and hess for every row and return whether the raw scores are sound."""
    prefer_wide_vectors()
    fault = int64(0)
    for start in range(0, raw_score.shape[0], BLOCK):
        stop = min(start + BLOCK, raw_score.shape[0])
        fault |= find_faults(raw_score[start:stop])
        w = None if sample_weight is None else sample_weight[start:stop]
        _block(
            raw_score[start:stop],
            y_true[start:stop],
            w,
            known,
            grad[start:stop],
            hess[start:stop],
        )
    return fault


gradient_hessian = on_team(_rows)
