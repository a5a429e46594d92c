"""The candidates of a search, and what is checked before any of them is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler

from focal_boost._adapter.estimator import focal_objective
from focal_boost._validation import check_integer, shown
from focal_boost.ensemble._models import last_step
from focal_boost.tuning._pipeline import prefix_of, trainable

#: A grid of alpha × gamma; gamma 0 is the built-in log loss.
DEFAULT_SPACE: dict[str, list[Any]] = {
    "focal_alpha": [0.25, 0.5, 0.75, "balanced", None],
    "focal_gamma": [0.0, 0.5, 1.0, 2.0, 3.0],
}

# Any labels do: they only decide what "balanced" is.
_LABELS = np.array([0, 1])


@dataclass(frozen=True)
class Candidate:
    """One point of the search space.

    Attributes
    ----------
    number : int
        Its place in ``cv_results_``.
    params : dict
        What is set on the estimator.
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Unfitted, with these parameters.
    rounds : int
        Rounds of a full training.
    patience : int or None
        Rounds without a better score after which it ends.
    rate : float or None
        The learning rate, where it is searched.
    """

    number: int
    params: dict[str, Any]
    estimator: Any
    rounds: int
    patience: int | None
    rate: float | None = None


def candidate_of(estimator: Any, params: Mapping[str, Any], number: int) -> Candidate:
    """Return a checked candidate."""
    library = trainable(estimator)
    try:
        changed = clone(estimator).set_params(**params)
    except ValueError as error:
        raise ValueError(
            f"the search space must name parameters of the estimator: {error}"
        ) from None
    classifier = last_step(changed)
    focal_objective(classifier, _LABELS, None)
    _check_positive(last_step(estimator).positive_class, classifier.positive_class)
    library.check(classifier)
    rounds, patience = library.rounds_of(classifier), library.patience_of(classifier)
    for name, value in (("n_estimators", rounds), ("early_stopping_rounds", patience)):
        if value is not None:
            check_integer(value, name, 1)
    rate = params.get(f"{prefix_of(estimator)}learning_rate")
    rate = float(rate) if isinstance(rate, Real) else 0.0
    searched = rate if rate > 0 else None
    return Candidate(number, dict(params), changed, int(rounds), patience, searched)


def _check_positive(known: Any, got: Any) -> None:
    """Raise for a candidate whose scores would be of another class."""
    if got != known:
        raise ValueError(
            "positive_class must be set on the estimator and not searched,"
            f" got {shown(got)}"
        )


def candidates_of(
    estimator: Any, space: Any, n_candidates: int | None, random_state: Any
) -> list[Candidate]:
    """Return all points of a grid, or as many as asked for of distributions."""
    trainable(estimator)
    points = _points(space)
    if n_candidates is None and not _is_grid(points):
        raise ValueError(
            "n_candidates must be given where the search space has distributions,"
            " got None"
        )
    chosen: Any = ParameterGrid(points) if _is_grid(points) else None
    if chosen is None or (n_candidates is not None and n_candidates < len(chosen)):
        chosen = ParameterSampler(points, n_candidates, random_state=random_state)
    return [candidate_of(estimator, one, i) for i, one in enumerate(chosen)]


def _points(space: Any) -> list[Mapping[str, Any]]:
    """Return the search space as scikit-learn wants it, checked."""
    spaces = [space] if isinstance(space, Mapping) else space
    if not isinstance(spaces, Sequence) or not all(
        isinstance(one, Mapping) for one in spaces
    ):
        raise ValueError(
            f"the search space must be a dict or a list, got {shown(space)}"
        )
    if not spaces:
        raise ValueError("the search space must not be empty, got []")
    for one in spaces:
        for name, values in one.items():
            _check_values(name, values)
    return list(spaces)


def _check_values(name: str, values: Any) -> None:
    if hasattr(values, "rvs"):
        return
    several = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    if not several or len(values) == 0:
        raise ValueError(
            f"{name} in the search space must be a non-empty list or a distribution,"
            f" got {shown(values)}"
        )


def _is_grid(points: list[Mapping[str, Any]]) -> bool:
    return not any(hasattr(v, "rvs") for one in points for v in one.values())
