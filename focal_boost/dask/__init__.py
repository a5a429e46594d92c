"""Focal loss on a Dask cluster: ``train`` and the classifiers of both libraries.

They are XGBoost's and LightGBM's own on Dask in all but the loss. The names are loaded
at first use, as only one of the libraries needs to be there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focal_boost.dask._lightgbm import (
        FocalDaskLGBMClassifier as FocalDaskLGBMClassifier,
    )
    from focal_boost.dask._xgboost import (
        FocalDaskXGBClassifier as FocalDaskXGBClassifier,
    )
    from focal_boost.dask._xgboost import train as train

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        'focal_boost.dask needs Dask: pip install "dask[array,dataframe]" distributed'
    ) from error

_FILES = {
    "FocalDaskLGBMClassifier": "_lightgbm",
    "FocalDaskXGBClassifier": "_xgboost",
    "train": "_xgboost",
}

__all__ = ["FocalDaskLGBMClassifier", "FocalDaskXGBClassifier", "train"]


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
