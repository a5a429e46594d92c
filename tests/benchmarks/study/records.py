"""What has been fitted: a line of JSON per fit, in a file that only grows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measured import Record, as_lines
from benchmarks.study.measures import measures


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


def record_of(
    key: Key, test: Any, log_odds: Any, rounds: Any, seconds: float, **more: Any
) -> Record:
    """Return the record of a fit: what its log-odds are worth on the test part."""
    found = measures(test.y, log_odds, test.weight)
    spent = {"rounds": rounds, "seconds": round(seconds, 3), "error": None}
    return {**key._asdict(), **found, **spent, **more}


class Records:
    """The records in a file, and the file to add to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = path.read_bytes() if path.exists() else b""
        kept = whole[: whole.rfind(b"\n") + 1]
        if kept != whole:
            # An interrupted run may have been about to write it; what follows needs a
            # line of its own.
            os.truncate(path, len(kept))
        self.all = list(self._read(kept.decode()))
        self.keys = {key_of(record) for record in self.all}

    def add(self, records: Iterable[Record]) -> None:
        """Append records that are not there yet, to the file first."""
        new = [one for one in records if key_of(one) not in self.keys]
        with self.path.open("a", encoding="utf-8") as file:
            file.write(as_lines(new))
        self.all += new
        self.keys |= {key_of(record) for record in new}

    def _read(self, text: str) -> Iterator[Record]:
        for number, line in enumerate(text.split("\n")[:-1], 1):
            try:
                record = json.loads(line)
                key_of(record)
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f"{self.path} must hold a record per line, got {line[:60]!r} in"
                    f" line {number}"
                ) from None
            yield record
