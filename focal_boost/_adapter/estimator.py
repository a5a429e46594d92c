"""What the two classifiers share besides their labels."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._adapter.warned import warn
from focal_boost._validation import brief, check_unmasked, listed, shown
from focal_boost.loss import FocalLoss
from focal_boost.multi import MultiFocalObjective
from focal_boost.objective import FocalObjective

_Method = TypeVar("_Method", bound=Callable[..., Any])

#: Parameters that the classifiers add to their parents'.
FOCAL_PARAMETERS = ("focal_alpha", "focal_gamma", "positive_class")


def focal_objective(
    estimator: Any,
    y_true: NDArray[Any],
    sample_weight: ArrayLike | None,
    classes: ArrayLike | None = None,
) -> FocalObjective:
    """Return the objective that the estimator's parameters ask for.

    `classes` are what labels 0 and 1 stand for; None leaves the positive one aside.
    """
    _check_names(estimator)
    alpha, gamma = estimator.focal_alpha, estimator.focal_gamma
    balanced = _is_balanced(alpha, '"balanced" or a number in (0, 1)')
    try:
        objective = FocalObjective(None if balanced else alpha, gamma)
    except ValueError as error:
        raise ValueError(f"focal_{error}") from None
    if classes is not None:
        objective = of_second_class(objective, estimator, classes)
    if not balanced:
        return objective
    return FocalObjective(FocalLoss.balanced(y_true, gamma, sample_weight).alpha, gamma)


def _is_balanced(alpha: Any, rule: str) -> bool:
    """Return whether alpha is to be found from the rows; raise for another text."""
    if isinstance(alpha, str) and alpha != "balanced":
        raise ValueError(f"focal_alpha must be None, {rule}, got {shown(alpha)}")
    return isinstance(alpha, str)


def of_second_class(
    objective: FocalObjective, estimator: Any, classes: ArrayLike
) -> FocalObjective:
    """Return an objective of the positive class as one of the second class.

    FL(y, z; α) = FL(1 − y, −z; 1 − α), and the raw score z is the second class's.
    """
    if positive_of(estimator, classes) == 1 or objective.alpha is None:
        return objective
    return replace(objective, alpha=1 - objective.alpha)


def check_no_positive(estimator: Any) -> None:
    """Raise for a positive class where every class is positive once."""
    if estimator.positive_class is not None:
        raise ValueError(
            "positive_class must be None for more than two classes, and for labels, got"
            f" {shown(estimator.positive_class)}"
        )


def positive_of(estimator: Any, classes: ArrayLike) -> int:
    """Return which of the classes, 0 or 1, is the positive one.

    Raises
    ------
    ValueError
        If the estimator's positive class is neither of two. Of a single one it may be
        the other, which these rows lack.
    """
    labels: list[Any] = np.asarray(classes).tolist()
    chosen = getattr(estimator, "positive_class", None)
    if chosen is None:
        return 1
    if len(labels) > 2:
        check_no_positive(estimator)
    if isinstance(chosen, Hashable) and chosen in labels:
        return labels.index(chosen)
    if len(labels) < 2:
        return 1
    raise ValueError(
        f"positive_class must be None or one of the classes {listed(classes)},"
        f" got {shown(chosen)}"
    )


def multi_objective(
    estimator: Any, y_true: NDArray[Any], sample_weight: ArrayLike | None, n: int
) -> MultiFocalObjective:
    """Return the objective of `n` classes that the estimator's parameters ask for."""
    _check_names(estimator)
    check_no_positive(estimator)
    alpha, gamma = estimator.focal_alpha, estimator.focal_gamma
    rule = '"balanced", a number in (0, 1) or one per class'
    balanced = _is_balanced(alpha, rule)
    try:
        objective = MultiFocalObjective(None if balanced else alpha, gamma)
        objective.of_columns(n)
    except ValueError as error:
        raise ValueError(f"focal_{error}") from None
    if not balanced:
        return objective
    return MultiFocalObjective.balanced(y_true, gamma, sample_weight)


def loss_of(objective: Any, n: int) -> Any:
    """Return the loss, or that of every one of `n` classes."""
    if isinstance(objective, MultiFocalObjective):
        return tuple(one.loss for one in objective.of_columns(n))
    return objective.loss


def warn_of_majority(
    estimator: Any, classes: NDArray[Any], y_true: NDArray[Any]
) -> None:
    """Warn where alpha weighs the more frequent class, by the order of its name."""
    settled = estimator.positive_class is not None
    settled = settled or estimator.focal_alpha in (None, "balanced")
    if settled or classes.dtype.kind not in "OUS":
        return
    if np.mean(y_true) > 0.5 and estimator.focal_alpha < 0.5:
        warn(
            f"the positive class is {shown(str(classes[1]))}, the later of the two"
            " labels in order, and has most of the rows: focal_alpha="
            f"{estimator.focal_alpha} is its weight; of the rarer class it is with"
            f" positive_class={shown(str(classes[0]))}"
        )


def _check_names(estimator: Any) -> None:
    # The libraries take any name, so that a misspelled one would change nothing.
    for name in estimator.get_params(deep=False):
        if name.startswith("focal_") and name not in FOCAL_PARAMETERS:
            raise ValueError(
                "a parameter that begins with focal_ must be focal_alpha or"
                f" focal_gamma, got {brief(name)}"
            )


def library_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters of the estimator that belong to its parent."""
    parameters = estimator.get_params(deep=False)
    return {k: v for k, v in parameters.items() if k not in FOCAL_PARAMETERS}


def like(parent: Any) -> Callable[[_Method], _Method]:
    """Have a method tell of itself what its parent's does, and be typed as it is."""
    decorate: Any = functools.wraps(parent)
    return decorate  # type: ignore[no-any-return]


def bound_arguments(method: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call by name, as the parent's signature names them."""
    bound = inspect.signature(method).bind(*args, **kwargs).arguments
    bound.pop("self", None)
    for name, value in bound.items():
        check_unmasked(value, name)
    return dict(bound)


@contextmanager
def finishing(fitted: Any, finish: Callable[[], Any]) -> Iterator[None]:
    """Let who meets the parent at the end of its fit, as MLflow does, ask for ours."""
    fitted._finish = finish
    try:
        yield
    finally:
        del fitted._finish


def adopt(estimator: Any, fitted: Any, skip: Iterable[str] = ()) -> None:
    """Take over what fitting left in an estimator of the parent class."""
    parameters = {*fitted.get_params(deep=False), "_finish", *skip}
    for name, value in vars(fitted).items():
        if name not in parameters:
            setattr(estimator, name, value)
