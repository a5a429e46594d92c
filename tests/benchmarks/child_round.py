"""Rounds of the built-in objective and of ours in turn, on the same data."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from competitors import LEARNING_RATE

from focal_boost import FocalObjective

Update = Callable[[], Any]
# A round of the built-in objective, one of ours, and the training of ours.
Arms = tuple[Update, Update, Any]
# Of another booster the first rounds find their memory, and threads their places.
_FIRST = 3


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return milliseconds of every round of either, and of our gradients in them."""
    folder = Path(task["data"])
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    gamma = task["gamma"]
    objective = FocalObjective(None, gamma) if gamma == 0 else FocalObjective()
    start = {"xgboost": _xgboost, "lightgbm": _lightgbm}[task["library"]]
    built_in, ours, training = start(X, y, task["threads"], objective)
    spent = _clock(training)
    found: dict[str, list[float]] = {"built_in": [], "ours": [], "gradients": []}
    for _ in range(task["rounds"] + _FIRST):
        found["built_in"].append(_milliseconds(built_in))
        found["ours"].append(_milliseconds(ours))
        found["gradients"].append(spent[-1])
    return {name: values[_FIRST:] for name, values in found.items()}


def _milliseconds(call: Update) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _clock(training: Any) -> list[float]:
    """Have the milliseconds of every call for gradients noted."""
    spent: list[float] = []
    gradients = training.gradients

    def timed(*args: Any) -> Any:
        start = time.perf_counter()
        found = gradients(*args)
        spent.append((time.perf_counter() - start) * 1e3)
        return found

    training.gradients = timed
    return spent


def _xgboost(X: Any, y: Any, threads: int, objective: Any) -> Arms:
    import xgboost as xgb

    from focal_boost.xgboost._training import Training

    params = {
        "objective": "binary:logistic",
        "max_depth": 6,
        "max_bin": 256,
        "eta": LEARNING_RATE,
        "nthread": threads,
        "verbosity": 0,
    }
    data = xgb.QuantileDMatrix(X, y, max_bin=256, nthread=threads)
    built_in, ours = (xgb.Booster(params, [data]) for _ in range(2))
    training = Training(objective, reads_once=True)
    training.attach(ours)

    def update(booster: Any) -> Update:
        return lambda: booster.update(data, booster.num_boosted_rounds())

    return update(built_in), update(ours), training


def _lightgbm(X: Any, y: Any, threads: int, objective: Any) -> Arms:
    import lightgbm as lgb

    from focal_boost import lightgbm as focal_lightgbm

    params = {
        "objective": "binary",
        "num_leaves": 31,
        "max_bin": 255,
        "learning_rate": LEARNING_RATE,
        "num_threads": threads,
        "force_col_wise": True,
        "verbosity": -1,
    }
    data = lgb.Dataset(X, y, params=params).construct()
    built_in = lgb.train(params, data, 1, keep_training_booster=True)
    ours = focal_lightgbm.train(
        params, data, 1, keep_training_booster=True, objective=objective
    )
    return built_in.update, ours.update, ours._training
