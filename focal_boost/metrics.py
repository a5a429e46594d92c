"""Evaluation metrics of a margin: proper scores of its posterior, and its ranking.

Every metric is a function ``(y_true, margin, sample_weight) → float`` of the raw
margin. Log loss, Brier score and average precision are scikit-learn's figures on the
posteriors of both classes, to the last digits; XGBoost's and LightGBM's own metrics
would take σ(margin) or the margin itself for the probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.threads import default_threads, run
from focal_boost._validation import Rows
from focal_boost.loss import FocalLoss

Array = NDArray[Any]

# Above the margin whose posterior is 1 − this, margins that differ can have posteriors
# that do not.
_NEAR_ONE = 1e-9


def _focal_loss(rows: Rows, loss: FocalLoss) -> float:
    rows.explain()
    each = loss.loss(rows.y_true, rows.margin)
    return float(np.average(each, weights=rows.sample_weight))


def _log_loss(rows: Rows, loss: FocalLoss) -> float:
    from focal_boost._kernels.scores import LOG_LOSS

    return _mean_score(rows, loss, LOG_LOSS)


def _brier_score(rows: Rows, loss: FocalLoss) -> float:
    from focal_boost._kernels.scores import BRIER_SCORE

    return _mean_score(rows, loss, BRIER_SCORE)


def _mean_score(rows: Rows, loss: FocalLoss, kind: int) -> float:
    """Return the weighted mean of a compiled score, the same bits on any threads."""
    from focal_boost._kernels.faults import BLOCK
    from focal_boost._kernels.scores import scores

    negative, positive = loss.class_weights
    sums = np.empty((-(-rows.margin.size // BLOCK), 2))

    def kernel(part: slice) -> tuple[int, int]:
        weight = rows.sample_weight
        found: tuple[int, int] = scores(
            rows.margin[part],
            rows.y_true[part],
            None if weight is None else weight[part],
            kind,
            loss.gamma,
            negative / positive,
            sums[part.start // BLOCK :],
        )
        return found

    found = run(kernel, rows.margin.size, default_threads())
    if any(fault for fault, _ in found) or not any(some for _, some in found):
        rows.explain()
    total, of_weights = sums.sum(axis=0)
    return float(total / of_weights)


def _average_precision(rows: Rows, loss: FocalLoss) -> float:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct posteriors, from the highest down.

    Rows with equal posteriors are one threshold: no order among them is invented.
    Recall changes at the posteriors of positives alone, so that positives and
    negatives are sorted apart, and the negatives' order is never looked up.
    """
    rows.explain()
    rank, weight = _ranks(rows.margin, loss), rows.sample_weight
    positive = rows.y_true == 1
    of_positives = None if weight is None else weight[positive]
    of_negatives = None if weight is None else weight[~positive]
    thresholds = np.unique(rank[positive])
    caught = _weight_from(rank[positive], of_positives, thresholds)
    if not caught.any():
        return 0.0
    false_alarms = _weight_from(rank[~positive], of_negatives, thresholds)
    precision = caught / np.where(caught > 0, caught + false_alarms, 1)
    gained = -np.diff(caught, append=0)
    return float(np.sum(gained * precision) / caught[0])


def _ranks(margin: Array, loss: FocalLoss) -> Array:
    """Return what orders and ties rows as their posteriors do.

    That is the margin itself but where posteriors are rounded to few numbers.
    """
    near_one = float(loss.margin(1 - _NEAR_ONE))
    near_zero = -700 / (1 + loss.gamma)
    if margin.max() < near_one and margin.min() > near_zero:
        return margin
    rank = margin.astype(np.float64)
    high, low = rank >= near_one, rank <= near_zero
    rank[high] = near_one + _places(loss, rank[high])
    rank[low] = near_zero - rank.size + _places(loss, rank[low])
    return rank


def _places(loss: FocalLoss, margin: Array) -> Array:
    """Return each margin's place among the distinct posteriors."""
    if margin.size == 0:
        return margin
    return np.unique(loss.posterior(margin), return_inverse=True)[1]


def _weight_from(rank: Array, weight: Array | None, thresholds: Array) -> Array:
    """Return the weight, or number, of ranks at or above each of the thresholds."""
    if weight is None:
        return rank.size - np.searchsorted(np.sort(rank), thresholds)
    # From the highest down: sums of few rows are differences of none.
    order = np.argsort(-rank)
    total = np.cumsum(weight[order], dtype=np.float64)
    at = np.searchsorted(np.sort(-rank), -thresholds, side="right")
    return np.insert(total, 0, 0.0)[at]


_METRICS: dict[str, Callable[[Rows, FocalLoss], float]] = {
    "focal_loss": _focal_loss,
    "log_loss": _log_loss,
    "brier_score": _brier_score,
    "average_precision": _average_precision,
}

#: The names that :class:`FocalMetric` knows.
METRICS = tuple(_METRICS)


@dataclass(frozen=True)
class FocalMetric:
    """A named metric of raw margins under a focal loss; an immutable value.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        "focal_loss" is the weighted mean of the loss; it is not comparable between
        different alpha or gamma. "log_loss" and "brier_score" are those of the
        posterior, and "average_precision" is the area under the step-wise
        precision-recall curve.
    loss : FocalLoss
        The loss that the margins were trained with.

    Raises
    ------
    ValueError
        If the name is not known or loss is not a FocalLoss.
    """

    name: str
    loss: FocalLoss

    def __post_init__(self) -> None:
        if self.name not in METRICS:
            raise ValueError(f"metric must be one of {METRICS}, got {self.name!r}")
        if not isinstance(self.loss, FocalLoss):
            raise ValueError(f"loss must be a FocalLoss, got {self.loss!r}")

    @property
    def higher_is_better(self) -> bool:
        """Whether early stopping should wait for a maximum."""
        return self.name == "average_precision"

    def __call__(
        self,
        y_true: ArrayLike,
        margin: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the metric.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
            Labels.
        margin : array-like of finite numbers, (n,)
            Raw scores.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights; an empty array means none.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            For bad labels, margins or weights, and for lengths that differ.
        """
        return _METRICS[self.name](Rows.of(y_true, margin, sample_weight), self.loss)


def focal_metrics(
    metrics: str | Sequence[str], loss: FocalLoss
) -> tuple[FocalMetric, ...]:
    """Return metrics by their names, each once, or one by its name."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    return tuple(FocalMetric(name, loss) for name in dict.fromkeys(names))
