"""Metrics of the raw scores of many classes or labels, (n, K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_expit, log_softmax

from focal_boost._rows import labels_of_columns
from focal_boost._validation import as_numbers, shown
from focal_boost.metrics import METRICS, FocalMetric
from focal_boost.multi import MultiFocalObjective

Floats = NDArray[np.float64]

# A row's log loss is at most this, with scikit-learn's bound of a probability.
_MOST = -float(np.log(np.finfo(np.float64).eps))
_PER_CLASS = "_per_class"


def normalised(log_odds: ArrayLike) -> Floats:
    """Return posteriors of one class each that are divided by their sum.

    Parameters
    ----------
    log_odds : array-like of finite numbers, (n, K)
        Of every class against all others.

    Returns
    -------
    ndarray of float64, (n, K)
        A row sums to 1, also where all posteriors are too small for a float.

    Examples
    --------
    >>> normalised([[0.0, 0.0, 0.0]]).round(3).tolist()
    [[0.333, 0.333, 0.333]]
    """
    return np.exp(_log_normalised(np.asarray(log_odds, np.float64)))


def _log_normalised(log_odds: Floats) -> Floats:
    found: Floats = log_softmax(log_expit(log_odds), axis=1)
    return found


def _own_class(matrix: NDArray[Any]) -> NDArray[np.intp]:
    """Return the number of every row's class."""
    several = matrix.sum(axis=1, dtype=np.intp)
    if (several != 1).any():
        raise ValueError(
            "y_true must have exactly one class in every row for this metric, got"
            f" {several[several != 1][0]}"
        )
    return np.asarray(matrix.argmax(axis=1))


def log_loss_of_rows(numbers: NDArray[Any], log_odds: Floats) -> Floats:
    """Return −log of the normalised posterior of every row's own class, (n,)."""
    found = _log_normalised(log_odds)[np.arange(len(numbers)), numbers]
    return np.asarray(np.minimum(-found, _MOST))


def _errors_of_rows(numbers: NDArray[Any], log_odds: Floats) -> NDArray[np.bool_]:
    """Return where another class is the most probable one, (n,)."""
    return np.asarray(log_odds.argmax(axis=1) != numbers)


#: What XGBoost calls the metrics of one class per row.
NORMALISED: dict[str, Callable[[NDArray[Any], Floats], NDArray[Any]]] = {
    "mlogloss": log_loss_of_rows,
    "merror": _errors_of_rows,
}

#: The names that :class:`MultiFocalMetric` knows.
MULTI_METRICS = (*METRICS, *(f"{name}{_PER_CLASS}" for name in METRICS), *NORMALISED)


@dataclass(frozen=True)
class MultiFocalMetric:
    """A named metric of the raw scores of many classes; an immutable value.

    Parameters
    ----------
    name : str
        "average_precision", "log_loss", "brier_score" and "focal_loss" are those of
        :class:`FocalMetric` for every class against all others, and their plain mean
        ("macro"); with "_per_class" behind it each class has a figure of its own.
        "mlogloss" and "merror" are XGBoost's, of the normalised posteriors.
    objective : MultiFocalObjective
        What the raw scores were trained with.

    Raises
    ------
    ValueError
        If the name is not known or objective is not a MultiFocalObjective.

    Examples
    --------
    >>> metric = MultiFocalMetric("average_precision", MultiFocalObjective())
    >>> y, raw_score = [0, 1, 2], [[2.0, 0, 0], [0, 2.0, 0], [1.0, 0, 0.5]]
    >>> metric(y, raw_score)
    1.0
    """

    name: str
    objective: MultiFocalObjective

    def __post_init__(self) -> None:
        if self.name not in MULTI_METRICS:
            raise ValueError(
                f"metric must be one of {MULTI_METRICS}, got {shown(self.name)}"
            )
        if not isinstance(self.objective, MultiFocalObjective):
            raise ValueError(
                f"objective must be a MultiFocalObjective, got {shown(self.objective)}"
            )

    @property
    def higher_is_better(self) -> bool:
        """Whether early stopping should wait for a maximum."""
        return self.name.startswith("average_precision")

    def __call__(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the metric, and of one per class the mean.

        Parameters
        ----------
        y_true : array-like, (n,) of class numbers or (n, K) of 0 and 1
        raw_score : array-like of finite numbers, (n, K)
        sample_weight : array-like of finite numbers >= 0, (n,), optional

        Raises
        ------
        ValueError
            As from :class:`MultiFocalObjective` and :class:`FocalMetric`.
        """
        if self.name not in NORMALISED:
            return float(self.per_class(y_true, raw_score, sample_weight).mean())
        scores = as_numbers(raw_score, "raw_score").astype(np.float64)
        labels = labels_of_columns(y_true, sample_weight, scores.shape[1])
        numbers = _own_class(np.stack([one.y_true for one in labels], axis=1))
        if self.objective.link != "logit":
            posterior = self.objective.posterior(scores)
            scores = np.log(posterior) - np.log1p(-posterior)
        each = NORMALISED[self.name](numbers, scores)
        return float(np.average(each, weights=labels[0].sample_weight))

    def per_class(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Floats:
        """Return the metric of every class against all others, (K,)."""
        scores = as_numbers(raw_score, "raw_score")
        n_classes = scores.shape[1]
        labels = labels_of_columns(y_true, sample_weight, n_classes)
        name = self.name.removesuffix(_PER_CLASS)
        columns = zip(
            self.objective.of_columns(n_classes), labels, scores.T, strict=True
        )
        return np.array(
            [
                FocalMetric(name, one)(of.y_true, at, of.sample_weight)
                for one, of, at in columns
            ]
        )

    def named(
        self, y_true: ArrayLike, raw_score: ArrayLike, sample_weight: Any = None
    ) -> dict[str, float]:
        """Return the values by the names that are reported: of classes, "name_k"."""
        if not self.name.endswith(_PER_CLASS):
            return {self.name: self(y_true, raw_score, sample_weight)}
        name = self.name.removesuffix(_PER_CLASS)
        values = self.per_class(y_true, raw_score, sample_weight)
        return {f"{name}_{k}": float(value) for k, value in enumerate(values)}


def multi_metrics(
    metrics: str | Sequence[str], objective: MultiFocalObjective
) -> tuple[MultiFocalMetric, ...]:
    """Return metrics by their names, each once, or one by its name."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    return tuple(MultiFocalMetric(name, objective) for name in dict.fromkeys(names))
