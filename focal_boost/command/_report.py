"""A comparison as tables to read and as JSON to compute with."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from focal_boost import __version__
from focal_boost._adapter.splits import Split
from focal_boost.command._run import Settings
from focal_boost.command._table import Table
from focal_boost.comparison import Comparison
from focal_boost.comparison._measures import (
    MEASURES,
    Floats,
    difference,
    mean_and_error,
)
from focal_boost.comparison._result import NAMES, Key
from focal_boost.objective import FocalObjective
from focal_boost.thresholds import Cost, RecallAtLeast, Rule, Threshold

_HEADINGS = {
    "average_precision": "AP",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "brier": "Brier",
    "seconds": "seconds",
    "cost": "cost per row",
    "recall": "recall",
    "precision": "precision",
}
_STYLE = {"better": "green", "worse": "red", "within noise": "dim"}
_WORD = {"better": "better", "worse": "worse", "within noise": "≈"}
# What a terminal or a file that is not in Unicode gets instead.
_ASCII = str.maketrans({"±": "+-", "≈": "~", "≥": ">="})


def as_dict(table: Table, settings: Settings, found: Comparison) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    results: dict[str, Any] = {}
    for library, method in found.methods:
        told = _result(found, (library, method), tuned=settings.tune)
        results.setdefault(library, {})[method] = told
    return {
        "versions": versions(settings.boosters),
        "data": _data(table),
        "settings": _settings(settings),
        "folds": [_fold(table, fold) for fold in found.splits],
        "results": results,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write strict JSON: a NaN is an error, not a word no parser knows."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions that the figures depend on."""
    others = (*packages, "scikit-learn", "numpy", "pandas")
    return {
        "focal-boost": __version__,
        **{package: version(package) for package in others},
        "python": platform.python_version(),
    }


def print_report(
    console: Console, table: Table, settings: Settings, found: Comparison
) -> None:
    """Print the data, one table per library, the decisions, and how to read them."""
    for line in _describe(table, settings):
        print_line(console, line)
    for library in settings.boosters:
        keys = [key for key in found.methods if key[0] == library]
        print_line(console, "")
        title = NAMES[library]
        console.print(_grid(found, keys, MEASURES, title, console))
        decisions = [name for name in found.measures if name not in MEASURES]
        if decisions:
            title = f"{NAMES[library]}, decisions"
            console.print(_grid(found, keys, decisions, title, console))
            for line in _thresholds(found, keys):
                print_line(console, line)
    print_line(console, "")
    print_line(console, _legend(settings))


def print_line(console: Console, line: str) -> None:
    """Print text as it is, with nothing in it taken for a style or a width."""
    console.print(_printable(console, Text(line)), soft_wrap=True)


def _printable(console: Console, text: Text) -> Text:
    """Return the text, in ASCII if the output can hold no more."""
    if not console.options.ascii_only:
        return text
    plain = text.plain.translate(_ASCII).encode("ascii", "replace").decode()
    return Text(plain)


def _describe(table: Table, settings: Settings) -> list[str]:
    data = _data(table)
    shape = f"{data['rows']:,} rows, {data['features']} features"
    positives = f"{data['positives']:,} positives ({data['prevalence']:.2%})"
    grouped = "not grouped" if table.groups is None else f"grouped by {data['group']}"
    loss = settings.loss
    threads = f", threads {settings.threads}" if settings.threads else ""
    used = versions(settings.boosters)
    shown = ("focal-boost", *settings.boosters, "python")
    return [
        f"{table.name}: {shape}, {positives}",
        f"positive: {table.target_name} = {table.positive}, "
        f"negative: {table.target_name} = {table.negative}",
        f"{settings.folds} folds, {grouped}; {settings.rounds} rounds, "
        f"seed {settings.seed}{threads}",
        "focal loss: alpha and gamma chosen by log loss inside every training part"
        if settings.tune
        else f"focal loss: alpha {loss.alpha}, gamma {loss.gamma}",
        *([] if settings.rule is None else [_rule(settings.rule)]),
        ", ".join(f"{name} {used[name]}" for name in shown),
    ]


def _legend(settings: Settings) -> str:
    more, less = "AP, ROC AUC", "Log loss, Brier, seconds of training"
    if settings.rule is not None:
        more, less = f"{more}, recall, precision", "Log loss, Brier, seconds, cost"
    return (
        f"Mean ± standard error over {settings.folds} folds; below a method, that of "
        "its differences\nto the built-in on the same folds. ≈: within 2 standard "
        f"errors of none.\n{more}: more is better. {less}: less."
    )


def _grid(
    found: Comparison, keys: list[Key], measures: Sequence[str], title: str, to: Console
) -> Grid:
    grid = Grid(title=title, title_justify="left", title_style="bold")
    grid.add_column("", no_wrap=True)
    for measure in measures:
        grid.add_column(_HEADINGS[measure], justify="right", no_wrap=True)
    decimals = [_decimals(found, keys, measure) for measure in measures]
    each = list(zip(measures, decimals, strict=True))
    for key in keys:
        values = [_value(found.values(key, m), digits) for m, digits in each]
        reference = found.reference(key)
        _add_row(grid, key[1], values, to, end_section=key == reference)
        if key != reference:
            cells = [
                _difference(m, found.values(key, m), found.values(reference, m), digits)
                for m, digits in each
            ]
            _add_row(grid, f"  - {reference[1]}", cells, to, end_section=True)
    return grid


def _thresholds(found: Comparison, keys: list[Key]) -> list[str]:
    """Return from which posterior on to call a row positive, by all rows."""
    if isinstance(found.rule, Cost):
        return []
    chosen = {name: found.threshold(library, name) for library, name in keys}
    return [
        f"{name}: call a row positive from {one.threshold:.3g} on"
        f" ({one.low:.3g} to {one.high:.3g})"
        for name, one in chosen.items()
    ]


def _rule(rule: Rule) -> str:
    """Return the line that says how rows are called positive."""
    if isinstance(rule, Cost):
        return (
            f"decisions: positive from {rule.of_posterior:.4g} on, as a false positive"
            f" costs {rule.false_positive:g}, a missed one {rule.false_negative:g}"
        )
    assert isinstance(rule, RecallAtLeast)
    return f"decisions: thresholds with a recall of {rule.recall:g} on the other folds"


def _add_row(
    grid: Grid, name: str, cells: list[Text], console: Console, *, end_section: bool
) -> None:
    row = [_printable(console, cell) for cell in (Text(name), *cells)]
    grid.add_row(*row, end_section=end_section)


def _decimals(found: Comparison, keys: list[Key], measure: str) -> int:
    """Return the decimals that show two digits of the smallest standard error."""
    smallest = max(min(found.of(key, measure).standard_error for key in keys), 1e-9)
    most = 3 if measure == "seconds" else 5
    return int(np.clip(1 - np.floor(np.log10(smallest)), 2, most))


def _value(values: Floats, decimals: int) -> Text:
    mean, error = mean_and_error(values)
    return Text.assemble(f"{mean:.{decimals}f}\n", (f"±{error:.{decimals}f}", "dim"))


def _difference(
    measure: str,
    values: Floats,
    reference: Floats,
    decimals: int,
) -> Text:
    mean, error, verdict = difference(measure, values, reference)
    style = _STYLE[verdict]
    return Text.assemble(
        (f"{mean:+.{decimals}f}\n", style),
        (f"±{error:.{decimals}f}\n", "dim"),
        (_WORD[verdict], style),
    )


def _data(table: Table) -> dict[str, Any]:
    positives = int(table.target.sum())
    categorical = table.features.select_dtypes("category").shape[1]
    data = {
        "name": table.name,
        "rows": len(table.target),
        "features": table.features.shape[1],
        "categorical_features": categorical,
        "target": table.target_name,
        "positive": table.positive,
        "negative": table.negative,
        "positives": positives,
        "prevalence": positives / len(table.target),
        "group": table.group_name,
    }
    if table.groups is not None:
        data["groups"] = len(np.unique(table.groups))
    return data


def _fold(table: Table, fold: Split) -> dict[str, int]:
    counts = {}
    for side, rows in fold._asdict().items():
        counts[f"{side}_rows"] = len(rows)
        counts[f"{side}_positives"] = int(table.target[rows].sum())
    return counts


def _settings(settings: Settings) -> dict[str, Any]:
    named = ("folds", "rounds", "seed", "threads")
    loss, tuned = settings.loss, settings.tune
    return {
        **{name: getattr(settings, name) for name in named},
        "alpha": "tuned" if tuned else loss.alpha,
        "gamma": "tuned" if tuned else loss.gamma,
        "hessian": FocalObjective().hessian,
        **({} if settings.rule is None else {"rule": repr(settings.rule)}),
    }


def _result(found: Comparison, key: Key, *, tuned: bool) -> dict[str, Any]:
    content: dict[str, Any] = {m: _figure(found, key, m) for m in found.measures}
    if found.rule is not None:
        content["threshold"] = _threshold(found.threshold(*key))
    if tuned and key in found.losses:
        chosen = found.losses[key]
        content["chosen"] = [{"alpha": o.alpha, "gamma": o.gamma} for o in chosen]
    return content


def _threshold(chosen: Threshold) -> dict[str, float]:
    return {"value": chosen.threshold, "low": chosen.low, "high": chosen.high}


def _figure(found: Comparison, key: Key, measure: str) -> dict[str, Any]:
    values = found.values(key, measure)
    figure = {"folds": values.tolist(), **mean_and_error(values)._asdict()}
    reference = found.reference(key)
    if key != reference:
        other = found.values(reference, measure)
        figure["difference"] = difference(measure, values, other)._asdict()
    return figure
