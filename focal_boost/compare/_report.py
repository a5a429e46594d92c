"""A comparison as tables to read and as JSON to compute with."""

from __future__ import annotations

import itertools
import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Grid
from rich.text import Text

from focal_boost import __version__
from focal_boost._adapter.splits import Split
from focal_boost.compare._comparison import Result, Results
from focal_boost.compare._figures import (
    MEASURES,
    Floats,
    difference,
    mean_and_error,
)
from focal_boost.compare._methods import BUILT_IN, METHODS, Settings
from focal_boost.compare._table import Table
from focal_boost.objective import FocalObjective

NAMES = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}
_HEADINGS = ("AP", "ROC AUC", "log loss", "Brier", "seconds")
_STYLE = {"better": "green", "worse": "red", "within noise": "dim"}
_WORD = {"better": "better", "worse": "worse", "within noise": "≈"}
# What a terminal or a file that is not in Unicode gets instead.
_ASCII = str.maketrans({"±": "+-", "≈": "~"})


def as_dict(
    table: Table, settings: Settings, folds: list[Split], results: Results
) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    return {
        "versions": versions(settings.boosters),
        "data": _data(table),
        "settings": _settings(settings),
        "folds": [_fold(table, fold) for fold in folds],
        "results": {
            library: {
                method: _result(result, methods[BUILT_IN], tuned=settings.tune)
                for method, result in methods.items()
            }
            for library, methods in results.items()
        },
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
    console: Console, table: Table, settings: Settings, results: Results
) -> None:
    """Print the data, one table per library, and how to read them."""
    for line in _describe(table, settings):
        print_line(console, line)
    for library, methods in results.items():
        print_line(console, "")
        console.print(_grid(library, methods, console))
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


@contextmanager
def progress(settings: Settings) -> Iterator[Callable[[str], None]]:
    """Show a bar on standard error, and nothing at all if that is not a terminal."""
    # A disabled bar of rich 13 would still end the line that it has not begun.
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    trainings = len(settings.boosters) * len(METHODS) * settings.folds
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=trainings)
        started = itertools.count()

        def step(description: str) -> None:
            bar.update(task, description=description, completed=next(started))

        yield step


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
        ", ".join(f"{name} {used[name]}" for name in shown),
    ]


def _legend(settings: Settings) -> str:
    return (
        f"Mean ± standard error over {settings.folds} folds; below a method, that of "
        "its differences\nto the built-in on the same folds. ≈: within 2 standard "
        "errors of none.\nAP, ROC AUC: more is better. Log loss, Brier, seconds of "
        "training: less."
    )


def _grid(library: str, methods: dict[str, Result], console: Console) -> Grid:
    grid = Grid(title=NAMES[library], title_justify="left", title_style="bold")
    grid.add_column("", no_wrap=True)
    for heading in _HEADINGS:
        grid.add_column(heading, justify="right", no_wrap=True)
    reference = methods[BUILT_IN].figures
    decimals = {measure: _decimals(measure, methods) for measure in MEASURES}
    for method, result in methods.items():
        cells = [_value(result.figures[m], decimals[m]) for m in MEASURES]
        compared = method != BUILT_IN
        _add_row(grid, method, cells, console, end_section=not compared)
        if compared:
            cells = [
                _difference(m, result.figures[m], reference[m], decimals[m])
                for m in MEASURES
            ]
            _add_row(grid, "  - built-in", cells, console, end_section=True)
    return grid


def _add_row(
    grid: Grid, name: str, cells: list[Text], console: Console, *, end_section: bool
) -> None:
    row = [_printable(console, cell) for cell in (Text(name), *cells)]
    grid.add_row(*row, end_section=end_section)


def _decimals(measure: str, methods: dict[str, Result]) -> int:
    """Return the decimals that show two digits of the smallest standard error."""
    means = (mean_and_error(one.figures[measure]) for one in methods.values())
    smallest = max(min(mean.standard_error for mean in means), 1e-9)
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
    }


def _result(result: Result, reference: Result, *, tuned: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        m: _figure(m, result.figures[m], reference.figures[m]) for m in MEASURES
    }
    chosen = [one for one in result.losses if one is not None]
    if tuned and chosen:
        content["chosen"] = [{"alpha": o.alpha, "gamma": o.gamma} for o in chosen]
    return content


def _figure(measure: str, values: Floats, reference: Floats) -> dict[str, Any]:
    figure = {"folds": values.tolist(), **mean_and_error(values)._asdict()}
    if values is not reference:
        figure["difference"] = difference(measure, values, reference)._asdict()
    return figure
