"""A bar on standard error, or a line now and then where that is no terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds between two lines.
_EVERY = 5.0


@contextmanager
def progress(
    total: int | None, *, wanted: bool, of: str = "boosting rounds"
) -> Iterator[Callable[[int], None]]:
    """Show a bar of `total` steps; without a terminal, lines of what takes long."""
    if not wanted:
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield _Lines(total, of).step
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError("the progress bar needs rich: pip install rich") from error
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(of, total=total)
        yield lambda rounds: bar.update(task, advance=rounds)


class _Lines:
    """A line on standard error every few seconds, from any thread."""

    def __init__(self, total: int | None, of: str) -> None:
        self._total, self._of = total, of
        self._done = 0
        self._started = self._said = time.monotonic()
        self._lock = threading.Lock()

    def step(self, done: int) -> None:
        """Add what is done, and tell it if nothing was told for a while."""
        with self._lock:
            self._done += done
            now = time.monotonic()
            if now - self._said < _EVERY:
                return
            self._said = now
            among = "" if self._total is None else f" of {self._total:,}"
            print(
                f"{self._done:,}{among} {self._of}, {now - self._started:.0f} s",
                file=sys.stderr,
                flush=True,
            )
