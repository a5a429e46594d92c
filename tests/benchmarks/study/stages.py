"""Which fits the study consists of, and the process that makes some of them.

A fit is the same in every stage: the same rows, folds and seeds. What the screening
has fitted the later stages find done.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arms import BASELINES, FACTORIAL, Arm
from fits import LIBRARIES, Binned, Stopping, fit
from measures import MEASURES, measures
from records import Key, Record
from sets import FOLDS, DataSet, Size, load_set, split

from focal_boost import FocalObjective

_ARMS_PER_TASK = 10


@dataclass(frozen=True)
class Plan:
    """What decides a fit besides its key, and how large the study is.

    Attributes
    ----------
    data : Path
        The folder of the sets.
    seed : int
        Of samples and splits.
    size, stopping
        Rows of a set; rounds of a training.
    few_rows : int
        Sets with fewer rows have `repeats` repetitions, the others one.
    arms : tuple of Arm
        The focal arms of the screening.
    best : int
        How many of them reach the final.
    """

    data: Path
    seed: int = 0
    size: Size = Size()  # noqa: RUF009 (immutable)
    stopping: Stopping = Stopping()  # noqa: RUF009 (immutable)
    few_rows: int = 30_000
    repeats: int = 3
    arms: tuple[Arm, ...] = FACTORIAL
    best: int = 6


@dataclass(frozen=True)
class Stage:
    """Arms that are fitted on every fold of some sets."""

    name: str
    sets: tuple[str, ...]
    arms: tuple[Arm, ...]
    libraries: tuple[str, ...] = LIBRARIES


@dataclass(frozen=True)
class Task:
    """Arms to fit on one fold in one library."""

    library: str
    set: str
    repeat: int
    fold: int
    arms: tuple[Arm, ...]


def screening(plan: Plan, rows: Mapping[str, int]) -> Stage:
    """Return the first stage: all arms on every third set in alphabetical order."""
    return Stage("screening", tuple(sorted(rows))[::3], (*BASELINES, *plan.arms))


def tasks(
    stage: Stage, plan: Plan, rows: Mapping[str, int], done: set[Key]
) -> Iterator[Task]:
    """Yield the fits of a stage that are not done, those of one fold together."""
    for name in stage.sets:
        repeats = plan.repeats if rows[name] < plan.few_rows else 1
        for repeat, fold, library in product(
            range(repeats), range(FOLDS), stage.libraries
        ):
            where = (library, name, repeat, fold)
            left = [arm for arm in stage.arms if Key(*where, arm.name) not in done]
            for i in range(0, len(left), _ARMS_PER_TASK):
                yield Task(*where, tuple(left[i : i + _ARMS_PER_TASK]))


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Return a row per fit; the figures of those that failed are NaN."""
    columns = [*Key._fields, *MEASURES, "rounds", "seconds", "error"]
    return pd.DataFrame(records, columns=columns)


def work(task: Task, plan: Plan) -> list[Record]:
    """Fit the arms of a task; an arm that fails is a record with its error."""
    _compile()
    binned = _binned(task, plan)
    return [_record(task, arm, binned, plan.stopping) for arm in task.arms]


def _record(task: Task, arm: Arm, binned: Binned, stopping: Stopping) -> Record:
    key = Key(task.library, task.set, task.repeat, task.fold, arm.name)
    try:
        with warnings.catch_warnings():
            # An arm that runs away overflows; its figures tell.
            warnings.simplefilter("ignore", RuntimeWarning)
            found = _figures(task.library, arm, binned, stopping)
    except Exception as error:
        return {**key._asdict(), "error": f"{type(error).__name__}: {error}"}
    return {**key._asdict(), **found, "error": None}


def _figures(
    library: str, arm: Arm, binned: Binned, stopping: Stopping
) -> dict[str, float]:
    fitted = fit(library, arm, binned, stopping)
    test = binned.fold.test
    found = measures(test.y, fitted.margin, test.weight, fitted.loss)
    for name, value in found.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
    return {**found, "rounds": fitted.rounds, "seconds": round(fitted.seconds, 4)}


# The set and the fold that this process works on: never more than one of each.
_desk: dict[str, Any] = {}


def _binned(task: Task, plan: Plan) -> Binned:
    if _desk.get("set") != (plan, task.set):
        _desk.clear()
        data = load_set(plan.data, task.set, plan.size, plan.seed)
        _desk.update(set=(plan, task.set), data=data)
    where = (task.repeat, task.fold)
    if _desk.get("fold") != where:
        _desk.pop("binned", None)
        data_set: DataSet = _desk["data"]
        fold = split(data_set, task.set, *where, plan.seed)
        _desk.update(fold=where, binned=Binned(fold))
    binned: Binned = _desk["binned"]
    return binned


@cache
def _compile() -> None:
    """Have the package's kernel compiled before a training is timed."""
    y = np.array([0, 1], np.float32)
    for kind, weight in product((np.float32, np.float64), (None, y + 1)):
        FocalObjective(n_threads=1).gradient_hessian(y, y.astype(kind), weight)
