"""pytest in a process that has the libraries already, which take seconds to import."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from cosmic_ray.work_item import TestOutcome

SETTINGS = tomllib.loads((Path(__file__).parent / "mutants.toml").read_text("utf-8"))


def prepare(folder: Path) -> None:
    """Import the libraries, none of which runs a thread yet; but not the package."""
    sys.path.insert(0, str(folder))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for name in SETTINGS["libraries"]:
        importlib.import_module(name)
    if any(name.startswith("focal_boost") for name in sys.modules):
        raise RuntimeError("the package must be imported by the tests")


def tested(files: str, seconds: float, cache: str) -> tuple[TestOutcome, str]:
    """Return whether all tests pass, and what is printed.

    Parameters
    ----------
    files : str
        The test files.
    seconds : float
        After which they are killed.
    cache : str
        The folder for compiled kernels.
    """
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            _run(files, cache, printed.fileno())
        status = _status(child, time.monotonic() + seconds)
        if status is None:
            return TestOutcome.KILLED, "timeout"
        printed.seek(0)
        output = printed.read().decode("utf-8", "replace")
    return TestOutcome.KILLED if status else TestOutcome.SURVIVED, output


def _run(files: str, cache: str, printed: int) -> None:
    """Run the tests and end the process with their exit code."""
    code = 70
    try:
        os.setsid()
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        place = os.environ["NUMBA_CACHE_DIR"] = str(Path(cache).resolve())
        sys.modules["numba"].config.CACHE_DIR = place
        sys.dont_write_bytecode = True
        import pytest

        code = int(pytest.main([*SETTINGS["pytest"].split(), *files.split()]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _status(child: int, deadline: float) -> int | None:
    """Return the exit status of a process; None if it was killed after the deadline."""
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
