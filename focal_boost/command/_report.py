"""A comparison as tables to read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from focal_boost.command._chosen import other_trees, search_grid
from focal_boost.command._content import data_of, versions
from focal_boost.command._run import Settings
from focal_boost.command._table import Table
from focal_boost.comparison import ClassComparison, Comparison
from focal_boost.comparison._measures import (
    MEASURES,
    Floats,
    difference,
    mean_and_error,
)
from focal_boost.comparison._methods import METHODS
from focal_boost.comparison._result import NAMES, Key
from focal_boost.thresholds import Cost, RecallAtLeast, Rule

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
_PLURALS = {"number": "numbers", "date": "dates", "category": "categories"}
# Of a kind; the rest stands in the JSON.
_MOST_LINES = 12
# What a terminal or a file that is not in Unicode gets instead.
_ASCII = str.maketrans({"±": "+-", "≈": "~", "…": "...", "×": "x"})


def print_data(console: Console, table: Table, settings: Settings) -> None:
    """Print what has been read, and what is about to be done with it."""
    for line in (*_describe(table), *_read(table), *_plan(table, settings)):
        print_line(console, line)


def print_results(console: Console, settings: Settings, found: Comparison) -> None:
    """Print one table per library, the decisions, and how to read them."""
    for library in settings.boosters:
        keys = [key for key in found.methods if key[0] == library]
        print_line(console, "")
        title = NAMES[library]
        console.print(_grid(found, keys, MEASURES, title, console))
        if isinstance(found, ClassComparison):
            console.print(_class_grid(found, library, console))
        decisions = [name for name in found.measures if name not in MEASURES]
        if decisions:
            title = f"{NAMES[library]}, decisions"
            console.print(_grid(found, keys, decisions, title, console))
            for line in _thresholds(found, keys):
                print_line(console, line)
        if found.searches:
            console.print(search_grid(found, library))
    print_line(console, "")
    print_line(console, _legend(settings, many=isinstance(found, ClassComparison)))


def print_line(console: Console, line: str) -> None:
    """Print text as it is, with nothing in it taken for a style or a width."""
    console.print(_printable(console, Text(line)), soft_wrap=True)


def _printable(console: Console, text: Text) -> Text:
    """Return the text, in ASCII if the output can hold no more."""
    if not console.options.ascii_only:
        return text
    plain = text.plain.translate(_ASCII).encode("ascii", "replace").decode()
    return Text(plain)


def _describe(table: Table) -> list[str]:
    data = data_of(table)
    shape = f"{data['rows']:,} rows, {data['features']} features"
    if table.classes:
        return [f"{table.name}: {shape}", _classes(table)]
    positives = f"{data['positives']:,} positives ({data['prevalence']:.2%})"
    return [
        f"{table.name}: {shape}, {positives}",
        f"positive: {table.target_name} = {table.positive}, "
        f"negative: {table.target_name} = {table.negative}",
    ]


def _classes(table: Table) -> str:
    """Return the classes with their rows, the most frequent first."""
    counts = np.bincount(table.target)
    order = np.argsort(-counts, kind="stable")
    told = [f"{table.classes[k]} {counts[k]:,}" for k in order[:_MOST_LINES]]
    rest = len(order) - len(told)
    more = f" … and {rest} more" if rest else ""
    return f"{len(order)} classes of {table.target_name}: {', '.join(told)}{more}"


def _read(table: Table) -> list[str]:
    """Return what the file was taken for; nothing where none was read."""
    if not table.read_as:
        return []
    counts = _counts(table)
    told = [
        f"{n} {kind if n == 1 else plural}"
        for kind, plural in _PLURALS.items()
        if (n := counts[kind])
    ]
    missing = int(table.features.isna().sum().sum())
    lines = [f"read as {table.read_as}: {', '.join(told)}; {missing:,} values missing"]
    out = [f"left out: {name} ({why})" for name, why in table.left_out.items()]
    said = [f"{name}: {what}" for name, what in table.said.items()]
    for each in (out, said):
        lines += each[:_MOST_LINES]
        if len(each) > _MOST_LINES:
            lines.append(f"… and {len(each) - _MOST_LINES} more, in results.json")
    return lines


def _counts(table: Table) -> dict[str, int]:
    kinds = list(table.kinds.values())
    return {kind: kinds.count(kind) for kind in _PLURALS}


def _plan(table: Table, settings: Settings) -> list[str]:
    grouped = f"grouped by {table.group_name}"
    if table.groups is None:
        grouped = "not grouped"
    loss = settings.loss
    threads = f", threads {settings.threads}" if settings.threads else ""
    used = versions(settings.boosters)
    shown = ("focal-boost", *settings.boosters, "python")
    return [
        f"{settings.folds} folds, {grouped}; {settings.rounds} rounds, "
        f"seed {settings.seed}{threads}",
        f"focal loss: alpha {loss.alpha}, gamma {loss.gamma}",
        *other_trees(settings),
        *([] if settings.rule is None else [_rule(settings.rule)]),
        ", ".join(f"{name} {used[name]}" for name in shown),
    ]


def _legend(settings: Settings, *, many: bool) -> str:
    more, less = "AP, ROC AUC", "Log loss, Brier, seconds of training"
    if settings.rule is not None:
        more, less = f"{more}, recall, precision", "Log loss, Brier, seconds, cost"
    if many:
        more = f"Difference: focal loss less built-in.\n{more} (means over classes)"
    return (
        f"Mean ± standard error over {settings.folds} folds; below a method, that of "
        "its differences\non the same folds. ≈: within 2 standard errors of none.\n"
        f"{more}: more is better. {less}: less."
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
        name = key[1].replace(", ", ",\n")
        _add_row(grid, name, values, to, end_section=key == reference)
        if key != reference:
            cells = [
                _difference(m, found.values(key, m), found.values(reference, m), digits)
                for m, digits in each
            ]
            name = reference[1].replace(", ", ",\n    ")
            _add_row(grid, f"  - {name}", cells, to, end_section=True)
    return grid


def _class_grid(found: ClassComparison, library: str, console: Console) -> Grid:
    """Return the average precision of every class, the rarest first."""
    title = f"{NAMES[library]}, average precision of each class"
    grid = Grid(title=title, title_justify="left", title_style="bold")
    table = found.class_table[["", library]].droplevel(0, axis=1)
    # For other trees there is no room; they are in the JSON.
    table = table[["prevalence", *METHODS, "difference"]]
    grid.add_column("", no_wrap=True)
    for name in table:
        grid.add_column(str(name), justify="right", no_wrap=True)
    for label, (share, *values) in zip(table.index, table.to_numpy(), strict=True):
        cells = [f"{share:.2%}", *(f"{one:.3f}" for one in values[:-1])]
        cells.append(f"{values[-1]:+.3f}")
        _add_row(grid, str(label), [*map(Text, cells)], console, end_section=False)
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
