"""MLflow: its own ``autolog``, ``log_model`` and ``save_model`` take the classifiers.

Importing this module tells ``mlflow.xgboost``, ``mlflow.lightgbm`` and
``mlflow.sklearn`` what a focal classifier is: autologging stores it and logs its
parameters, not the library's classifier that it fits by, and the types that it is made
of are trusted where they are stored. Loading needs the package, not this module.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import suppress
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from focal_boost._adapter.estimator import FOCAL_PARAMETERS
from focal_boost._adapter.warned import warn

try:
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.sklearn import _SklearnTrainingSession
    from mlflow.utils.autologging_utils import (
        autologging_is_disabled,
        get_autologging_config,
    )
    from mlflow.utils.autologging_utils.safety import with_managed_run
    from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING
except ImportError as error:
    raise ImportError("focal_boost.mlflow needs MLflow: pip install mlflow") from error

__all__: list[str] = []

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


# Whether a fit is logged already, of which this one is a part, as that of a label.
_logging = ContextVar("_logging", default=False)


def _teach_fit(kind: Any, flavour: str) -> None:
    """Have a fit that is autologged log what MLflow does not see: our parameters."""
    theirs = kind.fit
    if hasattr(theirs, _TAUGHT):
        return

    def logged(original: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        _log_parameters(model)
        before = _logging.set(True)
        try:
            return original(model, *args, **kwargs)
        finally:
            _logging.reset(before)

    # Without a run of the caller's, ours is the one that MLflow's own logging joins.
    in_run = with_managed_run(flavour, logged, {MLFLOW_AUTOLOGGING: flavour})

    @functools.wraps(theirs)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_logged(flavour):
            return in_run(theirs, self, *args, **kwargs)
        return theirs(self, *args, **kwargs)

    setattr(fit, _TAUGHT, True)
    kind.fit = fit


def _is_logged(flavour: str) -> bool:
    """Return whether MLflow logs a fit that begins now."""
    if autologging_is_disabled(flavour) or _logging.get():
        return False
    if get_autologging_config(flavour, "exclusive", False) and mlflow.active_run():
        return False
    # A search that is logged, say, does not want its folds to be.
    session = _SklearnTrainingSession.get_current_session()
    return session is None or bool(session.allow_children)


def _log_parameters(model: Any) -> None:
    params = model.get_params(deep=False)
    try:
        mlflow.log_params({name: params[name] for name in FOCAL_PARAMETERS})
    except MlflowException as error:
        # As of the library's own parameters, of a second fit in one run.
        warn(f"MLflow does not log alpha and gamma: {error}")


def _teach_library(library: str, name: str) -> None:
    _teach(import_module(f"mlflow.{library}"))
    _teach_fit(getattr(import_module(f"focal_boost.{library}"), name), library)


_teach(import_module("mlflow.sklearn"))
for _of in (("xgboost", "FocalXGBClassifier"), ("lightgbm", "FocalLGBMClassifier")):
    # Only one of the libraries needs to be there.
    with suppress(ImportError):
        _teach_library(*_of)
