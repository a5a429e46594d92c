"""The tables of the report, from the fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from arms import BUILT_IN, BY_NAME, Arm
from measures import MEASURES
from ranking import (
    CELL,
    by_rule,
    cell_means,
    collapsed,
    complete_cells,
    geometric_mean,
    mean_ranks,
    paired,
    ratios,
    wins_ties_losses,
)

BASE = BUILT_IN.name
#: What is ranked, and whether higher is better.
JUDGED = {"average_precision": True, "log_loss": False}
SHORT = {"average_precision": "AP", "log_loss": "log loss"}
FACTORS = ("hessian", "start", "alpha", "gamma")


def chosen_by_rule(frame: pd.DataFrame, arms: Sequence[Arm]) -> pd.DataFrame:
    """Return :func:`ranking.by_rule` of the arms on the cells where all are fitted."""
    fits = complete_cells(frame, [arm.name for arm in arms])
    return by_rule(*(cell_means(fits, measure) for measure in JUDGED))


def best_focal(rule: pd.DataFrame) -> str | None:
    """Return the focal arm that the rule makes the default, if one keeps up."""
    kept = rule.index[rule["collapses"] == 0]
    return next((name for name in kept if name.startswith("α")), None)


def summary(fits: pd.DataFrame, library: str) -> pd.DataFrame:
    """Return a row per arm: how it fares on the sets of one library.

    AP and log loss as geometric means of the ratios to the built-in objective, with
    95 % t intervals over the sets, and as medians; wins/ties/losses against it by set;
    the worst set; mean ranks; the other measures as means over the sets.
    """
    own = fits[fits["library"] == library]
    table = pd.DataFrame(index=pd.Index(own["arm"].unique(), name="arm"))
    for measure, higher in JUDGED.items():
        cells, short = cell_means(own, measure), SHORT[measure]
        ratio = ratios(cells, BASE)
        means = pd.DataFrame({arm: geometric_mean(ratio[arm]) for arm in ratio}).T
        for column, end in zip(means, ("ratio", "low", "high"), strict=True):
            table[f"{short} {end}"] = means[column]
        table[f"{short} median"] = ratio.median()
        differences = paired(own, measure, BASE)
        table[f"{short} w/t/l"] = pd.Series({
            arm: wins_ties_losses(rows, higher_is_better=higher)
            for arm, rows in differences.groupby("arm")
        })  # fmt: skip
        worst = ratio.min() if higher else ratio.max()
        # A failed fit is the worst that can happen.
        table[f"{short} worst"] = worst.where(ratio.notna().all())
        table[f"{short} worst set"] = _worst_set(ratio, higher_is_better=higher)
        table[f"{short} rank"] = mean_ranks(cells, higher_is_better=higher)
    table["rank"] = (table["AP rank"] + table["log loss rank"]) / 2
    table["collapses"] = collapsed(cell_means(own, "average_precision")).sum()
    for measure in (*MEASURES[1:], "rounds", "seconds"):
        if measure not in JUDGED:
            table[measure] = cell_means(own, measure).mean()
    return table.sort_values("rank", kind="stable")


def _worst_set(ratio: pd.DataFrame, *, higher_is_better: bool) -> pd.Series:
    filled = ratio.fillna(-np.inf if higher_is_better else np.inf)
    worst = filled.idxmin() if higher_is_better else filled.idxmax()
    return worst.map(lambda cell: cell[1])


def by_set(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell and arm: means, and AP and log loss less the built-in's."""
    grouped = fits.groupby([*CELL, "arm"])
    table = grouped[[*MEASURES, "rounds", "seconds"]].mean()
    table["failed"] = grouped["error"].count()
    for measure in JUDGED:
        found = paired(fits, measure, BASE).set_index([*CELL, "arm"])
        table = table.join(found.add_prefix(f"{measure}_"))
    return table.reset_index()


def by_factor(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per library and level of a factor, averaged over its arms."""
    rows = []
    for library, own in fits.groupby("library"):
        arms = pd.DataFrame(_of_arms(own))
        for factor in FACTORS:
            levels = {name: str(getattr(BY_NAME[name], factor)) for name in arms.index}
            means = arms.groupby(levels, sort=False).mean()
            means.insert(0, "level", means.index)
            means.insert(0, "factor", factor)
            means.insert(0, "library", library)
            rows.append(means)
    return pd.concat(rows, ignore_index=True)


def _of_arms(fits: pd.DataFrame) -> dict[str, pd.Series]:
    """Return figures of the focal arms that can be averaged over arms."""
    cells = {measure: cell_means(fits, measure) for measure in JUDGED}
    focal = [arm for arm in cells["log_loss"] if BY_NAME[arm].kind == "focal"]
    columns = {"collapses": collapsed(cells["average_precision"]).sum()[focal]}
    for measure, higher in JUDGED.items():
        short = SHORT[measure]
        ratio = ratios(cells[measure], BASE)[focal]
        columns[f"{short} rank"] = mean_ranks(
            cells[measure], higher_is_better=higher
        )[focal]  # fmt: skip
        columns[f"{short} ratio"] = np.exp(np.log(ratio).mean())
    columns["rounds"] = cell_means(fits, "rounds").mean()[focal]
    columns["failed"] = fits.groupby("arm")["error"].count()[focal]
    return columns


def ranks_of(fits: pd.DataFrame, library: str, measure: str) -> pd.Series:
    """Return the arms' mean ranks by a measure over the sets of a library."""
    cells = cell_means(fits[fits["library"] == library], measure)
    return mean_ranks(cells, higher_is_better=JUDGED[measure])
