"""Scenarios of ``xgboost.train``: continuing, updating by hand, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import xgboost as xgb
from law_data import PROBE, TRAIN, VALID, scores
from law_see_xgboost import Watch, matrix, run, see
from law_watch import Scenarios, attempt
from law_xgboost_train import DART

SCENARIOS = Scenarios()


def _continued(arm: Any, form: str = "booster", params: Any = None) -> dict[str, Any]:
    train, params = matrix(TRAIN, weight=TRAIN.weight), params or {}
    first = arm.xgboost(params, train, 3)
    path = arm.folder / "first.ubj"
    first.save_model(path)
    given = {"booster": first, "path": path, "bytes": first.save_raw("ubj")}[form]
    seen = run(arm, params, 4, train=matrix(VALID), valid=train, xgb_model=given)
    return {**seen, "first": see(first)}


SCENARIOS.each(_continued, {
    "booster": {}, "path": {"form": "path"}, "bytes": {"form": "bytes"},
    "dart": {"params": DART},
    "other_start": {"params": {"base_score": 0.4}},
    "scale_pos_weight": {"params": {"scale_pos_weight": 5.0}},
    "linear": {"params": {"booster": "gblinear", "updater": "coord_descent"}},
}, "continued_")  # fmt: skip


@SCENARIOS
def refreshed(arm: Any) -> dict[str, Any]:
    first = arm.xgboost({}, matrix(TRAIN), 4)
    params = {"process_type": "update", "updater": "refresh", "refresh_leaf": True}
    # XGBoost warns of an updater once in a process, so that only one arm would hear.
    params["verbosity"] = 0
    return run(arm, params, 4, train=matrix(VALID), xgb_model=first)


@SCENARIOS
def updated_by_hand(arm: Any) -> dict[str, Any]:
    train, watch = matrix(TRAIN), Watch(matrix(PROBE))
    booster = arm.xgboost({}, train, 3, callbacks=[watch])
    booster.update(train, 3)
    again = see(booster)
    grad = np.linspace(-1, 1, 400, dtype=np.float32)
    booster.boost(train, 4, grad=grad, hess=np.abs(grad) + 1)
    return {"callback": watch.seen, "updated": again, "boosted": see(booster)}


@SCENARIOS
def nothing_is_left_behind(arm: Any) -> dict[str, Any]:
    params, train = {"eta": 0.2}, matrix(TRAIN, base_margin=scores(400))
    first = arm.xgboost(params, train, 3)
    second = arm.xgboost(params, train, 3)
    return {
        "params": params,
        "margin": train.get_base_margin(),
        "labels": train.get_label(),
        "weights": train.get_weight(),
        "first": see(first),
        "second": see(second),
    }


@SCENARIOS
def errors(arm: Any) -> dict[str, Any]:
    def of(params: Any = None, data: Any = None, rounds: int = 2, **given: Any) -> Any:
        return attempt(arm.xgboost, params or {}, data or train, rounds, **given)

    train, X = matrix(TRAIN), TRAIN.X
    booster = arm.xgboost({}, train, 2)
    return {
        "label 2": of(data=xgb.DMatrix(X, TRAIN.y * 2)),
        "label -1": of(data=xgb.DMatrix(X, TRAIN.y * 2 - 1)),
        "no labels": of(data=xgb.DMatrix(X)),
        "no matrix": attempt(arm.xgboost, {}, X, 2),
        "evals": of(evals=[(X, "a")]),
        "dashes": of(evals=[(train, "a-b")]),
        "argument": of(no_such_argument=1),
        "callback": of(callbacks=[print]),
        "metric": of(custom_metric="auc"),
        "built-in": of({"eval_metric": "none_such"}, evals=[(train, "a")]),
        "value": of({"max_depth": "deep"}),
        "range": of({"subsample": 3.0}),
        "score": of({"base_score": 1.5}),
        "fewer columns": attempt(booster.predict, xgb.DMatrix(X[:, :3])),
        "no rounds": see(arm.xgboost({}, train, 0)),
    }
