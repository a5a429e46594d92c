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

import lightgbm as lgb
import xgboost as xgb
from ranks import part

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

ROWS, VALID = part(3000, 0.05, 0, weighted=True), part(1000, 0.05, 1, weighted=True)
OBJECTIVE = FocalObjective(0.25, 2.0)
ROUNDS = 60
# Of LightGBM.
SETTINGS = {"verbosity": -1, "num_threads": 1, "metric": ["binary_logloss", "auc"]}


def train_xgboost(
    rounds: int = ROUNDS,
    path: Path | None = None,
    every: int = 10,
    objective: Any = OBJECTIVE,
    rows: Any = ROWS,
    **params: Any,
) -> tuple[Any, dict[str, Any]]:
    """Return the booster and the evaluations of a training."""
    log: dict[str, Any] = {}
    patience = params.pop("early_stopping_rounds", None)
    booster = fxgb.train(
        {"nthread": 1, "eta": 0.1, "eval_metric": ["logloss", "auc"], **params},
        rows.matrix(),
        rounds,
        objective=objective,
        metrics="focal_loss",
        evals=[(VALID.matrix(), "valid")],
        evals_result=log,
        verbose_eval=False,
        early_stopping_rounds=patience,
        callbacks=[] if path is None else [fxgb.Checkpoint(path, every)],
    )
    return booster, log


def bytes_of_xgboost(booster: Any) -> bytes:
    return bytes(booster.save_raw("ubj"))


def train_lightgbm(
    rounds: int = ROUNDS,
    path: Path | None = None,
    every: int = 10,
    objective: Any = OBJECTIVE,
    rows: Any = ROWS,
    **params: Any,
) -> tuple[Any, dict[str, Any]]:
    """Return the booster and the evaluations of a training."""
    log: dict[str, Any] = {}
    data = lgb.Dataset(rows.X, rows.y, weight=rows.weight)
    valid = data.create_valid(VALID.X[:, : rows.X.shape[1]], VALID.y, VALID.weight)
    kept = [] if path is None else [flgb.checkpoint(path, every)]
    booster = flgb.train(
        {
            "verbosity": -1,
            "num_threads": 1,
            "metric": ["binary_logloss", "auc"],
            **params,
        },
        data,
        rounds,
        objective=objective,
        metrics="focal_loss",
        valid_sets=[valid],
        callbacks=[*kept, lgb.record_evaluation(log)],
    )
    return booster, log["valid_0"]


def trees_of_lightgbm(booster: Any) -> bytes:
    """Return the model but for its parameters, which say the number of rounds."""
    text: str = booster.model_to_string(num_iteration=-1)
    return text.partition("\nend of trees\n")[0].encode()


TRAIN = {"xgboost": train_xgboost, "lightgbm": train_lightgbm}
BYTES = {"xgboost": bytes_of_xgboost, "lightgbm": trees_of_lightgbm}
LOAD = {"xgboost": fxgb.load, "lightgbm": flgb.load}


def kill(library: str, folder: Path, times: int, seed: int = 0) -> list[int]:
    """Kill trainings at random moments, and return the rounds that their files hold.

    Raises
    ------
    AssertionError
        Unless every one goes on from its file to the same model.
    """
    TRAIN[library](1)  # loads what the timed training needs
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
    booster, _ = TRAIN[library](path=path, every=1)
    return BYTES[library](booster)


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
    TRAIN[library](1)
    print("begins", flush=True)
    TRAIN[library](path=Path(path), every=1)


def rounds_in(library: str, path: Path) -> int:
    """Return how many rounds a checkpoint holds, which is 0 where there is none."""
    if not path.exists():
        return 0
    booster = LOAD[library](path).booster
    count = {"xgboost": "num_boosted_rounds", "lightgbm": "num_trees"}[library]
    return int(getattr(booster, count)())


def xgboost_version() -> tuple[int, ...]:
    return tuple(map(int, xgb.__version__.split(".")[:2]))


def main() -> None:
    """Train for :func:`kill`, or kill as many trainings as are asked for."""
    if sys.argv[1] != "--kill":
        train_in_this_process(*sys.argv[1:])
        return
    for library in TRAIN:
        with tempfile.TemporaryDirectory() as folder:
            found = kill(library, Path(folder), int(sys.argv[2]))
        print(f"{library}: killed {len(found)}, with these rounds in the file, and all")
        print(f"went on to the same model: {sorted(found)}")


if __name__ == "__main__":
    main()
