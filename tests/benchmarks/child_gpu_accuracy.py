"""Errors of the CUDA kernel in units in the last place, against float64 on the CPU."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from competitors import ALPHA


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return the largest and the mean error of gradient and Hessian per objective."""
    y_true, raw_score = _sample(task["rows"])
    objectives = product(task["links"], task["gammas"])
    return {"cells": [_cell(y_true, raw_score, *which) for which in objectives]}


def _sample(rows: int) -> tuple[Any, Any]:
    """Return labels and raw scores, half of them usual and half far out."""
    rng = np.random.default_rng(0)
    usual = rng.normal(-2, 2, rows // 2)
    raw_score = np.concatenate([usual, rng.uniform(-40, 40, rows - rows // 2)])
    return (rng.random(rows) < 0.5).astype(np.uint8), raw_score.astype(np.float32)


def _cell(y_true: Any, raw_score: Any, link: str, gamma: float) -> dict[str, Any]:
    from focal_boost import FocalObjective
    from focal_boost._kernels.cuda import hessian_floor
    from focal_boost._rows import DeviceRows

    objective = FocalObjective(ALPHA, gamma, link)
    rows = DeviceRows(objective, y_true, None, "cuda")
    grad, hess = (array.get() for array in rows.gradient_hessian(raw_score))
    values, known = objective.values, objective.known()
    assert known is not None
    exact = y_true, raw_score.astype(np.float64)
    curvature = np.maximum(values.curvature(*exact), hessian_floor(known, len(y_true)))
    found = {
        "gradient": ulps(grad, values.gradient(*exact)),
        "hessian": ulps(hess, curvature),
    }
    return {
        "link": link,
        "gamma": gamma,
        **{f"{name}_largest": float(error.max()) for name, error in found.items()},
        **{f"{name}_mean": float(error.mean()) for name, error in found.items()},
    }


def ulps(found: Any, truth: Any) -> Any:
    """Return the errors of float32 in units in the last place of the truth, (n,)."""
    unit = np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)
    return np.abs(found.astype(np.float64) - truth) / unit
