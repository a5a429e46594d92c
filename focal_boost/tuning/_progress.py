"""A bar on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(
    total: int, *, wanted: bool, of: str = "boosting rounds"
) -> Iterator[Callable[[int], None]]:
    """Show a bar of `total` steps, and nothing at all if there is no terminal."""
    if not wanted or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError as error:
        raise ImportError(
            'the progress bar needs rich: pip install "focal-boost[tune]"'
        ) from error
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(of, total=total)
        yield lambda rounds: bar.update(task, advance=rounds)
