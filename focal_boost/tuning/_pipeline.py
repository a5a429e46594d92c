"""What a search asks of an estimator, where that may be the last step of a pipeline.

The steps before it are fitted on every fold's training part, once for all candidates
that have the same of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from sklearn.pipeline import Pipeline

from focal_boost._adapter import protocol
from focal_boost._adapter.protocol import Trainable
from focal_boost.ensemble._models import fit_before, last_step


def trainable(estimator: Any) -> Trainable:
    """Return how an estimator, or the last step of a pipeline, is trained in pauses."""
    return protocol.trainable(last_step(estimator))


def prefix_of(estimator: Any) -> str:
    """Return what the names of the classifier's parameters begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned rows."""
    before = [
        (name, step, step.get_params() if hasattr(step, "get_params") else None)
        for name, step in getattr(estimator, "steps", [])[:-1]
    ]
    return repr(before), trainable(estimator).bins_key(last_step(estimator))


def binned(estimator: Any, train: Any, test: Any, threads: int | None) -> Any:
    """Return a fold's rows as the classifier gets them, binned."""
    if len(getattr(estimator, "steps", [])) > 1:
        first, X = fit_before(estimator, train)
        train = replace(train, X=X)
        test = replace(test, X=first.transform(test.X))
    return trainable(estimator).Binned(last_step(estimator), train, test, threads)
