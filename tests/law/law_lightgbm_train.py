"""Scenarios of ``lightgbm.train``: parameters, data, and the kinds of boosting."""

from __future__ import annotations

from typing import Any

import numpy as np
from law_data import TRAIN, VALID, scores
from law_see_lightgbm import dataset, run, see
from law_watch import Scenarios

SCENARIOS = Scenarios()

DART: dict[str, Any] = {"boosting": "dart", "drop_rate": 0.4, "drop_seed": 5}
BAGGING: dict[str, Any] = {"bagging_fraction": 0.6, "bagging_freq": 1}

# Scenarios that are nothing but parameters; the classifier runs them too.
PARAMETERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "scale_pos_weight": {"scale_pos_weight": 7.0},
    "is_unbalance": {"is_unbalance": True},
    "unbalance_by_alias": {"unbalance": True},
    "no_boost_from_average": {"boost_from_average": False},
    "no_average_but_weight": {"boost_from_average": False, "scale_pos_weight": 4.0},
    "leaves_bounded": {"max_delta_step": 0.4},
    "bagging": BAGGING,
    "bagging_every_third": {**BAGGING, "bagging_freq": 3, "bagging_seed": 8},
    "columns": {"feature_fraction": 0.6, "feature_fraction_bynode": 0.7},
    "bagging_and_columns": {**BAGGING, "feature_fraction": 0.5, "seed": 4},
    "extra_trees": {"extra_trees": True, "path_smooth": 1.0},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.5},
    "goss_by_alias": {"boosting": "goss", "top_rate": 0.3, "learning_rate": 0.5},
    "dart": DART,
    "dart_uniform": {**DART, "uniform_drop": True, "skip_drop": 0.2},
    "dart_as_xgboost": {**DART, "xgboost_dart_mode": True, **BAGGING},
    "linear_trees": {"linear_tree": True, "linear_lambda": 0.1},
    "monotone": {"monotone_constraints": [1, 0, 0, 0, -1]},
    "monotone_advanced": {
        "monotone_constraints": [1, 1, 0, 0, -1], "monotone_penalty": 0.5,
        "monotone_constraints_method": "advanced",
    },
    "interaction": {"interaction_constraints": [[0, 1], [2, 3, 4]]},
    "penalties": {"lambda_l1": 0.5, "lambda_l2": 3.0, "min_gain_to_split": 0.2},
    "stumps": {"max_depth": 1, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 1},
    "coarse": {"max_bin": 16, "min_data_in_bin": 8},
    "rows_first": {"force_col_wise": False, "force_row_wise": True},
    "costly_features": {
        "cegb_tradeoff": 0.5, "cegb_penalty_split": 0.01,
        "cegb_penalty_feature_coupled": [1.0, 2.0, 3.0, 0.0, 0.0],
    },
    "quantized": {"use_quantized_grad": True, "num_grad_quant_bins": 16},
    "zero_as_missing": {"zero_as_missing": True},
    "seeded": {"seed": 11, "deterministic": True, **BAGGING},
    "metrics": {"metric": ["auc", "binary_error", "average_precision"]},
    "metrics_in_a_text": {"metric": "binary_logloss,auc"},
    "metrics_of_all_sorts": {
        "metric": ["cross_entropy", "l2", "l1", "rmse", "kullback_leibler", "mape"]
    },
    "one_metric": {"metric": "auc"},
    "metrics_by_alias": {"metrics": ["binary", "mse"]},
    "metrics_of_the_training_set": {"is_provide_training_metric": True},
    "no_metric": {"metric": "None"},
    "metric_empty": {"metric": ""},
    "unknown_parameter": {"no_such_parameter": 3},
    "objective_named": {"objective": "binary"},
    "importances_of_gain": {"saved_feature_importance_type": 1},
    "silent": {"verbosity": -1},
}  # fmt: skip


def _of_parameters(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    # A Python metric on the training set drops the next round's trees, in LightGBM
    # too; that is a scenario of its own.
    silent = {"feval": None} if params.get("boosting") == "dart" else {}
    return run(arm, params, **silent)


SCENARIOS.each(
    _of_parameters, {name: {"params": params} for name, params in PARAMETERS.items()}
)


@SCENARIOS
def nobody_watches(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)
    booster = arm.lightgbm({}, train, 8)
    return {"booster": see(booster), "start": train.get_init_score()}


@SCENARIOS
def rounds_by_default_and_parameter(arm: Any) -> dict[str, Any]:
    train, small = dataset(TRAIN), {"num_leaves": 2}
    return {
        "default": arm.lightgbm(small, train).num_trees(),
        "parameter": arm.lightgbm({**small, "n_iter": 3}, train).num_trees(),
    }


def _data(
    arm: Any, params: Any = None, train: Any = None, valid: Any = None, **given: Any
) -> dict[str, Any]:
    """Train with data that have more than features and labels."""
    data = dataset(TRAIN, **(train or {}))
    others = None if valid is None else dataset(VALID, reference=data, **valid)
    return run(arm, params, train=data, valid=others, **given)


_SOME = np.where(np.arange(400) % 3, TRAIN.weight, 0.0)
_START, _OTHER = {"init_score": scores(400)}, {"init_score": scores(200, 6)}
SCENARIOS.each(_data, {
    "objective_by_alias": {"params": {"application": "binary"}},
    "weights": {
        "params": {"metric": ["binary_logloss", "auc", "binary_error"]},
        "train": {"weight": TRAIN.weight}, "valid": {"weight": VALID.weight},
    },
    "weights_and_scale_pos_weight": {
        "params": {"scale_pos_weight": 4.0}, "train": {"weight": _SOME},
    },
    "weights_and_is_unbalance": {
        "params": {"is_unbalance": True, **BAGGING}, "train": {"weight": TRAIN.weight},
    },
    "init_score": {"train": _START, "valid": _OTHER},
    "init_score_of_zeros": {
        "train": {"init_score": np.zeros(400)}, "valid": {"init_score": np.zeros(200)},
    },
    "init_score_for_training_only": {"params": DART, "train": _START, "feval": None},
    "init_score_for_validation_only": {"valid": _OTHER},
})  # fmt: skip
