"""Tables of what was measured: by rich if it is installed, plain otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from options import joined
from parts import Record, column_of

Rows = list[list[str]]
_WIDE = 500  # columns that no table needs


def print_report(results: dict[str, Any]) -> None:
    """Print the tables of the parts that were measured."""
    print(f"{results['machine']}\n{joined(results['versions'])}")
    print("median (lowest-highest) of the repetitions")
    for part, tables in _TABLES.items():
        if part in results:
            tables(results[part])


def _kernel(records: list[Record]) -> None:
    """Print a row per number of rows, type and gamma, a column per competitor.

    Of the kernel there is one for each link, and the ratio of logit to focal.
    """
    sound = [one for one in records if one["error"] is None]
    columns = list(dict.fromkeys(map(_column, sound)))
    paired = [column for column in columns if column == "kernel logit"]
    cells: dict[tuple[Any, ...], dict[str, Record]] = {}
    for one in sound:
        where = one["rows"], one["dtype"], one["gamma"]
        cells.setdefault(where, {})[_column(one)] = one
    rows = [
        [f"{where[0]:,}", where[1], f"{where[2]:g}"]
        + [_middle(found[column]["ns_per_row"]) for column in columns]
        + [_spread(found[column]["of_numpy"]) for column in columns[:3]]
        + [_spread(found[column]["of_focal"]) for column in paired]
        for where, found in sorted(cells.items())
    ]
    headings = ["rows", "raw scores", "gamma", *columns]
    headings += [f"{column} of numpy" for column in columns[:3]]
    headings += [f"{column} of focal" for column in paired]
    failed = [[one["competitor"], *_fault(one)] for one in records if one["error"]]
    _show("Kernel, ns per row", headings, [*rows, *failed])


def _column(one: Record) -> str:
    threads = one["threads"]
    return column_of(one) + (f", {threads} threads" if threads > 1 else "")


def _training(point: Record) -> None:
    headings = ["", "seconds", "of built-in", "CPU seconds", "of built-in"]
    headings += ["first call", "bytes/row", "over built-in"]
    _competitors(f"Training, {_where(point)}", point, headings, _costs)
    headings = ["", "leaves", "AP", "log loss", "gradient", "Hessian"]
    _competitors("Its models and objectives", point, headings, _worth)


def _competitors(
    title: str,
    point: Record,
    headings: Sequence[str],
    cells: Callable[[Record], list[str]],
) -> None:
    rows = [
        [one["name"], *(cells(one) if one["error"] is None else _fault(one))]
        for one in point["competitors"]
    ]
    _show(title, headings, rows)


def _fault(one: Record) -> list[str]:
    return [f"error: {one['error']}"]


def _costs(one: Record) -> list[str]:
    return [
        _spread(one["seconds"]),
        _spread(one["of_built_in"]),
        _middle(one["cpu_seconds"]),
        _spread(one["cpu_of_built_in"]),
        _middle(one["first_call_seconds"]),
        _middle(one["extra_bytes_per_row"]),
        _middle(one["bytes_per_row_over_built_in"]),
    ]


def _worth(one: Record) -> list[str]:
    gradient, hessian = _derivatives(one["derivatives"])
    values = one["average_precision"], one["log_loss"]
    return [f"{one['leaves']:,}", *map(_number, values), gradient, hessian]


def _derivatives(verdict: Record | None) -> tuple[str, str]:
    if verdict is None:
        return "-", "-"
    return _right(verdict["gradient"], "right"), _right(
        verdict["hessian"], verdict["hessian"]["nearest"]
    )


def _right(found: Record, word: str) -> str:
    if found["share_wrong"] == 0:
        return word
    where = f"t {found['wrong_from_t']:g} to {found['wrong_to_t']:g}"
    return f"wrong at {found['share_wrong']:.0%}, {where}"


def _growth(points: dict[str, list[Record]]) -> None:
    headings = ["", "rows", "rounds", "seconds", "ns/row/round", "of built-in"]
    for axis, measured in points.items():
        names = [one["name"] for one in measured[0]["competitors"]]
        rows = [
            [name, f"{point['rows']:,}", f"{point['rounds']:,}", *_growth_cells(one)]
            for name in names
            for point in measured
            for one in point["competitors"]
            if one["name"] == name
        ]
        _show(f"Growth with {axis}", [*headings, "B/row", "over built-in"], rows)


def _growth_cells(one: Record) -> list[str]:
    if one["error"] is not None:
        return _fault(one)
    return [
        _spread(one["seconds"]),
        _spread(one["ns_per_row_and_round"]),
        _middle(one["of_built_in"]),
        _middle(one["extra_bytes_per_row"]),
        _middle(one["bytes_per_row_over_built_in"]),
    ]


def _round(records: list[Record]) -> None:
    if not records:
        return
    headings = ["", "gamma", "threads", "built-in, ms", "ours, ms", "gradients, ms"]
    headings += ["of built-in", *(f"on {n}, predicted" for n in (4, 16, 64))]
    rows = [
        [one["library"], f"{one['gamma']:g}", str(one["threads"]), *_round_cells(one)]
        for one in records
    ]
    first = records[0]
    where = f"{first['rows']:,} x {first['features']}"
    _show(f"A round, {where}, either loss in turn", headings, rows)


def _round_cells(one: Record) -> list[str]:
    if one["error"] is not None:
        return _fault(one)
    times = [_middle(one["ms"][key]) for key in ("built_in", "ours", "gradients")]
    predicted = one.get("predicted", {})
    more = [_number(predicted.get(n)) for n in (4, 16, 64)]
    return [*times, _spread(one["ratio"]), *more]


def _where(point: Record) -> str:
    rows, features = point["rows"], point["features"]
    return f"{rows:,} rows, {features} features, {point['rounds']} rounds"


def _spread(found: Record | None) -> str:
    if found is None:
        return "-"
    low, high = _number(found["low"]), _number(found["high"])
    return f"{_number(found['median'])} ({low} to {high})"


def _middle(found: Record | None) -> str:
    return "-" if found is None else _number(found["median"])


def _number(value: float | None) -> str:
    """Return three digits, more before the decimal point, never an exponent."""
    if value is None:
        return "-"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{min(max(digits, 0), 4)}f}"


def _show(title: str, headings: Sequence[str], rows: Rows) -> None:
    """Print a table; a row that is too short ends in a text of any length."""
    full = [row for row in rows if len(row) == len(headings)]
    short = [row for row in rows if len(row) != len(headings)]
    print()
    try:
        _rich(title, headings, full)
    except ImportError:
        _plain(title, headings, full)
    for row in short:
        print("  " + "  ".join(text for text in row if text))


def _rich(title: str, headings: Sequence[str], rows: Rows) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for number, heading in enumerate(headings):
        justify = "right" if number else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # A line that a narrow terminal wraps can be read; a figure that is cut cannot.
    Console(highlight=False, markup=False, width=_WIDE).print(table)


def _plain(title: str, headings: Sequence[str], rows: Rows) -> None:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    print(title)
    for row in (headings, *rows):
        cells = zip(row, widths, strict=True)
        print("  ".join(text.rjust(width) for text, width in cells))


_TABLES = {"kernel": _kernel, "training": _training, "growth": _growth, "round": _round}
