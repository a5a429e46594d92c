"""Everything that can be seen of a fitted classifier, of either library."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import law_see_lightgbm as of_lightgbm
import law_see_xgboost as of_xgboost
import lightgbm as lgb
import numpy as np
import xgboost as xgb
from law_data import PROBE, TRAIN, VALID
from law_watch import attempt, in_order, received
from sklearn.base import clone

_OURS = ("focal_alpha", "focal_gamma", "positive_class")
_XGBOOST_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "labels": ("predict", {}),
    "probability": ("predict_proba", {}),
    "margin": ("predict", {"output_margin": True}),
    "leaves": ("apply", {}),
    "leaves of two rounds": ("apply", {"iteration_range": (0, 2)}),
    "labels of a round": ("predict", {"iteration_range": (0, 1)}),
    "probability of two": ("predict_proba", {"iteration_range": (0, 2)}),
    "probability from a margin": (
        "predict_proba", {"base_margin": np.linspace(-1, 1, 40)}
    ),
    "unchecked": ("predict_proba", {"validate_features": False}),
}  # fmt: skip
_XGBOOST_NAMES = (
    "classes_", "n_classes_", "n_features_in_", "feature_names_in_", "best_iteration",
    "best_score", "feature_importances_", "coef_", "intercept_", "n_estimators",
)  # fmt: skip
_LIGHTGBM_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "labels": ("predict", {}),
    "probability": ("predict_proba", {}),
    **{
        f"{call} {name}": (call, kind)
        for call in ("predict", "predict_proba")
        for name, kind in of_lightgbm.KINDS.items()
        if kind
    },
    "checked": ("predict_proba", {"validate_features": True}),
}
_LIGHTGBM_NAMES = (
    "classes_", "n_classes_", "n_features_", "n_features_in_", "feature_name_",
    "feature_names_in_", "best_iteration_", "best_score_", "evals_result_",
    "objective_", "n_estimators_", "n_iter_", "feature_importances_", "n_estimators",
)  # fmt: skip


def params_of(model: Any, call: str = "get_params") -> dict[str, Any]:
    """Return parameters without the two that only ours has."""
    given = getattr(model, call)()
    return in_order({k: v for k, v in given.items() if k not in _OURS})


def tags_of(model: Any) -> str:
    """Return what scikit-learn is told, but for classes that two of them leave out."""
    return re.sub(r"multi_(class|label)=\w+", "", repr(model.__sklearn_tags__()))


def _calls(model: Any, X: Any, calls: Any) -> dict[str, Any]:
    return {
        name: attempt(getattr(model, call), X, **kind)
        for name, (call, kind) in calls.items()
    }


def _common(model: Any, X: Any, names: Any, calls: Any) -> dict[str, Any]:
    bare = clone(model)
    again = pickle.loads(pickle.dumps(model))
    two = {name: calls[name] for name in ("labels", "probability")}
    return {
        "calls": _calls(model, X, calls),
        **{name: attempt(getattr, model, name) for name in names},
        "params": params_of(model),
        "clone": {
            "params": params_of(bare),
            "unfitted": attempt(bare.predict, X),
            "no attribute": attempt(getattr, bare, "feature_importances_"),
        },
        "pickle": _calls(again, X, two),
        "deep copy": attempt(copy.deepcopy(model).predict_proba, X),
        "right": attempt(model.score, X, model.predict(X)),
        "fitted": model.__sklearn_is_fitted__(),
    }


def see_xgboost(model: Any, X: Any, folder: Any) -> dict[str, Any]:
    """Return everything that a fitted XGBClassifier shows."""
    path = folder / "classifier.json"
    model.save_model(path)
    plain_one = xgb.XGBClassifier()
    plain_one.load_model(path)
    data = xgb.DMatrix(X, nthread=1, enable_categorical=True, missing=model.missing)
    return {
        **_common(model, X, _XGBOOST_NAMES, _XGBOOST_CALLS),
        "log": attempt(model.evals_result),
        "rounds": model.get_num_boosting_rounds(),
        "xgb params": attempt(params_of, model, "get_xgb_params"),
        "loaded": _calls(plain_one, X, _XGBOOST_CALLS),
        "loaded params": params_of(plain_one),
        "booster": of_xgboost.see(model.get_booster(), data, folder),
    }


def see_lightgbm(model: Any, X: Any, folder: Any) -> dict[str, Any]:
    """Return everything that a fitted LGBMClassifier shows."""
    return {
        **_common(model, X, _LIGHTGBM_NAMES, _LIGHTGBM_CALLS),
        "booster": of_lightgbm.see(model.booster_, X, folder),
    }


class Score:
    """A metric in scikit-learn's form that writes down what it is handed.

    `form` is "value" (XGBoost), "triple" (LightGBM) or one of LightGBM's forms with
    weights, "weighted" and "grouped".
    """

    def __init__(self, form: str, name: str = "own") -> None:
        self.seen: list[Any] = []
        self.__name__ = self._name = name
        self._form = form

    def __deepcopy__(self, memo: Any) -> Any:
        # LightGBM copies metrics, and this one is asked afterwards.
        return self

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self._score(y_true, y_pred)

    def _score(self, y_true: Any, y_pred: Any, *others: Any) -> Any:
        self.seen.append([received(one) for one in (y_true, y_pred, *others)])
        value = float(np.mean((y_pred > 0.5) != y_true))
        return value if self._form == "value" else (self._name, value, False)


def with_weights(score: Score, count: int) -> Any:
    """Return a metric of three or four arguments, as LightGBM counts them."""

    def three(y_true: Any, y_pred: Any, weight: Any) -> Any:
        return score._score(y_true, y_pred, weight)

    def four(y_true: Any, y_pred: Any, weight: Any, group: Any) -> Any:
        return score._score(y_true, y_pred, weight, group)

    return {3: three, 4: four}[count]


def fit_xgboost(
    arm: Any,
    params: dict[str, Any] | None = None,
    *,
    convert: Any = lambda X: X,
    closely: Any = (0, 3),
    **kwargs: Any,
) -> dict[str, Any]:
    """Fit while a callback watches, and return everything seen."""
    X, at = convert(TRAIN.X), convert(PROBE.X)
    params = dict(params or {})
    categories = params.get("enable_categorical", False)
    matrix = xgb.DMatrix(at, nthread=1, enable_categorical=categories)
    watch = of_xgboost.Watch(matrix, closely)
    given = {"eval_set": [(X, TRAIN.y), (convert(VALID.X), VALID.y)], **kwargs}
    if of_xgboost.ORDERED or not {"callbacks", "early_stopping_rounds"} & set(params):
        params["callbacks"] = [watch, *params.get("callbacks", [])]
    else:
        given["verbose"] = False
    model = arm.xgboost_classifier(**params)
    returned = model.fit(X, TRAIN.y, **given)
    # They hold data, which can neither be copied nor pickled.
    model.callbacks = None
    return {
        "itself": returned is model,
        "callback": watch.seen,
        **see_xgboost(model, at, arm.folder),
    }


def fit_lightgbm(
    arm: Any,
    params: dict[str, Any] | None = None,
    *,
    convert: Any = lambda X: X,
    closely: Any = (0, 3),
    **kwargs: Any,
) -> dict[str, Any]:
    """Fit while callbacks watch, and return everything seen."""
    X, at = convert(TRAIN.X), convert(PROBE.X)
    watch, before = of_lightgbm.watches(at, params, closely)
    given = {"eval_set": [(X, TRAIN.y), (convert(VALID.X), VALID.y)], **kwargs}
    callbacks = [lgb.log_evaluation(4), watch, before, *given.pop("callbacks", [])]
    model = arm.lightgbm_classifier(**(params or {}))
    returned = model.fit(X, TRAIN.y, callbacks=callbacks, **given)
    return {
        "itself": returned is model,
        "callback": watch.seen,
        "before": before.seen,
        **see_lightgbm(model, at, arm.folder),
    }
