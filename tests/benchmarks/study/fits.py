"""One training in either library, stopped early by the posterior's log loss.

Both libraries keep their defaults but for the loss, and run on one thread. What is
binned once serves all arms of a fold, and the time is that of `train` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from arms import Arm
from derivatives import Derivatives, derivatives
from scipy.special import expit, logit
from sets import DataSet, Fold

from focal_boost import FocalLoss
from focal_boost.metrics import FocalMetric
from focal_boost.xgboost._metrics import PosteriorMetrics

LIBRARIES = ("xgboost", "lightgbm")
# scikit-learn's clip of probabilities before the logarithm.
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Stopping:
    """The greatest number of rounds, and how many without a better log loss end it."""

    rounds: int = 500
    patience: int = 30


@dataclass(frozen=True)
class Fitted:
    """Margins of the test part, the loss that they belong to, and the cost."""

    margin: Any
    loss: FocalLoss
    rounds: int
    seconds: float


class Binned:
    """A fold as the libraries want it, made when it is first needed."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold

    @cached_property
    def xgboost(self) -> tuple[Any, Any, Any]:
        """Train, valid and test."""
        train, *others = (self.fold.train, self.fold.valid, self.fold.test)
        # "auto" threads would take every processor.
        given = {"label": train.y, "weight": train.weight, "nthread": 1}
        return (
            xgb.QuantileDMatrix(train.X, **given),
            *(xgb.DMatrix(s.X, label=s.y, weight=s.weight, nthread=1) for s in others),
        )

    @cached_property
    def lightgbm(self) -> tuple[Any, Any]:
        """Train and valid."""
        # With a custom objective LightGBM rejects fewer than 40 rows otherwise.
        params = {"num_threads": 1, "verbosity": -1, "feature_pre_filter": False}
        train, valid = self.fold.train, self.fold.valid
        first = lgb.Dataset(train.X, train.y, weight=train.weight, params=params)
        second = lgb.Dataset(
            valid.X, valid.y, weight=valid.weight, reference=first, params=params
        )
        return first.construct(), second.construct()


def fit(library: str, arm: Arm, binned: Binned, stopping: Stopping) -> Fitted:
    """Train an arm and return its margins on the test part."""
    if arm.rounds is not None:
        stopping = replace(stopping, rounds=min(stopping.rounds, arm.rounds))
    return _FITS[library](arm, binned, stopping)


def start_of(arm: Arm, loss: FocalLoss, train: DataSet) -> float:
    """Return the margin that a focal arm starts from."""
    if arm.start == "zero":
        return 0.0
    return loss.initial_margin(train.y, train.weight)


def _fit_xgboost(arm: Arm, binned: Binned, stopping: Stopping) -> Fitted:
    train, valid, test = binned.xgboost
    fold = binned.fold
    loss = arm.loss(fold.train.y, fold.train.weight)
    params = {"objective": "binary:logistic", "nthread": 1, "verbosity": 0}
    given: dict[str, Any] = {**params, "disable_default_eval_metric": True}
    obj = None
    if arm.kind == "focal":
        given["base_score"] = float(expit(start_of(arm, loss, fold.train)))
        obj = _xgboost_objective(derivatives(arm, loss))
    if arm.kind == "class-weights":
        given["scale_pos_weight"] = _negatives_per_positive(fold.train.y)
    evals = [(valid, "valid")]
    stop = xgb.callback.EarlyStopping(rounds=stopping.patience, maximize=False)
    watch = PosteriorMetrics((FocalMetric("log_loss", loss),), evals)
    begin = time.perf_counter()
    booster = xgb.train(
        given, train, stopping.rounds, evals=evals, obj=obj, verbose_eval=False,
        callbacks=[watch, stop],
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    rounds = booster.best_iteration + 1
    margin = booster.predict(test, output_margin=True, iteration_range=(0, rounds))
    return Fitted(margin.astype(np.float64), loss, rounds, seconds)


def _xgboost_objective(of: Derivatives) -> Callable[[Any, Any], Any]:
    def objective(preds: Any, data: Any) -> Any:
        return of(data.get_label(), preds, data.get_weight(), 0.0)

    return objective


def _fit_lightgbm(arm: Arm, binned: Binned, stopping: Stopping) -> Fitted:
    train, valid = binned.lightgbm
    fold = binned.fold
    loss = arm.loss(fold.train.y, fold.train.weight)
    params: dict[str, Any] = {"objective": "binary", "num_threads": 1, "verbosity": -1}
    params |= {"metric": "None", "feature_pre_filter": False}
    start = None
    if arm.kind == "focal":
        start = start_of(arm, loss, fold.train)
        params["objective"] = _lightgbm_objective(derivatives(arm, loss), start)
        params["max_delta_step"] = arm.max_delta_step
    if arm.kind == "class-weights":
        params["is_unbalance"] = True
    stop = lgb.early_stopping(stopping.patience, verbose=False)
    begin = time.perf_counter()
    booster = lgb.train(
        params, train, stopping.rounds, valid_sets=[valid],
        feval=_lightgbm_log_loss(loss, start), callbacks=[stop],
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    rounds = booster.best_iteration or booster.current_iteration()
    margin = booster.predict(
        fold.test.X, raw_score=True, num_iteration=rounds, num_threads=1
    )
    return Fitted(margin + (start or 0.0), loss, rounds, seconds)


def _lightgbm_objective(of: Derivatives, start: float) -> Callable[[Any, Any], Any]:
    # LightGBM does not estimate a start for a custom objective and does not keep
    # init_score in the model: the offset is added wherever margins are read.
    def objective(preds: Any, data: Any) -> Any:
        return of(data.get_label(), preds, data.get_weight(), start)

    return objective


def _lightgbm_log_loss(
    loss: FocalLoss, start: float | None
) -> Callable[[Any, Any], tuple[str, float, bool]]:
    metric = FocalMetric("log_loss", loss)

    def evaluate(preds: Any, data: Any) -> tuple[str, float, bool]:
        # Its own objective gives probabilities, a custom one margins.
        margin = preds + start if start is not None else _margin(preds)
        return "log_loss", metric(data.get_label(), margin, data.get_weight()), False

    return evaluate


def _margin(probability: Any) -> Any:
    return logit(np.clip(probability, _EPS, 1 - _EPS))


def _negatives_per_positive(y: Any) -> float:
    return float(np.sum(y == 0) / np.sum(y == 1))


_FITS: dict[str, Callable[[Arm, Binned, Stopping], Fitted]] = {
    "xgboost": _fit_xgboost,
    "lightgbm": _fit_lightgbm,
}
