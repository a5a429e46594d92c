"""XGBoost and LightGBM behind one small interface, for tests of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalLGBMClassifier, FocalObjective, FocalXGBClassifier

xgb, lgb = fxgb.xgb, flgb.lgb


_XGBOOST = tuple(int(part) for part in xgb.__version__.split(".")[:2])
# XGBoost 3.4 has dropout in its tree booster and warns of the other name.
_NEW_DART = _XGBOOST >= (3, 4)


class _Each(xgb.callback.TrainingCallback):  # type: ignore[misc]
    def __init__(self, what: Any) -> None:
        super().__init__()
        self._what = what

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._what(model, epoch)
        return False


class _Keep(xgb.callback.TrainingCallback):  # type: ignore[misc]
    def after_training(self, model: Any) -> Any:
        self.boosters = [fold.bst for fold in model.cvfolds]
        return model


class XGBoost:
    name = "xgboost"
    own, ours = xgb, fxgb
    # train's arguments for a callable metric, and for a model to go on from
    metric, first = "custom_metric", "xgb_model"
    focal_classifier = FocalXGBClassifier
    classifier = xgb.XGBClassifier
    # raw scores are float32 and so is the start value
    tolerance = 2e-6
    quiet: dict[str, Any] = {"nthread": 1}  # noqa: RUF012
    quiet_estimator: dict[str, Any] = {"n_jobs": 1}  # noqa: RUF012
    dart: dict[str, Any] = {  # noqa: RUF012
        "rate_drop": 0.3,
        **({} if _NEW_DART else {"booster": "dart"}),
    }

    @staticmethod
    def data(X: Any, y: Any = None, weight: Any = None) -> Any:
        return xgb.DMatrix(X, y, weight=weight)

    @classmethod
    def train(
        cls,
        data: Any,
        rounds: int,
        objective: FocalObjective | None = None,
        params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train with focal loss, or without an objective with the library's own."""
        params = {**cls.quiet, **(params or {})}
        if objective is None:
            params["objective"] = "binary:logistic"
            return xgb.train(params, data, rounds, **kwargs)
        return fxgb.train(params, data, rounds, objective=objective, **kwargs)

    @staticmethod
    def watching(
        sets: dict[str, Any], log: Any, *callbacks: Any, stop: int | None = None
    ) -> dict[str, Any]:
        """Return train's arguments that evaluate sets; `stop` is a patience."""
        return {
            "evals": [(data, name) for name, data in sets.items()],
            "evals_result": log,
            "verbose_eval": False,
            "early_stopping_rounds": stop,
            "callbacks": [*callbacks],
        }

    @staticmethod
    def each(what: Any) -> Any:
        """Return a callback that calls ``what(model, round)`` after every round."""
        return _Each(what)

    @staticmethod
    def raw_score(booster: Any, X: Any, **kwargs: Any) -> NDArray[Any]:
        data = X if isinstance(X, xgb.DMatrix) else xgb.DMatrix(X)
        return np.asarray(booster.predict(data, output_margin=True, **kwargs))

    @staticmethod
    def probability(booster: Any, X: Any) -> NDArray[Any]:
        return np.asarray(booster.predict(xgb.DMatrix(X)))

    @staticmethod
    def estimator_raw_score(estimator: Any, X: Any) -> NDArray[Any]:
        return np.asarray(estimator.predict(X, output_margin=True))


class LightGBM:
    name = "lightgbm"
    own, ours = lgb, flgb
    metric, first = "feval", "init_model"
    focal_classifier = FocalLGBMClassifier
    classifier = lgb.LGBMClassifier
    tolerance = 1e-12
    quiet: dict[str, Any] = {"verbosity": -1, "num_threads": 1}  # noqa: RUF012
    quiet_estimator: dict[str, Any] = {"verbosity": -1, "n_jobs": 1}  # noqa: RUF012
    dart: dict[str, Any] = {"boosting": "dart", "drop_rate": 0.3}  # noqa: RUF012

    @staticmethod
    def data(X: Any, y: Any = None, weight: Any = None) -> Any:
        return lgb.Dataset(X, y, weight=weight, free_raw_data=False)

    @classmethod
    def train(
        cls,
        data: Any,
        rounds: int,
        objective: FocalObjective | None = None,
        params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Train with focal loss, or without an objective with the library's own."""
        params = {**cls.quiet, **(params or {})}
        if objective is None:
            params["objective"] = "binary"
            return lgb.train(params, data, rounds, **kwargs)
        return flgb.train(params, data, rounds, objective=objective, **kwargs)

    @staticmethod
    def watching(
        sets: dict[str, Any], log: Any, *callbacks: Any, stop: int | None = None
    ) -> dict[str, Any]:
        """Return train's arguments that evaluate sets; `stop` is a patience."""
        stopping = [] if stop is None else [lgb.early_stopping(stop, verbose=False)]
        return {
            "valid_sets": [*sets.values()],
            "valid_names": [*sets],
            "callbacks": [*callbacks, lgb.record_evaluation(log), *stopping],
        }

    @staticmethod
    def each(what: Any) -> Any:
        """Return a callback that calls ``what(model, round)`` after every round."""
        return lambda env: what(env.model, env.iteration)

    @staticmethod
    def raw_score(booster: Any, X: Any, **kwargs: Any) -> NDArray[Any]:
        X = X.data if isinstance(X, lgb.Dataset) else X
        return np.asarray(booster.predict(X, raw_score=True, **kwargs))

    @staticmethod
    def probability(booster: Any, X: Any) -> NDArray[Any]:
        return np.asarray(booster.predict(X))

    @staticmethod
    def estimator_raw_score(estimator: Any, X: Any) -> NDArray[Any]:
        return np.asarray(estimator.predict(X, raw_score=True))


BOTH = (XGBoost, LightGBM)


def folds_of(library: Any, cv: Any) -> tuple[Any, list[Any]]:
    """Return what ``cv(**arguments)`` returns, and the boosters of its folds."""
    if library is LightGBM:
        result = cv(return_cvbooster=True)
        return result, result["cvbooster"].boosters
    keep = _Keep()
    return cv(callbacks=[keep]), keep.boosters


def starts_at_prevalence(library: Any) -> bool:
    return library is not XGBoost or _XGBOOST >= (3, 0)


def prevalence_start(library: Any, rows: Any) -> dict[str, Any]:
    """Return the parameter for a start that XGBoost before 3.0 does not find."""
    if starts_at_prevalence(library):
        return {}
    return {"base_score": float(np.average(rows.y, weights=rows.weight))}
