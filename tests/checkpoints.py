"""Trainings that a file keeps, in both libraries, and processes that are killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from boosters import LightGBM, XGBoost, lgb, xgb
from ranks import Part, part

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

ROWS, VALID = part(3000, 0.05, 0, weighted=True), part(1000, 0.05, 1, weighted=True)
OBJECTIVE = FocalObjective(0.25, 2.0)
ROUNDS = 60
LIBRARIES: dict[str, Any] = {"xgboost": XGBoost, "lightgbm": LightGBM}
KEEP: dict[str, Any] = {"xgboost": fxgb.Checkpoint, "lightgbm": flgb.checkpoint}
SETTINGS: dict[str, dict[str, Any]] = {
    "xgboost": {"eta": 0.1, "eval_metric": ["logloss", "auc"]},
    "lightgbm": {"metric": ["binary_logloss", "auc"]},
}


def data_of(library: str, rows: Part) -> Any:
    if library == "xgboost":
        return rows.matrix()
    return lgb.Dataset(rows.X, rows.y, weight=rows.weight, init_score=rows.margin)


def train(
    library: str,
    rounds: int = ROUNDS,
    path: Path | None = None,
    every: int = 10,
    *,
    objective: Any = OBJECTIVE,
    rows: Part = ROWS,
    first: Any = None,
    callbacks: Any = (),
    **params: Any,
) -> tuple[Any, dict[str, Any]]:
    """Return the booster and the evaluations of a training."""
    log: dict[str, Any] = {}
    kept = [] if path is None else [KEEP[library](path, every)]
    # LightGBM's is a parameter.
    stop = params.pop("early_stopping_rounds", None) if library == "xgboost" else None
    by = LIBRARIES[library]
    valid = data_of(library, VALID._replace(X=VALID.X[:, : rows.X.shape[1]]))
    booster = by.train(
        data_of(library, rows), rounds, objective, {**SETTINGS[library], **params},
        metrics="focal_loss", **{by.first: first},
        **by.watching({"valid": valid}, log, *kept, *callbacks, stop=stop),
    )  # fmt: skip
    return booster, log["valid"]


def model_of(library: str, booster: Any) -> bytes:
    """Return the model but for LightGBM's parameters, which say how many rounds."""
    if library == "xgboost":
        return bytes(booster.save_raw("ubj"))
    text: str = booster.model_to_string(num_iteration=-1)
    return text.partition("\nend of trees\n")[0].encode()


def kill(library: str, folder: Path, times: int, seed: int = 0) -> list[int]:
    """Kill trainings at random moments, and return the rounds that their files hold.

    Raises
    ------
    AssertionError
        Unless every one goes on from its file to the same model.
    """
    train(library, 1)  # loads what the timed training needs
    rng, found, started = random.Random(seed), [], time.perf_counter()
    expected = _bytes_after(library, folder / "whole.ubj")
    took = time.perf_counter() - started
    for i in range(times):
        path = folder / f"{i}.ubj"
        _train_and_die(library, path, rng.uniform(0, took))
        found.append(rounds_in(library, path))
        assert _bytes_after(library, path) == expected
    return found


def _bytes_after(library: str, path: Path) -> bytes:
    """Return the model of a training that goes on from a file."""
    booster, _ = train(library, path=path, every=1)
    return model_of(library, booster)


def _train_and_die(library: str, path: Path, after: float) -> None:
    """Train in a process of its own, and kill it so many seconds after it began."""
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, __file__, library, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, **paths},
    ) as child:
        # It says when all is loaded that the training needs.
        assert child.stdout is not None
        assert child.stdout.readline() == b"begins\n"
        time.sleep(after)
        child.kill()


def train_in_this_process(library: str, path: str) -> None:
    """Train as :func:`kill` has it."""
    train(library, 1)
    print("begins", flush=True)
    train(library, path=Path(path), every=1)


def rounds_in(library: str, path: Path) -> int:
    """Return how many rounds a checkpoint holds, which is 0 where there is none."""
    if not path.exists():
        return 0
    booster = LIBRARIES[library].ours.load(path).booster
    count = {"xgboost": "num_boosted_rounds", "lightgbm": "num_trees"}[library]
    return int(getattr(booster, count)())


def xgboost_version() -> tuple[int, ...]:
    return tuple(map(int, xgb.__version__.split(".")[:2]))


def main() -> None:
    """Train for :func:`kill`, or kill as many trainings as are asked for."""
    if sys.argv[1] != "--kill":
        train_in_this_process(*sys.argv[1:])
        return
    for library in LIBRARIES:
        with tempfile.TemporaryDirectory() as folder:
            found = kill(library, Path(folder), int(sys.argv[2]))
        print(f"{library}: killed {len(found)}, with these rounds in the file, and all")
        print(f"went on to the same model: {sorted(found)}")


if __name__ == "__main__":
    main()
