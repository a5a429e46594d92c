"""Rare events on disk, the same for every competitor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from focal_boost.datasets import make_imbalanced

# Rows drawn at a time, so that ten million need no memory.
_CHUNK = 500_000
_TEST_SEED, _TEST_ROWS = 10_000, (20_000, 100_000)


def write_sample(folder: Path, rows: int, features: int, prevalence: float) -> None:
    """Write X, y, X_test and y_test as float32, the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, "", rows, features, prevalence, seed=0)
    low, high = _TEST_ROWS
    test_rows = min(max(rows, low), high)
    _write(folder, "_test", test_rows, features, prevalence, seed=_TEST_SEED)


def _write(
    folder: Path, end: str, rows: int, features: int, prevalence: float, seed: int
) -> None:
    X = _open(folder / f"X{end}.npy", (rows, features))
    y = _open(folder / f"y{end}.npy", (rows,))
    for number, start in enumerate(range(0, rows, _CHUNK)):
        stop = min(start + _CHUNK, rows)
        X[start:stop], y[start:stop], _ = make_imbalanced(
            stop - start, prevalence, seed + number, n_features=features
        )


def _open(path: Path, shape: tuple[int, ...]) -> Any:
    return open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
