"""A training whose raw scores and gradients never leave the device: an experiment.

``xgboost.train`` hands raw scores to an objective as a host array. Here each tree's
scores are added to the last ones by ``inplace_predict``, which returns an array where
its rows are. It needs the rows beside the binned data, and does not fit DART, which
changes trees that are already counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Gradients = Callable[[Any], tuple[Any, Any]]


def train_resident(
    params: dict[str, Any], data: Any, X: Any, rounds: int, gradients: Gradients
) -> Any:
    """Return a booster of that many rounds.

    Parameters
    ----------
    params : dict
        XGBoost's parameters with the start value as "base_score".
    data : xgboost.DMatrix
        The binned rows and their labels.
    X : array, (n, d), of NumPy or CuPy
        The same rows.
    rounds : int
    gradients : callable
        Raw scores, (n,), where X is, to gradient and Hessian.
    """
    import xgboost

    booster = xgboost.Booster(params, [data])
    # Without a tree the raw score of every row is the start value.
    raw_score = booster.inplace_predict(X[:1], predict_type="margin")
    raw_score = raw_score.repeat(len(X)).astype(np.float32)
    for number in range(rounds):
        grad, hess = gradients(raw_score)
        booster.boost(data, number, grad=grad, hess=hess)
        if number + 1 < rounds:
            raw_score = booster.inplace_predict(
                X,
                iteration_range=(number, number + 1),
                predict_type="margin",
                base_margin=raw_score,
            )
    return booster
