"""Errors of the CUDA kernel in units in the last place, against float64 on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from competitors import ALPHA


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return the largest and the mean error of gradient and Hessian per gamma."""
    y_true, margin = _sample(task["rows"])
    return {"cells": [_cell(y_true, margin, gamma) for gamma in task["gammas"]]}


def _sample(rows: int) -> tuple[Any, Any]:
    """Return labels and margins, half of them usual and half far out."""
    rng = np.random.default_rng(0)
    usual = rng.normal(-2, 2, rows // 2)
    margin = np.concatenate([usual, rng.uniform(-40, 40, rows - rows // 2)])
    return (rng.random(rows) < 0.5).astype(np.float32), margin.astype(np.float32)


def _cell(y_true: Any, margin: Any, gamma: float) -> dict[str, Any]:
    from focal_boost import FocalLoss
    from focal_boost._kernels.cuda import OnDevice, hessian_floor

    loss = FocalLoss(ALPHA, gamma)
    numbers = (*loss.class_weights, gamma, 0.0)
    on_device = OnDevice(y_true, None, numbers, "cuda").gradient_hessian(margin)
    grad, hess = (array.get() for array in on_device[:2])
    exact = margin.astype(np.float64)
    curvature = np.maximum(
        loss.curvature(y_true, exact), hessian_floor(numbers, len(exact))
    )
    found = {
        "gradient": ulps(grad, loss.gradient(y_true, exact)),
        "hessian": ulps(hess, curvature),
    }
    return {
        "gamma": gamma,
        **{f"{name}_largest": float(error.max()) for name, error in found.items()},
        **{f"{name}_mean": float(error.mean()) for name, error in found.items()},
    }


def ulps(found: Any, truth: Any) -> Any:
    """Return the errors of float32 in units in the last place of the truth, (n,)."""
    unit = np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)
    return np.abs(found.astype(np.float64) - truth) / unit
