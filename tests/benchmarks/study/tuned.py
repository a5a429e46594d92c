"""Does focal loss help where both losses are tuned?

    python tests/benchmarks/study/tuned.py
    python tests/benchmarks/study/tuned.py --report

On every binary set of the benchmark data, in both libraries, three searches with the
same budget: of the built-in objective (alpha None and gamma 0, which is the same to the
last bit in LightGBM and to float32 in XGBoost), of focal loss, and of focal loss with
its default alpha and gamma. All take the same 16 draws of the library's own parameters;
focal loss draws alpha and gamma beside them. The outer folds are those of study.py, the
inner ones three of their training parts; groups stay together in both. A search is
FocalSearchCV with halving, and its number of rounds is where the inner score is best.

All searches are made twice: log loss is judged by those for the log loss, AP by those
for average precision. Each search is a line in tuned.jsonl, and an interrupted run
goes on. At most 20,000 rows of a set are used, but all of the frauds, which takes about
an hour on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd
from fits import LIBRARIES
from joblib import Parallel, delayed
from pairs import ARMS, SCORINGS, Search, TunedPlan, searched
from progress import Progress
from records import Key, Record, Records
from reporting import markdown, write_table
from sets import Size, binary_sets
from stages import frame_of
from study import check_settings, exit_code, parser_of
from tables import by_set, summary

_COLUMNS = ("ratio", "low", "high", "median", "w/t/l", "worst", "worst set")


def searches(sets: Sequence[str], plan: TunedPlan, done: set[Key]) -> Iterator[Search]:
    """Yield what is not done, those of a set together."""
    for name, fold, library, scoring in product(
        sets, range(plan.folds), LIBRARIES, SCORINGS
    ):
        every = Search(library, name, fold, scoring)
        left = tuple(arm for arm in ARMS if every.key(arm) not in done)
        if left:
            yield replace(every, arms=left)


def write_report(records: Sequence[Record], folder: Path) -> str:
    """Write the tables, and return that of every library and score as text."""
    fits = frame_of(records)
    text, tables, sets = ["# Focal loss and the built-in objective, both tuned"], [], []
    for scoring, short in SCORINGS.items():
        own = fits[fits["arm"].str.endswith(" " + scoring)]
        own = own.assign(arm=own["arm"].str.removesuffix(" " + scoring))
        parts = {library: summary(one) for library, one in own.groupby("library")}
        table = pd.concat(parts, names=["library", "arm"]).reset_index()
        columns = [f"{short} {what}" for what in _COLUMNS]
        text.append(f"Chosen by {scoring}, judged by {short}:")
        text.append(markdown(table[["library", "arm", *columns, "rounds", "seconds"]]))
        tables.append(table.assign(scoring=scoring))
        sets.append(by_set(own).assign(scoring=scoring))
    folder.mkdir(parents=True, exist_ok=True)
    whole = "\n\n".join(text) + "\n"
    (folder / "tuned.md").write_text(whole, "utf-8")
    write_table(pd.concat(tables), folder / "tuned.csv")
    write_table(pd.concat(sets), folder / "tuned_sets.csv")
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
    fields = ("seed", "size", "rounds", "folds", "inner", "candidates")
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
    return exit_code("tuned.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
