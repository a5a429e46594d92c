"""Seconds to bring raw scores to the device, from memory of three kinds."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

_CALLS = 20


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return the median seconds by kind of memory.

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
    return {"seconds": {name: _median_seconds(call) for name, call in calls.items()}}


def _median_seconds(call: Callable[[], object]) -> float:
    from cupy.cuda import Device

    times = []
    for _ in range(_CALLS + 1):
        Device().synchronize()
        start = time.perf_counter()
        call()
        Device().synchronize()
        times.append(time.perf_counter() - start)
    # The first call pays for what is set up once.
    return median(times[1:])
