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

CONFIDENCE = 0.95
CELL = ["library", "regime", "set"]
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
    """Return the mean over folds, NaN where one of them failed."""
    grouped = frame.groupby([*CELL, "arm"])[measure]
    means = grouped.mean().where(grouped.count() == grouped.size())
    return means.unstack("arm")


def collapsed(average_precision: pd.DataFrame) -> pd.DataFrame:
    """Return where an arm has less than half of the best arm's AP, or failed."""
    half = average_precision.max(axis=1) / 2
    return average_precision.lt(half, axis=0) | average_precision.isna()


def mean_ranks(cells: pd.DataFrame, *, higher_is_better: bool) -> pd.Series:
    """Return every arm's rank, 1 the best, ties shared, averaged over the cells."""
    ranks = cells.rank(axis=1, ascending=not higher_is_better, na_option="bottom")
    return ranks.mean()


def by_rule(average_precision: pd.DataFrame, log_loss: pd.DataFrame) -> pd.DataFrame:
    """Return the arms in the order of the rule that chooses the defaults.

    The rule, written down before the study was run: no arm may collapse (AP below half
    of the best arm's on any set, in either library and regime); among the rest the best
    mean of the mean ranks of log loss and AP, over all of these. The built-in is ranked
    with the others.

    Returns
    -------
    pandas.DataFrame
        Index: the arms, those that collapse last, by the number of cells. Columns:
        collapses, rank_average_precision, rank_log_loss, rank; the ranks are among
        those that do not collapse and NaN for the others.
    """
    collapses = collapsed(average_precision).sum()
    rest = collapses.index[collapses == 0]
    found = pd.DataFrame({"collapses": collapses})
    for name, cells, higher in (
        ("average_precision", average_precision, True),
        ("log_loss", log_loss, False),
    ):
        found[f"rank_{name}"] = mean_ranks(cells[rest], higher_is_better=higher)
    found["rank"] = (found["rank_average_precision"] + found["rank_log_loss"]) / 2
    return found.sort_values(["collapses", "rank"], kind="stable")


def mean_interval(
    values: Any, overlap: float = 0.0, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return mean, low and high of a t interval; NaN where a value is.

    `overlap` is test over training rows where the values come from folds that share
    their training rows: the corrected resampled t (Nadeau & Bengio 2003) has the
    variance s² (1/n + overlap) for the mean.
    """
    x = np.asarray(values, np.float64)
    mean = float(np.mean(x))
    if x.size < 2:
        return mean, np.nan, np.nan
    error = np.std(x, ddof=1) * np.sqrt(1 / x.size + overlap)
    half = float(stats.t.ppf((1 + confidence) / 2, x.size - 1) * error)
    return mean, mean - half, mean + half


def paired(frame: pd.DataFrame, measure: str, base: str) -> pd.DataFrame:
    """Return the difference to the base arm per cell and arm, with its interval."""
    folds = frame.pivot(index=[*CELL, "repeat", "fold"], columns="arm", values=measure)
    differences = folds.sub(folds[base], axis=0)
    found = [
        (*cell, arm, *mean_interval(values, _TEST_PER_TRAIN))
        for cell, rows in differences.groupby(level=CELL)
        for arm, values in rows.items()
    ]
    return pd.DataFrame(found, columns=[*CELL, "arm", "difference", "low", "high"])


def wins_ties_losses(differences: pd.DataFrame, *, higher_is_better: bool) -> str:
    """Return "wins/ties/losses" over the cells.

    A tie is an interval that holds 0; a failed arm has lost.
    """
    sign = 1 if higher_is_better else -1
    low, high = (differences[side] * sign for side in ("low", "high"))
    ends = np.sort(np.stack([low, high]), axis=0)
    failed = differences["difference"].isna().to_numpy()
    wins, losses = np.sum(ends[0] > 0), np.sum((ends[1] < 0) | failed)
    return f"{wins}/{len(differences) - wins - losses}/{losses}"


def ratios(cells: pd.DataFrame, base: str) -> pd.DataFrame:
    """Return every arm's mean over the base arm's, per cell."""
    return cells.div(cells[base], axis=0)


def geometric_mean(ratio: Any) -> tuple[float, float, float]:
    """Return the geometric mean over sets and its t interval."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(ratio, np.float64))
    return tuple(np.exp(mean_interval(logs)))
