"""Evaluation metrics of a raw score: proper scores of its posterior, and its ranking.

Every metric is a function ``(y_true, raw_score, sample_weight) → float`` of what a
booster adds up under an objective. Log loss, Brier score and average precision are
scikit-learn's figures on the posteriors of both classes, to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.threads import SLICE, default_threads, run
from focal_boost._rows.host import Labels, floats_of
from focal_boost._validation import check_same_shape, check_scores, shown
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective

Array = NDArray[Any]


def _focal_loss(labels: Labels, raw_score: Array, objective: FocalObjective) -> float:
    each = objective.values.value(labels.y_true, raw_score)
    return float(np.average(each, weights=labels.sample_weight))


def _log_loss(labels: Labels, raw_score: Array, objective: FocalObjective) -> float:
    from focal_boost._kernels.scores import LOG_LOSS

    return mean_score(labels, raw_score, objective, LOG_LOSS)


def _brier_score(labels: Labels, raw_score: Array, objective: FocalObjective) -> float:
    from focal_boost._kernels.scores import BRIER_SCORE

    return mean_score(labels, raw_score, objective, BRIER_SCORE)


def mean_score(
    labels: Labels,
    raw_score: Array,
    objective: FocalObjective,
    kind: int,
    clip: float = float(np.finfo(np.float64).eps),
    most: float | None = None,
) -> float:
    """Return the weighted mean of a compiled score, the same bits on any threads.

    Up to the posterior `clip` a row's log loss is `most`, by default −log(clip) with
    scikit-learn's clip.
    """
    from focal_boost._kernels.faults import BLOCK
    from focal_boost._kernels.scores import scores

    # Log-odds are the margin of cross entropy, whose posterior is σ.
    loss = objective.loss if objective.link == "focal" else _CROSS_ENTROPY
    odds = math.exp(loss.log_class_odds)
    weight = labels.sample_weight
    sums = np.empty((-(-raw_score.size // BLOCK), 2))

    def kernel(part: slice) -> int:
        found: int = scores(
            raw_score[part],
            labels.y_true[part],
            None if weight is None else weight[part],
            kind,
            loss.gamma,
            odds,
            clip,
            -math.log(clip) if most is None else most,
            sums[part.start // BLOCK :],
        )
        return found

    # What so few rows take is less than asking how many threads there are.
    threads = default_threads() if raw_score.size > SLICE else 1
    if any(run(kernel, raw_score.size, threads)):
        check_scores(raw_score)
    total, of_weights = sums.sum(axis=0)
    return float(total / of_weights)


def _average_precision(
    labels: Labels, raw_score: Array, objective: FocalObjective
) -> float:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct posteriors, from the highest down.

    Rows with equal posteriors are one threshold: no order among them is invented.
    Recall changes at the posteriors of positives alone, so that positives and
    negatives are sorted apart, and the negatives' order is never looked up.
    """
    check_scores(raw_score)
    rank, weight = objective.posterior(raw_score), labels.sample_weight
    positive = labels.y_true == 1
    of_positives = None if weight is None else weight[positive]
    of_negatives = None if weight is None else weight[~positive]
    thresholds = np.unique(rank[positive])
    caught = weight_from(rank[positive], of_positives, thresholds)
    if not caught.any():
        return 0.0
    false_alarms = weight_from(rank[~positive], of_negatives, thresholds)
    return area_of_steps(caught, false_alarms)


def area_of_steps(caught: Array, false_alarms: Array) -> float:
    """Return the average precision of what lies at or above rising thresholds.

    Parameters
    ----------
    caught, false_alarms : ndarray, (k,)
        Weight, or number, of positives and of negatives there.
    """
    if not caught.any():
        return 0.0
    precision = caught / np.where(caught > 0, caught + false_alarms, 1)
    gained = -np.diff(caught, append=0)
    return float(np.sum(gained * precision) / caught[0])


def weight_from(rank: Array, weight: Array | None, thresholds: Array) -> Array:
    """Return the weight, or number, of ranks at or above each of the thresholds."""
    if weight is None:
        return rank.size - np.searchsorted(np.sort(rank), thresholds)
    if not thresholds.size:
        return thresholds
    from focal_boost._kernels.thresholds import weight_between

    # From the highest down: sums of few rows are differences of none.
    return np.cumsum(weight_between(rank, weight, thresholds)[::-1])[::-1]


_CROSS_ENTROPY = FocalLoss(None, 0.0)

_METRICS: dict[str, Callable[[Labels, Array, FocalObjective], float]] = {
    "focal_loss": _focal_loss,
    "log_loss": _log_loss,
    "brier_score": _brier_score,
    "average_precision": _average_precision,
}

#: The names that :class:`FocalMetric` knows.
METRICS = tuple(_METRICS)


@dataclass(frozen=True)
class FocalMetric:
    """A named metric of the raw scores of an objective; an immutable value.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        "focal_loss" is the weighted mean of what the objective minimises; it is not
        comparable between different alpha or gamma. "log_loss" and "brier_score" are
        those of the posterior, and "average_precision" is the area under the
        step-wise precision-recall curve.
    objective : FocalObjective
        What the raw scores were trained with.

    Raises
    ------
    ValueError
        If the name is not known or objective is not a FocalObjective.

    Examples
    --------
    >>> from focal_boost import FocalObjective
    >>> metric = FocalMetric("average_precision", FocalObjective())
    >>> metric([0, 1, 0, 1], [-3.0, -1.0, 0.5, 2.0])
    0.8333333333333333
    """

    name: str
    objective: FocalObjective

    def __post_init__(self) -> None:
        if self.name not in METRICS:
            raise ValueError(f"metric must be one of {METRICS}, got {shown(self.name)}")
        if not isinstance(self.objective, FocalObjective):
            raise ValueError(
                f"objective must be a FocalObjective, got {shown(self.objective)}"
            )

    @property
    def higher_is_better(self) -> bool:
        """Whether early stopping should wait for a maximum."""
        return self.name == "average_precision"

    def __call__(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the metric.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
            Labels.
        raw_score : array-like of finite numbers, (n,)
            What the booster adds up.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights; an empty array means none.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            For bad labels, raw scores or weights, and for lengths that differ.
        """
        labels = Labels.of(y_true, sample_weight)
        scores = floats_of(raw_score, "raw_score")
        check_same_shape(labels.y_true, scores)
        return _METRICS[self.name](labels, scores, self.objective)

    def named(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: Any = None
    ) -> dict[str, float]:
        """Return the value by its name."""
        return {self.name: self(y_true, raw_score, sample_weight)}


def focal_metrics(
    metrics: str | Sequence[str], objective: FocalObjective
) -> tuple[FocalMetric, ...]:
    """Return metrics by their names, each once, or one by its name."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    return tuple(FocalMetric(name, objective) for name in dict.fromkeys(names))
