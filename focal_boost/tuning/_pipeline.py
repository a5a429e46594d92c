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
    """Return how an estimator, or a pipeline that ends in one, is trained in pauses."""
    found = protocol.trainable(last_step(estimator))
    of_pipeline: Any = _OfPipeline(found)
    return of_pipeline if isinstance(estimator, Pipeline) else found


def prefix_of(estimator: Any) -> str:
    """Return what the names of the classifier's parameters begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


class _OfPipeline:
    """How pipelines are trained whose last step is trained like this."""

    def __init__(self, last: Trainable) -> None:
        self._last = last
        self.library = last.library

    def Binned(  # noqa: N802 (as in the protocol)
        self, estimator: Any, train: Any, test: Any, threads: int | None
    ) -> Any:
        """Return a fold's rows as the last step gets them, binned."""
        if len(estimator.steps) > 1:
            first, X = fit_before(estimator, train)
            train = replace(train, X=X)
            test = replace(test, X=first.transform(test.X))
        return self._last.Binned(last_step(estimator), train, test, threads)

    def Training(  # noqa: N802
        self, estimator: Any, data: Any, threads: int | None, *, paused: bool
    ) -> Any:
        """Return the training of the last step."""
        return self._last.Training(last_step(estimator), data, threads, paused=paused)

    def bins_key(self, estimator: Any) -> Hashable:
        """Return what two pipelines must have in common to share binned rows."""
        before = [
            (name, step, step.get_params() if hasattr(step, "get_params") else None)
            for name, step in estimator.steps[:-1]
        ]
        return repr(before), self._last.bins_key(last_step(estimator))

    def rounds_of(self, estimator: Any) -> int:
        """Return the number of rounds of a full training."""
        return self._last.rounds_of(last_step(estimator))

    def patience_of(self, estimator: Any) -> int | None:
        """Return after how many rounds without a better score a training ends."""
        return self._last.patience_of(last_step(estimator))

    def with_rounds(self, estimator: Any, rounds: int) -> Any:
        """Return the pipeline with that number of rounds and no early stopping."""
        self._last.with_rounds(last_step(estimator), rounds)
        return estimator

    def check(self, estimator: Any) -> None:
        """Raise for parameters that a search cannot honour."""
        self._last.check(last_step(estimator))
