"""Statistics over fits: means per set, ranks, the rule, ratios and intervals.

A cell is a data set in a library and a regime; the tables have a row per cell and a
column per arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.study.measures import MEASURES
from benchmarks.study.sets import FRAUDS

CELL = ["library", "regime", "set"]
BASE = "built-in"
#: What is judged: its measure, and whether more of it is better.
JUDGED = {"AP": ("average_precision", True), "log loss": ("log_loss", False)}
# Rows of the test part over rows of the rest, in five folds.
_TEST_PER_TRAIN = 1 / 4


def complete_cells(frame: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Return the fits of the given arms on cells where all have the same folds."""
    chosen = frame[frame["arm"].isin(arms)]
    counts = chosen.pivot_table(
        index=CELL, columns="arm", values="fold", aggfunc="count"
    ).reindex(columns=list(arms))
    whole = counts.index[counts.notna().all(axis=1) & (counts.nunique(axis=1) == 1)]
    return chosen[pd.MultiIndex.from_frame(chosen[CELL]).isin(whole)]


def cell_means(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the mean over folds."""
    return frame.groupby([*CELL, "arm"])[measure].mean().unstack("arm")


def judged_means(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the means of AP and of log loss."""
    ap, loss = (cell_means(frame, measure) for measure, _ in JUDGED.values())
    return ap, loss


def collapsed(ap: pd.DataFrame) -> pd.DataFrame:
    """Return where an arm has less than half of the best arm's AP."""
    return ap.lt(ap.max(axis=1) / 2, axis=0)


def mean_ranks(cells: pd.DataFrame, *, higher_is_better: bool) -> pd.Series:
    """Return every arm's rank, 1 the best, ties shared, averaged over the cells."""
    return cells.rank(axis=1, ascending=not higher_is_better).mean()


def by_rule(ap: pd.DataFrame, loss: pd.DataFrame) -> pd.DataFrame:
    """Return the arms in the order of the rule that chooses the defaults.

    The rule, written down before the study was run: no arm may collapse (AP below half
    of the best arm's on any set, in either library and regime); among the rest the best
    mean of the mean ranks of log loss and AP, over all of these. The built-in is ranked
    with the others; those that collapse are last and have no rank.
    """
    collapses = collapsed(ap).sum()
    rest = collapses.index[collapses == 0]
    found = pd.DataFrame({"collapses": collapses})
    for cells, (measure, higher) in zip((ap, loss), JUDGED.values(), strict=True):
        found[f"rank_{measure}"] = mean_ranks(cells[rest], higher_is_better=higher)
    found["rank"] = (found["rank_average_precision"] + found["rank_log_loss"]) / 2
    return found.sort_values(["collapses", "rank"], kind="stable")


def chosen_on_others(ap: pd.DataFrame, loss: pd.DataFrame) -> dict[Any, str]:
    """Return by cell the arm that the rule chooses without it."""
    return {
        cell: by_rule(ap.drop(index=[cell]), loss.drop(index=[cell])).index[0]
        for cell in ap.index
    }


def mean_interval(values: Any, overlap: float = 0.0) -> tuple[float, float, float]:
    """Return mean, low and high of a 95 % t interval; NaN where a value is.

    `overlap` is test over training rows where the values come from folds that share
    their training rows: the corrected resampled t (Nadeau & Bengio 2003) has the
    variance s² (1/n + overlap) for the mean.
    """
    x = np.asarray(values, np.float64)
    mean = float(np.mean(x))
    if x.size < 2:
        return mean, np.nan, np.nan
    error = np.std(x, ddof=1) * np.sqrt(1 / x.size + overlap)
    half = float(stats.t.ppf(0.975, x.size - 1) * error)
    return mean, mean - half, mean + half


def wins_ties_losses(
    fits: pd.DataFrame, measure: str, *, higher_is_better: bool
) -> pd.Series:
    """Return each arm's "wins/ties/losses" against the built-in over the cells.

    By the interval of the paired difference over the folds; a tie is one that holds 0.
    """
    folds = fits.pivot(index=[*CELL, "repeat", "fold"], columns="arm", values=measure)
    better = folds.sub(folds[BASE], axis=0) * (1 if higher_is_better else -1)
    found = {}
    for arm, values in better.items():
        cells = values.groupby(level=CELL)
        ends = [mean_interval(rows, _TEST_PER_TRAIN)[1:] for _, rows in cells]
        wins = sum(low > 0 for low, _ in ends)
        losses = sum(high < 0 for _, high in ends)
        found[arm] = f"{wins}/{len(ends) - wins - losses}/{losses}"
    return pd.Series(found)


def ratios(cells: pd.DataFrame, base: str) -> pd.DataFrame:
    """Return every arm's mean over the base arm's, per cell."""
    return cells.div(cells[base], axis=0)


def geometric_mean(ratio: Any) -> tuple[float, float, float]:
    """Return the geometric mean over sets and its t interval."""
    return tuple(np.exp(mean_interval(np.log(np.asarray(ratio, np.float64)))))


def told(ratio: Any, *, higher_is_better: bool) -> tuple[str, str]:
    """Return the geometric mean with its interval, and how many sets are better."""
    mean, low, high = geometric_mean(ratio)
    won = int(np.sum(ratio > 1 if higher_is_better else ratio < 1))
    return f"{mean:.3f} ({low:.3f} to {high:.3f})", f"{won} of {len(ratio)}"


def compared(ap: pd.Series, loss: pd.Series) -> dict[str, str]:
    """Return what a table tells of ratios of AP and log loss over the sets."""
    row = {}
    for ratio, (name, (_, higher)) in zip((ap, loss), JUDGED.items(), strict=True):
        row[name], row[f"{name} won"] = told(ratio, higher_is_better=higher)
    return row


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
            found = told(ratio[arm], higher_is_better=higher)
            table.loc[arm, [short, f"{short} won"]] = found
        table[f"{short} without frauds"] = np.exp(np.log(common).mean())
        by_set = wins_ties_losses(fits, measure, higher_is_better=higher)
        table[f"{short} w/t/l"] = by_set
        table[f"{short} worst"] = ratio.min() if higher else ratio.max()
        where = ratio.idxmin() if higher else ratio.idxmax()
        table[f"{short} worst set"] = where.str[-1]
    table["collapses"] = collapsed(judged_means(fits)[0]).sum()
    rest = [one for one in MEASURES if one not in dict(JUDGED.values())]
    for measure in (*rest, "rounds", "seconds"):
        table[measure] = cell_means(fits, measure).mean()
    return table
