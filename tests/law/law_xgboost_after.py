"""Scenarios of ``xgboost.train``: continuing, updating by hand, errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xgboost as xgb
from law_data import PROBE, TRAIN, VALID, scores
from law_see_xgboost import Watch, matrix, run, see
from law_watch import Scenarios, attempt
from law_xgboost_train import DART

SCENARIOS = Scenarios()


def _continued(arm: Any, params: dict[str, Any], form: str) -> dict[str, Any]:
    train, first = matrix(TRAIN, weight=TRAIN.weight), None
    first = arm.xgboost(params, train, 3)
    path = arm.folder / "first.ubj"
    first.save_model(path)
    given = {"booster": first, "path": path, "bytes": first.save_raw("ubj")}[form]
    seen = run(arm, params, 4, train=matrix(VALID), valid=train, xgb_model=given)
    return {**seen, "first": see(first)}


for _form in ("booster", "path", "bytes"):
    SCENARIOS.under(f"continued_{_form}", partial(_continued, params={}, form=_form))
for _name, _params in [
    ("dart", DART),
    ("other_start", {"base_score": 0.4}),
    ("scale_pos_weight", {"scale_pos_weight": 5.0}),
    ("linear", {"booster": "gblinear", "updater": "coord_descent"}),
]:
    SCENARIOS.under(
        f"continued_{_name}", partial(_continued, params=_params, form="booster")
    )


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
    train, X = matrix(TRAIN), TRAIN.X
    booster = arm.xgboost({}, train, 2)
    wrong = {
        "label 2": xgb.DMatrix(X, TRAIN.y * 2),
        "label -1": xgb.DMatrix(X, TRAIN.y * 2 - 1),
        "no labels": xgb.DMatrix(X),
    }
    calls = {name: attempt(arm.xgboost, {}, data, 2) for name, data in wrong.items()}
    return {
        **calls,
        "no matrix": attempt(arm.xgboost, {}, X, 2),
        "evals": attempt(arm.xgboost, {}, train, 2, evals=[(X, "a")]),
        "dashes": attempt(arm.xgboost, {}, train, 2, evals=[(train, "a-b")]),
        "argument": attempt(arm.xgboost, {}, train, 2, no_such_argument=1),
        "callback": attempt(arm.xgboost, {}, train, 2, callbacks=[print]),
        "metric": attempt(arm.xgboost, {}, train, 2, custom_metric="auc"),
        "built-in": attempt(
            arm.xgboost, {"eval_metric": "none_such"}, train, 2, evals=[(train, "a")]
        ),
        "value": attempt(arm.xgboost, {"max_depth": "deep"}, train, 2),
        "range": attempt(arm.xgboost, {"subsample": 3.0}, train, 2),
        "score": attempt(arm.xgboost, {"base_score": 1.5}, train, 2),
        "fewer columns": attempt(booster.predict, xgb.DMatrix(X[:, :3])),
        "no rounds": see(arm.xgboost({}, train, 0)),
    }
