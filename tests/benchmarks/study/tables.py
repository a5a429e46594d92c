"""The tables of the reports, from the fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measures import MEASURES
from ranking import (
    cell_means,
    collapsed,
    geometric_mean,
    paired,
    ratios,
    wins_ties_losses,
)
from sets import FRAUDS

BASE = "built-in"
#: What is judged: its measure, and whether more of it is better.
JUDGED = {"AP": ("average_precision", True), "log loss": ("log_loss", False)}


def summary(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per arm: how it fares on the sets of one library and regime.

    AP and log loss as geometric means of the ratios to the built-in objective, with
    95 % t intervals over the sets, without the frauds too, and the sets won;
    wins/ties/losses by set, by the 95 % interval of the paired difference over the
    folds (t, corrected for overlapping training rows by Nadeau and Bengio); the worst
    set; sets with less than half of the best arm's AP; the other measures as means.
    """
    table = pd.DataFrame(index=pd.Index(fits["arm"].unique(), name="arm"))
    for short, (measure, higher) in JUDGED.items():
        ratio = ratios(cell_means(fits, measure), BASE)
        common = ratio[ratio.index.get_level_values("set") != FRAUDS]
        for arm in table.index:
            table.loc[arm, [short, f"{short} won"]] = told(ratio[arm], higher=higher)
        table[f"{short} without frauds"] = np.exp(np.log(common).mean())
        differences = paired(fits, measure, BASE)
        table[f"{short} w/t/l"] = pd.Series({
            arm: wins_ties_losses(rows, higher_is_better=higher)
            for arm, rows in differences.groupby("arm")
        })  # fmt: skip
        worst = ratio.min() if higher else ratio.max()
        where = ratio.idxmin() if higher else ratio.idxmax()
        table[f"{short} worst"] = worst
        table[f"{short} worst set"] = where.map(lambda cell: cell[-1])
    table["collapses"] = collapsed(cell_means(fits, "average_precision")).sum()
    judged = [measure for measure, _ in JUDGED.values()]
    for measure in (*MEASURES, "rounds", "seconds"):
        if measure not in judged:
            table[measure] = cell_means(fits, measure).mean()
    return table


def told(ratio: Any, *, higher: bool) -> tuple[str, str]:
    """Return the geometric mean with its interval, and how many sets are better."""
    mean, low, high = geometric_mean(ratio)
    won = int(np.sum(np.asarray(ratio) > 1 if higher else np.asarray(ratio) < 1))
    return f"{mean:.3f} ({low:.3f} to {high:.3f})", f"{won} of {len(ratio)}"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, numbers with six digits."""
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def markdown(table: pd.DataFrame) -> str:
    """Return a Markdown table, numbers with four digits."""
    head = "| " + " | ".join(table.columns) + " |\n|" + "---|" * len(table.columns)
    rows = [
        "| " + " | ".join(_text(value) for value in row) + " |"
        for row in table.itertuples(index=False)
    ]
    return "\n".join([head, *rows])


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
