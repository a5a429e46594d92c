"""What a search is asked: rows, folds and the score, checked before any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._adapter.splits import (
    Rows,
    part_without_both_classes,
    splits_of,
    with_rows,
)
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight
from focal_boost.metrics import FocalMetric
from focal_boost.objective import FocalObjective

# The classifiers' raw scores are log-odds for every alpha and gamma.
_LOG_ODDS = FocalObjective(None, 0.0)

#: scikit-learn's names, our metrics, and the sign that makes more of it better.
SCORINGS = {
    "neg_log_loss": ("log_loss", -1.0),
    "neg_brier_score": ("brier_score", -1.0),
    "average_precision": ("average_precision", 1.0),
}


@dataclass(frozen=True)
class Part:
    """Some of the rows: features, labels as 0 and 1 and as given, and weights."""

    X: Any
    y_true: NDArray[np.int64]
    y: NDArray[Any]
    sample_weight: NDArray[np.float64] | None


@dataclass(frozen=True)
class Problem:
    """Rows, labels, weights, the split and the score of a search."""

    X: Any
    target: Target
    sample_weight: NDArray[np.float64] | None
    splits: list[tuple[Rows, Rows]]
    scoring: str

    @classmethod
    def of(
        cls,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
        cv: Any,
        scoring: Any,
    ) -> Problem:
        """Return a checked problem."""
        check_scoring(scoring)
        X = with_rows(X)
        target = Target.of(y)
        if len(target.classes) == 1:
            raise ValueError(
                f"y must contain two classes, got 1 class: {target.classes.tolist()}"
            )
        target.check_rows(X)
        _, weight = as_labels_and_weight(target.y_true, sample_weight)
        splits = splits_of(X, target, groups, cv)
        _check_parts(target, weight, splits)
        return cls(X, target, weight, splits, scoring)

    def part(self, rows: Rows) -> Part:
        """Return some of the rows."""
        y_true, weight = self.target.y_true[rows], self.sample_weight
        X = self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows]
        return Part(
            X,
            y_true,
            self.target.classes[y_true],
            None if weight is None else weight[rows],
        )


def check_scoring(scoring: Any) -> None:
    """Raise unless it is the name of a score that can be compared across gamma."""
    if not isinstance(scoring, str) or scoring not in SCORINGS:
        raise ValueError(f"scoring must be one of {tuple(SCORINGS)}, got {scoring!r}")


def score(
    scoring: str,
    y_true: ArrayLike,
    raw_score: ArrayLike,
    sample_weight: ArrayLike | None,
) -> float:
    """Return a score of log-odds; more is better."""
    name, sign = SCORINGS[scoring]
    return sign * FocalMetric(name, _LOG_ODDS)(y_true, raw_score, sample_weight)


def _check_parts(
    target: Target, weight: NDArray[np.float64] | None, splits: list[tuple[Rows, Rows]]
) -> None:
    """Raise unless both parts of every fold have both classes, with weight."""
    lacking = part_without_both_classes(target.y_true, splits, weight)
    if lacking is not None:
        number, side, present = lacking
        raise ValueError(
            "cv must leave both classes with positive weight in every part, got"
            f" {present} in the {side} part of fold {number}"
        )
