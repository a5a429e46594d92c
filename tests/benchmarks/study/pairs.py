"""Searches of all arms on an outer fold, in a process of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from measures import measures
from records import Key, Record
from scipy.stats import loguniform
from sets import DataSet, Size, load_set, split
from sklearn.model_selection import ParameterSampler
from splits import Rows, fold_of_rows, rng_of

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier
from focal_boost.tuning import FocalSearchCV

CANDIDATES = 16
# The growth of a search's rounds when the tables were made; its default is less.
FACTOR = 3
BUILT_IN: dict[str, list[Any]] = {"focal_alpha": [None], "focal_gamma": [0.0]}
FOCAL: dict[str, list[Any]] = {
    "focal_alpha": [0.25, 0.5, 0.75, None],
    "focal_gamma": [0.0, 0.5, 1.0, 2.0, 3.0],
}
# Tells what the loss costs from what the search for alpha and gamma costs.
DEFAULT: dict[str, list[Any]] = {"focal_alpha": [0.25], "focal_gamma": [2.0]}
ARMS = {"built-in": BUILT_IN, "focal": FOCAL, "focal, default": DEFAULT}
SCORINGS = {"neg_log_loss": "log loss", "average_precision": "AP"}
_SHARED = {
    "learning_rate": loguniform(0.02, 0.3),
    "colsample_bytree": [0.6, 0.8, 1.0],
    "reg_lambda": loguniform(0.001, 10),
}
_OWN: dict[str, dict[str, list[Any]]] = {
    "xgboost": {"max_depth": [3, 4, 5, 6, 8], "min_child_weight": [0.1, 0.3, 1, 3]},
    "lightgbm": {"num_leaves": [7, 15, 31, 63], "min_child_samples": [5, 20, 50, 100]},
}


@dataclass(frozen=True)
class TunedPlan:
    """What decides a search besides its key."""

    data: Path
    seed: int = 0
    size: Size = Size(20_000)  # noqa: RUF009 (immutable)
    rounds: int = 200
    folds: int = 3
    inner: int = 3
    candidates: int = CANDIDATES


@dataclass(frozen=True)
class Search:
    """The searches on one outer fold."""

    library: str
    set: str
    fold: int
    scoring: str
    arms: tuple[str, ...] = tuple(ARMS)

    def key(self, arm: str) -> Key:
        """Return the key of the record of one of them."""
        return Key(
            "tuned", self.library, "searched", self.set, 0, self.fold,
            f"{arm} {self.scoring}",
        )  # fmt: skip


def candidates_of(
    library: str, arm: str, number: int, rng: np.random.Generator
) -> list[dict[str, list[Any]]]:
    """Return grids of one point each: the same draws for every arm."""
    seeds = rng.integers(2**31, size=2)
    space = {**_SHARED, **_OWN[library]}
    drawn = ParameterSampler(space, number, random_state=int(seeds[0]))
    chance = np.random.default_rng(seeds[1])
    return [
        {
            **{name: [value] for name, value in point.items()},
            **{
                name: [values[chance.integers(len(values))]]
                for name, values in ARMS[arm].items()
            },
        }
        for point in drawn
    ]


def classifier_of(library: str, plan: TunedPlan) -> Any:
    """Return the classifier whose parameters are searched."""
    given = {
        "n_estimators": plan.rounds,
        "early_stopping_rounds": 30,
        "n_jobs": 1,
        "random_state": 0,
    }
    if library == "xgboost":
        return FocalXGBClassifier(verbosity=0, **given)
    return FocalLGBMClassifier(verbosity=-1, **given)


def inner_folds(
    data: DataSet, folds: int, rng: np.random.Generator
) -> list[tuple[Rows, Rows]]:
    """Return rows to train on and to score, for every inner fold."""
    number = fold_of_rows(data.y, data.groups, folds, rng)
    return [
        (np.flatnonzero(number != fold), np.flatnonzero(number == fold))
        for fold in range(folds)
    ]


def searched(one: Search, plan: TunedPlan) -> list[Record]:
    """Make the searches and measure their winners on the outer fold's test part."""
    data = _set(one.set, plan)
    outer = split(data, one.set, 0, one.fold, plan.seed)
    train = joined(outer.train, outer.valid)
    where = (plan.seed, one.set, one.fold)
    cv = inner_folds(train, plan.inner, rng_of(*where, "tuned"))
    found = []
    for arm in one.arms:
        rng = rng_of(*where, one.library, "candidates")
        search = FocalSearchCV(
            classifier_of(one.library, plan),
            candidates_of(one.library, arm, plan.candidates, rng),
            scoring=one.scoring,
            cv=cv,
            factor=FACTOR,
        )
        begin = time.perf_counter()
        search.fit(train.X, train.y, sample_weight=train.weight)
        seconds = round(time.perf_counter() - begin, 3)
        log_odds = np.asarray(search.decision_function(outer.test.X), np.float64)
        found.append({
            **one.key(arm)._asdict(),
            **measures(outer.test.y, log_odds, outer.test.weight),
            "rounds": search.best_n_estimators_, "seconds": seconds, "error": None,
            "chosen": search.best_params_,
        })  # fmt: skip
    return found


def joined(first: DataSet, second: DataSet) -> DataSet:
    """Return the rows of both."""
    weight = None
    if first.weight is not None and second.weight is not None:
        weight = np.concatenate([first.weight, second.weight])
    return DataSet(
        np.concatenate([first.X, second.X]),
        np.concatenate([first.y, second.y]),
        np.concatenate([first.groups, second.groups]),
        weight,
    )


@cache
def _set(name: str, plan: TunedPlan) -> DataSet:
    return load_set(plan.data, name, plan.size, plan.seed)
