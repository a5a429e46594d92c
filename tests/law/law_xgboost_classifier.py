"""Scenarios of ``XGBClassifier``."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xgboost as xgb
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
from law_see_classifiers import Score, fit_xgboost, params_of, see_xgboost, tags_of
from law_watch import Scenarios, attempt, plain
from law_xgboost_train import DART, PARAMETERS, without_empty
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

SCENARIOS = Scenarios()
STOP = xgb.callback.EarlyStopping
FAST = {"learning_rate": 0.9, "n_estimators": 25}


def _of_parameters(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    return fit_xgboost(arm, params)


for _name, _params in PARAMETERS.items():
    SCENARIOS.under(_name, partial(_of_parameters, params=without_empty(_params)))


@SCENARIOS
def nobody_watches(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier().fit(TRAIN.X, TRAIN.y)
    return see_xgboost(model, PROBE.X, arm.folder)


@SCENARIOS
def default_parameters(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier(max_depth=None, n_estimators=None)
    return {"model": see_xgboost(model.fit(TRAIN.X, TRAIN.y), PROBE.X, arm.folder)}


@SCENARIOS
def weights(arm: Any) -> dict[str, Any]:
    return fit_xgboost(
        arm,
        {"eval_metric": ["logloss", "auc", "error"]},
        sample_weight=TRAIN.weight,
        sample_weight_eval_set=[TRAIN.weight, VALID.weight],
    )


@SCENARIOS
def weights_and_scale_pos_weight(arm: Any) -> dict[str, Any]:
    params = {"scale_pos_weight": 5.0, "random_state": np.random.RandomState(3)}
    return fit_xgboost(arm, params, sample_weight=TRAIN.weight.tolist())


@SCENARIOS
def base_margin(arm: Any) -> dict[str, Any]:
    margins = [scores(400), scores(200, 6)]
    return fit_xgboost(arm, base_margin=margins[0], base_margin_eval_set=margins)


@SCENARIOS
def base_margin_of_zeros(arm: Any) -> dict[str, Any]:
    return fit_xgboost(arm, base_margin=np.zeros(400))


def _converted(arm: Any, convert: Any, params: dict[str, Any]) -> dict[str, Any]:
    return fit_xgboost(arm, params, convert=convert)


for _name, _convert, _params in [
    ("missing", with_holes, {}),
    ("missing_by_number", partial(with_holes, hole=-999.0), {"missing": -999.0}),
    ("categorical", with_categories, {"enable_categorical": True}),
    ("sparse_rows", sparse, {}),
    ("named_features", named, {"monotone_constraints": {"x0": 1}}),
    ("single_precision", np.float32, {"tree_method": "exact"}),
    ("fortran_order", np.asfortranarray, {}),
    ("one_feature", lambda X: X[:, :1], {}),
    ("constant_columns", lambda X: X * 0, {}),
]:
    SCENARIOS.under(_name, partial(_converted, convert=_convert, params=_params))


@SCENARIOS
def rows_in_lists(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier()
    seen = attempt(lambda: model.fit(TRAIN.X.tolist(), TRAIN.y.tolist()).predict(
        PROBE.X.tolist()
    ))  # fmt: skip
    return {"labels": seen}


def _few(arm: Any, n: int) -> dict[str, Any]:
    few = few_rows(n)
    model = arm.xgboost_classifier()
    given = {"eval_set": [(few.X, few.y)]}

    def all_of(X: Any, y: Any) -> dict[str, Any]:
        return see_xgboost(model.fit(X, y, **given), PROBE.X, arm.folder)

    return {"seen": attempt(all_of, few.X, few.y)}


for _n in (1, 2, 3, 10, 40):
    SCENARIOS.under(f"rows_{_n}", partial(_few, n=_n))


@SCENARIOS
def one_class(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier()

    def all_of(y: Any) -> dict[str, Any]:
        return see_xgboost(model.fit(TRAIN.X, y), PROBE.X, arm.folder)

    return {str(k): attempt(all_of, np.full(400, k)) for k in (0, 1)}


def _stopping(arm: Any, params: dict[str, Any], how: Any) -> dict[str, Any]:
    params = {**FAST, **params}
    if how is not None:
        params["callbacks"] = [STOP(**how)]
    return fit_xgboost(arm, params, closely=(0,))


for _name, _params, _how in [
    ("parameter", {"early_stopping_rounds": 3}, None),
    ("several_metrics", {
        "early_stopping_rounds": 3, "eval_metric": ["auc", "error", "logloss"]
    }, None),
    ("auc", {"early_stopping_rounds": 3, "eval_metric": "auc"}, None),
    ("callback", {}, {"rounds": 3}),
    ("min_delta", {}, {"rounds": 3, "min_delta": 0.005}),
    ("min_delta_zero", {}, {"rounds": 3, "min_delta": 0.0}),
    ("metric_name", {}, {"rounds": 3, "metric_name": "logloss"}),
    ("data_name", {"eval_metric": ["auc", "logloss"]}, {
        "rounds": 2, "metric_name": "auc", "data_name": "validation_0"}),
    ("save_best", {}, {"rounds": 3, "save_best": True}),
    ("dart", {**DART, "early_stopping_rounds": 3}, None),
]:  # fmt: skip
    SCENARIOS.under(f"stopping_{_name}", partial(_stopping, params=_params, how=_how))


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


def _continued(arm: Any, as_model: bool) -> dict[str, Any]:
    first = arm.xgboost_classifier(n_estimators=3).fit(VALID.X, VALID.y)
    given = first if as_model else first.get_booster()
    seen = fit_xgboost(arm, {"n_estimators": 4}, xgb_model=given)
    return {**seen, "first": see_xgboost(first, PROBE.X, arm.folder)}


SCENARIOS.under("continued_model", partial(_continued, as_model=True))
SCENARIOS.under("continued_booster", partial(_continued, as_model=False))


@SCENARIOS
def fitted_again_and_again(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier(early_stopping_rounds=2)
    model.fit(TRAIN.X, TRAIN.y, eval_set=[(VALID.X, VALID.y)], verbose=False)
    first = see_xgboost(model, PROBE.X, arm.folder)
    model.set_params(early_stopping_rounds=None, learning_rate=0.1, max_bin=32)
    changed = see_xgboost(model, PROBE.X, arm.folder)
    model.fit(VALID.X, VALID.y)
    return {
        "first": first,
        "changed": changed,
        "second": see_xgboost(model, PROBE.X, arm.folder),
        "log": attempt(model.evals_result),
    }


@SCENARIOS
def searched(arm: Any) -> dict[str, Any]:
    grid = {"learning_rate": [0.1, 0.5], "max_depth": [2, 3]}
    scoring = ["neg_log_loss", "roc_auc", "accuracy"]
    search = GridSearchCV(
        arm.xgboost_classifier(), grid, scoring=scoring, refit="neg_log_loss", cv=3
    ).fit(TRAIN.X, TRAIN.y)
    found = search.cv_results_
    crossed = cross_val_predict(
        arm.xgboost_classifier(), TRAIN.X, TRAIN.y, cv=3, method="predict_proba"
    )
    return {
        "scores": [plain(found[f"mean_test_{name}"]) for name in scoring],
        "best": search.best_params_,
        "best model": see_xgboost(search.best_estimator_, PROBE.X, arm.folder),
        "crossed": crossed,
    }


@SCENARIOS
def parameters_as_scikit_learn_sees_them(arm: Any) -> dict[str, Any]:
    model = arm.xgboost_classifier(learning_rate=0.2, no_such_parameter=1)
    model.set_params(max_leaves=5, another=2)
    return {
        "params": params_of(model),
        "xgb params": params_of(model, "get_xgb_params"),
        "clone": params_of(clone(model)),
        "unfitted": [
            attempt(getattr, model, name)
            for name in ("classes_", "n_classes_", "best_iteration", "intercept_")
        ],
        "booster": attempt(model.get_booster),
        "tags": tags_of(model),
    }


@SCENARIOS
def importances(arm: Any) -> dict[str, Any]:
    def of(kind: str) -> Any:
        model = arm.xgboost_classifier(importance_type=kind)
        return model.fit(TRAIN.X, TRAIN.y).feature_importances_

    kinds = ("gain", "weight", "cover", "total_gain", "total_cover")
    return {kind: of(kind) for kind in kinds}


@SCENARIOS
def errors(arm: Any) -> dict[str, Any]:
    def fit(X: Any = TRAIN.X, y: Any = TRAIN.y, params: Any = None, **kw: Any) -> Any:
        model = arm.xgboost_classifier(**(params or {}))
        return attempt(lambda: model.fit(X, y, **kw).predict_proba(PROBE.X))

    valid = [(VALID.X, VALID.y)]
    model = arm.xgboost_classifier().fit(TRAIN.X, TRAIN.y)
    return {
        "no set": fit(params={"early_stopping_rounds": 2}),
        "labels missing": fit(y=np.where(TRAIN.y, np.nan, 0.0)),
        "rows": fit(y=TRAIN.y[:9]),
        "argument": fit(no_such_argument=1),
        "metric": fit(params={"eval_metric": "none_such"}, eval_set=valid),
        "weights": fit(sample_weight=TRAIN.weight[:9]),
        "weights negative": fit(sample_weight=-TRAIN.weight),
        "set": fit(eval_set=[VALID.X]),
        "range": fit(params={"subsample": 3.0}),
        "score": fit(params={"base_score": 1.5}),
        "columns": attempt(model.predict, PROBE.X[:, :3]),
        "unfitted": attempt(arm.xgboost_classifier().predict, PROBE.X),
        "no rounds": fit(params={"n_estimators": 0}),
    }
