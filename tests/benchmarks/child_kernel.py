"""Time per row of one competitor of the kernel, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from statistics import median
from typing import Any

import numpy as np
from competitors import ALPHA
from numpy_focal import numpy_focal, numpy_focal_float64

_SECONDS, _CALLS = 0.2, (3, 100)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return nanoseconds per row for all numbers of rows, types and gammas."""
    return {"cells": list(_cells(task))}


def _cells(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    make = _MAKERS[task["competitor"]]
    for rows, dtype in product(task["rows"], ("float32", "float64")):
        y, z = _sample(rows, dtype)
        for gamma in task["gammas"]:
            seconds = _median_seconds(make(y, z, gamma))
            yield {
                "rows": rows,
                "dtype": dtype,
                "gamma": gamma,
                "ns_per_row": seconds / rows * 1e9,
            }


def _sample(rows: int, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.1).astype(np.float32)
    z = rng.normal(-2, 2, rows).astype(dtype)
    y.flags.writeable = z.flags.writeable = False  # as the objective hands them on
    return y, z


def _median_seconds(call: Callable[[], object]) -> float:
    """Return the median time of some calls, after one that is not counted."""
    call()
    times: list[float] = []
    while len(times) < _CALLS[0] or (sum(times) < _SECONDS and len(times) < _CALLS[1]):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def _kernel(y: Any, z: Any, gamma: float) -> Callable[[], object]:
    from focal_boost._kernels import cpu

    grad, hess = np.empty(len(y), np.float32), np.empty(len(y), np.float32)
    loss = (1 - ALPHA, ALPHA, gamma, 0.0)
    return lambda: cpu.gradient_hessian(z, y, None, 0.0, loss, grad, hess)


def _objective(y: Any, z: Any, gamma: float) -> Callable[[], object]:
    from focal_boost import FocalObjective

    objective = FocalObjective(ALPHA, gamma)
    return lambda: objective(y, z)


def _numpy(y: Any, z: Any, gamma: float) -> Callable[[], object]:
    return lambda: numpy_focal_float64(y, z, ALPHA, gamma)


def _numpy_as_given(y: Any, z: Any, gamma: float) -> Callable[[], object]:
    return lambda: numpy_focal(y, z, ALPHA, gamma)


def _copy(y: Any, z: Any, gamma: float) -> Callable[[], object]:
    target = np.empty((2, len(y)), np.float32)

    def copy() -> None:
        target[0], target[1] = z, y

    return copy


_MAKERS = {
    "kernel": _kernel,
    "objective": _objective,
    "numpy": _numpy,
    "numpy-as-given": _numpy_as_given,
    "copy": _copy,
}
