"""How far a stage is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

_SECONDS_BETWEEN_LINES = 300.0


class Progress:
    """The progress of a stage, on standard error while it runs.

    Parameters
    ----------
    name : str
        The stage.
    total : int
        The fits to make.
    """

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._done = name, total, 0
        self._said = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=self._total, set="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, fits: int, name: str) -> None:
        """Count fits that are done, the last of them on the set of that name."""
        self._done += fits
        if self._bar is not None:
            self._bar.update(self._task, advance=fits, set=name)
        elif time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            line = f"{self._name}: {self._done:,} of {self._total:,} fits, {name}"
            print(line, file=sys.stderr, flush=True)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[set]}"),
        console=Console(stderr=True),
    )  # fmt: skip
