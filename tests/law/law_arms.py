"""The two arms of every scenario: a library's own binary objective, and ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import xgboost as xgb

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalLGBMClassifier, FocalObjective, FocalXGBClassifier


def version(library: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in library.__version__.split(".")[:2])


XGB, LGB = version(xgb), version(lgb)

# One thread adds numbers in one order.
XGBOOST: dict[str, Any] = {"nthread": 1, "max_depth": 3}
# LightGBM times both layouts on default settings and takes the faster, so that one
# and the same training differs from run to run.
LIGHTGBM: dict[str, Any] = {"num_threads": 1, "num_leaves": 7, "force_col_wise": True}
XGBOOST_CLASSIFIER: dict[str, Any] = {"n_jobs": 1, "max_depth": 3, "n_estimators": 8}
LIGHTGBM_CLASSIFIER: dict[str, Any] = {
    "n_jobs": 1, "num_leaves": 7, "n_estimators": 8, "force_col_wise": True
}  # fmt: skip


@dataclass(frozen=True)
class Library:
    """The library's own binary objective; files go to `folder`."""

    folder: Path

    def xgboost(self, params: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        params = {"objective": "binary:logistic", **XGBOOST, **params}
        return xgb.train(params, data, *args, **kwargs)

    def lightgbm(self, params: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        named = {} if "application" in params else {"objective": "binary"}
        params = {**named, **LIGHTGBM, **params}
        return lgb.train(params, data, *args, **kwargs)

    def xgboost_classifier(self, **params: Any) -> Any:
        return xgb.XGBClassifier(**{**XGBOOST_CLASSIFIER, **params})

    def lightgbm_classifier(self, **params: Any) -> Any:
        return lgb.LGBMClassifier(**{**LIGHTGBM_CLASSIFIER, **params})


@dataclass(frozen=True)
class Ours:
    """Focal loss, which is log loss unless `alpha` and `gamma` say otherwise."""

    folder: Path
    alpha: float | None = None
    gamma: float = 0.0

    @property
    def objective(self) -> FocalObjective:
        return FocalObjective(self.alpha, self.gamma)

    def xgboost(self, params: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        params, kwargs = {**XGBOOST, **params}, {"objective": self.objective, **kwargs}
        return fxgb.train(params, data, *args, **kwargs)

    def lightgbm(self, params: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        params, kwargs = {**LIGHTGBM, **params}, {"objective": self.objective, **kwargs}
        return flgb.train(params, data, *args, **kwargs)

    def xgboost_classifier(self, **params: Any) -> Any:
        return FocalXGBClassifier(
            focal_alpha=self.alpha,
            focal_gamma=self.gamma,
            **{**XGBOOST_CLASSIFIER, **params},
        )

    def lightgbm_classifier(self, **params: Any) -> Any:
        return FocalLGBMClassifier(
            focal_alpha=self.alpha,
            focal_gamma=self.gamma,
            **{**LIGHTGBM_CLASSIFIER, **params},
        )
