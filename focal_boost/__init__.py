"""Focal loss for gradient boosting on rare events, in XGBoost and LightGBM.

The public names are loaded at first use, so that importing the package imports
neither library. :mod:`focal_boost.xgboost` and :mod:`focal_boost.lightgbm` hold what
belongs to one of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focal_boost._recommended import recommended as recommended
    from focal_boost.comparison import compare as compare
    from focal_boost.ensemble import FoldEnsembleClassifier as FoldEnsembleClassifier
    from focal_boost.lightgbm import FocalLGBMClassifier as FocalLGBMClassifier
    from focal_boost.loss import FocalLoss as FocalLoss
    from focal_boost.metrics import FocalMetric as FocalMetric
    from focal_boost.multi import MultiFocalObjective as MultiFocalObjective
    from focal_boost.multi_metrics import MultiFocalMetric as MultiFocalMetric
    from focal_boost.objective import FocalObjective as FocalObjective
    from focal_boost.tuning import FocalSearchCV as FocalSearchCV
    from focal_boost.xgboost import FocalXGBClassifier as FocalXGBClassifier

__version__ = "0.1.0"

_ROOMS = {
    "FocalLoss": "loss",
    "FocalMetric": "metrics",
    "FocalObjective": "objective",
    "FocalXGBClassifier": "xgboost",
    "FocalLGBMClassifier": "lightgbm",
    "FocalSearchCV": "tuning",
    "FoldEnsembleClassifier": "ensemble",
    "MultiFocalMetric": "multi_metrics",
    "MultiFocalObjective": "multi",
    "compare": "comparison",
    "recommended": "_recommended",
}

__all__ = [
    "FocalLGBMClassifier",
    "FocalLoss",
    "FocalMetric",
    "FocalObjective",
    "FocalSearchCV",
    "FocalXGBClassifier",
    "FoldEnsembleClassifier",
    "MultiFocalMetric",
    "MultiFocalObjective",
    "compare",
    "recommended",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
