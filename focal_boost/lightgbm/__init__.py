"""Focal loss in LightGBM: ``train``, ``cv``, ``metric``, ``FocalLGBMClassifier``.

This folder is the only place that imports the library, here named ``lgb``.
"""

from __future__ import annotations

try:
    import lightgbm as lgb
    import sklearn  # noqa: F401 (the classifiers' base)
except ImportError as error:
    raise ImportError(
        "focal_boost.lightgbm needs LightGBM and scikit-learn:"
        " pip install lightgbm scikit-learn"
    ) from error

from focal_boost.lightgbm._checkpoint import checkpoint
from focal_boost.lightgbm._classifier import FocalLGBMClassifier
from focal_boost.lightgbm._cv import cv
from focal_boost.lightgbm._merge import merge
from focal_boost.lightgbm._saved import load, save
from focal_boost.lightgbm._train import metric, train

__all__ = [
    "FocalLGBMClassifier",
    "checkpoint",
    "cv",
    "lgb",
    "load",
    "merge",
    "metric",
    "save",
    "train",
]
