"""One training of one competitor, in this process."""

from __future__ import annotations

import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from memory import peak, settle
from trainers import trainer_of

_TINY = 500
_RAW_SCORES = np.arange(-20, 20.5, 0.5)
_PACKAGES = ("numpy", "xgboost", "lightgbm", "catboost", "ydf", "jax")


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return seconds, memory, leaves and gradients; write the test rows' raw scores."""
    trainer = trainer_of(task["library"], task["method"], task["threads"])
    folder = Path(task["data"])
    start = time.perf_counter()
    _train_tiny(trainer, folder)
    started = time.perf_counter() - start
    data = trainer.data(np.load(folder / "X.npy"), np.load(folder / "y.npy"))
    before = settle()
    start, cpu = time.perf_counter(), time.process_time()
    model = trainer.train(data, task["rounds"])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    after = peak()
    X_test = np.load(folder / "X_test.npy")
    np.save(task["raw_scores"], trainer.raw_score(model, X_test))
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "first_call_seconds": started,
        "bytes_before": before,
        "bytes_peak": after,
        "leaves": trainer.leaves(model),
        "gradients": _gradients(trainer.objective, task["library"]),
        "versions": _versions(task["method"]),
    }


def _train_tiny(trainer: Any, folder: Path) -> None:
    """Train once on a few rows: imports, compiled code and threads are then there."""
    X = np.load(folder / "X.npy", mmap_mode="r")[:_TINY].copy()
    y = np.load(folder / "y.npy", mmap_mode="r")[:_TINY].copy()
    y[0], y[1] = 0, 1  # both classes
    trainer.train(trainer.data(X, y), 1)


class _Labels:
    """What an objective asks its data for."""

    def __init__(self, y: Any) -> None:
        self.y = y

    def get_label(self) -> Any:
        return self.y

    def get_weight(self) -> Any:
        return np.empty(0, np.float32)


def _gradients(objective: Any, library: str) -> dict[str, list[float | None]] | None:
    """Return gradient and Hessian of both classes over a range of raw scores."""
    if objective is None:
        return None
    kind = np.float32 if library == "xgboost" else np.float64
    raw_score = np.tile(_RAW_SCORES, 2).astype(kind)
    y = np.repeat([0, 1], len(_RAW_SCORES)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grad, hess = objective(raw_score, _Labels(y))
    found = {"y": y, "raw_score": raw_score, "grad": grad, "hess": hess}
    return {name: _list(values) for name, values in found.items()}


def _list(values: Any) -> list[float | None]:
    return [x if np.isfinite(x) else None for x in np.asarray(values, float).tolist()]


def _versions(method: str) -> dict[str, str]:
    found = {}
    for package in (*_PACKAGES, method):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
