"""Peak memory of this process from now on, in bytes."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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
