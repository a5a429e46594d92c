"""Scenarios of ``xgboost.train``: parameters, data, and the kinds of booster."""

from __future__ import annotations

from typing import Any

import numpy as np
from law_arms import XGB
from law_data import PROBE, TRAIN, VALID, scores
from law_see_xgboost import matrix, run, see
from law_watch import Scenarios

SCENARIOS = Scenarios()

# XGBoost 3.4 has dropout in its tree booster and warns of the other name.
DART: dict[str, Any] = {"rate_drop": 0.4, "seed": 3}
if XGB < (3, 4):
    DART["booster"] = "dart"

# Scenarios that are nothing but parameters; the classifier runs them too.
PARAMETERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "scale_pos_weight": {"scale_pos_weight": 7.0},
    "base_score": {"base_score": 0.3},
    "base_score_half": {"base_score": 0.5},
    "subsample": {"subsample": 0.5, "seed": 3},
    "columns": {
        "colsample_bytree": 0.6, "colsample_bylevel": 0.7, "colsample_bynode": 0.7,
        "seed": 5,
    },
    "monotone": {"monotone_constraints": (1, 0, 0, 0, -1)},
    "interaction": {"interaction_constraints": "[[0, 1], [2, 3, 4]]"},
    "penalties": {"reg_alpha": 0.5, "reg_lambda": 3.0, "gamma": 0.2},
    "leaves_bounded": {"max_delta_step": 0.4, "min_child_weight": 5},
    "exact": {"tree_method": "exact"},
    "approx": {"tree_method": "approx"},
    "lossguide": {"grow_policy": "lossguide", "max_leaves": 6, "max_bin": 16},
    "forest": {
        "num_parallel_tree": 3, "subsample": 0.6, "colsample_bynode": 0.8, "seed": 1,
    },
    "dart": DART,
    "dart_forest": {**DART, "normalize_type": "forest", "sample_type": "weighted"},
    "dart_skip": {**DART, "skip_drop": 0.5, "one_drop": True},
    "linear": {"booster": "gblinear", "updater": "coord_descent", "max_depth": None},
    "metrics": {"eval_metric": ["auc", "error", "aucpr", "logloss"]},
    "metrics_of_all_sorts": {
        "eval_metric": ["error@0.3", "map", "rmse", "mae", "poisson-nloglik"]
    },
    "one_metric": {"eval_metric": "auc"},
    "no_metric": {"disable_default_eval_metric": True},
    "unknown_parameter": {"no_such_parameter": 3, "validate_parameters": True},
    "objective_named": {"objective": "binary:logistic"},
    "silent": {"verbosity": 0},
}  # fmt: skip


def without_empty(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


SCENARIOS.each(
    run, {name: {"params": without_empty(one)} for name, one in PARAMETERS.items()}
)


@SCENARIOS
def nobody_watches(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN)
    booster = arm.xgboost({}, train, 8)
    return {"booster": see(booster), "margin": train.get_base_margin()}


@SCENARIOS
def default_number_of_rounds(arm: Any) -> dict[str, Any]:
    return {"rounds": arm.xgboost({}, matrix(TRAIN)).num_boosted_rounds()}


def _data(arm: Any, params: Any = None, **given: dict[str, Any]) -> dict[str, Any]:
    """Train with data that have more than features and labels."""
    rows = {"train": TRAIN, "valid": VALID, "at": PROBE}
    data = {name: matrix(rows[name], **more) for name, more in given.items()}
    return run(arm, params, **data)


_SOME = np.where(np.arange(400) % 3, TRAIN.weight, 0.0)
SCENARIOS.each(_data, {
    "weights": {
        "params": {"eval_metric": ["logloss", "auc", "error"]},
        "train": {"weight": TRAIN.weight}, "valid": {"weight": VALID.weight},
    },
    "weights_and_scale_pos_weight": {
        "params": {"scale_pos_weight": 4.0}, "train": {"weight": _SOME},
    },
    "base_margin": {
        "train": {"base_margin": scores(400)}, "valid": {"base_margin": scores(200, 6)},
        "at": {"base_margin": scores(40, 7)},
    },
    "base_margin_of_zeros": {
        "train": {"base_margin": scores(400) * 0},
        "valid": {"base_margin": scores(200) * 0},
    },
    "base_margin_for_training_only": {"train": {"base_margin": scores(400)}},
    "base_margin_and_base_score": {
        "params": {"base_score": 0.2}, "train": {"base_margin": scores(400)},
    },
})  # fmt: skip
