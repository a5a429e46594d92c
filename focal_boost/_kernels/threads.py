"""Run a kernel over slices of its rows on several threads.

The compiled kernels release the interpreter's lock. Slices end where the kernels'
blocks end, so that the results are the same bits for any number of threads.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from focal_boost._validation import check_integer

#: Number of threads, where a call does not say otherwise.
VARIABLE = "FOCAL_BOOST_NUM_THREADS"

# A multiple of the kernels' block. Handing out a slice costs as much as a few
# thousand rows.
SLICE = 32_768

_T = TypeVar("_T")


def check_threads(value: object, name: str) -> int:
    """Return a number of threads, at least 1; a text of digits is a number too."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) or value
    return check_integer(value, name, 1)


def default_threads() -> int:
    """Return the number of threads that this process may use.

    FOCAL_BOOST_NUM_THREADS decides if it is set. Else it is the number of processors
    in the process's affinity, no more than its control group's quota and, as for
    XGBoost and LightGBM, no more than OMP_NUM_THREADS, which process pools set.
    """
    if os.environ.get(VARIABLE):
        return check_threads(os.environ[VARIABLE], VARIABLE)
    limits = [_affinity(), _quota()]
    omp = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if omp.isascii() and omp.isdigit() and int(omp):
        limits.append(int(omp))
    return min(limits)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """Return the processors that the control group (version 2) grants, rounded up."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1


class Team(NamedTuple):
    """The threads that a library trains on.

    Attributes
    ----------
    address : int
        Of the library's ``GOMP_parallel``; 0 where it has none.
    threads : int
        How many they are.
    """

    address: int
    threads: int

    @classmethod
    def of(cls, library: Any, threads: int) -> Team:
        """Return that of a loaded library; its 0 threads stand for all.

        FOCAL_BOOST_NUM_THREADS has the kernel run on threads of our own.
        """
        if os.environ.get(VARIABLE):
            return cls(0, default_threads())
        # A library has the symbols of those that it loads, too.
        parallel = getattr(library, "GOMP_parallel", None)
        address = ctypes.cast(parallel, ctypes.c_void_p).value if parallel else 0
        return cls(address or 0, threads if threads > 0 else default_threads())


def run(kernel: Callable[[slice], _T], rows: int, threads: int) -> list[_T]:
    """Return the kernel's result for every slice of the rows.

    The calling thread works too, and takes over every slice that no other thread has
    begun: calls from several threads at once share the pool and cannot wait for
    each other.
    """
    parts = _slices(rows, threads)
    pending: list[tuple[slice, Future[_T]]] = []
    for part in parts[1:]:
        future = _submit(kernel, part, threads)
        if future is None:
            break
        pending.append((part, future))
    results = [kernel(part) for part in (parts[0], *parts[1 + len(pending) :])]
    for part, future in pending:
        results.append(kernel(part) if future.cancel() else future.result())
    return results


def _slices(rows: int, threads: int) -> list[slice]:
    units = -(-rows // SLICE)
    count = max(1, min(threads, units))
    edges = [units * k // count * SLICE for k in range(count)] + [rows]
    return [slice(a, b) for a, b in pairwise(edges)]


class _Pool:
    """The process's threads, grown to the largest number asked for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.size = 0
        self.executor: ThreadPoolExecutor | None = None


_pool = _Pool()


def _forget_pool() -> None:
    # A forked child has none of its parent's threads, and perhaps a lock that no
    # thread is left to release.
    global _pool  # noqa: PLW0603
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _submit(
    kernel: Callable[[slice], _T], part: slice, threads: int
) -> Future[_T] | None:
    """Hand a slice to the pool, or return None where no thread can be started."""
    try:
        with _pool.lock:
            if _pool.executor is None or _pool.size < threads - 1:
                if _pool.executor is not None:
                    _pool.executor.shutdown(wait=False)
                _pool.size = threads - 1
                _pool.executor = ThreadPoolExecutor(_pool.size, "focal_boost")
            return _pool.executor.submit(kernel, part)
    except RuntimeError:
        # The interpreter is shutting down, or the system has no more threads.
        return None
