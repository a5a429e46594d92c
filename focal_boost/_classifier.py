"""What the two classifiers share: labels, the loss they ask for, and predictions."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost.loss import FocalLoss
from focal_boost.metrics import METRICS
from focal_boost.objective import FocalObjective

#: Parameters that the classifiers add to their parents'.
FOCAL_PARAMETERS = ("focal_alpha", "focal_gamma")


@dataclass(frozen=True)
class Target:
    """Labels as 0 and 1, and the two values that they stand for."""

    y_true: NDArray[np.int64]
    classes: NDArray[Any]

    @classmethod
    def of(cls, y: ArrayLike) -> Target:
        """Return the target of labels with exactly two values.

        The greater of the two is the positive class, as in scikit-learn.
        """
        from sklearn.utils.validation import column_or_1d

        column = column_or_1d(y, warn=True)
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            bad = column[~np.isfinite(column)][0]
            raise ValueError(f"y must not contain NaN or inf, got {bad}")
        classes, y_true = _classes_of(column)
        if len(classes) == 1:
            raise ValueError(
                f"y must contain two classes, got 1 class: {classes.tolist()}"
            )
        if len(classes) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is"
                f" multiclass: y must contain two classes, got {len(classes)}:"
                f" {classes[:5].tolist()}"
            )
        return cls(y_true.astype(np.int64), classes)

    def check_rows(self, X: Any) -> None:
        """Raise unless there is one label per row of X, where X tells its rows."""
        rows = (getattr(X, "shape", None) or self.y_true.shape)[0]
        if rows != len(self.y_true):
            raise ValueError(
                f"y must have one label per row of X, {rows}, got {len(self.y_true)}"
            )

    def encode(self, y: ArrayLike, name: str) -> NDArray[np.int64]:
        """Return labels of another set as 0 and 1."""
        from sklearn.utils.validation import column_or_1d

        column = column_or_1d(y)
        known = np.isin(column, self.classes)
        if not known.all():
            raise ValueError(
                f"{name} must contain only the classes {self.classes.tolist()},"
                f" got {column[~known][0]}"
            )
        return np.asarray(column == self.classes[1], np.int64)


def _classes_of(column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the labels that occur, in order, and which of them every row has."""
    from sklearn.utils.multiclass import check_classification_targets

    try:
        check_classification_targets(column)
        return np.unique(column, return_inverse=True)
    except (TypeError, ValueError):
        kinds = sorted({type(value).__name__ for value in column})
        if column.dtype != object or len(kinds) == 1:
            raise
        raise ValueError(
            "y must contain labels of one type and none missing,"
            f" got {' and '.join(kinds)}"
        ) from None


def focal_objective(
    estimator: Any, y_true: NDArray[np.int64], sample_weight: ArrayLike | None
) -> FocalObjective:
    """Return the objective that the estimator's parameters ask for."""
    _check_names(estimator)
    alpha, gamma = estimator.focal_alpha, estimator.focal_gamma
    balanced = isinstance(alpha, str)
    if balanced and alpha != "balanced":
        raise ValueError(
            f'focal_alpha must be None, "balanced" or a number in (0, 1), got {alpha!r}'
        )
    try:
        objective = FocalObjective(None if balanced else alpha, gamma)
    except ValueError as error:
        raise ValueError(f"focal_{error}") from None
    if not balanced:
        return objective
    return FocalObjective(FocalLoss.balanced(y_true, gamma, sample_weight).alpha, gamma)


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


def is_focal_metric(metric: object) -> bool:
    """Whether `metric` names one of this package's metrics."""
    return isinstance(metric, str) and metric in METRICS


def probabilities(loss: FocalLoss, margin: ArrayLike) -> NDArray[np.float64]:
    """Return P(negative) and P(positive) per row, (n, 2)."""
    positive = loss.posterior(margin)
    return np.column_stack([1 - positive, positive])


def labels(loss: FocalLoss, margin: ArrayLike, classes: NDArray[Any]) -> NDArray[Any]:
    """Return the more probable class per row."""
    return np.asarray(classes[(loss.posterior(margin) > 0.5).astype(np.intp)])
