"""What a search is asked: rows, folds and the score, checked before any training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._adapter.estimator import positive_of
from focal_boost._adapter.splits import (
    Rows,
    part_without_both_classes,
    rows_of,
    splits_of,
    with_rows,
)
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight
from focal_boost.ensemble._models import last_step
from focal_boost.tuning._scoring import (
    Judged,
    check_scores,
    check_scoring,
    reads_rows,
    score,
)


@dataclass(frozen=True)
class Part:
    """Some of the rows: features, labels as numbers and as given, and weights."""

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
    scoring: Any
    positive: int
    _held_out: dict[int, Judged] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        estimator: Any,
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
        target = Target.of(y, many=True)
        if len(target.classes) == 1:
            raise ValueError(
                f"y must contain two classes, got 1 class: {target.classes.tolist()}"
            )
        target.check_rows(X)
        # Of many classes the numbers are sound.
        of_two = np.minimum(target.y_true, 1)
        _, weight = as_labels_and_weight(of_two, sample_weight)
        splits = splits_of(X, target, groups, cv)
        _check_parts(target, weight, splits)
        positive = positive_of(last_step(estimator), target.classes)
        problem = cls(X, target, weight, splits, scoring, positive)
        check_scores(scoring, problem.held_out(0))
        return problem

    def held_out(self, number: int) -> Judged:
        """Return the rows that a fold is scored on, the same at every round."""
        if number not in self._held_out:
            classes, rows = self.target.classes, self.splits[number][1]
            y_true, weight = self.target.y_true[rows], self.sample_weight
            self._held_out[number] = Judged(
                rows_of(self.X, rows) if reads_rows(self.scoring, classes) else None,
                y_true,
                classes,
                None if weight is None else weight[rows],
                self.positive,
            )
        return self._held_out[number]

    def score(self, number: int, log_odds: ArrayLike) -> float:
        """Return the score of the log-odds of a fold's held-out rows."""
        return score(self.scoring, self.held_out(number), log_odds)

    def part(self, rows: Rows) -> Part:
        """Return some of the rows."""
        y_true, weight = self.target.y_true[rows], self.sample_weight
        return Part(
            rows_of(self.X, rows),
            y_true,
            self.target.classes[y_true],
            None if weight is None else weight[rows],
        )


def _check_parts(
    target: Target, weight: NDArray[np.float64] | None, splits: list[tuple[Rows, Rows]]
) -> None:
    """Raise unless both parts of every fold have all classes, with weight."""
    n_classes = len(target.classes)
    lacking = part_without_both_classes(target.y_true, splits, weight, n_classes)
    if lacking is not None:
        number, side, present = lacking
        which = "both" if n_classes == 2 else f"all {n_classes}"
        raise ValueError(
            f"cv must leave {which} classes with positive weight in every part, got"
            f" {present} in the {side} part of fold {number}"
        )
