"""The report: tables as CSV, a summary in Markdown, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from arms import Arm, finalists, short_arms, step_arms
from fits import LIBRARIES
from ranking import complete_cells, nemenyi
from stages import Stage
from tables import (
    JUDGED,
    SHORT,
    best_focal,
    by_factor,
    by_set,
    chosen_by_rule,
    ranks_of,
    summary,
)

_SHOWN = [
    f"{short} {column}"
    for short in SHORT.values()
    for column in ("ratio", "low", "high", "median", "w/t/l", "worst", "worst set")
]
_ALSO = ["rank", "collapses", "ece", "sigma_log_loss", "sigma_ece", "rounds", "seconds"]
_HOW = """\
Ratios are to the built-in objective of the same library and set, as geometric means
over the sets with 95 % t intervals over sets (low, high) and as medians; AP above 1 and
log loss below 1 are better. w/t/l counts the sets on which the 95 % interval of the
paired difference over the folds (t, corrected for overlapping training rows by Nadeau
and Bengio) lies on the better side, holds 0, or lies on the worse side. "worst" is the
worst ratio on any set. rank is the mean of the mean ranks by AP and by log loss.
collapses counts sets with an AP below half of the best arm's there, or a failed fit.
Log loss, Brier score and ECE are those of the posterior, sigma_ those of σ(margin).
class-weights is scale_pos_weight in XGBoost and is_unbalance in LightGBM; its posterior
takes the weights out again, and its σ(margin) is what the library predicts.
A set with an official test part is always tested there: its folds are inner splits, and
its intervals leave out the chance in the test rows. flights is a sample of the
population of nycflights13_cancelled, so that one counts twice."""
_RULE = """\
The rule, written down before the run: no arm may collapse (AP below half of the best
arm's on any set, in either library); among the rest the best mean rank of log loss and
AP together."""


def stages_of(
    first: Stage, sets: Sequence[str], fits: pd.DataFrame, best: int
) -> tuple[Stage, ...]:
    """Return the stages that the fits decide so far: each needs the one before."""
    if not _is_complete(first, fits):
        return (first,)
    ordered = list(chosen_by_rule(_of(first, fits), first.arms).index)
    final = Stage("final", tuple(sets), finalists(ordered, best))
    if not _is_complete(final, fits):
        return first, final
    chosen = best_focal(chosen_by_rule(_of(final, fits), final.arms))
    steps = Stage("max_delta_step", tuple(sets), step_arms(chosen), ("lightgbm",))
    short = Stage("few_rounds", tuple(sets), short_arms(final.arms))
    return first, final, steps, short


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
    parts = [summary(fits, library) for library in stage.libraries]
    whole = pd.concat(parts, keys=stage.libraries, names=["library"]).reset_index()
    write_table(whole, folder / f"{stage.name}.csv")
    sets = fits["set"].unique()
    text = [f"## {stage.name}", f"{len(sets)} sets: {', '.join(sets)}."]
    if stage.name == "screening":
        text += _of_screening(stage, fits, folder)
    if stage.name == "final":
        text += _of_final(stage, fits, folder)
    shown = 15 if stage.name == "screening" else len(whole)
    for library in stage.libraries:
        own = whole[whole["library"] == library].drop(columns="library")
        text.append(f"{library}:")
        text.append(markdown(own[["arm", *_SHOWN, *_ALSO]].head(shown)))
    return text


def _of_screening(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    factors = by_factor(fits)
    write_table(factors, folder / "screening_factors.csv")
    rule = _rule(stage.arms, fits)
    write_table(rule, folder / "screening_rule.csv")
    return [
        "Means over the focal arms with a level of a factor:", markdown(factors),
        "Both libraries together, in the order of the rule (the first 15):",
        markdown(rule.head(15)),
    ]  # fmt: skip


def _of_final(stage: Stage, fits: pd.DataFrame, folder: Path) -> list[str]:
    rule = _rule(stage.arms, fits)
    write_table(rule, folder / "final_rule.csv")
    write_table(by_set(fits), folder / "final_sets.csv")
    _draw(fits, folder / "critical_difference.png")
    chosen = best_focal(rule.set_index("arm"))
    verdict = f"**{chosen}**" if chosen else "none: every focal arm collapses somewhere"
    return [
        f"Defaults by the rule: {verdict}.",
        markdown(rule),
        "![critical differences](critical_difference.png)",
    ]


def _rule(arms: Sequence[Arm], fits: pd.DataFrame) -> pd.DataFrame:
    return chosen_by_rule(fits, arms).reset_index(names="arm")


def _draw(fits: pd.DataFrame, path: Path) -> None:
    """Draw mean ranks over the sets, a panel per library and measure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from focal_boost.plotting import plot_critical_difference

    figure = Figure(figsize=(12, 7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = [(library, measure) for library in LIBRARIES for measure in JUDGED]
    for number, (library, measure) in enumerate(panels, 1):
        ranks = ranks_of(fits, library, measure)
        sets = fits.loc[fits["library"] == library, "set"].nunique()
        ax = figure.add_subplot(2, 2, number)
        plot_critical_difference(ax, ranks.to_dict(), nemenyi(len(ranks), sets))
        ax.set_title(f"{library}, {SHORT[measure]}, {sets} sets")
    figure.savefig(path, dpi=120)


def _of(stage: Stage, fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits on the sets and in the libraries of a stage."""
    return fits[fits["set"].isin(stage.sets) & fits["library"].isin(stage.libraries)]


def _is_complete(stage: Stage, fits: pd.DataFrame) -> bool:
    names = [arm.name for arm in stage.arms]
    cells = complete_cells(_of(stage, fits), names)[["library", "set"]]
    return len(cells.drop_duplicates()) == len(stage.sets) * len(stage.libraries)


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
