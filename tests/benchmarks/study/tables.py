"""The tables of the report, from the fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from arms import BUILT_IN, BY_NAME, FACTORIAL, FACTORS, Arm, neighbours
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
from sets import FRAUDS

BASE = BUILT_IN.name
#: What is ranked, and whether higher is better.
JUDGED = {"average_precision": True, "log_loss": False}
SHORT = {"average_precision": "AP", "log_loss": "log loss"}
WHERE = ["library", "regime"]


def chosen_by_rule(frame: pd.DataFrame, arms: Sequence[Arm]) -> pd.DataFrame:
    """Return :func:`ranking.by_rule` of the arms on the cells where all are fitted."""
    fits = complete_cells(frame, [arm.name for arm in arms])
    return by_rule(*(cell_means(fits, measure) for measure in JUDGED))


def defaults(rule: pd.DataFrame) -> list[str]:
    """Return the arms in m that can be a default, in the order of the rule.

    A package has one scale and one curvature for all α and γ, so that none of the arms
    with them may collapse.
    """
    arms = {name: BY_NAME[name] for name in rule.index if " m " in name}
    shapes = {name: (arm.scale, arm.hessian) for name, arm in arms.items()}
    out = {shapes[name] for name in arms if rule["collapses"][name]}
    return [name for name in arms if shapes[name] not in out]


def summary(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per arm: how it fares on the sets of one library and regime.

    AP and log loss as geometric means of the ratios to the built-in objective, with
    95 % t intervals over the sets, and as medians; wins/ties/losses against it by set;
    the worst set; mean ranks; the other measures as means over the sets.
    """
    table = pd.DataFrame(index=pd.Index(fits["arm"].unique(), name="arm"))
    for measure, higher in JUDGED.items():
        cells, short = cell_means(fits, measure), SHORT[measure]
        ratio = ratios(cells, BASE)
        means = pd.DataFrame({arm: geometric_mean(ratio[arm]) for arm in ratio}).T
        for column, end in zip(means, ("ratio", "low", "high"), strict=True):
            table[f"{short} {end}"] = means[column]
        table[f"{short} median"] = ratio.median()
        common = ratio[ratio.index.get_level_values("set") != FRAUDS]
        table[f"{short} without frauds"] = np.exp(np.log(common).mean())
        table[f"{short} won"] = (ratio > 1 if higher else ratio < 1).sum()
        differences = paired(fits, measure, BASE)
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
    table["collapses"] = collapsed(cell_means(fits, "average_precision")).sum()
    for measure in (*MEASURES[1:], "rounds", "seconds"):
        if measure not in JUDGED:
            table[measure] = cell_means(fits, measure).mean()
    return table.sort_values("rank", kind="stable")


def _worst_set(ratio: pd.DataFrame, *, higher_is_better: bool) -> pd.Series:
    filled = ratio.fillna(-np.inf if higher_is_better else np.inf)
    worst = filled.idxmin() if higher_is_better else filled.idxmax()
    return worst.map(lambda cell: cell[-1])


def everywhere(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the summaries of every library and regime."""
    parts = {where: summary(own) for where, own in fits.groupby(WHERE)}
    return pd.concat(parts, names=WHERE).reset_index()


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
    """Return what a level of a factor does to an arm that is else the same.

    Levels are compared on the pairs of arms that differ in nothing else, by the
    geometric mean over arms and sets of AP and log loss over those of the first level.
    """
    cells = {measure: np.log(cell_means(fits, measure)) for measure in JUDGED}
    rows = []
    for factor, (first, level), pairs in _pairs(cells["log_loss"].columns):
        own, base = (list(names) for names in zip(*pairs, strict=True))
        row = {"factor": factor, "level": level, "over": first, "pairs": len(pairs)}
        for measure, logs in cells.items():
            change = pd.Series(logs[own].to_numpy().mean(1), logs.index)
            change = change - logs[base].to_numpy().mean(1)
            means = np.exp(change.groupby(level=WHERE).mean())
            for where, value in means.items():
                row[f"{SHORT[measure]} {' '.join(where)}"] = value
            row[f"{SHORT[measure]} all"] = float(np.exp(change.mean()))
        rows.append(row)
    return pd.DataFrame(rows)


def _pairs(
    names: Sequence[str],
) -> list[tuple[str, tuple[str, str], list[tuple[str, str]]]]:
    """Return (factor, (first, level), [(arm, the same at the first level)])."""
    arms = [arm for arm in FACTORIAL if arm.name in names]
    found = []
    for factor in FACTORS:
        # The scale belongs to the raw score: z has but one.
        free = {"link", "scale"} if factor == "link" else {factor}
        fixed = [name for name in FACTORS if name not in free]
        levels = list(dict.fromkeys(getattr(arm, factor) for arm in arms))
        by_level: dict[object, dict[tuple[object, ...], str]] = {
            level: {
                tuple(getattr(arm, name) for name in fixed): arm.name
                for arm in arms
                if getattr(arm, factor) == level
                and (factor != "link" or arm.scale == ("c" if arm.link == "m" else "1"))
            }
            for level in levels
        }
        first = by_level[levels[0]] if levels else {}
        for level in levels[1:]:
            pairs = [(by_level[level][key], first[key]) for key in first
                     if key in by_level[level]]  # fmt: skip
            if pairs:
                found.append((factor, (str(levels[0]), str(level)), pairs))
    return found


def duels(fits: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Return how the chosen default fares against its neighbours and the built-in."""
    names = [BASE, *(arm.name for arm in neighbours(BY_NAME[chosen]))]
    others = [name for name in dict.fromkeys(names) if name != chosen]
    rows = []
    for where, own in fits.groupby(WHERE):
        for other in others:
            row = dict(zip(WHERE, where, strict=True)) | {"against": other}
            for measure, higher in JUDGED.items():
                cells = cell_means(own, measure)
                if other not in cells:
                    break
                ratio = cells[chosen] / cells[other]
                won = ratio > 1 if higher else ratio < 1
                row[f"{SHORT[measure]} ratio"] = geometric_mean(ratio)[0]
                row[f"{SHORT[measure]} won"] = f"{won.sum()} of {len(ratio)}"
            else:
                rows.append(row)
    return pd.DataFrame(rows)
