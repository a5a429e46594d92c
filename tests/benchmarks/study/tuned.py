"""Does focal loss help where both losses are tuned?

    python tests/benchmarks/study/tuned.py
    python tests/benchmarks/study/tuned.py --report

On every binary set of the benchmark data, in both libraries, two searches with the same
budget: of the built-in objective (alpha None and gamma 0, which is the same to the last
bit in LightGBM and to float32 in XGBoost) and of focal loss. Both take the same
CANDIDATES draws of the library's own parameters; focal loss draws alpha and gamma
beside them. The outer folds are those of study.py, the inner ones three of their
training parts; groups stay together in both. A search is FocalSearchCV with halving,
and its number of rounds is where the inner score is best.

All searches are made twice: log loss is judged by those for the log loss, AP by those
for average precision. Each outer fold is a line in tuned.jsonl, and an interrupted run
goes on. At most 8,000 rows of a set are used, of the frauds 50,000, which takes about
20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fits import LIBRARIES
from joblib import Parallel, delayed
from measures import measures
from progress import Progress
from records import Key, Record, Records
from reporting import markdown
from scipy.stats import loguniform
from sets import DataSet, Size, binary_sets, load_set, split
from sklearn.model_selection import ParameterSampler
from splits import Rows, fold_of_rows, rng_of
from stages import frame_of
from study import check_settings, parser_of
from tables import summary

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier
from focal_boost.tuning import FocalSearchCV

CANDIDATES = 16
BUILT_IN: dict[str, list[Any]] = {"focal_alpha": [None], "focal_gamma": [0.0]}
FOCAL: dict[str, list[Any]] = {
    "focal_alpha": [0.25, 0.5, 0.75, None],
    "focal_gamma": [0.0, 0.5, 1.0, 2.0, 3.0],
}
ARMS = {"built-in": BUILT_IN, "focal": FOCAL}
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
    # The frauds are one row in 600.
    size: Size = Size(8_000)  # noqa: RUF009 (immutable)
    rare: Size = Size(50_000)  # noqa: RUF009 (immutable)
    rounds: int = 200
    folds: int = 3
    inner: int = 3
    candidates: int = CANDIDATES

    def size_of(self, name: str) -> Size:
        """Return how many rows of a set are used."""
        return self.rare if name == "creditcard_fraud" else self.size


@dataclass(frozen=True)
class Search:
    """The two searches on one outer fold."""

    library: str
    set: str
    fold: int
    scoring: str

    def key(self, arm: str) -> Key:
        """Return the key of the record of one of them."""
        return Key(self.library, self.set, 0, self.fold, f"{arm} {self.scoring}")


def candidates_of(
    library: str, arm: str, number: int, rng: np.random.Generator
) -> list[dict[str, list[Any]]]:
    """Return grids of one point each: the same draws for both arms."""
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
    for arm in ARMS:
        rng = rng_of(*where, one.library, "candidates")
        search = FocalSearchCV(
            classifier_of(one.library, plan),
            candidates_of(one.library, arm, plan.candidates, rng),
            scoring=one.scoring,
            cv=cv,
        )
        begin = time.perf_counter()
        search.fit(train.X, train.y, sample_weight=train.weight)
        seconds = round(time.perf_counter() - begin, 3)
        margin = np.asarray(search.decision_function(outer.test.X), np.float64)
        loss = search.best_estimator_.loss_
        found.append({
            **one.key(arm)._asdict(),
            **measures(outer.test.y, margin, outer.test.weight, loss),
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
    return load_set(plan.data, name, plan.size_of(name), plan.seed)


def searches(sets: Sequence[str], plan: TunedPlan, done: set[Key]) -> Iterator[Search]:
    """Yield what is not done, those of a set together."""
    for name, fold, library, scoring in product(
        sets, range(plan.folds), LIBRARIES, SCORINGS
    ):
        one = Search(library, name, fold, scoring)
        if not {one.key(arm) for arm in ARMS} <= done:
            yield one


def write_report(records: Sequence[Record], folder: Path) -> str:
    """Write and return the table of every library and score."""
    fits = frame_of(records)
    text = ["# Focal loss and the built-in objective, both tuned"]
    for scoring, short in SCORINGS.items():
        own = fits[fits["arm"].str.endswith(" " + scoring)]
        own = own.assign(arm=own["arm"].str.removesuffix(" " + scoring))
        parts = {library: summary(own, library) for library in LIBRARIES}
        table = pd.concat(parts, names=["library", "arm"]).reset_index()
        columns = [
            f"{short} {what}"
            for what in ("ratio", "low", "high", "median", "w/t/l", "worst")
        ]
        text.append(f"Chosen by {scoring}, judged by {short}:")
        text.append(markdown(table[["library", "arm", *columns, "rounds", "seconds"]]))
    folder.mkdir(parents=True, exist_ok=True)
    whole = "\n\n".join(text) + "\n"
    (folder / "tuned.md").write_text(whole, "utf-8")
    return whole


def _quick(rows: Mapping[str, int], plan: TunedPlan) -> tuple[list[str], TunedPlan]:
    """Return the two smallest sets and a plan of a minute."""
    small = replace(plan, size=Size(1_000), rounds=20, folds=2, inner=2, candidates=3)
    return sorted(rows, key=lambda name: rows[name])[:2], small


def _run(options: argparse.Namespace) -> None:
    rows = binary_sets(options.data)
    plan = TunedPlan(options.data, options.seed)
    sets = list(rows)
    if options.quick:
        sets, plan = _quick(rows, plan)
    options.out.mkdir(parents=True, exist_ok=True)
    fields = ("seed", "size", "rare", "rounds", "folds", "inner", "candidates")
    check_settings(plan, fields, options.out / "tuned_settings.json")
    records = Records(options.out / "tuned.jsonl")
    if not options.report:
        todo = list(searches(sets, plan, records.keys))
        parallel = Parallel(options.jobs, return_as="generator_unordered", batch_size=1)
        with Progress("tuned", len(todo)) as progress:
            for found in parallel(delayed(searched)(one, plan) for one in todo):
                records.add(found)
                progress.advance(1, found[-1]["set"])
    print(write_report(records.all, options.tables or options.out))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("tuned.py", __doc__).parse_args(argv)
    try:
        _run(options)
    except (OSError, ValueError) as error:
        print(f"tuned.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
