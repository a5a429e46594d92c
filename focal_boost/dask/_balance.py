"""What a classifier has to know of a collection of labels before workers train."""

from __future__ import annotations

from typing import Any

import numpy as np

from focal_boost._adapter.estimator import focal_objective
from focal_boost.objective import FocalObjective


def needs_classes(estimator: Any) -> bool:
    """Return whether its objective depends on the labels."""
    return isinstance(estimator.focal_alpha, str)


def objective_of(estimator: Any, of_class: Any = None) -> FocalObjective:
    """Return the objective that an estimator's parameters ask for.

    `of_class` are the weights of the negatives and of the positives, if it needs them.
    """
    return focal_objective(estimator, np.arange(2), of_class)


def weight_of_classes(y: Any, positive: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Return the lazy sums of the weights of all rows, and of the positives."""
    is_positive = y == positive
    if sample_weight is None:
        return is_positive.count() if hasattr(y, "index") else y.size, is_positive.sum()
    return sample_weight.sum(), (is_positive * sample_weight).sum()
