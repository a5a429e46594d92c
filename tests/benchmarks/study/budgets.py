"""Searches of equal time on an outer fold, and the models they end with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lightgbm as lgb
import numpy as np
import optuna
import xgboost as xgb
from measures import measures
from numpy.typing import NDArray
from records import Key, Record
from sets import DataSet, Size, load_set, split
from splits import Rows, inner_folds, rng_of

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier
from focal_boost.tuning import FocalSearchCV
from focal_boost.tuning._spaces import TREES, ask

#: What is averaged in the arms of several models.
MODELS = 5
ROUNDS, PATIENCE = 1_000, 30
#: The searches, and the arms that each of them ends in: one model, and several.
ARMS = {
    "optuna": ("optuna", "optuna, 5"),
    "log loss": ("search, log loss", "search, log loss, 5"),
    "focal": ("search", "search, 5"),
}
LogOdds = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What decides a search besides its key."""

    data: Path
    seed: int = 0
    size: Size = Size(20_000)  # noqa: RUF009 (immutable)
    folds: int = 3
    inner: int = 3
    #: Seconds of a search, and on how many sets.
    budgets: tuple[tuple[str, int], ...] = (("30", 12), ("120", 3))


@dataclass(frozen=True)
class Searches:
    """The searches on one outer fold, one after the other."""

    budget: str
    library: str
    set: str
    fold: int
    names: tuple[str, ...] = tuple(ARMS)

    def key(self, arm: str) -> Key:
        """Return the key of the record of an arm."""
        return Key(self.budget, self.library, "equal time", self.set, 0, self.fold, arm)


@dataclass
class Found:
    """What a search has found: its best model's log-odds, and several models' mean."""

    single: LogOdds
    averaged: LogOdds
    seconds: float
    candidates: int
    complete: int
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """The rows to search on, those to measure on, and the inner folds."""

    train: DataSet
    test: DataSet
    cv: list[tuple[Rows, Rows]]


def searched(one: Searches, plan: Plan) -> list[Record]:
    """Make the searches, and measure what they end in."""
    outer = split(
        load_set(plan.data, one.set, plan.size, plan.seed),
        one.set,
        0,
        one.fold,
        plan.seed,
    )
    train = outer.train.joined(outer.valid)
    rng = rng_of(plan.seed, one.set, one.fold, "tuned")
    rows = Parts(train, outer.test, inner_folds(train.y, train.groups, plan.inner, rng))
    found = []
    for name in one.names:
        result = _SEARCHES[name](one.library, rows, float(one.budget))
        for arm, log_odds in zip(
            ARMS[name], (result.single, result.averaged), strict=True
        ):
            found.append({
                **one.key(arm)._asdict(),
                **measures(rows.test.y, log_odds, rows.test.weight),
                "rounds": None, "seconds": round(result.seconds, 3), "error": None,
                "candidates": result.candidates, "complete": result.complete,
                "chosen": result.chosen,
            })  # fmt: skip
    return found


def _clock(seconds: float | None) -> Callable[[], bool]:
    """Return what tells whether the processor has spent so many seconds."""
    end = np.inf if seconds is None else time.process_time() + seconds
    return lambda: time.process_time() >= end


def by_optuna(library: str, rows: Parts, seconds: float) -> Found:
    """Search as a practitioner writes it: TPE, the library's cv, its pruning callback.

    The median pruner waits for ten rounds. The trial that is under way when the time
    is over comes to its end.
    """
    tool = _TOOLS[library](rows)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=10),
    )
    begin, is_over = time.process_time(), _clock(seconds)

    def stop(study: Any, _: Any) -> None:
        if is_over():
            study.stop()

    study.optimize(tool.objective, callbacks=[stop])
    spent = time.process_time() - begin
    complete = [one for one in study.trials if one.state.name == "COMPLETE"]
    best = sorted(complete, key=lambda one: one.value)[:MODELS]
    models = np.array([tool.log_odds(one) for one in best])
    chosen = {**best[0].params, **best[0].user_attrs}
    return Found(
        models[0], models.mean(0), spent, len(study.trials), len(complete), chosen
    )


class _LightGBM:
    """A trial of LightGBM's cv, and a model of what it found."""

    def __init__(self, rows: Parts) -> None:
        self.rows = rows

    def objective(self, trial: Any) -> float:
        from optuna_integration import LightGBMPruningCallback

        found = lgb.cv(
            self._params(trial), self._data(), ROUNDS, folds=self.rows.cv,
            callbacks=[
                lgb.early_stopping(PATIENCE, verbose=False),
                LightGBMPruningCallback(trial, "binary_logloss", valid_name="valid"),
            ],
        )["valid binary_logloss-mean"]  # fmt: skip
        trial.set_user_attr("rounds", int(np.argmin(found)) + 1)
        return float(np.min(found))

    def log_odds(self, trial: Any) -> LogOdds:
        fixed = optuna.trial.FixedTrial(trial.params)
        model = lgb.train(self._params(fixed), self._data(), trial.user_attrs["rounds"])
        return np.asarray(model.predict(self.rows.test.X, raw_score=True))

    def _data(self) -> Any:
        train = self.rows.train
        return lgb.Dataset(train.X, train.y, weight=train.weight)

    @staticmethod
    def _params(trial: Any) -> dict[str, Any]:
        fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 0}
        return {**fixed, "subsample_freq": 1, **_trees(trial, "lightgbm")}


class _XGBoost:
    """A trial of XGBoost's cv, and a model of what it found."""

    def __init__(self, rows: Parts) -> None:
        self.rows = rows
        train = rows.train
        self.data = xgb.DMatrix(train.X, train.y, weight=train.weight)

    def objective(self, trial: Any) -> float:
        from optuna_integration import XGBoostPruningCallback

        found = xgb.cv(
            self._params(trial), self.data, ROUNDS, folds=self.rows.cv,
            early_stopping_rounds=PATIENCE,
            callbacks=[XGBoostPruningCallback(trial, "test-logloss")],
        )["test-logloss-mean"].to_numpy()  # fmt: skip
        trial.set_user_attr("rounds", int(np.argmin(found)) + 1)
        return float(np.min(found))

    def log_odds(self, trial: Any) -> LogOdds:
        fixed = optuna.trial.FixedTrial(trial.params)
        rounds = trial.user_attrs["rounds"]
        model = xgb.train(self._params(fixed), self.data, rounds)
        test = xgb.DMatrix(self.rows.test.X)
        return np.asarray(model.predict(test, output_margin=True), np.float64)

    @staticmethod
    def _params(trial: Any) -> dict[str, Any]:
        fixed = {"objective": "binary:logistic", "eval_metric": "logloss"}
        return {**fixed, "nthread": 1, "seed": 0, **_trees(trial, "xgboost")}


def _trees(trial: Any, library: str) -> dict[str, Any]:
    """Return trees of the space that the package's search has."""
    return {name: ask(trial, name, one) for name, one in TREES[library].items()}


_TOOLS: dict[str, Any] = {"lightgbm": _LightGBM, "xgboost": _XGBoost}


def by_search(space: str) -> Callable[[str, Parts, float], Found]:
    """Return the package's search of that space, as anybody writes it."""

    def made(library: str, rows: Parts, seconds: float) -> Found:
        train = rows.train
        search = FocalSearchCV(
            _classifier(library), space, timeout=seconds, cv=rows.cv,
            n_models=MODELS, random_state=0, refit=False,
        )  # fmt: skip
        begin = time.process_time()
        with patch("focal_boost.tuning._search.clock", _clock):
            search.fit(train.X, train.y, sample_weight=train.weight)
        spent = time.process_time() - begin
        chosen = [_refitted(search, library, one, rows) for one in search.chosen_]
        models = np.array(chosen)
        states = [one.state.name for one in search.study_.trials]
        best = {**search.best_params_, "rounds": search.best_n_estimators_}
        return Found(
            models[0], models.mean(0), spent, len(states), states.count("COMPLETE"),
            best,
        )  # fmt: skip

    return made


def _classifier(library: str) -> Any:
    given = {"focal_alpha": None, "focal_gamma": 0.0, "n_jobs": 1, "random_state": 0}
    if library == "xgboost":
        return FocalXGBClassifier(verbosity=0, **given)
    return FocalLGBMClassifier(verbosity=-1, **given)


def _refitted(search: Any, library: str, number: int, rows: Parts) -> LogOdds:
    params = search.cv_results_["params"][number]
    rounds = int(search.cv_results_["best_n_rounds"][number])
    model = _classifier(library).set_params(**params)
    model.set_params(n_estimators=rounds, early_stopping_rounds=None)
    train = rows.train
    model.fit(train.X, train.y, sample_weight=train.weight)
    return np.asarray(model.decision_function(rows.test.X), np.float64)


_SEARCHES: dict[str, Callable[[str, Parts, float], Found]] = {
    "optuna": by_optuna,
    "log loss": by_search("trees"),
    "focal": by_search("all"),
}


def chosen_sets(sets: Sequence[str], number: int, seed: int) -> list[str]:
    """Return so many sets, by lot; fewer are the first of more."""
    return [sets[i] for i in rng_of(seed, "sets").permutation(len(sets))[:number]]
