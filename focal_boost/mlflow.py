"""MLflow: its own ``autolog``, ``log_model`` and ``save_model`` take the classifiers.

Importing this module tells ``mlflow.xgboost``, ``mlflow.lightgbm`` and
``mlflow.sklearn`` what a focal classifier is: autologging stores it with its
parameters, not the library's classifier that it fits by, and the types that it is made
of are trusted where they are stored. Loading needs the package, not this module.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import suppress
from importlib import import_module
from typing import Any

from focal_boost._adapter.estimator import FOCAL_PARAMETERS

try:
    import mlflow
except ImportError as error:
    raise ImportError("focal_boost.mlflow needs MLflow: pip install mlflow") from error

__all__: list[str] = []

_FLAVOURS = ("mlflow.xgboost", "mlflow.lightgbm", "mlflow.sklearn")
# What a classifier and a booster of the libraries are made of.
_TRUSTED = (
    "collections.OrderedDict",
    "focal_boost.lightgbm.FocalLGBMClassifier",
    "focal_boost.links.FocalLink",
    "focal_boost.links.LogitLink",
    "focal_boost.loss.FocalLoss",
    "focal_boost.multi.MultiFocalObjective",
    "focal_boost.objective.FocalObjective",
    "focal_boost.xgboost.FocalXGBClassifier",
    "lightgbm.basic.Booster",
    # That of a label matrix.
    "numpy.dtype",
    "xgboost.core.Booster",
)
_TAUGHT = "_takes_focal_classifiers"


def _teach(flavour: Any) -> None:
    """Replace a flavour's ``save_model``, which ``log_model`` calls too."""
    theirs = flavour.save_model
    if hasattr(theirs, _TAUGHT):
        return
    signature = inspect.signature(theirs)
    name = next(iter(signature.parameters))

    @functools.wraps(theirs)
    def save_model(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        finish = getattr(given[name], "_finish", None)
        if finish is not None:
            given[name] = finish()
            _log_parameters(given[name])
        trusted = "skops_trusted_types"
        if trusted in signature.parameters and _is_focal(given[name]):
            given[trusted] = [*(given.get(trusted) or ()), *_TRUSTED]
        return theirs(**given)

    setattr(save_model, _TAUGHT, True)
    flavour.save_model = save_model


def _is_focal(model: Any) -> bool:
    """Return whether it, or what a pipeline ends in, is a focal classifier."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return hasattr(last, "focal_objective_")


def _log_parameters(model: Any) -> None:
    """Log what MLflow does not see of the classifier whose fit is logged."""
    params = model.get_params(deep=False)
    mlflow.log_params({name: params[name] for name in FOCAL_PARAMETERS})


for _name in _FLAVOURS:
    # Only one of the libraries needs to be there.
    with suppress(ImportError):
        _teach(import_module(_name))
