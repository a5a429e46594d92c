"""Scenarios of a classifier that are the same for both libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
from law_data import PROBE, TRAIN, VALID, few_rows
from law_see_classifiers import (
    fit_lightgbm,
    fit_xgboost,
    params_of,
    see_lightgbm,
    see_xgboost,
    tags_of,
)
from law_watch import Scenarios, attempt, plain
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

_SET = {"eval_set": [(VALID.X, VALID.y)]}


@dataclass(frozen=True)
class Of:
    """A library's classifier, and what is called otherwise there."""

    library: str
    #: Trains while callbacks watch, and returns everything seen; and what sees it.
    fit: Callable[..., dict[str, Any]]
    _see: Callable[..., dict[str, Any]]
    booster: Callable[[Any], Any]
    #: The argument of fit that takes a model.
    goes_on_with: str
    #: Parameters: the library's own number of trees, of a search, and of little said.
    defaults: dict[str, Any]
    grid: dict[str, Any]
    quiet: dict[str, Any]
    #: Parameters and arguments of a fit that stops, and parameters of a later one.
    stops: Callable[[], tuple[dict[str, Any], dict[str, Any]]]
    later: dict[str, Any]
    #: Numbers of few rows, labels of a single class, and kinds of importance.
    few: tuple[int, ...]
    alone: tuple[Any, ...]
    importances: tuple[str, ...]
    #: Attributes of a fitted model.
    names: tuple[str, ...]
    #: Arguments that fit refuses.
    wrong: dict[str, dict[str, Any]]

    def new(self, arm: Any, **params: Any) -> Any:
        return getattr(arm, f"{self.library}_classifier")(**params)

    def see(self, arm: Any, model: Any) -> dict[str, Any]:
        return self._see(model, PROBE.X, arm.folder)


XGBOOST = Of(
    "xgboost", fit_xgboost, see_xgboost, lambda model: model.get_booster(),
    goes_on_with="xgb_model", defaults={"max_depth": None, "n_estimators": None},
    grid={"max_depth": [2, 3]}, quiet={},
    stops=lambda: ({"early_stopping_rounds": 2}, {"verbose": False}),
    later={"early_stopping_rounds": None, "learning_rate": 0.1, "max_bin": 32},
    few=(1, 2, 3, 10, 40), alone=(0, 1),
    importances=("gain", "weight", "cover", "total_gain", "total_cover"),
    names=("classes_", "n_classes_", "best_iteration", "intercept_"),
    wrong={
        "no set": {"params": {"early_stopping_rounds": 2}},
        "metric": {"params": {"eval_metric": "none_such"}, **_SET},
        "weights negative": {"sample_weight": -TRAIN.weight},
        "range": {"params": {"subsample": 3.0}},
        "score": {"params": {"base_score": 1.5}},
    },
)  # fmt: skip
LIGHTGBM = Of(
    "lightgbm", fit_lightgbm, see_lightgbm, lambda model: model.booster_,
    goes_on_with="init_model", defaults={"num_leaves": 31, "n_estimators": 30},
    grid={"num_leaves": [3, 7]}, quiet={"verbosity": -1},
    stops=lambda: ({}, {"callbacks": [lgb.early_stopping(2)]}),
    later={"learning_rate": 0.3, "max_bin": 32},
    few=(1, 2, 3, 10, 39, 40), alone=(0, 1, "yes"), importances=("split", "gain"),
    names=("classes_", "n_classes_", "best_iteration_", "booster_", "objective_"),
    wrong={
        "labels of sets": {"eval_set": [(VALID.X, VALID.y + 5)]},
        "metric": {"eval_metric": "none_such", **_SET},
        "class weight": {"params": {"class_weight": "none such"}},
        "range": {"params": {"bagging_fraction": 3.0}},
        "weighted twice": {"params": {"scale_pos_weight": 2.0, "is_unbalance": True}},
    },
)  # fmt: skip


def nobody_watches(arm: Any, of: Of) -> dict[str, Any]:
    return of.see(arm, of.new(arm).fit(TRAIN.X, TRAIN.y))


def default_parameters(arm: Any, of: Of) -> dict[str, Any]:
    return of.see(arm, of.new(arm, **of.defaults).fit(TRAIN.X, TRAIN.y))


def rows_in_lists(arm: Any, of: Of) -> dict[str, Any]:
    model = of.new(arm)
    fit = attempt(lambda: model.fit(TRAIN.X.tolist(), TRAIN.y.tolist()) is model)
    rows = {"lists": PROBE.X.tolist(), "array": PROBE.X}
    return {"fit": fit, **{name: attempt(model.predict, X) for name, X in rows.items()}}


def few(arm: Any, of: Of, n: int, **params: Any) -> dict[str, Any]:
    rows = few_rows(n)
    model, given = of.new(arm, **params), {"eval_set": [(rows.X, rows.y)]}
    return {"seen": attempt(lambda: of.see(arm, model.fit(rows.X, rows.y, **given)))}


def one_class(arm: Any, of: Of) -> dict[str, Any]:
    def all_of(label: Any) -> dict[str, Any]:
        return of.see(arm, of.new(arm).fit(TRAIN.X, np.full(400, label)))

    return {str(label): attempt(all_of, label) for label in of.alone}


def continued(arm: Any, of: Of, form: Callable[[Any], Any]) -> dict[str, Any]:
    first = of.new(arm, n_estimators=3).fit(VALID.X, VALID.y)
    given = {of.goes_on_with: form(first)}
    seen = of.fit(arm, {"n_estimators": 4}, **given)
    return {**seen, "first": of.see(arm, first)}


def fitted_again_and_again(arm: Any, of: Of) -> dict[str, Any]:
    params, given = of.stops()
    model = of.new(arm, **params).fit(TRAIN.X, TRAIN.y, **_SET, **given)
    first = of.see(arm, model)
    model.set_params(**of.later)
    changed = of.see(arm, model)
    model.fit(VALID.X, VALID.y)
    return {"first": first, "changed": changed, "second": of.see(arm, model)}


def searched(arm: Any, of: Of) -> dict[str, Any]:
    scoring = ["neg_log_loss", "roc_auc", "accuracy"]
    search = GridSearchCV(
        of.new(arm, **of.quiet), {"learning_rate": [0.1, 0.5], **of.grid},
        scoring=scoring, refit="neg_log_loss", cv=3,
    ).fit(TRAIN.X, TRAIN.y)  # fmt: skip
    model, found = of.new(arm, **of.quiet), search.cv_results_
    return {
        "scores": [plain(found[f"mean_test_{name}"]) for name in scoring],
        "best": search.best_params_,
        "best model": of.see(arm, search.best_estimator_),
        "crossed": cross_val_predict(
            model, TRAIN.X, TRAIN.y, cv=3, method="predict_proba"
        ),
    }


def parameters_as_scikit_learn_sees_them(arm: Any, of: Of) -> dict[str, Any]:
    model = of.new(arm, learning_rate=0.2, no_such_parameter=1)
    model.set_params(**of.later, another=2)
    return {
        "params": params_of(model),
        "clone": params_of(clone(model)),
        "unfitted": [attempt(getattr, model, name) for name in of.names],
        "booster": attempt(of.booster, model),
        "tags": tags_of(model),
    }


def importances(arm: Any, of: Of) -> dict[str, Any]:
    models = {kind: of.new(arm, importance_type=kind) for kind in of.importances}
    return {
        kind: model.fit(TRAIN.X, TRAIN.y).feature_importances_
        for kind, model in models.items()
    }


def errors(arm: Any, of: Of) -> dict[str, Any]:
    def fit(X: Any = TRAIN.X, y: Any = TRAIN.y, params: Any = None, **kw: Any) -> Any:
        model = of.new(arm, **of.quiet, **(params or {}))
        return attempt(lambda: model.fit(X, y, **kw).predict_proba(PROBE.X))

    model = of.new(arm, **of.quiet).fit(TRAIN.X, TRAIN.y)
    return {
        "labels missing": fit(y=np.where(TRAIN.y, np.nan, 0.0)),
        "rows": fit(y=TRAIN.y[:9]),
        "argument": fit(no_such_argument=1),
        "weights": fit(sample_weight=TRAIN.weight[:9]),
        "set": fit(eval_set=[VALID.X]),
        "no rounds": fit(params={"n_estimators": 0}),
        **{name: fit(**given) for name, given in of.wrong.items()},
        "columns": attempt(model.predict, PROBE.X[:, :3]),
        "unfitted": attempt(of.new(arm).predict, PROBE.X),
    }


def scenarios(of: Of, parameters: dict[str, dict[str, Any]]) -> Scenarios:
    """Return those of the parameters, and all that are above."""
    found = Scenarios()
    found.each(of.fit, {name: {"params": one} for name, one in parameters.items()})
    for scenario in (
        nobody_watches, default_parameters, rows_in_lists, one_class,
        fitted_again_and_again, searched, parameters_as_scikit_learn_sees_them,
        importances, errors,
    ):  # fmt: skip
        found.under(scenario.__name__, partial(scenario, of=of))
    found.each(partial(few, of=of), {f"rows_{n}": {"n": n} for n in of.few})
    found.each(
        partial(continued, of=of),
        {
            "continued_model": {"form": lambda model: model},
            "continued_booster": {"form": of.booster},
        },
    )
    return found
