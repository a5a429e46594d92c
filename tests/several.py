"""Rows of several classes, and of several labels, for tests of the classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
from boosters import LightGBM, XGBoost
from numpy.typing import NDArray

K = 4
NAMES = np.array(["ant", "bee", "cat", "dog"])
PLAIN = {"focal_alpha": None, "focal_gamma": 0.0}
LIKELY = {
    "xgboost": ("mlogloss", "merror"),
    "lightgbm": ("multi_logloss", "multi_error"),
}


def sample(n: int = 600, seed: int = 3) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features and class numbers, the last class rare."""
    rng = np.random.default_rng(seed)
    y = rng.choice(K, n, p=[0.55, 0.3, 0.1, 0.05])
    X = rng.normal(size=(n, 5))
    X[:, 0] += y
    X[:, 1] -= y == 2
    return X, y


def labels(n: int = 600, seed: int = 5) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features and a matrix of three labels."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.4, 0.2, 0.06]).astype(np.int8)
    X = rng.normal(size=(n, 5))
    X[:, :3] += y
    return X, y


def one_hot(y: NDArray[Any]) -> NDArray[Any]:
    return (y[:, None] == np.arange(K)).astype(float)


# XGBoost before 3.1 has one start value for all classes.
START: dict[Any, Any] = {XGBoost: {"base_score": 0.3}, LightGBM: {}}
