"""What every threshold makes of some rows, computed once in order of the posterior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._adapter.target import Target
from focal_boost._validation import (
    as_labels_and_weight,
    as_probabilities,
    check_prevalence,
    check_same_shape,
    listed,
)

Floats = NDArray[np.float64]


class Outcomes(NamedTuple):
    """Weights of the rows that each threshold calls positive, from the highest down.

    Attributes
    ----------
    threshold : ndarray, (k + 1,)
        Infinity, which calls no row positive, and every distinct posterior.
    true_positives, false_positives : ndarray, (k + 1,)
    positives, negatives : float
        Weights of all rows of a class.
    """

    threshold: Floats
    true_positives: Floats
    false_positives: Floats
    positives: float
    negatives: float

    @property
    def recall(self) -> Floats:
        """Share of the positives that are called positive."""
        return self.true_positives / self.positives

    @property
    def false_positive_rate(self) -> Floats:
        """Share of the negatives that are called positive."""
        return self.false_positives / self.negatives

    @property
    def alerts(self) -> Floats:
        """Weight of the rows that are called positive."""
        return self.true_positives + self.false_positives

    @property
    def precision(self) -> Floats:
        """Share of positives among those called positive, NaN where there are none."""
        with np.errstate(invalid="ignore"):
            return self.true_positives / self.alerts

    def at(self, threshold: float) -> int:
        """Return the number of the outcome of any threshold."""
        return int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1


class Ranked:
    """Rows in order of their posteriors, from the highest down.

    Parameters
    ----------
    y_true : array-like, (n,)
        Labels of two classes.
    posterior : array-like, (n,)
    sample_weight : array-like, (n,), optional
    """

    def __init__(
        self, y_true: ArrayLike, posterior: ArrayLike, sample_weight: ArrayLike | None
    ) -> None:
        target = Target.of(y_true, many=True)
        if len(target.classes) > 2:
            raise ValueError(
                "y_true must hold two classes for a threshold, got"
                f" {len(target.classes)}: take one of them against the rest, y_true =="
                f" {listed(target.classes[-1:])[1:-1]} with its column of the posterior"
            )
        labels, weight = as_labels_and_weight(target.y_true, sample_weight)
        scores = as_probabilities(posterior)
        check_same_shape(labels, scores, "posterior")
        check_prevalence(float(np.average(labels, weights=weight)))
        order = np.argsort(-scores, kind="stable")
        self._scores, self._labels = scores[order], labels[order]
        self._weight = np.ones(len(order)) if weight is None else weight[order]
        self._last_of_equals = np.append(np.flatnonzero(np.diff(self._scores)), -1)

    def outcomes(self, times: NDArray[np.int64] | None = None) -> Outcomes:
        """Return the outcomes, each row counted so many times."""
        weight = self._weight if times is None else self._weight * times
        of_positives = np.cumsum(weight * self._labels)
        of_negatives = np.cumsum(weight * (1 - self._labels))
        return Outcomes(
            np.append(np.inf, self._scores[self._last_of_equals]),
            np.append(0.0, of_positives[self._last_of_equals]),
            np.append(0.0, of_negatives[self._last_of_equals]),
            float(of_positives[-1]),
            float(of_negatives[-1]),
        )

    def resampled(self, n: int, seed: int | None) -> Iterator[Outcomes]:
        """Yield the outcomes of `n` samples of the rows, drawn with replacement."""
        rng = np.random.default_rng(seed)
        rows = len(self._labels)
        drawn = 0
        while drawn < n:
            found = self.outcomes(
                np.bincount(rng.integers(rows, size=rows), minlength=rows)
            )
            # Where a class is missing nothing can be chosen.
            if found.positives > 0 and found.negatives > 0:
                drawn += 1
                yield found
