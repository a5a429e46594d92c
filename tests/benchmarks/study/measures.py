"""What is measured on the test part."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from focal_boost import FocalLoss
from focal_boost.metrics import FocalMetric

_BINS = 15
# Cross entropy's posterior is σ(margin).
_SIGMA = FocalLoss(alpha=None, gamma=0.0)

RANKING = ("average_precision", "roc_auc")
PROPER = ("log_loss", "brier_score", "ece")
#: All measures; those that begin with "sigma_" take σ(margin) for the posterior.
MEASURES = (*RANKING, *PROPER, *(f"sigma_{name}" for name in PROPER))


def measures(y: Any, margin: Any, weight: Any, loss: FocalLoss) -> dict[str, float]:
    """Return every measure of margins trained with a loss.

    Raises
    ------
    ValueError
        For margins that are not finite.
    """
    found = {
        "average_precision": average_precision_score(y, margin, sample_weight=weight),
        "roc_auc": roc_auc_score(y, margin, sample_weight=weight),
    }
    for prefix, link in (("", loss), ("sigma_", _SIGMA)):
        for name in ("log_loss", "brier_score"):
            found[prefix + name] = FocalMetric(name, link)(y, margin, weight)
        found[f"{prefix}ece"] = ece(y, link.posterior(margin), weight)
    return {name: float(found[name]) for name in MEASURES}


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
