"""Scenarios of ``XGBClassifier``."""

from __future__ import annotations

from functools import partial
from typing import Any

import law_classifiers
import numpy as np
import xgboost as xgb
from law_data import (
    PROBE,
    TRAIN,
    VALID,
    named,
    scores,
    sparse,
    with_categories,
    with_holes,
)
from law_see_classifiers import Score, fit_xgboost, params_of
from law_watch import attempt, plain
from law_xgboost_train import DART, PARAMETERS, without_empty

SCENARIOS = law_classifiers.scenarios(
    law_classifiers.XGBOOST,
    {name: without_empty(params) for name, params in PARAMETERS.items()},
)
STOP = xgb.callback.EarlyStopping
FAST = {"learning_rate": 0.9, "n_estimators": 25}
_START = [scores(400), scores(200, 6)]

SCENARIOS.each(fit_xgboost, {
    "weights": {
        "params": {"eval_metric": ["logloss", "auc", "error"]},
        "sample_weight": TRAIN.weight,
        "sample_weight_eval_set": [TRAIN.weight, VALID.weight],
    },
    "base_margin": {"base_margin": _START[0], "base_margin_eval_set": _START},
    "base_margin_of_zeros": {"base_margin": np.zeros(400)},
    "missing": {"convert": with_holes},
    "missing_by_number": {
        "convert": partial(with_holes, hole=-999.0), "params": {"missing": -999.0},
    },
    "categorical": {
        "convert": with_categories, "params": {"enable_categorical": True},
    },
    "sparse_rows": {"convert": sparse},
    "named_features": {
        "convert": named, "params": {"monotone_constraints": {"x0": 1}},
    },
    "single_precision": {"convert": np.float32, "params": {"tree_method": "exact"}},
    "fortran_order": {"convert": np.asfortranarray},
    "one_feature": {"convert": lambda X: X[:, :1]},
    "constant_columns": {"convert": lambda X: X * 0},
})  # fmt: skip


@SCENARIOS
def weights_and_scale_pos_weight(arm: Any) -> dict[str, Any]:
    params = {"scale_pos_weight": 5.0, "random_state": np.random.RandomState(3)}
    return fit_xgboost(arm, params, sample_weight=TRAIN.weight.tolist())


@SCENARIOS
def parameters_of_the_library(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier(learning_rate=0.2, no_such_parameter=1)
    model.set_params(max_leaves=5, another=2)
    return {"xgb params": attempt(params_of, model, "get_xgb_params")}


def _stopping(arm: Any, how: Any = None, **params: Any) -> dict[str, Any]:
    params = {**FAST, **params}
    if how is not None:
        params["callbacks"] = [STOP(**how)]
    return fit_xgboost(arm, params, closely=(0,))


SCENARIOS.each(_stopping, {
    "parameter": {"early_stopping_rounds": 3},
    "several_metrics": {
        "early_stopping_rounds": 3, "eval_metric": ["auc", "error", "logloss"],
    },
    "auc": {"early_stopping_rounds": 3, "eval_metric": "auc"},
    "callback": {"how": {"rounds": 3}},
    "min_delta": {"how": {"rounds": 3, "min_delta": 0.005}},
    "min_delta_zero": {"how": {"rounds": 3, "min_delta": 0.0}},
    "metric_name": {"how": {"rounds": 3, "metric_name": "logloss"}},
    "data_name": {
        "how": {"rounds": 2, "metric_name": "auc", "data_name": "validation_0"},
        "eval_metric": ["auc", "logloss"],
    },
    "save_best": {"how": {"rounds": 3, "save_best": True}},
    "dart": {**DART, "early_stopping_rounds": 3},
}, "stopping_")  # fmt: skip


@SCENARIOS
def stopping_by_an_own_metric(arm: Any) -> dict[str, Any]:
    score = Score("value")
    params = {**FAST, "early_stopping_rounds": 4, "eval_metric": score}
    seen = fit_xgboost(arm, params, closely=())
    seen["params"].pop("eval_metric"), seen["clone"]["params"].pop("eval_metric")
    return {**seen, "metric": score.seen}


@SCENARIOS
def stopping_where_higher_is_better(arm: Any) -> dict[str, Any]:
    def right(y_true: Any, y_pred: Any) -> float:
        return float(np.mean((y_pred > 0.5) == y_true))

    stop = STOP(rounds=3, metric_name="right", maximize=True)
    model = arm.xgboost_classifier(**FAST, eval_metric=right, callbacks=[stop])
    model.fit(TRAIN.X, TRAIN.y, eval_set=[(VALID.X, VALID.y)], verbose=False)
    return {"log": model.evals_result(), "best": model.best_iteration,
            "proba": model.predict_proba(PROBE.X)}  # fmt: skip


@SCENARIOS
def metrics_of_scikit_learn(arm: Any) -> dict[str, Any]:
    from sklearn.metrics import log_loss, roc_auc_score

    return {
        metric.__name__: plain(
            arm.xgboost_classifier(eval_metric=metric)
            .fit(TRAIN.X, TRAIN.y, eval_set=[(VALID.X, VALID.y)])
            .evals_result()
        )
        for metric in (log_loss, roc_auc_score)
    }


@SCENARIOS
def sets_of_all_sorts(arm: Any) -> dict[str, Any]:
    train, valid = (TRAIN.X, TRAIN.y), (VALID.X, VALID.y)
    return {
        "tuple": fit_xgboost(arm, eval_set=(valid, train)),
        "one": fit_xgboost(arm, eval_set=[valid], verbose=3),
        "twice": fit_xgboost(arm, eval_set=[valid, valid], verbose=False),
        "named": fit_xgboost(arm, eval_set=[(named(VALID.X), VALID.y)],
                             convert=named),
    }  # fmt: skip
