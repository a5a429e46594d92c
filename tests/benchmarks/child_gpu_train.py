"""One training of one competitor on the device, in this process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from competitors import ALPHA, GAMMA, OURS
from device_memory import Peak, in_use
from resident import train_resident
from trainers import XGBoost

RESIDENT = "resident"
_TINY, _ROUNDS_FOR_MEMORY = 500, 5


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


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return seconds and device memory; write the test rows' raw scores."""
    from cupy.cuda import Device

    idle = in_use()
    trainer = OnDevice(task["method"], task["threads"])
    folder = Path(task["data"])
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    _train_tiny(trainer, X, y)
    data = trainer.data(X, y)
    Device().synchronize()
    start = time.perf_counter()
    model = trainer.train(data, task["rounds"])
    Device().synchronize()
    seconds = time.perf_counter() - start
    X_test = np.load(folder / "X_test.npy")
    np.save(task["raw_scores"], trainer.raw_score(model, X_test))
    # In a training of its own, so that looking does not slow the one that is timed.
    del model
    with Peak() as peak:
        trainer.train(data, min(task["rounds"], _ROUNDS_FOR_MEMORY))
    return {"seconds": seconds, "device_bytes_peak": peak.bytes - idle}


def _train_tiny(trainer: OnDevice, X: Any, y: Any) -> None:
    """Train once on a few rows: compiled kernels and the device are then there."""
    labels = y[:_TINY].copy()
    labels[0], labels[1] = 0, 1
    trainer.train(trainer.data(X[:_TINY].copy(), labels), 1)
