"""Environments of the other projects, one each, because their needs differ."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from competitors import PEERS

_SHARED = ("xgboost", "lightgbm")


def python_of(environment: Path) -> Path:
    """Return the interpreter of an environment, there or not."""
    windows = os.name == "nt"
    return environment / ("Scripts/python.exe" if windows else "bin/python")


def missing(folder: Path, name: str) -> str | None:
    """Return why an environment cannot be used, None if it can."""
    if _error(folder, name).exists():
        return "does not install: " + _error(folder, name).read_text("utf-8").strip()
    if not python_of(folder / name).exists():
        return "not installed: run with --install-peers"
    return None


def install(folder: Path, names: list[str]) -> None:
    """Create the environments, each with XGBoost and LightGBM as they are here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"installing {name} into {folder / name}", file=sys.stderr)
        _error(folder, name).unlink(missing_ok=True)
        venv.create(folder / name, with_pip=True)
        done = subprocess.run(
            [python_of(folder / name), *_PIP, *map(_requirement, PEERS[name])],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            _error(folder, name).write_text(lines[0] + "\n", "utf-8")


_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def _requirement(package: str) -> str:
    if package not in _SHARED:
        return package
    try:
        return f"{package}=={version(package)}"
    except PackageNotFoundError:
        return package


def _error(folder: Path, name: str) -> Path:
    return folder / f"{name}.error"
