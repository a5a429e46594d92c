"""What is measured of a method, and how two methods are compared."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from focal_boost.thresholds import Rule
from focal_boost.thresholds._choice import figures_at
from focal_boost.thresholds._outcomes import Ranked

Floats = NDArray[np.float64]

_SCORES = {
    "average_precision": average_precision_score,
    "roc_auc": roc_auc_score,
    "log_loss": log_loss,
    "brier": brier_score_loss,
}
_MORE_IS_BETTER = ("average_precision", "roc_auc", "recall", "precision")
#: What is measured on every fold.
MEASURES = (*_SCORES, "seconds")
#: What methods are compared by, of decisions too.
COMPARED = (*MEASURES, "cost", "recall", "precision")

# A difference of at most this many standard errors is called noise.
_NOISE = 2.0


class Rows(NamedTuple):
    """Labels, out-of-fold posteriors and weights of some rows."""

    y_true: NDArray[np.int64]
    posterior: Floats
    sample_weight: Floats | None

    def ranked(self) -> Ranked:
        """Return them in order of the posterior."""
        return Ranked(self.y_true, self.posterior, self.sample_weight)


class Mean(NamedTuple):
    """A mean over folds and its standard error."""

    mean: float
    standard_error: float


class Difference(NamedTuple):
    """A mean of differences per fold, its standard error and what to make of it."""

    mean: float
    standard_error: float
    verdict: Literal["better", "worse", "within noise"]


def measured(rows: Rows) -> dict[str, float]:
    """Return the scores of a held-out part; of many classes, their plain means."""
    if rows.posterior.ndim == 2:
        return _of_classes(rows)
    return {
        name: float(
            score(rows.y_true, rows.posterior, sample_weight=rows.sample_weight)
        )
        for name, score in _SCORES.items()
    }


def _of_classes(rows: Rows) -> dict[str, float]:
    numbers, weight = np.arange(rows.posterior.shape[1]), rows.sample_weight
    against = rows.y_true[:, None] == numbers
    # Of single precision the sum is not yet 1; ranks keep the digits that there are.
    ranked = rows.posterior
    posterior = ranked / ranked.sum(axis=1, keepdims=True)
    given = {"sample_weight": weight}
    return {
        "average_precision": float(average_precision_score(against, ranked, **given)),
        "roc_auc": float(roc_auc_score(against, ranked, **given)),
        "log_loss": float(log_loss(rows.y_true, posterior, labels=numbers, **given)),
        "brier": float(
            np.average(((posterior - against) ** 2).sum(axis=1), weights=weight)
        ),
    }


def decided(rule: Rule, others: Rows, held_out: Rows) -> dict[str, float]:
    """Return what a threshold chosen on other rows leads to on a held-out part."""
    threshold = rule.threshold(others.ranked().outcomes())
    found = figures_at(rule, held_out.ranked().outcomes(), threshold)
    # Where nothing is called positive, no call was right.
    found["precision"] = float(np.nan_to_num(found["precision"]))
    told = ("cost", "recall", "precision", "alert_rate")
    return {
        **{name: found[name] for name in told if name in found},
        "threshold": threshold,
    }


def mean_and_error(values: Floats) -> Mean:
    """Return the mean over folds and its standard error, s/√k."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return Mean(float(np.mean(values)), float(error))


def difference(measure: str, values: Floats, reference: Floats) -> Difference:
    """Compare two methods on the same folds.

    The folds are paired: what makes one fold hard makes it hard for both methods and
    cancels in the difference. Training sets overlap, so the standard error is a guide,
    not a test.
    """
    mean, error = mean_and_error(values - reference)
    if abs(mean) <= _NOISE * error:
        return Difference(mean, error, "within noise")
    better = (mean > 0) == (measure in _MORE_IS_BETTER)
    return Difference(mean, error, "better" if better else "worse")
