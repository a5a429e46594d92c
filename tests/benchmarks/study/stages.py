"""Which fits the study consists of, and the process that makes some of them.

A fit is the same in every stage that has its size: the same rows, folds and seeds.
What one stage has fitted the later ones find done.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from arms import BUILT_IN, FACTORIAL, Arm
from fits import LIBRARIES, REGIMES, Binned, Regime, fit
from measures import MEASURES, measures
from records import Key, Record
from sets import FOLDS, DataSet, Size, load_set, split

_ARMS_PER_TASK = 10
#: small: of screening and naming; few: of few_rows; whole: of the others
SIZES = {
    "small": Size(10_000, 30_000, positives=400),
    "whole": Size(),
    "few": Size(1_000),
}


@dataclass(frozen=True)
class Plan:
    """What decides a fit besides its key, and how large the study is.

    Attributes
    ----------
    data : Path
        The folder of the sets.
    seed : int
        Of samples and splits.
    regimes : tuple of Regime
        How is trained.
    limit : int, optional
        The most rows of any set, the frauds among them.
    few_rows : int
        Sets with fewer rows have `repeats` repetitions, the others one; in the size
        "small" all have one, and fewer folds are tested.
    small_folds : int
        How many of the five.
    arms : tuple of Arm
        The focal arms of the screening.
    best : int
        How many of them are candidates for the default.
    """

    data: Path
    seed: int = 0
    regimes: tuple[Regime, ...] = REGIMES
    limit: int | None = None
    few_rows: int = 30_000
    repeats: int = 3
    small_folds: int = 3
    arms: tuple[Arm, ...] = FACTORIAL
    best: int = 4

    def size(self, name: str) -> Size:
        """Return the size of that name."""
        return SIZES[name] if self.limit is None else Size(self.limit, self.limit)

    def folds(self, size: str, rows: int) -> list[tuple[int, int]]:
        """Return repetitions and folds of a set with so many rows."""
        if size == "small":
            return list(product(range(1), range(self.small_folds)))
        repeats = self.repeats if rows < self.few_rows else 1
        return list(product(range(repeats), range(FOLDS)))


@dataclass(frozen=True)
class Stage:
    """Arms that are fitted on every fold of some sets."""

    name: str
    size: str
    sets: tuple[str, ...]
    arms: tuple[Arm, ...]
    libraries: tuple[str, ...] = LIBRARIES


@dataclass(frozen=True)
class Task:
    """Arms to fit on one fold in one library."""

    size: str
    library: str
    set: str
    repeat: int
    fold: int
    arms: tuple[Arm, ...]

    def key(self, arm: Arm, regime: Regime) -> Key:
        """Return the key of a fit."""
        where = (self.library, regime.name, self.set, self.repeat, self.fold)
        return Key(self.size, *where, arm.name)


def screening(plan: Plan, rows: Mapping[str, int]) -> Stage:
    """Return the first stage: all arms on every third set in alphabetical order."""
    arms = (BUILT_IN, *plan.arms)
    return Stage("screening", "small", tuple(sorted(rows))[::3], arms)


def tasks(
    stage: Stage, plan: Plan, rows: Mapping[str, int], done: set[Key]
) -> Iterator[Task]:
    """Yield the fits of a stage that are not done, those of one fold together."""
    for name in stage.sets:
        for where, library in product(
            plan.folds(stage.size, rows[name]), stage.libraries
        ):
            every = Task(stage.size, library, name, *where, stage.arms)
            left = [
                arm
                for arm in stage.arms
                if not all(every.key(arm, regime) in done for regime in plan.regimes)
            ]
            for i in range(0, len(left), _ARMS_PER_TASK):
                some = tuple(left[i : i + _ARMS_PER_TASK])
                yield Task(stage.size, library, name, *where, some)


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Return a row per fit; the figures of those that failed are NaN."""
    columns = [*Key._fields, *MEASURES, "rounds", "seconds", "error"]
    return pd.DataFrame(records, columns=columns)


def work(task: Task, plan: Plan) -> list[Record]:
    """Fit the arms of a task; an arm that fails is a record with its error."""
    binned = _binned(task, plan)
    return [one for arm in task.arms for one in _records(task, arm, binned, plan)]


def _records(task: Task, arm: Arm, binned: Binned, plan: Plan) -> list[Record]:
    """Return a record per regime."""
    keys = {regime.name: task.key(arm, regime) for regime in plan.regimes}
    try:
        with warnings.catch_warnings():
            # An arm that runs away overflows; its figures tell.
            warnings.simplefilter("ignore", RuntimeWarning)
            found = {
                one.regime: _figures(one, binned.fold.test)
                for one in fit(task.library, arm, binned, plan.regimes)
            }
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return [{**key._asdict(), "error": text} for key in keys.values()]
    return [
        {**key._asdict(), **found[name], "error": None} for name, key in keys.items()
    ]


def _figures(fitted: Any, test: DataSet) -> dict[str, float]:
    found = measures(test.y, fitted.log_odds, test.weight)
    for name, value in found.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
    return {**found, "rounds": fitted.rounds, "seconds": round(fitted.seconds, 4)}


# The set and the fold that this process works on: never more than one of each.
_desk: dict[str, Any] = {}


def _binned(task: Task, plan: Plan) -> Binned:
    if _desk.get("set") != (plan, task.size, task.set):
        _desk.clear()
        data = load_set(plan.data, task.set, plan.size(task.size), plan.seed)
        _desk.update(set=(plan, task.size, task.set), data=data)
    where = (task.repeat, task.fold)
    if _desk.get("fold") != where:
        _desk.pop("binned", None)
        data_set: DataSet = _desk["data"]
        fold = split(data_set, task.set, *where, plan.seed)
        _desk.update(fold=where, binned=Binned(fold))
    binned: Binned = _desk["binned"]
    return binned
