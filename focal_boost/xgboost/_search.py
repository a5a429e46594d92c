"""What a search needs of XGBoost: data binned once, and trainings that can pause."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from focal_boost import _classifier
from focal_boost.objective import Gradients, OneTraining
from focal_boost.xgboost._train import base_score_of, on_the_device

# What the columns are binned by, besides the rows themselves.
_OF_BINS = (
    "tree_method",
    "booster",
    "device",
    "max_bin",
    "missing",
    "enable_categorical",
    "feature_types",
)
_NOT_BINNED = ("exact", "approx")
# Before this version the random numbers were the thread's and not the booster's.
_OWN_RANDOM_NUMBERS = (3, 4)


class Binned:
    """One fold's training and held-out rows, binned once for many trainings."""

    def __init__(
        self, estimator: Any, train: Any, test: Any, threads: int | None
    ) -> None:
        self.y_true = train.y_true
        self.weight = weight_of(estimator, train)
        data = {
            "missing": estimator.missing,
            "enable_categorical": estimator.enable_categorical,
            "feature_types": estimator.feature_types,
            "nthread": estimator.n_jobs if threads is None else threads,
        }
        if _is_binned(estimator):
            data["max_bin"] = estimator.max_bin
            self.train = xgb.QuantileDMatrix(
                train.X, train.y_true, weight=self.weight, **data
            )
            self.test = xgb.QuantileDMatrix(test.X, ref=self.train, **data)
        else:
            self.train = xgb.DMatrix(train.X, train.y_true, weight=self.weight, **data)
            self.test = xgb.DMatrix(test.X, **data)


class Training:
    """A training of one estimator on binned data that goes on where it paused.

    Parameters
    ----------
    estimator : FocalXGBClassifier
        Its parameters are those of the training.
    data : Binned
        The rows, binned by the same parameters.
    threads : int or None
        Threads to use; None leaves it to the estimator.
    paused : bool
        Whether other trainings run in this one's pauses.
    """

    def __init__(
        self, estimator: Any, data: Binned, threads: int | None, *, paused: bool
    ) -> None:
        objective = _classifier.focal_objective(estimator, data.y_true, data.weight)
        start = objective.loss.initial_margin(data.y_true, data.weight)
        parent = estimator._parent(objective, base_score_of(start))
        params = {**parent.get_xgb_params(), "objective": "binary:logistic"}
        if threads is not None:
            params["n_jobs"] = threads
        if paused and _version() < _OWN_RANDOM_NUMBERS:
            params["seed_per_iteration"] = True
        self.loss = objective.loss
        self.rounds = 0
        self._data = data
        objective = replace(objective, n_threads=threads)
        objective = on_the_device(objective, estimator.device)
        self._gradients = OneTraining(objective, owns_margin=True, reads_once=True)
        self._booster = xgb.Booster(params, [data.train, data.test])

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""
        while self.rounds < rounds:
            self._booster.update(self._data.train, self.rounds, self._objective)
            self.rounds += 1

    def _objective(self, preds: Any, data: Any) -> Gradients:
        return self._gradients.gradient_hessian(preds, data, 0.0)

    def margin(self) -> NDArray[Any]:
        """Return the margins of the held-out rows, (n,)."""
        return np.asarray(self._booster.predict(self._data.test, output_margin=True))


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned data."""
    return repr([getattr(estimator, name) for name in _OF_BINS])


def weight_of(estimator: Any, part: Any) -> NDArray[np.float32] | None:  # noqa: ARG001
    """Return the weights that the estimator trains these rows with."""
    weight = part.sample_weight
    return None if weight is None else np.asarray(weight, np.float32)


def rounds_of(estimator: Any) -> int:
    """Return the number of rounds of a full training."""
    return int(estimator.get_num_boosting_rounds())


def patience_of(estimator: Any) -> int | None:
    """Return after how many rounds without a better score a training ends."""
    patience = estimator.early_stopping_rounds
    return None if patience is None else int(patience)


def with_rounds(estimator: Any, rounds: int) -> Any:
    """Return the estimator with that number of rounds and no early stopping."""
    return estimator.set_params(n_estimators=rounds, early_stopping_rounds=None)


def check(estimator: Any) -> None:
    """Raise for parameters that a search cannot honour."""
    if estimator.callbacks:
        raise ValueError(
            f"callbacks of the estimator must be None, got {estimator.callbacks!r}"
        )


def _is_binned(estimator: Any) -> bool:
    linear = estimator.booster == "gblinear"
    return not linear and estimator.tree_method not in _NOT_BINNED


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in xgb.__version__.split(".")[:2])
