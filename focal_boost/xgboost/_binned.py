"""What a search needs of XGBoost: rows binned once, and trainings that can pause.

See :mod:`focal_boost._adapter.protocol`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from focal_boost._adapter.estimator import focal_objective, multi_objective
from focal_boost._adapter.features import check_names, of_single_precision
from focal_boost._validation import shown
from focal_boost.xgboost import _start, _training
from focal_boost.xgboost._labels import FORBIDDEN
from focal_boost.xgboost._many import ManyTraining

library = "xgboost"
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
        self.y_true, self.classes = train.y_true, np.unique(train.y)
        self.weight = train.sample_weight
        if self.weight is not None:
            self.weight = np.asarray(self.weight, np.float32)
        data = {
            "missing": estimator.missing,
            "enable_categorical": estimator.enable_categorical,
            "feature_types": estimator.feature_types,
            "nthread": estimator.n_jobs if threads is None else threads,
        }
        kind: Any = xgb.DMatrix
        if _is_binned(estimator):
            kind, data["max_bin"] = xgb.QuantileDMatrix, estimator.max_bin
        labels = train.y_true
        if len(self.classes) > 2:
            labels = np.eye(len(self.classes), dtype=np.float32)[labels]
        check_names(train.X, FORBIDDEN)
        with of_single_precision(train.X, test.X):
            self.train = kind(train.X, labels, weight=self.weight, **data)
            if _is_binned(estimator):
                data["ref"] = self.train
            self.test = kind(test.X, **data)


class Training:
    """A training of one estimator on binned rows that goes on where it paused.

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
        self.rounds = 0
        self._data = data
        params = {**estimator.get_xgb_params(), "objective": _start.OBJECTIVE}
        if threads is not None:
            params["n_jobs"] = threads
        if paused and _start.version() < _OWN_RANDOM_NUMBERS:
            params["seed_per_iteration"] = True
        self._booster = xgb.Booster(params, [data.train, data.test])
        _training_of(estimator, data, threads).attach(self._booster)

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""
        while self.rounds < rounds:
            self._booster.update(self._data.train, self.rounds)
            self.rounds += 1

    def raw_score(self, rounds: int | None = None) -> NDArray[Any]:
        """Return the raw scores of the held-out rows, (n,), after so many rounds."""
        among = (0, self.rounds if rounds is None else rounds)
        return np.asarray(
            self._booster.predict(
                self._data.test, output_margin=True, iteration_range=among
            )
        )


def _training_of(estimator: Any, data: Binned, threads: int | None) -> Any:
    """Return the training of two classes, or of more."""
    if len(data.classes) > 2:
        given = estimator, data.y_true, data.weight, len(data.classes)
        several = replace(multi_objective(*given), n_threads=threads)
        return ManyTraining(several, reads_once=True, updates=False)
    objective = focal_objective(estimator, data.y_true, data.weight, data.classes)
    there = replace(objective, n_threads=threads)
    there = _training.on_the_device(there, estimator.device)
    return _training.Training(there, reads_once=True)


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned rows."""
    return repr([getattr(estimator, name) for name in _OF_BINS])


def rounds_of(estimator: Any) -> int:
    """Return the number of rounds of a full training."""
    rounds: int = estimator.get_num_boosting_rounds()
    return rounds


def patience_of(estimator: Any) -> int | None:
    """Return after how many rounds without a better score a training ends."""
    patience = estimator.early_stopping_rounds
    return None if patience is None else int(patience)


def with_rounds(estimator: Any, rounds: int) -> Any:
    """Return the estimator with that number of rounds and no early stopping."""
    return estimator.set_params(n_estimators=rounds, early_stopping_rounds=None)


def check(estimator: Any) -> None:
    """Raise for parameters that a search cannot honour."""
    _training.check_objective(estimator.objective)
    if estimator.callbacks:
        raise ValueError(
            f"callbacks of the estimator must be None, got {shown(estimator.callbacks)}"
        )


def _is_binned(estimator: Any) -> bool:
    linear = estimator.booster == "gblinear"
    return not linear and estimator.tree_method not in _NOT_BINNED
