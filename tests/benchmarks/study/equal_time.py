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

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from budgets import ARMS, Plan, Searches, chosen_sets, searched
from command import LIBRARIES, check_settings, exit_code, make, parser_of
from ranking import cell_means, complete_cells
from records import Key, Record, Records, frame_of
from sets import Size, binary_sets
from tables import JUDGED, markdown, told, write_table

# Arm against arm, and what their ratio tells.
PAIRS = (
    ("search", "optuna", "the whole"),
    ("search, log loss", "optuna", "the engine"),
    ("search", "search, log loss", "the loss"),
    ("search, 5", "optuna, 5", "the whole, five models"),
    ("search, 5", "search", "the mean of five"),
    ("optuna, 5", "optuna", "the mean of five, of Optuna's"),
)
_NAMES = [arm for arms in ARMS.values() for arm in arms]


def todo(sets: Sequence[str], plan: Plan, done: set[Key]) -> Iterator[Searches]:
    """Yield what is not done, set by set."""
    for budget, number in plan.budgets:
        for name in chosen_sets(sets, number, plan.seed):
            for fold in range(plan.folds):
                for library in LIBRARIES:
                    one = Searches(budget, library, name, fold)
                    names = (
                        name for name, arms in ARMS.items()
                        if not done.issuperset(map(one.key, arms))
                    )  # fmt: skip
                    if left := tuple(names):
                        yield replace(one, names=left)


def compared(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per budget, library and pair of arms: ratios over the sets."""
    rows = []
    for (budget, library), own in fits.groupby(["size", "library"]):
        cells = {name: cell_means(own, column) for name, (column, _) in JUDGED.items()}
        for arm, base, what in PAIRS:
            row = {"seconds": budget, "library": library, "what": what,
                   "arm": arm, "against": base}  # fmt: skip
            for name, (_, higher) in JUDGED.items():
                ratio = cells[name][arm] / cells[name][base]
                row[name], row[f"{name} won"] = told(ratio, higher=higher)
            rows.append(row)
    return pd.DataFrame(rows)


def speed(records: Sequence[Record]) -> pd.DataFrame:
    """Return candidates and seconds of the searches, as means over folds and sets."""
    first = [arms[0] for arms in ARMS.values()]
    frame = pd.DataFrame(records)
    frame = frame[frame["arm"].isin(first)]
    frame["a second"] = frame["candidates"] / frame["seconds"]
    columns = ["candidates", "complete", "seconds", "a second"]
    table = frame.groupby(["size", "library", "arm"])[columns].mean()
    return table.rename_axis(["budget", "library", "arm"]).reset_index()


def report(records: Sequence[Record], plan: Plan, folder: Path) -> str:
    """Write the tables, and return what is compared as text."""
    whole = frame_of(records)
    parts = [
        complete_cells(own, _NAMES) for _, own in whole.groupby("size", sort=False)
    ]
    fits = pd.concat(parts)
    counts = fits.groupby(["size", "library", "set", "arm"])["fold"].transform("size")
    fits = fits[counts == plan.folds]
    if fits.empty:
        raise ValueError("--out must hold all folds of a set, got fewer")
    pairs, found = compared(fits), speed(records)
    sets = {size: sorted(own["set"].unique()) for size, own in fits.groupby("size")}
    text = ["# Models of equal time"]
    text += [f"{size} s: {', '.join(names)}." for size, names in sets.items()]
    text += [markdown(pairs), markdown(found)]
    folder.mkdir(parents=True, exist_ok=True)
    said = "\n\n".join(text) + "\n"
    (folder / "equal_time.md").write_text(said, "utf-8")
    write_table(pairs, folder / "equal_time.csv")
    cells = fits.groupby(["size", "library", "set", "arm"])
    means = cells[["average_precision", "log_loss"]].mean().reset_index()
    write_table(means, folder / "equal_time_sets.csv")
    return said


def _run(options: argparse.Namespace) -> None:
    rows, plan = binary_sets(options.data), Plan(options.data, options.seed)
    sets = list(rows)
    if options.quick:
        sets = sorted(rows, key=lambda name: rows[name])[:2]
        plan = replace(plan, size=Size(1_000), folds=2, budgets=(("1", 2),))
    options.out.mkdir(parents=True, exist_ok=True)
    fields = ("seed", "size", "folds", "inner", "budgets")
    check_settings(plan, fields, options.out / "equal_time_settings.json")
    records = Records(options.out / "equal_time.jsonl")
    if not options.report:
        left = todo(sets, plan, records.keys)
        make("equal time", left, searched, plan, records, options)
    print(report(records.all, plan, options.tables or options.out))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("equal_time.py", __doc__).parse_args(argv)
    return exit_code("equal_time.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
