"""Scenarios of ``LGBMClassifier``: metrics, stopping, evaluation sets."""

from __future__ import annotations

from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
from law_arms import LGB
from law_data import PROBE, TRAIN, VALID
from law_lightgbm_train import DART
from law_see_classifiers import Score, fit_lightgbm, with_weights
from law_watch import Scenarios, attempted

SCENARIOS = Scenarios()
# A rate at which more trees soon make things worse.
FAST = {"learning_rate": 0.9, "n_estimators": 25}


def _stopping(
    arm: Any, params: Any = None, how: Any = None, **kwargs: Any
) -> dict[str, Any]:
    if how is not None:
        kwargs["callbacks"] = [lgb.early_stopping(**how)]
    return fit_lightgbm(arm, {**FAST, **(params or {})}, closely=(0,), **kwargs)


SCENARIOS.each(_stopping, {
    "parameter": {"params": {"early_stopping_round": 3}},
    "first_metric_by_parameter": {
        "params": {"early_stopping_rounds": 3, "first_metric_only": True},
        "eval_metric": ["auc", "binary_error"],
    },
    "callback": {"how": {"stopping_rounds": 3}},
    "min_delta": {"how": {"stopping_rounds": 3, "min_delta": 0.005}},
    "first_metric": {
        "how": {"stopping_rounds": 3, "first_metric_only": True},
        "eval_metric": ["auc", "average_precision"],
    },
    "constructor": {"params": {"metric": "auc"}, "how": {"stopping_rounds": 3}},
    "fit": {"how": {"stopping_rounds": 3}, "eval_metric": "auc"},
    "logloss_in_fit": {
        "how": {"stopping_rounds": 3}, "eval_metric": "binary_logloss",
    },
    "both": {
        "params": {"metric": "binary_error"}, "how": {"stopping_rounds": 6},
        "eval_metric": "auc",
    },
    "list_in_both": {
        "params": {"metric": ["auc", "l2"]}, "how": {"stopping_rounds": 6},
        "eval_metric": ["auc", "binary_error"],
    },
    "dart": {"params": {**DART, "early_stopping_round": 3}},
}, "stopping_")  # fmt: skip


SCENARIOS.each(partial(attempted, fit_lightgbm), {
    "disabled": {"params": {"metric": "None"}},
    "disabled_and_stopping": {"params": {"metric": "None", "early_stopping_round": 2}},
    "disabled_in_fit": {"eval_metric": "None"},
    "stopping_without_sets": {
        "params": {"early_stopping_round": 2}, "eval_set": None,
    },
}, "metric_")  # fmt: skip


def _own_metric(arm: Any, metrics: Any, **params: Any) -> dict[str, Any]:
    score = Score("triple")
    seen = fit_lightgbm(
        arm, {**FAST, **params}, closely=(), eval_metric=metrics(score),
        sample_weight=TRAIN.weight, eval_sample_weight=[TRAIN.weight, VALID.weight],
        callbacks=[lgb.early_stopping(4)],
    )  # fmt: skip
    return {**seen, "metric": score.seen}


SCENARIOS.each(_own_metric, {
    "alone": {"metrics": lambda score: score},
    "only": {"metrics": lambda score: score, "metric": "None"},
    "among_others": {"metrics": lambda score: ["auc", score, "binary_error"]},
    "and_constructor": {"metrics": lambda score: score, "metric": "auc"},
    "of_three": {"metrics": lambda score: with_weights(score, 3)},
    "of_four": {"metrics": lambda score: with_weights(score, 4)},
}, "own_metric_")  # fmt: skip


@SCENARIOS
def own_metric_where_higher_is_better(arm: Any) -> dict[str, Any]:
    def right(y_true: Any, y_pred: Any) -> tuple[str, float, bool]:
        return "right", float(np.mean((y_pred > 0.5) == y_true)), True

    params = {**FAST, "metric": "None"}
    stop = [lgb.early_stopping(3)]
    return fit_lightgbm(arm, params, eval_metric=right, callbacks=stop)


@SCENARIOS
def sets_of_all_sorts(arm: Any) -> dict[str, Any]:
    train, valid = (TRAIN.X, TRAIN.y), (VALID.X, VALID.y)
    names = {"eval_names": ["first", "second one"]}
    return {
        "tuple": fit_lightgbm(arm, eval_set=valid),
        "one": fit_lightgbm(arm, eval_set=[valid]),
        "training alone": fit_lightgbm(arm, eval_set=[train]),
        "named": fit_lightgbm(arm, eval_set=[valid, train], **names),
        "none": fit_lightgbm(arm, eval_set=None),
    }


@SCENARIOS.when(LGB >= (4, 7))
def sets_by_their_new_names(arm: Any) -> dict[str, Any]:
    one = {"eval_X": VALID.X, "eval_y": VALID.y}
    two = {"eval_X": (VALID.X, PROBE.X), "eval_y": (VALID.y, PROBE.y)}
    return {
        name: fit_lightgbm(arm, eval_set=None, **given)
        for name, given in {"one": one, "two": two}.items()
    }
