"""Which model is better in the same time, and is it the engine, the loss or the mean?

    pip install optuna-integration
    python tests/benchmarks/study/equal_time.py
    python tests/benchmarks/study/equal_time.py --report

On binary sets of the benchmark data, in both libraries, three searches with the same
seconds on one thread: Optuna's TPE sampler with the library's cv, early stopping and
pruning callback, as a practitioner writes it ("optuna"); FocalSearchCV of the same
trees with the built-in loss only ("search, log loss"); and with alpha and gamma beside
them ("search"). Each ends in its best model, and in the mean log-odds of five ("5"):
Optuna's five best, and those that the search chooses. All judge candidates by log loss
on the same three inner folds, may have 1,000 rounds, stop after 30 without a better
one, and are measured on the same three outer folds. Seconds are the processor's, so
that what else the machine does takes nothing from any of them.

The rule for the sets, written before the run: by lot, 12 of them for 30 seconds, the
first 3 of these for 120; at most 20,000 rows, but all of the frauds. That is four hours
on one core. Each fold of a set is written to equal_time.jsonl when its searches are
done, an interrupted run goes on, and sets with all of their folds are reported.

The trees that the search begins with are those of focal_boost.recommended(), which were
chosen on all of these sets together: one of its candidates has that advantage.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import Record
from benchmarks.searching import Cv, optuna_study, plain
from benchmarks.study.command import LIBRARIES, Report, Study, run
from benchmarks.study.ranking import compared, complete_cells, judged_means
from benchmarks.study.records import Key, record_of
from benchmarks.study.sets import DataSet, Plan, Size, fold_of
from benchmarks.study.splits import Rows, inner_folds, rng_of
from focal_boost.tuning import FocalSearchCV

#: What is averaged in the arms of several models.
MODELS = 5
#: The searches, and the arms that each of them ends in: one model, and several.
ARMS = {
    "optuna": ("optuna", "optuna, 5"),
    "log loss": ("search, log loss", "search, log loss, 5"),
    "focal": ("search", "search, 5"),
}
#: Arm against arm, and what their ratio tells.
PAIRS = (
    ("search", "optuna", "the whole"),
    ("search, log loss", "optuna", "the engine"),
    ("search", "search, log loss", "the loss"),
    ("search, 5", "optuna, 5", "the whole, five models"),
    ("search, 5", "search", "the mean of five"),
    ("optuna, 5", "optuna", "the mean of five, of Optuna's"),
)
_NAMES = [arm for arms in ARMS.values() for arm in arms]


@dataclass(frozen=True)
class TimePlan(Plan):
    """What decides a search besides its key."""

    size: Size = Size(20_000)  # noqa: RUF009 (immutable)
    folds: int = 3
    inner: int = 3
    #: Seconds of a search, and on how many sets.
    budgets: tuple[tuple[str, int], ...] = (("30", 12), ("120", 3))


class Parts(NamedTuple):
    """The rows to search on, those to measure on, and the inner folds."""

    train: DataSet
    test: DataSet
    cv: list[tuple[Rows, Rows]]


class Found(NamedTuple):
    """What a search has found: its best models' log-odds, the best one's first."""

    models: Any
    seconds: float
    trials: Sequence[Any]
    chosen: dict[str, Any]


def searched(keys: list[Key], plan: TimePlan) -> list[Record]:
    """Make the searches that any of these arms is of, and measure what they end in."""
    key, outer = keys[0], fold_of(keys[0], plan)
    train = outer.train.joined(outer.valid)
    rng = rng_of(plan.seed, key.set, key.fold, "tuned")
    rows = Parts(train, outer.test, inner_folds(train.y, train.groups, plan.inner, rng))
    records = []
    for name, arms in ARMS.items():
        own = [key._replace(arm=arm) for arm in arms]
        if set(own).isdisjoint(keys):
            continue
        found = _SEARCHES[name](key.library, rows, float(key.size))
        for one, log_odds in zip(
            own, (found.models[0], found.models.mean(0)), strict=True
        ):
            records.append(
                record_of(
                    one, rows.test, log_odds, None, found.seconds,
                    candidates=len(found.trials), complete=len(complete(found.trials)),
                    chosen=found.chosen,
                )
            )  # fmt: skip
    return records


def complete(trials: Sequence[Any]) -> list[Any]:
    """Return those that came to their end."""
    return [one for one in trials if one.state.name == "COMPLETE"]


def _clock(seconds: float | None) -> Callable[[], bool]:
    """Return what tells whether the processor has spent so many seconds."""
    end = np.inf if seconds is None else time.process_time() + seconds
    return lambda: time.process_time() >= end


def by_optuna(library: str, rows: Parts, seconds: float) -> Found:
    """Search as a practitioner does.

    The trial that is under way when the time is over comes to its end.
    """
    train = rows.train
    objective = Cv(library, train.X, train.y, train.weight, rows.cv)
    begin, is_over = time.process_time(), _clock(seconds)

    def stop(study: Any, _: Any) -> None:
        if is_over():
            study.stop()

    study = optuna_study(objective, callbacks=[stop])
    spent = time.process_time() - begin
    best = sorted(complete(study.trials), key=lambda one: one.value)[:MODELS]
    models = np.array([objective.log_odds(one, rows.test.X) for one in best])
    return Found(models, spent, study.trials, {**best[0].params, **best[0].user_attrs})


def by_search(space: str, library: str, rows: Parts, seconds: float) -> Found:
    """Search that space with the package, as anybody writes it."""
    train = rows.train
    search = FocalSearchCV(
        plain(library), space, timeout=seconds, cv=rows.cv,
        n_models=MODELS, random_state=0, refit=False,
    )  # fmt: skip
    begin = time.process_time()
    with patch("focal_boost.tuning._search.clock", _clock):
        search.fit(train.X, train.y, sample_weight=train.weight)
    spent = time.process_time() - begin
    models = [_refitted(search, library, one, rows) for one in search.chosen_]
    best = {**search.best_params_, "rounds": search.best_n_estimators_}
    return Found(np.array(models), spent, search.study_.trials, best)


def _refitted(search: Any, library: str, number: int, rows: Parts) -> Any:
    rounds = int(search.cv_results_["best_n_rounds"][number])
    model = plain(library).set_params(**search.cv_results_["params"][number])
    model.set_params(n_estimators=rounds, early_stopping_rounds=None)
    train = rows.train
    model.fit(train.X, train.y, sample_weight=train.weight)
    return np.asarray(model.decision_function(rows.test.X), np.float64)


_SEARCHES: dict[str, Callable[[str, Parts, float], Found]] = {
    "optuna": by_optuna,
    "log loss": partial(by_search, "trees"),
    "focal": partial(by_search, "all"),
}


def chosen_sets(sets: Sequence[str], number: int, seed: int) -> list[str]:
    """Return so many sets, by lot; fewer are the first of more."""
    return [sets[i] for i in rng_of(seed, "sets").permutation(len(sets))[:number]]


def pieces(rows: dict[str, int], plan: TimePlan) -> Iterator[list[Key]]:
    """Yield all arms on one fold in one library, set by set."""
    for budget, number in plan.budgets:
        names = chosen_sets(list(rows), number, plan.seed)
        for name, fold, library in product(names, range(plan.folds), LIBRARIES):
            where = budget, library, "equal time", name, 0, fold
            yield [Key(*where, arm) for arm in _NAMES]


def of_pairs(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per budget, library and pair of arms: ratios over the sets."""
    rows = []
    for (budget, library), own in fits.groupby(["size", "library"]):
        means = judged_means(own)
        for arm, base, what in PAIRS:
            names = {"what": what, "arm": arm, "against": base}
            told = compared(*(cells[arm] / cells[base] for cells in means))
            rows.append({"seconds": budget, "library": library, **names, **told})
    return pd.DataFrame(rows)


def speed(fits: pd.DataFrame) -> pd.DataFrame:
    """Return candidates and seconds of the searches, as means over folds and sets."""
    first = fits[fits["arm"].isin([arms[0] for arms in ARMS.values()])]
    first = first.assign(**{"a second": first["candidates"] / first["seconds"]})
    columns = ["candidates", "complete", "seconds", "a second"]
    table = first.groupby(["size", "library", "arm"])[columns].mean()
    return table.rename_axis(["budget", "library", "arm"]).reset_index()


def report(found: pd.DataFrame, plan: TimePlan) -> Report:
    """Return what is compared, of the sets that have all folds."""
    budgets = found.groupby("size", sort=False)
    fits = pd.concat([complete_cells(own, _NAMES) for _, own in budgets])
    cells = fits.groupby(["size", "library", "set", "arm"])
    fits = fits[cells["fold"].transform("size") == plan.folds]
    if fits.empty:
        raise ValueError("--out must hold all folds of a set, got fewer")
    sets = {size: sorted(own["set"].unique()) for size, own in fits.groupby("size")}
    names = [f"{size} s: {', '.join(names)}." for size, names in sets.items()]
    cells = fits.groupby(["size", "library", "set", "arm"])
    means = cells[["average_precision", "log_loss"]].mean().reset_index()
    pairs = of_pairs(fits)
    return ["# Models of equal time", *names, pairs, speed(found)], {
        "equal_time": pairs, "equal_time_sets": means,
    }  # fmt: skip


STUDY = Study(
    "equal_time.py", __doc__, TimePlan,
    quick={"size": Size(1_000), "folds": 2, "budgets": (("1", 2),)},
    pieces=pieces, fitted=searched, report=report,
    name="equal_time", fits="equal_time.jsonl", settings="equal_time_settings.json",
)  # fmt: skip
main = partial(run, STUDY)


if __name__ == "__main__":
    sys.exit(main())
