"""What is said of a kernel's first call, which compiles it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds that nobody wonders about.
_PATIENCE = 1.0


@contextmanager
def announced() -> Iterator[None]:
    """Say on a terminal that a kernel is compiled, if that takes its time."""
    timer = threading.Timer(_PATIENCE, _say)
    timer.daemon = True
    if sys.stderr is not None and sys.stderr.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say() -> None:
    line = (
        "focal_boost compiles its kernel and keeps it for the next time: some seconds"
    )
    print(line, file=sys.stderr, flush=True)
