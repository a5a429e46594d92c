"""The command, here and in a process of its own, on a file of claims."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

import focal_boost
from focal_boost.command import main
from focal_boost.datasets import make_imbalanced

FILES = ["report.png", "results.json"]
QUICK = ["--folds", "3", "--rounds", "6", "--threads", "1", "--seed", "4"]


def write_claims(folder: Path) -> Path:
    """Write a file with numbers, strings, gaps, groups and a target of words."""
    X, y, _ = make_imbalanced(900, prevalence=0.12, seed=0, n_features=5)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
    frame["region"] = np.where(X[:, 0] > 0, "north", "süd")
    frame.loc[::9, "region"] = None
    frame.loc[::7, "b"] = np.nan
    frame["customer"] = [f"c{i // 4}" for i in range(900)]
    frame["fraud"] = np.where(y == 1, "yes", "no")
    path = folder / "claims.csv.gz"
    frame.to_csv(path, index=False, encoding="utf-8")
    return path


def environment(**changes: str) -> dict[str, str]:
    root = str(Path(focal_boost.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    plain = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
    return {**plain, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **changes}


def in_process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python, as for a user who is in this folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True, cwd=folder, encoding="utf-8", env=environment(),
        check=False,
    )  # fmt: skip


def compare(data: Path, out: Path, *further: str) -> int:
    """Compare on a file with the target `fraud`, by default with LightGBM alone."""
    always = [str(data), "--target", "fraud", "--booster", "lightgbm", *QUICK]
    return main(["compare", *always, "--out", str(out), *further])


def _no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def results_of(folder: Path) -> dict[str, Any]:
    text = (folder / "results.json").read_text(encoding="utf-8")
    results: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
    return results


def check_progress(told: str, trainings: int) -> None:
    """Without a terminal a line comes now and then, of what takes long."""
    line = re.compile(rf"\d+ of {trainings} trainings, \d+ s")
    assert all(map(line.fullmatch, told.splitlines()))
