"""What is measured on the test part."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, roc_auc_score

_BINS = 15
# scikit-learn's clip of probabilities before the logarithm.
_FARTHEST = -float(logit(np.finfo(np.float64).eps))

MEASURES = ("average_precision", "roc_auc", "log_loss", "brier_score", "ece")


def measures(y: Any, log_odds: Any, weight: Any) -> dict[str, float]:
    """Return every measure of the log-odds that a model states, which are finite."""
    posterior = expit(log_odds)
    found = {
        "average_precision": average_precision_score(y, log_odds, sample_weight=weight),
        "roc_auc": roc_auc_score(y, log_odds, sample_weight=weight),
        "log_loss": log_loss(y, log_odds, weight),
        "brier_score": np.average((posterior - y) ** 2, weights=weight),
        "ece": ece(y, posterior, weight),
    }
    return {name: float(found[name]) for name in MEASURES}


def log_loss(y: Any, log_odds: Any, weight: Any = None) -> float:
    """Return the mean log loss, with scikit-learn's bound of a row's."""
    t = np.where(np.asarray(y) == 1, log_odds, -log_odds)
    rows = np.logaddexp(0, -np.clip(t, -_FARTHEST, _FARTHEST))
    return float(np.average(rows, weights=weight))


def ece(y: Any, posterior: Any, weight: Any = None) -> float:
    """Return the expected calibration error over 15 bins of equal weight.

    The mean of |mean posterior − share of positives|. Bins of equal width would hold
    nearly every row of a rare event in the first one. Equal posteriors share a bin.
    """
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    values, where = np.unique(posterior, return_inverse=True)
    where = where.ravel()
    mass = np.bincount(where, weights=w)
    middle = (np.cumsum(mass) - mass / 2) / np.sum(mass)
    bins = np.minimum((middle * _BINS).astype(int), _BINS - 1)
    excess = np.bincount(where, weights=w * y) - mass * values
    return float(np.sum(np.abs(np.bincount(bins, weights=excess))) / np.sum(mass))
