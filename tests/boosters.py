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


class XGBoost:
    name = "xgboost"
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
    def raw_score(booster: Any, X: Any) -> NDArray[Any]:
        data = X if isinstance(X, xgb.DMatrix) else xgb.DMatrix(X)
        return np.asarray(booster.predict(data, output_margin=True))

    @staticmethod
    def probability(booster: Any, X: Any) -> NDArray[Any]:
        return np.asarray(booster.predict(xgb.DMatrix(X)))

    @staticmethod
    def estimator_raw_score(estimator: Any, X: Any) -> NDArray[Any]:
        return np.asarray(estimator.predict(X, output_margin=True))


class LightGBM:
    name = "lightgbm"
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
    def raw_score(booster: Any, X: Any) -> NDArray[Any]:
        X = X.data if isinstance(X, lgb.Dataset) else X
        return np.asarray(booster.predict(X, raw_score=True))

    @staticmethod
    def probability(booster: Any, X: Any) -> NDArray[Any]:
        return np.asarray(booster.predict(X))

    @staticmethod
    def estimator_raw_score(estimator: Any, X: Any) -> NDArray[Any]:
        return np.asarray(estimator.predict(X, raw_score=True))


BOTH = (XGBoost, LightGBM)


def starts_at_prevalence(library: Any) -> bool:
    return library is not XGBoost or _XGBOOST >= (3, 0)


def prevalence_start(library: Any, rows: Any) -> dict[str, Any]:
    """Return the parameter for a start that XGBoost before 3.0 does not find."""
    if starts_at_prevalence(library):
        return {}
    return {"base_score": float(np.average(rows.y, weights=rows.weight))}
