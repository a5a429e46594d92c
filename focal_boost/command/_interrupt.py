"""Interrupts that come through: a library that calls Python back may lose them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

# Seconds until an interrupt that was lost is raised again.
_AGAIN = 1.0


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt until it has left this block; yield what was asked for.

    XGBoost, LightGBM and LLVM call Python from C. What Python raises there is printed,
    or becomes another error, and the training goes on.
    """
    asked: list[int] = []
    # Not where it is ignored, or is another program's.
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield asked
        return
    repeats = hasattr(signal, "setitimer")

    def interrupted(number: int, _frame: Any) -> NoReturn:
        asked.append(number)
        if repeats:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    before = signal.signal(signal.SIGALRM, interrupted) if repeats else None
    try:
        yield asked
    finally:
        if repeats:
            signal.setitimer(signal.ITIMER_REAL, 0)
            # None is a handler that is not Python's.
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
