"""Scenarios of ``LGBMClassifier``."""

from __future__ import annotations

from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
from law_data import (
    PROBE,
    TRAIN,
    VALID,
    few_rows,
    named,
    scores,
    sparse,
    with_categories,
    with_holes,
)
from law_lightgbm_train import PARAMETERS
from law_see_classifiers import (
    fit_lightgbm,
    params_of,
    see_lightgbm,
    tags_of,
)
from law_see_lightgbm import parts_of
from law_watch import Scenarios, attempt, plain
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

SCENARIOS = Scenarios()


def _of_parameters(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    return fit_lightgbm(arm, params)


for _name, _params in PARAMETERS.items():
    SCENARIOS.under(_name, partial(_of_parameters, params=_params))


@SCENARIOS
def nobody_watches(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier().fit(TRAIN.X, TRAIN.y)
    return see_lightgbm(model, PROBE.X, arm.folder)


@SCENARIOS
def default_parameters(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier(num_leaves=31, n_estimators=30)
    return see_lightgbm(model.fit(TRAIN.X, TRAIN.y), PROBE.X, arm.folder)


@SCENARIOS
def weights(arm: Any) -> dict[str, Any]:
    return fit_lightgbm(
        arm,
        {"metric": ["binary_logloss", "auc", "binary_error"]},
        sample_weight=TRAIN.weight,
        eval_sample_weight=[TRAIN.weight, VALID.weight],
    )


def _class_weight(arm: Any, class_weight: Any, **kwargs: Any) -> dict[str, Any]:
    return fit_lightgbm(arm, {"class_weight": class_weight}, **kwargs)


for _name, _weight, _kwargs in [
    ("balanced", "balanced", {}),
    ("numbers", {0: 1.0, 1: 6.0}, {}),
    ("and_weights", {1: 3.0}, {"sample_weight": TRAIN.weight}),
    ("of_sets", "balanced", {"eval_class_weight": ["balanced", {0: 1.0, 1: 4.0}]}),
]:
    SCENARIOS.under(
        f"class_weight_{_name}",
        partial(_class_weight, class_weight=_weight, **_kwargs),
    )


@SCENARIOS
def all_weights_at_once(arm: Any) -> dict[str, Any]:
    params = {"class_weight": {0: 2.0, 1: 3.0}, "scale_pos_weight": 2.0}
    return fit_lightgbm(arm, params, sample_weight=TRAIN.weight)


@SCENARIOS
def init_score(arm: Any) -> dict[str, Any]:
    start = [scores(400), scores(200, 6)]
    return fit_lightgbm(arm, init_score=start[0], eval_init_score=start)


@SCENARIOS
def init_score_of_zeros(arm: Any) -> dict[str, Any]:
    return fit_lightgbm(arm, init_score=np.zeros(400))


def _converted(
    arm: Any, convert: Any, params: dict[str, Any], **kwargs: Any
) -> dict[str, Any]:
    return fit_lightgbm(arm, params, convert=convert, **kwargs)


def _codes(X: Any) -> Any:
    return np.column_stack([np.clip(np.round(X[:, 0] * 2 + 4), 0, 8), X[:, 1:]])


for _name, _convert, _params, _kwargs in [
    ("missing", with_holes, {}, {}),
    ("missing_in_linear_trees", with_holes, {"linear_tree": True}, {}),
    ("categorical", with_categories, {}, {}),
    ("categorical_by_number", _codes, {}, {"categorical_feature": [0]}),
    ("sparse_rows", sparse, {}, {}),
    ("named_features", named, {}, {}),
    ("names_given", np.array, {}, {"feature_name": list("vwxyz")}),
    ("single_precision", np.float32, {}, {}),
    ("one_feature", lambda X: X[:, :1], {}, {}),
    ("constant_columns", lambda X: X * 0, {}, {}),
]:
    SCENARIOS.under(
        _name, partial(_converted, convert=_convert, params=_params, **_kwargs)
    )


@SCENARIOS
def rows_in_lists(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier()
    model.fit(TRAIN.X.tolist(), TRAIN.y.tolist())
    return {"labels": model.predict(PROBE.X.tolist()), "text": model.predict(PROBE.X)}


def _few(arm: Any, n: int, params: dict[str, Any]) -> dict[str, Any]:
    few = few_rows(n)

    def all_of() -> dict[str, Any]:
        model = arm.lightgbm_classifier(**params)
        model.fit(few.X, few.y, eval_set=[(few.X, few.y)])
        return see_lightgbm(model, PROBE.X, arm.folder)

    return {"seen": attempt(all_of)}


for _n in (1, 2, 3, 10, 39, 40):
    SCENARIOS.under(f"rows_{_n}", partial(_few, n=_n, params={}))
SCENARIOS.under(
    "rows_20_in_small_leaves", partial(_few, n=20, params={"min_child_samples": 1})
)


@SCENARIOS
def one_class(arm: Any) -> dict[str, Any]:
    def all_of(y: Any) -> dict[str, Any]:
        model = arm.lightgbm_classifier().fit(TRAIN.X, y)
        return see_lightgbm(model, PROBE.X, arm.folder)

    labels = {str(k): np.full(400, k) for k in (0, 1, "yes")}
    return {name: attempt(all_of, y) for name, y in labels.items()}


def _continued(arm: Any, as_model: bool) -> dict[str, Any]:
    first = arm.lightgbm_classifier(n_estimators=3).fit(VALID.X, VALID.y)
    given = first if as_model else first.booster_
    seen = fit_lightgbm(arm, {"n_estimators": 4}, init_model=given)
    return {**seen, "first": see_lightgbm(first, PROBE.X, arm.folder)}


SCENARIOS.under("continued_model", partial(_continued, as_model=True))
SCENARIOS.under("continued_booster", partial(_continued, as_model=False))


@SCENARIOS
def fitted_again_and_again(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier()
    model.fit(TRAIN.X, TRAIN.y, eval_set=[(VALID.X, VALID.y)],
              callbacks=[lgb.early_stopping(2)])  # fmt: skip
    first = see_lightgbm(model, PROBE.X, arm.folder)
    model.set_params(learning_rate=0.3, max_bin=32)
    changed = see_lightgbm(model, PROBE.X, arm.folder)
    model.fit(VALID.X, VALID.y)
    second = see_lightgbm(model, PROBE.X, arm.folder)
    return {"first": first, "changed": changed, "second": second}


@SCENARIOS
def refitted_booster(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier().fit(TRAIN.X, TRAIN.y)
    refitted = model.booster_.refit(VALID.X, VALID.y, decay_rate=0.2)
    return {
        "text": parts_of(refitted.model_to_string()),
        "proba": refitted.predict(PROBE.X),
    }


@SCENARIOS
def searched(arm: Any) -> dict[str, Any]:
    grid = {"learning_rate": [0.1, 0.5], "num_leaves": [3, 7]}
    scoring = ["neg_log_loss", "roc_auc", "accuracy"]
    quiet = {"verbosity": -1}
    search = GridSearchCV(
        arm.lightgbm_classifier(**quiet), grid, scoring=scoring,
        refit="neg_log_loss", cv=3,
    ).fit(TRAIN.X, TRAIN.y)  # fmt: skip
    crossed = cross_val_predict(
        arm.lightgbm_classifier(**quiet), TRAIN.X, TRAIN.y, cv=3,
        method="predict_proba",
    )  # fmt: skip
    found = search.cv_results_
    return {
        "scores": [plain(found[f"mean_test_{name}"]) for name in scoring],
        "best": search.best_params_,
        "best model": see_lightgbm(search.best_estimator_, PROBE.X, arm.folder),
        "crossed": crossed,
    }


@SCENARIOS
def parameters_as_scikit_learn_sees_them(arm: Any) -> dict[str, Any]:
    model = arm.lightgbm_classifier(learning_rate=0.2, no_such_parameter=1)
    model.set_params(max_bin=5, another=2)
    names = ("classes_", "n_classes_", "best_iteration_", "booster_", "objective_")
    return {
        "params": params_of(model),
        "clone": params_of(clone(model)),
        "unfitted": [attempt(getattr, model, name) for name in names],
        "tags": tags_of(model),
    }


@SCENARIOS
def importances(arm: Any) -> dict[str, Any]:
    def of(kind: str) -> Any:
        model = arm.lightgbm_classifier(importance_type=kind)
        return model.fit(TRAIN.X, TRAIN.y).feature_importances_

    return {kind: of(kind) for kind in ("split", "gain")}


@SCENARIOS
def errors(arm: Any) -> dict[str, Any]:
    def fit(X: Any = TRAIN.X, y: Any = TRAIN.y, params: Any = None, **kw: Any) -> Any:
        model = arm.lightgbm_classifier(verbosity=-1, **(params or {}))
        return attempt(lambda: model.fit(X, y, **kw).predict_proba(PROBE.X))

    valid = [(VALID.X, VALID.y)]
    model = arm.lightgbm_classifier(verbosity=-1).fit(TRAIN.X, TRAIN.y)
    both = {"scale_pos_weight": 2.0, "is_unbalance": True}
    return {
        "labels missing": fit(y=np.where(TRAIN.y, np.nan, 0.0)),
        "labels of sets": fit(eval_set=[(VALID.X, VALID.y + 5)]),
        "rows": fit(y=TRAIN.y[:9]),
        "argument": fit(no_such_argument=1),
        "metric": fit(eval_metric="none_such", eval_set=valid),
        "weights": fit(sample_weight=TRAIN.weight[:9]),
        "class weight": fit(params={"class_weight": "none such"}),
        "set": fit(eval_set=[VALID.X]),
        "range": fit(params={"bagging_fraction": 3.0}),
        "weighted twice": fit(params=both),
        "columns": attempt(model.predict, PROBE.X[:, :3]),
        "unfitted": attempt(arm.lightgbm_classifier().predict, PROBE.X),
        "no rounds": fit(params={"n_estimators": 0}),
    }
