"""One training in either library, stopped early by the posterior's log loss.

Both libraries keep their defaults but for the loss and what a regime says, and run on
one thread. What is binned once serves all arms of a fold, and a training serves all
regimes that differ in their patience alone. The package's own adapters are used by the
arm "package" only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from arms import Arm
from curves import Curve
from measures import log_loss
from scipy.special import expit, logit
from sets import Fold

LIBRARIES = ("xgboost", "lightgbm")


@dataclass(frozen=True)
class Regime:
    """How a user trains.

    Attributes
    ----------
    name : str
        Of the regime.
    rate : float, optional
        The learning rate, where it is not the library's (XGBoost 0.3, LightGBM 0.1).
    rounds, patience : int
        The most rounds, and how many without a better log loss end a training.
    """

    name: str
    rate: float | None = None
    rounds: int = 500
    patience: int = 30

    def rate_in(self, library: str) -> float:
        """Return the learning rate."""
        own = {"xgboost": 0.3, "lightgbm": 0.1}
        return own[library] if self.rate is None else self.rate

    def best(self, losses: Sequence[float]) -> int:
        """Return the number of rounds that this regime keeps of a longer training."""
        best = 0
        for i, loss in enumerate(losses[: self.rounds]):
            if loss < losses[best]:
                best = i
            elif i - best >= self.patience:
                break
        return best + 1

    def is_over(self, losses: Sequence[float]) -> bool:
        """Return whether a training has nothing more to say to this regime."""
        waited = len(losses) - self.best(losses)
        return waited >= self.patience or len(losses) >= self.rounds


REGIMES = (Regime("defaults"), Regime("careful", 0.1, 1_000, 50))


@dataclass(frozen=True)
class Fitted:
    """Log-odds of the test part, and the cost."""

    regime: str
    log_odds: Any
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


def fit(
    library: str, arm: Arm, binned: Binned, regimes: Sequence[Regime]
) -> list[Fitted]:
    """Train an arm and return its log-odds on the test part, for every regime."""
    if arm.kind == "package":
        return [_PACKAGE[library](arm, binned, regime) for regime in regimes]
    found = []
    for rate in dict.fromkeys(regime.rate_in(library) for regime in regimes):
        same = [regime for regime in regimes if regime.rate_in(library) == rate]
        found += _FITS[library](arm, binned, rate, same)
    return found


class _Watch(xgb.callback.TrainingCallback):
    """The log loss of the validation rows after every round, in either library.

    XGBoost rounds what a Python metric returns to six decimals.
    """

    def __init__(self, regimes: Sequence[Regime], loss: Callable[[Any], float]) -> None:
        self.losses: list[float] = []
        self._regimes, self._loss = regimes, loss

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Say whether XGBoost shall stop."""
        self.losses.append(self._loss(model))
        return self._is_over()

    def after_lightgbm(self, env: Any) -> None:
        """Stop LightGBM, which has computed the loss."""
        self.losses.append(env.evaluation_result_list[0][2])
        if self._is_over():
            best = int(np.argmin(self.losses))
            raise lgb.callback.EarlyStopException(best, env.evaluation_result_list)

    def _is_over(self) -> bool:
        return all(regime.is_over(self.losses) for regime in self._regimes)

    def fitted(self, predict: Callable[[int], Any], seconds: float) -> list[Fitted]:
        """Return what every regime keeps."""
        kept = {regime.name: regime.best(self.losses) for regime in self._regimes}
        return [Fitted(name, predict(n), n, seconds) for name, n in kept.items()]


def _fit_xgboost(
    arm: Arm, binned: Binned, rate: float, regimes: Sequence[Regime]
) -> list[Fitted]:
    train, valid, test = binned.xgboost
    fold = binned.fold
    params = {**_XGBOOST, "objective": "binary:logistic", "eta": rate}
    curve = obj = None
    if arm.kind == "focal":
        own = curve = Curve(arm, fold.train.y, fold.train.weight)
        params["base_score"] = float(expit(curve.start))

        def obj(preds: Any, data: Any) -> Any:
            return own(preds)

    def log_odds(model: Any, data: Any, **given: Any) -> Any:
        raw = model.predict(data, output_margin=True, **given).astype(np.float64)
        return raw if curve is None else curve.log_odds(raw)

    watch = _Watch(
        regimes,
        lambda model: log_loss(
            fold.valid.y, log_odds(model, valid), fold.valid.weight
        ),
    )  # fmt: skip
    begin = time.perf_counter()
    booster = xgb.train(
        params, train, max(regime.rounds for regime in regimes),
        evals=[(valid, "valid")], obj=obj, verbose_eval=False, callbacks=[watch],
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    return watch.fitted(
        lambda n: log_odds(booster, test, iteration_range=(0, n)), seconds
    )


def _fit_lightgbm(
    arm: Arm, binned: Binned, rate: float, regimes: Sequence[Regime]
) -> list[Fitted]:
    train, valid = binned.lightgbm
    fold = binned.fold
    params = {**_LIGHTGBM, "objective": "binary", "learning_rate": rate}
    params["metric"] = "None"
    curve = None
    if arm.kind == "focal":
        own = curve = Curve(arm, fold.train.y, fold.train.weight)
        # LightGBM does not estimate a start for a custom objective and does not keep
        # init_score in the model: it is added wherever raw scores are read.
        params["objective"] = lambda preds, data: own(preds + own.start)
        params["max_delta_step"] = arm.max_delta_step

    def evaluate(preds: Any, data: Any) -> tuple[str, float, bool]:
        # Its own objective gives probabilities, a custom one raw scores.
        odds = logit(preds) if curve is None else curve.log_odds(preds + curve.start)
        return "log_loss", log_loss(fold.valid.y, odds, fold.valid.weight), False

    def log_odds(n: int) -> Any:
        raw = booster.predict(
            fold.test.X, raw_score=True, num_iteration=n, num_threads=1
        )
        return raw if curve is None else curve.log_odds(raw + curve.start)

    watch = _Watch(regimes, lambda _: np.nan)
    begin = time.perf_counter()
    booster = lgb.train(
        params, train, max(regime.rounds for regime in regimes), valid_sets=[valid],
        feval=evaluate, callbacks=[watch.after_lightgbm],
    )  # fmt: skip
    return watch.fitted(log_odds, time.perf_counter() - begin)


def _package_xgboost(arm: Arm, binned: Binned, regime: Regime) -> Fitted:
    import focal_boost.xgboost as fxgb
    from focal_boost import FocalObjective

    train, valid, test = binned.xgboost
    begin = time.perf_counter()
    booster = fxgb.train(
        {**_XGBOOST, "eta": regime.rate_in("xgboost"), "eval_metric": "logloss"},
        train,
        regime.rounds,
        objective=FocalObjective(arm.alpha, arm.gamma),
        evals=[(valid, "valid")],
        early_stopping_rounds=regime.patience,
        verbose_eval=False,
    )
    seconds = time.perf_counter() - begin
    n = booster.best_iteration + 1
    raw = booster.predict(test, output_margin=True, iteration_range=(0, n))
    return Fitted(regime.name, raw.astype(np.float64), n, seconds)


def _package_lightgbm(arm: Arm, binned: Binned, regime: Regime) -> Fitted:
    import focal_boost.lightgbm as flgb
    from focal_boost import FocalObjective

    train, valid = binned.lightgbm
    rate = regime.rate_in("lightgbm")
    begin = time.perf_counter()
    booster = flgb.train(
        {**_LIGHTGBM, "learning_rate": rate, "metric": "binary_logloss"},
        train,
        regime.rounds,
        objective=FocalObjective(arm.alpha, arm.gamma),
        valid_sets=[valid],
        callbacks=[lgb.early_stopping(regime.patience, verbose=False)],
    )
    seconds = time.perf_counter() - begin
    raw = booster.predict(binned.fold.test.X, raw_score=True, num_threads=1)
    n = booster.best_iteration or booster.current_iteration()
    return Fitted(regime.name, raw, n, seconds)


_XGBOOST: dict[str, Any] = {
    "nthread": 1, "verbosity": 0, "disable_default_eval_metric": True,
}  # fmt: skip
_LIGHTGBM: dict[str, Any] = {
    "num_threads": 1, "verbosity": -1, "feature_pre_filter": False,
}  # fmt: skip
_FITS = {"xgboost": _fit_xgboost, "lightgbm": _fit_lightgbm}
_PACKAGE = {"xgboost": _package_xgboost, "lightgbm": _package_lightgbm}
