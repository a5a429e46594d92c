"""What was measured: a record per line of JSON, and records as Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.options import joined

Record = dict[str, Any]
Summary = dict[str, Any]
#: What a table calls a value, and the value or what finds it in a record.
Columns = Mapping[str, str | Callable[[Record], Any]]


def as_lines(records: Iterable[Record]) -> str:
    """Return records, a line each."""
    lines = (json.dumps(one, allow_nan=False, ensure_ascii=False) for one in records)
    return "".join(f"{line}\n" for line in lines)


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write records into a folder that is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_lines(records), "utf-8")


def read_lines(path: Path) -> list[Record]:
    """Return the records of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def summary(values: Sequence[float]) -> Summary:
    """Return median, lowest and highest value, and the values by repetition."""
    return {
        "values": list(values),
        "median": median(values),
        "low": min(values),
        "high": max(values),
    }


def ratios(ours: Summary, theirs: Summary) -> Summary:
    """Return the summary of the ratios within each repetition."""
    pairs = zip(ours["values"], theirs["values"], strict=True)
    return summary([a / b for a, b in pairs])


def differences(ours: Summary, theirs: Summary) -> Summary:
    """Return the summary of the differences within each repetition."""
    pairs = zip(ours["values"], theirs["values"], strict=True)
    return summary([a - b for a, b in pairs])


def print_circumstances(one: Record) -> None:
    """Print machine and versions."""
    print(f"{one['machine']}; {joined(one['versions'])}")


def print_parts(records: Sequence[Record], tables: Mapping[str, Columns]) -> None:
    """Print a table per part; what has failed is a line below it."""
    print("median (lowest to highest) of the repetitions")
    for part, columns in tables.items():
        own = [one for one in records if one["part"] == part]
        sound = [one for one in own if one["error"] is None]
        if own:
            print(f"\n{part}\n")
        if sound:
            print(markdown([in_columns(one, columns) for one in sound]))
        for one in own:
            if one["error"] is not None:
                print(f"{one.get('name', part)}: error: {one['error']}")


def in_columns(record: Record, columns: Columns) -> Record:
    """Return what the columns show of a record."""
    return {
        name: record.get(of) if isinstance(of, str) else of(record)
        for name, of in columns.items()
    }


def markdown(
    rows: Sequence[Mapping[str, Any]], text: Callable[[Any], str] | None = None
) -> str:
    """Return a Markdown table of the rows, which have the first one's keys.

    Values are as `text` has them, :func:`shown` without.
    """
    names, of = list(rows[0]), text or shown
    lines = [names, *([of(row[name]) for name in names] for row in rows)]
    head, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(names), *rest])


def shown(value: Any) -> str:
    """Return a value as text; numbers have four digits, never an exponent."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        low, high = shown(float(value["low"])), shown(float(value["high"]))
        return f"{shown(float(value['median']))} ({low} to {high})"
    if isinstance(value, float) and math.isfinite(value):
        digits = 3 - math.floor(math.log10(abs(value))) if value else 3
        return f"{value:,.{min(max(digits, 0), 6)}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
