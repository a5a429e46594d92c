"""One process per task and repetition, the tasks in turn; environments for others'."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.competitors import COMPETITORS, PEERS
from benchmarks.options import PROJECT

Task = dict[str, Any]
Result = dict[str, Any]

_CHILD = Path(__file__).with_name("child.py")
_ENVIRONMENTS = {one.name: one.environment for one in COMPETITORS}
# With a variable of ours the kernels would not run on the libraries' threads.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def interleaved(
    tasks: Mapping[str, Task], repeats: int, peers: Path, timeout: float
) -> dict[str, list[Result]]:
    """Run every task once, then every task again, and return the results by task.

    A task that has failed is not repeated.
    """
    results: dict[str, list[Result]] = {name: [] for name in tasks}
    for repetition in range(repeats):
        for number, (name, task) in enumerate(tasks.items()):
            if failure(results[name]) is None:
                _show(f"{repetition + 1}/{repeats} {number + 1}/{len(tasks)} {name}")
                results[name].append(_run(task, peers, timeout))
    _show("")
    return results


def failure(results: list[Result]) -> str | None:
    """Return the error of a task's results, None if there is none."""
    return next((one["error"] for one in results if "error" in one), None)


def _show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60.60}", end="" if text else "\r", file=sys.stderr, flush=True)


def _run(task: Task, peers: Path, timeout: float) -> Result:
    environment = _ENVIRONMENTS.get(task["competitor"])
    if environment is None:
        return _process(task, sys.executable, timeout)
    wrong = _error(peers, environment)
    if wrong.exists():
        return {"error": "does not install: " + wrong.read_text("utf-8").strip()}
    python = _python_of(peers / environment)
    if not python.exists():
        return {"error": "not installed: run with --install-peers"}
    return _process(task, str(python), timeout)


def _process(task: Task, python: str, timeout: float) -> Result:
    with TemporaryDirectory() as folder:
        given, answer = Path(folder, "task.json"), Path(folder, "result.json")
        given.write_text(json.dumps(task), "utf-8")
        variables = _variables(task["threads"], ours=python == sys.executable)
        try:
            done = subprocess.run(
                [python, str(_CHILD), str(given), str(answer)], env=variables,
                capture_output=True, text=True, errors="replace", timeout=timeout,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"error": f"took more than {timeout:g} s"}
        except OSError as error:
            return {"error": f"{type(error).__name__}: {error}"}
        if answer.exists():
            return dict(json.loads(answer.read_text("utf-8")))
        return {"error": _death(done)}


def _variables(threads: int, *, ours: bool) -> dict[str, str]:
    """Return the environment of a process: threads, and where this package is."""
    variables = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    path = variables.pop("PYTHONPATH", None)
    if ours:
        known = [str(PROJECT), *([path] if path else [])]
        variables["PYTHONPATH"] = os.pathsep.join(known)
    return variables


def _death(done: subprocess.CompletedProcess[str]) -> str:
    """Return the end of a process that could not answer."""
    if done.returncode < 0:
        return f"killed by {signal.Signals(-done.returncode).name}"
    last = done.stderr.strip().splitlines()[-1:] or ["no message"]
    return f"exit code {done.returncode}: {last[0]}"


def install(folder: Path, names: list[str]) -> None:
    """Create the environments, each with XGBoost and LightGBM as they are here."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    for name in names:
        print(f"installing {name} into {folder / name}", file=sys.stderr)
        _error(folder, name).unlink(missing_ok=True)
        venv.create(folder / name, with_pip=True)
        done = subprocess.run(
            [_python_of(folder / name), *pip, *map(_requirement, PEERS[name])],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            _error(folder, name).write_text(lines[0] + "\n", "utf-8")


def _requirement(package: str) -> str:
    if package not in {"xgboost", "lightgbm"}:
        return package
    try:
        return f"{package}=={version(package)}"
    except PackageNotFoundError:
        return package


def _python_of(environment: Path) -> Path:
    windows = os.name == "nt"
    return environment / ("Scripts/python.exe" if windows else "bin/python")


def _error(folder: Path, name: str) -> Path:
    return folder / f"{name}.error"
