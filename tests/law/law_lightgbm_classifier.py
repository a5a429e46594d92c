"""Scenarios of ``LGBMClassifier``."""

from __future__ import annotations

from functools import partial
from typing import Any

import law_classifiers
import numpy as np
from law_data import (
    PROBE,
    TRAIN,
    VALID,
    codes,
    named,
    scores,
    sparse,
    with_categories,
    with_holes,
)
from law_lightgbm_train import PARAMETERS
from law_see_classifiers import fit_lightgbm
from law_see_lightgbm import parts_of

SCENARIOS = law_classifiers.scenarios(law_classifiers.LIGHTGBM, PARAMETERS)
_START = [scores(400), scores(200, 6)]

SCENARIOS.each(fit_lightgbm, {
    "weights": {
        "params": {"metric": ["binary_logloss", "auc", "binary_error"]},
        "sample_weight": TRAIN.weight,
        "eval_sample_weight": [TRAIN.weight, VALID.weight],
    },
    "class_weight_balanced": {"params": {"class_weight": "balanced"}},
    "class_weight_numbers": {"params": {"class_weight": {0: 1.0, 1: 6.0}}},
    "class_weight_and_weights": {
        "params": {"class_weight": {1: 3.0}}, "sample_weight": TRAIN.weight,
    },
    "class_weight_of_sets": {
        "params": {"class_weight": "balanced"},
        "eval_class_weight": ["balanced", {0: 1.0, 1: 4.0}],
    },
    "all_weights_at_once": {
        "params": {"class_weight": {0: 2.0, 1: 3.0}, "scale_pos_weight": 2.0},
        "sample_weight": TRAIN.weight,
    },
    "init_score": {"init_score": _START[0], "eval_init_score": _START},
    "init_score_of_zeros": {"init_score": np.zeros(400)},
    "missing": {"convert": with_holes},
    "missing_in_linear_trees": {
        "convert": with_holes, "params": {"linear_tree": True},
    },
    "categorical": {"convert": with_categories},
    "categorical_by_number": {"convert": codes, "categorical_feature": [0]},
    "sparse_rows": {"convert": sparse},
    "named_features": {"convert": named},
    "names_given": {"convert": np.array, "feature_name": list("vwxyz")},
    "single_precision": {"convert": np.float32},
    "one_feature": {"convert": lambda X: X[:, :1]},
    "constant_columns": {"convert": lambda X: X * 0},
})  # fmt: skip
SCENARIOS.under(
    "rows_20_in_small_leaves",
    partial(
        law_classifiers.few, of=law_classifiers.LIGHTGBM, n=20, min_child_samples=1
    ),
)


@SCENARIOS
def refitted_booster(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier().fit(TRAIN.X, TRAIN.y)
    refitted = model.booster_.refit(VALID.X, VALID.y, decay_rate=0.2)
    return {
        "text": parts_of(refitted.model_to_string()),
        "proba": refitted.predict(PROBE.X),
    }
