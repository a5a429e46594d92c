"""Bytes per second of the CUDA kernel and of a copy of as many, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from statistics import median
from typing import Any

import numpy as np
from competitors import ALPHA

_LAUNCHES, _CALLS = 30, 20
# Read raw score, label and perhaps weight, write gradient and Hessian.
_BYTES = {False: 4 + 1 + 8, True: 4 + 1 + 4 + 8}


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return bytes per second for all numbers of rows, objectives, weights or not."""
    return {"cells": list(_cells(task))}


def _cells(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for rows, weighted in product(task["rows"], (False, True)):
        moved = _BYTES[weighted] * rows
        copied = moved / _seconds_of_copy(moved // 2)
        columns = _columns(rows, weighted)
        for link, gamma in product(task["links"], task["gammas"]):
            seconds, call = _seconds_of_kernel(*columns, link, gamma)
            yield {
                "rows": rows,
                "weighted": weighted,
                "link": link,
                "gamma": gamma,
                "bytes_per_row": moved // rows,
                "bytes_per_second": moved / seconds,
                "copy_bytes_per_second": copied,
                "call_seconds": call,
            }


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
