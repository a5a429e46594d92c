"""What a search needs of LightGBM: data binned once, and trainings that can pause."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import NDArray

from focal_boost import _classifier
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._train import boosting_of, settings_of
from focal_boost.loss import FocalLoss
from focal_boost.objective import Gradients, OneTraining

# Parameters of the scikit-learn class that are not LightGBM's.
_OF_CLASS = ("importance_type", "n_estimators", "class_weight", "n_jobs")
_STOPPING = (
    "early_stopping_round",
    "early_stopping_rounds",
    "early_stopping",
    "n_iter_no_change",
)
_ROUNDS = (
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
_SEED = ("random_state", "seed", "random_seed")


class Binned:
    """One fold's training and held-out rows, binned once for many trainings."""

    def __init__(
        self, estimator: Any, train: Any, test: Any, threads: int | None
    ) -> None:
        self.y_true = train.y_true
        self.weight = weight_of(estimator, train)
        params = _parameters(estimator, FocalLoss(), threads)
        self.train = lgb.Dataset(
            train.X, train.y_true, weight=self.weight, params=params
        ).construct()
        self.test = lgb.Dataset(
            test.X, test.y_true, reference=self.train, params=params
        ).construct()


class Training:
    """A training of one estimator on binned data that goes on where it paused.

    As in :func:`focal_boost.lightgbm.train` the start value is added where gradient
    and metrics are computed, so that the datasets stay as they are.

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
        objective = _classifier.focal_objective(estimator, data.y_true, data.weight)
        self.loss = objective.loss
        self.rounds = 0
        self._start = self.loss.initial_margin(data.y_true, data.weight)
        self._gradients = OneTraining(replace(objective, n_threads=threads))
        self._held_out: NDArray[np.float64] = np.empty(0)
        params = _parameters(estimator, self.loss, threads)
        with with_advice():
            self._booster = lgb.Booster({**params, "objective": "none"}, data.train)
        self._booster.add_valid(data.test, "held_out")
        if boosting_of(params) == "dart":
            # As callbacks_of() explains: DART decides what to drop when margins are
            # read first, so that they are read before the first round.
            self._booster.eval_train(lambda _preds, _data: [])

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""
        while self.rounds < rounds:
            self._booster.update(fobj=self._objective)
            self.rounds += 1

    def _objective(self, preds: Any, data: Any) -> Gradients:
        return self._gradients.gradient_hessian(preds, data, self._start)

    def margin(self) -> NDArray[Any]:
        """Return the margins of the held-out rows, (n,)."""
        self._booster.eval_valid(self._keep)
        return self._held_out

    def _keep(self, preds: Any, _data: Any) -> list[Any]:
        # A new array: `preds` is LightGBM's own.
        self._held_out = preds + self._start
        return []


def bins_key(estimator: Any) -> Hashable:
    """Return what two estimators must have in common to share binned data."""
    params = _parameters(estimator, FocalLoss(), None)
    if params["feature_pre_filter"]:
        # Features are left out by what the trees are grown with.
        return repr(sorted(params.items()))
    # LightGBM knows which of its parameters are those of a dataset.
    of_bins = lgb.Dataset(None, params=params).get_params()
    of_bins |= {name: params[name] for name in _SEED if name in params}
    return repr([sorted(of_bins.items()), estimator.class_weight])


def weight_of(estimator: Any, part: Any) -> NDArray[np.float32] | None:
    """Return the weights that the estimator trains these rows with."""
    given = {"sample_weight": part.sample_weight, "y": part.y}
    weight: NDArray[np.float32] | None = estimator._weight(given)
    return weight


def rounds_of(estimator: Any) -> int:
    """Return the number of rounds of a full training."""
    return int(estimator.n_estimators)


def patience_of(estimator: Any) -> int | None:
    """Return after how many rounds without a better score a training ends."""
    params = estimator.get_params(deep=False)
    given = [params[name] for name in _STOPPING if params.get(name) is not None]
    # Here 0 and less turn it off.
    return int(given[0]) if given and int(given[0]) > 0 else None


def with_rounds(estimator: Any, rounds: int) -> Any:
    """Return the estimator with that number of rounds and no early stopping."""
    params = estimator.get_params(deep=False)
    stopping = {name: None for name in _STOPPING if name in params}
    # LightGBM reads None as a parameter that was not given.
    return estimator.set_params(n_estimators=rounds, **stopping)


def check(estimator: Any) -> None:
    """Raise for parameters that a search cannot honour."""
    params = estimator.get_params(deep=False)
    for name in _ROUNDS:
        if params.get(name) is not None:
            raise ValueError(
                "the number of rounds must be given as n_estimators,"
                f" got {name}={params[name]!r}"
            )
    _parameters(estimator, FocalLoss(), None)


def _parameters(estimator: Any, loss: FocalLoss, threads: int | None) -> dict[str, Any]:
    """Return LightGBM's own parameters, as the estimator's fit passes them on."""
    given = _classifier.library_parameters(estimator)
    kept = {k: v for k, v in given.items() if k not in (*_OF_CLASS, *_STOPPING)}
    params = settings_of(kept, loss)
    params.setdefault("feature_pre_filter", False)
    random_state = params.get("random_state")
    if isinstance(random_state, np.random.RandomState):
        params["random_state"] = random_state.randint(np.iinfo(np.int32).max)
    threads = estimator.n_jobs if threads is None else threads
    if threads is not None:
        params["num_threads"] = effective_n_jobs(threads)
    return params
