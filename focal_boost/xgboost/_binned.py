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

from focal_boost._adapter.estimator import focal_objective
from focal_boost._validation import shown
from focal_boost.xgboost import _start, _training

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
        self.train = kind(train.X, train.y_true, weight=self.weight, **data)
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
        self.objective = focal_objective(
            estimator, data.y_true, data.weight, data.classes
        )
        self.rounds = 0
        self._data = data
        params = {**estimator.get_xgb_params(), "objective": _training.OBJECTIVE}
        if threads is not None:
            params["n_jobs"] = threads
        if paused and _start.version() < _OWN_RANDOM_NUMBERS:
            params["seed_per_iteration"] = True
        self._booster = xgb.Booster(params, [data.train, data.test])
        there = replace(self.objective, n_threads=threads)
        there = _training.on_the_device(there, estimator.device)
        _training.Training(there, reads_once=True).attach(self._booster)

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""
        while self.rounds < rounds:
            self._booster.update(self._data.train, self.rounds)
            self.rounds += 1

    def raw_score(self) -> NDArray[Any]:
        """Return the raw scores of the held-out rows, (n,)."""
        return np.asarray(self._booster.predict(self._data.test, output_margin=True))


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned rows."""
    return repr([getattr(estimator, name) for name in _OF_BINS])


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
    _training.check_objective(estimator.objective)
    if estimator.callbacks:
        raise ValueError(
            f"callbacks of the estimator must be None, got {shown(estimator.callbacks)}"
        )


def _is_binned(estimator: Any) -> bool:
    linear = estimator.booster == "gblinear"
    return not linear and estimator.tree_method not in _NOT_BINNED
