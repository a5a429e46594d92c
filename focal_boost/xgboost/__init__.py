"""Focal loss in XGBoost: ``train``, ``cv``, ``metric`` and ``FocalXGBClassifier``.

This folder is the only place that imports the library, here named ``xgb``.
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401 (the classifiers' base)
    import xgboost as xgb
except ImportError as error:
    raise ImportError(
        "focal_boost.xgboost needs XGBoost and scikit-learn:"
        " pip install xgboost scikit-learn"
    ) from error

from focal_boost.xgboost._checkpoint import Checkpoint
from focal_boost.xgboost._classifier import FocalXGBClassifier
from focal_boost.xgboost._cv import cv
from focal_boost.xgboost._merge import merge
from focal_boost.xgboost._metrics import metric
from focal_boost.xgboost._saved import load, save
from focal_boost.xgboost._train import train

__all__ = [
    "Checkpoint",
    "FocalXGBClassifier",
    "cv",
    "load",
    "merge",
    "metric",
    "save",
    "train",
    "xgb",
]
