"""What a search needs of LightGBM: rows binned once, and trainings that can pause."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from lightgbm.basic import LightGBMError
from numpy.typing import NDArray

from focal_boost._adapter.estimator import (
    focal_objective,
    library_parameters,
    multi_objective,
)
from focal_boost._adapter.features import check_names
from focal_boost._adapter.target import Target
from focal_boost._validation import shown
from focal_boost.lightgbm._booster import FocalBooster
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._many import ManyTraining
from focal_boost.lightgbm._sets import FORBIDDEN
from focal_boost.lightgbm._train import settings_of
from focal_boost.lightgbm._training import Training as _Training

library = "lightgbm"
# Parameters of the scikit-learn class that are not LightGBM's.
_OF_CLASS = ("importance_type", "n_estimators", "class_weight", "n_jobs")
STOPPING = (
    "early_stopping_round",
    "early_stopping_rounds",
    "early_stopping",
    "n_iter_no_change",
)
ROUNDS = (
    "num_iterations",
    "num_iteration",
    "n_iter",
    "num_tree",
    "num_trees",
    "num_round",
    "num_rounds",
    "nrounds",
    "num_boost_round",
    "max_iter",
)
LEAST_ROWS = (
    "min_data_in_leaf",
    "min_child_samples",
    "min_data",
    "min_samples_leaf",
    "min_data_per_leaf",
)
SEED = ("random_state", "seed", "random_seed")


class Binned:
    """One fold's training and held-out rows, binned once for many trainings."""

    def __init__(
        self, estimator: Any, train: Any, test: Any, threads: int | None
    ) -> None:
        self.y_true, self.classes = train.y_true, np.unique(train.y)
        self.test_X = test.X
        check_names(train.X, FORBIDDEN, LightGBMError)
        given = {"sample_weight": train.sample_weight}
        self.weight = estimator._weight(given, Target.of(train.y, many=True))
        params = _parameters(estimator, None, threads)
        self.train = lgb.Dataset(
            train.X, train.y_true, weight=self.weight, params=params
        ).construct()
        self.test = lgb.Dataset(
            test.X, test.y_true, reference=self.train, params=params
        ).construct()


class Training:
    """A training of one estimator on binned rows that goes on where it paused.

    Parameters
    ----------
    estimator : FocalLGBMClassifier
        Its parameters are those of the training.
    data : Binned
        The rows, binned by the same parameters.
    threads : int or None
        Threads to use; None leaves it to the estimator.
    paused : bool
        Whether other trainings run in this one's pauses; here they never matter.
    """

    def __init__(
        self,
        estimator: Any,
        data: Binned,
        threads: int | None,
        *,
        paused: bool,  # noqa: ARG002 (as in XGBoost)
    ) -> None:
        self.rounds = 0
        training = _training_of(estimator, data, threads)
        params = _parameters(estimator, training.asked, threads)
        if len(data.classes) > 2:
            params["num_class"] = len(data.classes)
        self._held_out = data.test_X
        with with_advice():
            booster = lgb.Booster(params, data.train)
        booster.add_valid(data.test, "held_out")
        self._booster = FocalBooster.take(booster, training)

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""
        while self.rounds < rounds:
            self._booster.update()
            self.rounds += 1

    def raw_score(self, rounds: int | None = None) -> NDArray[Any]:
        """Return the raw scores of the held-out rows, (n,), after so many rounds."""
        if rounds in {None, self.rounds}:
            return np.asarray(self._booster.raw_scores())
        predict, X = self._booster.predict, self._held_out
        return np.asarray(predict(X, raw_score=True, num_iteration=rounds))


def _training_of(estimator: Any, data: Binned, threads: int | None) -> Any:
    """Return the training of two classes, or of more."""
    given = estimator, data.y_true, data.weight
    if len(data.classes) > 2:
        several = replace(multi_objective(*given, len(data.classes)), n_threads=threads)
        return ManyTraining(several, len(data.classes), may_change=False)
    return _Training(replace(focal_objective(*given, data.classes), n_threads=threads))


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned rows."""
    params = _parameters(estimator, None, None)
    # LightGBM knows which of its parameters are those of a dataset. Features are left
    # out by how many rows a leaf must have, unless they are not to be.
    of_bins = lgb.Dataset(None, params=params).get_params()
    filtered = LEAST_ROWS if params.get("feature_pre_filter", True) else ()
    of_bins |= {name: params[name] for name in (*SEED, *filtered) if name in params}
    return repr([sorted(of_bins.items()), estimator.class_weight])


def rounds_of(estimator: Any) -> int:
    """Return the number of rounds of a full training."""
    rounds: int = estimator.n_estimators
    return rounds


def patience_of(estimator: Any) -> int | None:
    """Return after how many rounds without a better score a training ends."""
    params = estimator.get_params(deep=False)
    given = [params[name] for name in STOPPING if params.get(name) is not None]
    # Here 0 and less turn it off.
    return int(given[0]) if given and int(given[0]) > 0 else None


def with_rounds(estimator: Any, rounds: int) -> Any:
    """Return the estimator with that number of rounds and no early stopping."""
    params = estimator.get_params(deep=False)
    stopping = {name: None for name in STOPPING if name in params}
    # LightGBM reads None as a parameter that was not given.
    return estimator.set_params(n_estimators=rounds, **stopping)


def check(estimator: Any) -> None:
    """Raise for parameters that a search cannot honour."""
    params = estimator.get_params(deep=False)
    for name in ROUNDS:
        if params.get(name) is not None:
            raise ValueError(
                "the number of rounds must be given as n_estimators,"
                f" got {name}={shown(params[name])}"
            )
    _parameters(estimator, None, None)


def _parameters(estimator: Any, objective: Any, threads: int | None) -> dict[str, Any]:
    """Return LightGBM's own parameters, as the estimator's fit passes them on."""
    given = library_parameters(estimator)
    kept = {k: v for k, v in given.items() if k not in (*_OF_CLASS, *STOPPING)}
    params, _ = settings_of(kept, objective)
    params["metric"] = "None"
    random_state = params.get("random_state")
    if isinstance(random_state, np.random.RandomState):
        params["random_state"] = random_state.randint(np.iinfo(np.int32).max)
    threads = estimator.n_jobs if threads is None else threads
    if threads is not None:
        params["num_threads"] = effective_n_jobs(threads)
    return params
