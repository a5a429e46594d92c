"""Focal loss as one writes it down in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def numpy_focal(y: Any, z: Any, alpha: float, gamma: float) -> tuple[Any, Any]:
    """Return gradient and upper curvature, computed in the types given."""
    p = 1 / (1 + np.exp(-z))
    p_t = np.where(y == 1, p, 1 - p)
    alpha_t = np.where(y == 1, alpha, 1 - alpha)
    q, log_p = 1 - p_t, np.log(p_t)
    power = q**gamma
    grad = (1 - 2 * y) * alpha_t * power * (q - gamma * p_t * log_p)
    hess = alpha_t * p_t * power * ((1 + 2 * gamma) * q - gamma**2 * p_t * log_p)
    return grad.astype(np.float32), hess.astype(np.float32)


def numpy_focal_float64(y: Any, z: Any, alpha: float, gamma: float) -> tuple[Any, Any]:
    """Return the same, computed in float64 as the kernel does."""
    return numpy_focal(np.asarray(y, float), np.asarray(z, float), alpha, gamma)
