"""What has been fitted: a line of JSON per fit, in a file that only grows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from measures import MEASURES

Record = dict[str, Any]


class Key(NamedTuple):
    """Which fit a record is of."""

    size: str
    library: str
    regime: str
    set: str
    repeat: int
    fold: int
    arm: str


def key_of(record: Record) -> Key:
    """Return the key that is in the record."""
    return Key(*(record[field] for field in Key._fields))


class Records:
    """The records in a file, and the file to add to.

    Raises
    ------
    ValueError
        If a line other than an unfinished last one is not a record.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[Record] = []
        if path.exists():
            self._drop_unfinished_line()
            self.all = list(self._read())
        self.keys = {key_of(record) for record in self.all}

    def add(self, records: Iterable[Record]) -> None:
        """Append records that are not there yet, to the file first."""
        new = [one for one in records if key_of(one) not in self.keys]
        text = "".join(json.dumps(one, allow_nan=False) + "\n" for one in new)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)
        self.all += new
        self.keys |= {key_of(record) for record in new}

    def _drop_unfinished_line(self) -> None:
        # An interrupted run may have been about to write it; what follows needs a
        # line of its own.
        whole = self.path.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        if kept != whole:
            with self.path.open("r+b") as file:
                file.truncate(len(kept))

    def _read(self) -> Iterable[Record]:
        lines = self.path.read_text("utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                key_of(record)
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f"{self.path} must hold a record per line, got {line[:60]!r} in"
                    f" line {number}"
                ) from None
            yield record


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Return a row per fit; the figures of those that failed are NaN."""
    if not records:
        raise ValueError("--out must hold fits to report, got none")
    columns = [*Key._fields, *MEASURES, "rounds", "seconds", "error"]
    return pd.DataFrame(records, columns=columns)
