"""Are the recommended trees as good as CatBoost's defaults, in its time?

    pip install catboost
    python tests/benchmarks/study/trees.py
    python tests/benchmarks/study/catboost_defaults.py
    python tests/benchmarks/study/catboost_defaults.py --report

On the sets and folds of trees.py, whose fits must be in --out: CatBoost with its
defaults at the rate 0.1, and the default focal loss with that setting which the rule of
trees.py chooses without the set at hand. Either has up to 1,000 rounds on one thread
and ends after 30 without a better log loss on the inner part. "averaged" are as many of
the latter, with other seeds, as fit into CatBoost's time on that fold, by the
processor's clock, as one model: the mean of their log-odds.

Every fold is written to catboost.jsonl when it is done: an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command import LIBRARIES, check_settings, exit_code, make, parser_of
from measures import measures
from ranking import by_rule, cell_means, complete_cells, geometric_mean
from records import Key, Record, Records, frame_of
from sets import Fold, load_set, split
from tables import JUDGED, markdown, told, write_table
from trees import TreesPlan, fit, settings

# More of them than that bring nothing (Lakshminarayanan et al. 2017 use 5).
_MOST = 10
_ARMS = ("recommended", "averaged")


@dataclass(frozen=True)
class Folded:
    """One fold of a set, and the settings chosen without the set."""

    set: str
    fold: int
    chosen: tuple[tuple[str, str], ...]

    def key(self, library: str, arm: str) -> Key:
        """Return the key of the record of an arm."""
        return Key("trees", library, "catboost", self.set, 0, self.fold, arm)

    @property
    def keys(self) -> list[Key]:
        """All of them."""
        ours = [self.key(library, arm) for library in LIBRARIES for arm in _ARMS]
        return [self.key("catboost", "defaults"), *ours]


def chosen_without(records: Sequence[Record], plan: TreesPlan) -> dict[str, Any]:
    """Return by set the name of each library's setting that the other sets choose."""
    found: dict[str, dict[str, str]] = {}
    for library, own in frame_of(records).groupby("library"):
        fits = complete_cells(own, list(settings(str(library), plan)))
        ap, loss = (cell_means(fits, m) for m in ("average_precision", "log_loss"))
        for cell in ap.index:
            best = by_rule(ap.drop(index=[cell]), loss.drop(index=[cell])).index[0]
            found.setdefault(cell[-1], {})[str(library)] = best
    return {name: one for name, one in found.items() if len(one) == len(LIBRARIES)}


def todo(chosen: Mapping[str, Any], folds: int, done: set[Key]) -> Iterator[Folded]:
    """Yield what is not done, the first fold of all sets before the second of any."""
    for fold in range(folds):
        for name, one in chosen.items():
            every = Folded(name, fold, tuple(one.items()))
            if not done.issuperset(every.keys):
                yield every


def fitted(one: Folded, plan: TreesPlan) -> list[Record]:
    """Train on one fold, CatBoost first: its time is that of the others."""
    fold = split(
        load_set(plan.data, one.set, plan.size, plan.seed),
        one.set,
        0,
        one.fold,
        plan.seed,
    )
    begin = time.process_time()
    theirs = _catboost(fold, plan)
    given = time.process_time() - begin
    found = [_record(one.key("catboost", "defaults"), fold, theirs, given, 1)]
    for library, arm in one.chosen:
        setting = settings(library, plan)[arm]
        models, seconds = _in_time(library, setting, fold, plan, given)
        first, mean = models[0], models.mean(axis=0)
        found.append(_record(one.key(library, _ARMS[0]), fold, first, seconds[0], 1))
        spent, number = float(sum(seconds)), len(models)
        found.append(_record(one.key(library, _ARMS[1]), fold, mean, spent, number))
    return found


def _catboost(fold: Fold, plan: TreesPlan) -> Any:
    from catboost import CatBoostClassifier, Pool

    model = CatBoostClassifier(
        iterations=plan.rounds, learning_rate=0.1, od_type="Iter",
        od_wait=plan.patience, thread_count=1, random_seed=plan.seed, verbose=False,
        allow_writing_files=False,
    )  # fmt: skip
    train, valid = (Pool(one.X, one.y, weight=one.weight)
                    for one in (fold.train, fold.valid))  # fmt: skip
    model.fit(train, eval_set=valid)
    return np.asarray(model.predict(fold.test.X, prediction_type="RawFormulaVal"))


def _in_time(
    library: str, setting: dict[str, Any], fold: Fold, plan: TreesPlan, given: float
) -> tuple[Any, list[float]]:
    """Return the log-odds of as many models as fit, at least one, and their seconds."""
    models: list[Any] = []
    seconds: list[float] = []
    while not models or (len(models) < _MOST and sum(seconds) + max(seconds) <= given):
        begin = time.process_time()
        own = {**setting, "random_state": plan.seed + len(models)}
        model = fit(library, own, fold, plan)
        seconds.append(time.process_time() - begin)
        models.append(model.decision_function(fold.test.X))
    return np.array(models, np.float64), seconds


def _record(key: Key, fold: Fold, log_odds: Any, seconds: float, models: int) -> Record:
    found = measures(fold.test.y, log_odds, fold.test.weight)
    return {
        **key._asdict(), **found, "rounds": models, "seconds": round(seconds, 3),
        "error": None,
    }  # fmt: skip


def compared(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per library and arm: ratios to CatBoost over the sets."""
    columns = ["average_precision", "log_loss", "seconds", "rounds"]
    means = fits.groupby(["library", "arm", "set"])[columns].mean()
    theirs, rows = means.loc["catboost", "defaults"], []
    for library in LIBRARIES:
        for arm in _ARMS:
            ratio = means.loc[library, arm] / theirs
            row: dict[str, Any] = {"library": library, "arm": arm}
            for name, (measure, higher) in JUDGED.items():
                row[name], row[f"{name} won"] = told(ratio[measure], higher=higher)
            row["time"] = f"{geometric_mean(ratio['seconds'])[0]:.2f}"
            row["models"] = means.loc[library, arm]["rounds"].mean()
            rows.append(row)
    return pd.DataFrame(rows)


def report(records: Sequence[Record], folds: int, folder: Path) -> str:
    """Write the tables, and return what is compared as text."""
    fits = frame_of(records)
    done = fits.groupby("set")["fold"].nunique()
    fits = fits[fits["set"].isin(done.index[done == folds])]
    if fits["set"].nunique() < 2:
        raise ValueError("--out must hold all folds of two sets, got fewer")
    table = compared(fits)
    text = f"# CatBoost's defaults, {fits['set'].nunique()} sets\n\n{markdown(table)}\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catboost.md").write_text(text, "utf-8")
    write_table(table, folder / "catboost.csv")
    return text


def _run(options: argparse.Namespace) -> None:
    plan = TreesPlan(options.data, options.seed)
    if options.quick:
        plan = replace(plan, **TreesPlan.QUICK)
    trees = Records(options.out / "trees.jsonl").all
    if not trees:
        raise ValueError(f"--out must hold what trees.py has fitted, got {options.out}")
    fields = ("seed", "size", "rounds", "patience", "folds", "drawn")
    check_settings(plan, fields, options.out / "trees_settings.json")
    records = Records(options.out / "catboost.jsonl")
    if not options.report:
        left = todo(chosen_without(trees, plan), plan.folds, records.keys)
        make("catboost", left, fitted, plan, records, options)
    print(report(records.all, plan.folds, options.tables or options.out))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("catboost_defaults.py", __doc__).parse_args(argv)
    return exit_code("catboost_defaults.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
