"""Peak memory of this process from now on, and of a CUDA device, in bytes."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_SECONDS = 0.002


def settle() -> int:
    """Give back what is free, start a new peak, and return it."""
    gc.collect()
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc keeps freed memory otherwise
    with suppress(OSError):  # the peak stays that of the whole process
        _CLEAR.write_text("5", "ascii")
    return peak()


def peak() -> int:
    """Return the peak since :func:`settle`, or of the process outside Linux.

    ru_maxrss would do on Linux too, but cannot be reset, and a process starts with its
    parent's.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def on_device() -> int:
    """Return the bytes that all processes hold on the device."""
    import cupy

    free, total = cupy.cuda.runtime.memGetInfo()
    return int(total - free)


class DevicePeak:
    """The most bytes in use while the block runs, looked at every two milliseconds.

    A library that keeps what it has freed counts as using it.
    """

    def __init__(self, look: Callable[[], int] = on_device) -> None:
        self._look = look
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.bytes = 0

    def __enter__(self) -> DevicePeak:
        self.bytes = self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.bytes = max(self.bytes, self._look())

    def _sample(self) -> None:
        while not self._done.wait(_SECONDS):
            self.bytes = max(self.bytes, self._look())
