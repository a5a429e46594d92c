"""Evaluation metrics of a margin: proper scores of its posterior, and its ranking.

Every metric is a function ``(y_true, margin, sample_weight) → float`` of the raw
margin. Log loss, Brier score and average precision are scikit-learn's figures on
``loss.posterior(margin)``, to the last digits; XGBoost's and LightGBM's own metrics
would take σ(margin) or the margin itself for the probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import (
    as_column,
    as_labels_and_weight,
    check_margin,
    check_same_shape,
)
from focal_boost.loss import FocalLoss

Floats = NDArray[np.float64]

# scikit-learn clips probabilities there before it takes the logarithm.
_EPS = float(np.finfo(np.float64).eps)


def _focal_loss(y: Floats, z: Floats, w: Floats | None, loss: FocalLoss) -> float:
    return float(np.average(loss.loss(y, z), weights=w))


def _log_loss(y: Floats, z: Floats, w: Floats | None, loss: FocalLoss) -> float:
    eta = np.clip(loss.posterior(z), _EPS, 1 - _EPS)
    return float(np.average(-np.log(np.where(y == 1, eta, 1 - eta)), weights=w))


def _brier_score(y: Floats, z: Floats, w: Floats | None, loss: FocalLoss) -> float:
    return float(np.average((loss.posterior(z) - y) ** 2, weights=w))


def _average_precision(
    y: Floats, z: Floats, w: Floats | None, loss: FocalLoss
) -> float:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct posteriors, from the highest down.

    Rows with equal posteriors are one threshold: no order among them is invented.
    """
    eta = loss.posterior(z)
    order = np.argsort(eta)[::-1]
    weight = np.ones_like(y) if w is None else w[order]
    last = np.append(np.flatnonzero(np.diff(eta[order])), y.size - 1)
    true_positives = np.cumsum(weight * y[order])[last]
    flagged = np.cumsum(weight)[last]
    if true_positives[-1] == 0:
        return 0.0
    precision = true_positives / np.where(flagged > 0, flagged, 1)
    recall = true_positives / true_positives[-1]
    return float(np.sum(np.diff(recall, prepend=0) * precision))


_METRICS: dict[str, Callable[[Floats, Floats, Floats | None, FocalLoss], float]] = {
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
        if sample_weight is not None and np.size(sample_weight) == 0:
            sample_weight = None
        labels, weight = as_labels_and_weight(
            as_column(y_true, "y_true"),
            None
            if sample_weight is None
            else as_column(sample_weight, "sample_weight"),
        )
        scores = as_column(margin, "margin").astype(np.float64)
        check_same_shape(labels, scores)
        check_margin(scores)
        return _METRICS[self.name](labels, scores, weight, self.loss)


def focal_metrics(
    metrics: str | Sequence[str], loss: FocalLoss
) -> tuple[FocalMetric, ...]:
    """Return metrics by their names, each once, or one by its name."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    return tuple(FocalMetric(name, loss) for name in dict.fromkeys(names))
