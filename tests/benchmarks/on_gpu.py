"""Tasks of a process on a CUDA device: kernel, its accuracy, uploads, one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.competitors import ALPHA, GAMMA, OURS
from benchmarks.memory import DevicePeak, on_device
from benchmarks.on_cpu import train_tiny
from benchmarks.resident import train_resident
from benchmarks.trainers import XGBoost

Task = dict[str, Any]
RESIDENT = "resident"
_LAUNCHES, _CALLS, _ROUNDS_FOR_MEMORY = 30, 20, 5
# Read raw score, label and perhaps weight, write gradient and Hessian.
_BYTES = {False: 4 + 1 + 8, True: 4 + 1 + 4 + 8}


def kernel(task: Task) -> Task:
    """Return bytes per second for all numbers of rows, objectives, weights or not."""
    return {"cells": list(_cells(task))}


def _cells(task: Task) -> Iterator[Task]:
    for rows, weighted in product(task["rows"], (False, True)):
        moved = _BYTES[weighted] * rows
        copied = moved / _seconds_of_copy(moved // 2)
        columns = _columns(rows, weighted)
        for link, gamma in product(task["links"], task["gammas"]):
            seconds, call = _seconds_of_kernel(*columns, link, gamma)
            yield {
                "rows": rows, "weighted": weighted, "link": link, "gamma": gamma,
                "bytes_per_row": moved // rows, "bytes_per_second": moved / seconds,
                "copy_bytes_per_second": copied, "call_seconds": call,
            }  # fmt: skip


def _seconds_of_kernel(
    raw_score: Any, y_true: Any, weight: Any, link: str, gamma: float
) -> tuple[float, float]:
    """Return the median time of a launch, and of a call that also looks for faults."""
    from focal_boost import FocalObjective
    from focal_boost._kernels import cuda

    known = FocalObjective(ALPHA, gamma, link).known()
    assert known is not None
    device_rows = cuda.OnDevice(cuda.Device("cuda"), y_true, weight, known)
    times: list[float] = []
    kernel_of = cuda._kernel

    def timed_kernel_of(*which: Any) -> Callable[..., None]:
        launch = kernel_of(*which)

        def timed(*arguments: Any) -> None:
            times.append(median_of_launches(lambda: launch(*arguments)))

        return timed

    device_rows.gradient_hessian(raw_score)
    calls = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        device_rows.gradient_hessian(raw_score)
        calls.append(time.perf_counter() - start)
    cuda._kernel = timed_kernel_of
    try:
        device_rows.gradient_hessian(raw_score)
    finally:
        cuda._kernel = kernel_of
    return times[0], median(calls)


def _columns(rows: int, weighted: bool) -> tuple[Any, Any, Any]:
    """Return raw scores, labels and weights on the device."""
    import cupy

    cupy.get_default_memory_pool().free_all_blocks()
    rng = np.random.default_rng(0)
    raw_score = rng.standard_normal(rows, np.float32) * np.float32(2) - np.float32(2)
    y_true = (rng.random(rows, np.float32) < 0.1).astype(np.uint8)
    weight = rng.random(rows, np.float32) + np.float32(0.5) if weighted else None
    columns = (raw_score, y_true, weight)
    raw_score, y_true, weight = (x if x is None else cupy.asarray(x) for x in columns)
    return raw_score, y_true, weight


def _seconds_of_copy(size: int) -> float:
    """Return the median time of a copy within the device that reads `size` bytes."""
    import cupy

    source, target = cupy.zeros(size, np.uint8), cupy.empty(size, np.uint8)
    stream = cupy.cuda.get_current_stream()
    return median_of_launches(
        lambda: target.data.copy_from_device_async(source.data, size, stream)
    )


def median_of_launches(launch: Callable[[], object]) -> float:
    """Return the median seconds of many launches, by the device's own clock.

    They are queued without waiting, because a single one between two events would be
    timed together with what Python does before it. The first ones fill the queue.
    """
    import cupy

    for _ in range(3):
        launch()
    events = [cupy.cuda.Event() for _ in range(_LAUNCHES + 1)]
    events[0].record()
    for event in events[1:]:
        launch()
        event.record()
    events[-1].synchronize()
    pairs = pairwise(events)
    # The clock counts milliseconds.
    return median(cupy.cuda.get_elapsed_time(a, b) for a, b in pairs) / 1e3


def accuracy(task: Task) -> Task:
    """Return the largest and the mean error of gradient and Hessian per objective."""
    rng, rows = np.random.default_rng(0), task["rows"]
    # Half of them are usual, and half far out.
    usual = rng.normal(-2, 2, rows // 2)
    raw_score = np.concatenate([usual, rng.uniform(-40, 40, rows - rows // 2)])
    given = (rng.random(rows) < 0.5).astype(np.uint8), raw_score.astype(np.float32)
    objectives = product(task["links"], task["gammas"])
    return {"cells": [_errors(*given, *which) for which in objectives]}


def _errors(y_true: Any, raw_score: Any, link: str, gamma: float) -> Task:
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


def upload(task: Task) -> Task:
    """Return the median seconds to bring raw scores up, by kind of memory.

    XGBoost's raw scores lie in pageable memory, so that pinned memory alone costs a
    copy on the host: "through pinned".
    """
    import cupy
    import cupyx

    size = task["rows"]
    pageable = np.random.default_rng(0).normal(size=size).astype(np.float32)
    pinned = cupyx.empty_pinned(size, np.float32)
    pinned[:] = pageable
    target = cupy.empty(size, np.float32)

    def through_pinned() -> None:
        pinned[:] = pageable
        target.set(pinned)

    calls: dict[str, Callable[[], object]] = {
        "pageable": lambda: target.set(pageable),
        "pinned": lambda: target.set(pinned),
        "through pinned": through_pinned,
    }
    # The first call pays for what is set up once.
    return {
        "seconds": {
            name: median([_seconds(call) for _ in range(_CALLS + 1)][1:])
            for name, call in calls.items()
        }
    }


def _seconds(call: Callable[[], object]) -> float:
    from cupy.cuda import Device

    Device().synchronize()
    start = time.perf_counter()
    call()
    Device().synchronize()
    return time.perf_counter() - start


class OnDevice(XGBoost):
    """XGBoost's trainer with rows, bins and trees on the device."""

    def __init__(self, method: str, threads: int) -> None:
        super().__init__(OURS if method == RESIDENT else method, threads)
        self.is_resident = method == RESIDENT
        self.params["device"] = "cuda"
        self.X: Any = None
        self.y: Any = None

    def data(self, X: Any, y: Any) -> Any:
        import cupy

        rows = cupy.asarray(X)
        data = super().data(rows, y)
        self.X, self.y = (rows, y) if self.is_resident else (None, None)
        del rows
        cupy.get_default_memory_pool().free_all_blocks()
        return data

    def train(self, data: Any, rounds: int) -> Any:
        if not self.is_resident:
            return super().train(data, rounds)
        from focal_boost import FocalObjective
        from focal_boost._rows import DeviceRows

        rows = DeviceRows(FocalObjective(ALPHA, GAMMA), self.y, None, "cuda")
        params = {**self.params, "base_score": rows.labels.prevalence}
        return train_resident(params, data, self.X, rounds, rows.gradient_hessian)


def train(task: Task) -> Task:
    """Return seconds and device memory; write the test rows' raw scores."""
    idle = on_device()
    trainer = OnDevice(task["method"], task["threads"])
    folder = Path(task["data"])
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    train_tiny(trainer, X, y)
    data = trainer.data(X, y)
    models: list[Any] = []
    seconds = _seconds(lambda: models.append(trainer.train(data, task["rounds"])))
    X_test = np.load(folder / "X_test.npy")
    np.save(task["raw_scores"], trainer.raw_score(models.pop(), X_test))
    # In a training of its own, so that looking does not slow the one that is timed.
    with DevicePeak() as peak:
        trainer.train(data, min(task["rounds"], _ROUNDS_FOR_MEMORY))
    return {"seconds": seconds, "device_bytes_peak": peak.bytes - idle}
