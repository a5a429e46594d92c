"""What the two classifiers share besides their labels."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import shown
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective

#: Parameters that the classifiers add to their parents'.
FOCAL_PARAMETERS = ("focal_alpha", "focal_gamma")


def focal_objective(
    estimator: Any, y_true: NDArray[Any], sample_weight: ArrayLike | None
) -> FocalObjective:
    """Return the objective that the estimator's parameters ask for."""
    _check_names(estimator)
    alpha, gamma = estimator.focal_alpha, estimator.focal_gamma
    balanced = isinstance(alpha, str)
    if balanced and alpha != "balanced":
        raise ValueError(
            'focal_alpha must be None, "balanced" or a number in (0, 1),'
            f" got {shown(alpha)}"
        )
    try:
        objective = FocalObjective(None if balanced else alpha, gamma)
    except ValueError as error:
        raise ValueError(f"focal_{error}") from None
    if not balanced:
        return objective
    return FocalObjective(FocalLoss.balanced(y_true, gamma, sample_weight).alpha, gamma)


def warn_of_majority(
    estimator: Any, classes: NDArray[Any], y_true: NDArray[Any]
) -> None:
    """Warn where alpha weighs the more frequent class, by the order of its name."""
    if classes.dtype.kind not in "OUS" or estimator.focal_alpha in (None, "balanced"):
        return
    share = float(np.mean(y_true))
    if share > 0.5 and estimator.focal_alpha < 0.5:
        warnings.warn(
            f"the positive class is {str(classes[1])!r}, the later of the two labels in"
            f" order, and has {share:.1%} of the rows: focal_alpha="
            f"{estimator.focal_alpha} is its weight; for the rarer class give labels 0"
            " and 1, 1 being the rarer",
            UserWarning,
            stacklevel=3,
        )


def _check_names(estimator: Any) -> None:
    # The libraries take any name, so that a misspelled one would change nothing.
    for name in estimator.get_params(deep=False):
        if name.startswith("focal_") and name not in FOCAL_PARAMETERS:
            raise ValueError(
                "a parameter that begins with focal_ must be focal_alpha or"
                f" focal_gamma, got {name}"
            )


def library_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters of the estimator that belong to its parent."""
    parameters = estimator.get_params(deep=False)
    return {k: v for k, v in parameters.items() if k not in FOCAL_PARAMETERS}


def bound_arguments(method: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call by name, as the parent's signature names them."""
    bound = inspect.signature(method).bind(*args, **kwargs).arguments
    bound.pop("self", None)
    return dict(bound)


def adopt(estimator: Any, fitted: Any, skip: Iterable[str] = ()) -> None:
    """Take over what fitting left in an estimator of the parent class."""
    parameters = {*fitted.get_params(deep=False), *skip}
    for name, value in vars(fitted).items():
        if name not in parameters:
            setattr(estimator, name, value)
