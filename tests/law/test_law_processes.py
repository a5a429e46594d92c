"""At γ = 0 trainings in other processes, and files read there, are the library's."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xgboost as xgb
from law_arms import Library
from law_data import PROBE, TRAIN
from law_differences import differences
from law_matrix import LIGHTGBM, XGBOOST, other_arm
from law_see_lightgbm import dataset
from law_see_xgboost import matrix

TOLERANCES = {"xgboost": XGBOOST, "lightgbm": LIGHTGBM}
SOURCES = ("train", "classifier")
QUIET = {"xgboost": {"verbosity": 0}, "lightgbm": {"verbosity": -1}}


def trained(arm: Any, library: str, source: str) -> Any:
    """Return a booster that six rounds of a library's training give."""
    if source == "classifier":
        model = getattr(arm, f"{library}_classifier")(**QUIET[library])
        model.fit(TRAIN.X, TRAIN.y)
        return model.get_booster() if library == "xgboost" else model.booster_
    if library == "xgboost":
        return arm.xgboost(QUIET[library], matrix(TRAIN), 6)
    return arm.lightgbm(QUIET[library], dataset(TRAIN), 6)


def scored(booster: Any) -> dict[str, Any]:
    if isinstance(booster, xgb.Booster):
        probe = matrix(PROBE)
        return {
            "raw score": booster.predict(probe, output_margin=True),
            "probability": booster.predict(probe),
        }
    return {
        "raw score": booster.predict(PROBE.X, raw_score=True),
        "probability": booster.predict(PROBE.X),
    }


def work(arm: Any, library: str, source: str) -> Any:
    """Train in a worker; the booster itself comes back too, by pickle."""
    booster = trained(arm, library, source)
    return scored(booster), booster


_FORK = """
import pickle, sys
from test_law_processes import fork
arm, cells, path = pickle.load(sys.stdin.buffer)
pickle.dump(fork(arm, cells), open(path, "wb"))
"""


def fork(arm: Any, cells: list[tuple[str, str]]) -> list[Any]:
    """Return what a forked process finds, libraries loaded and used before."""
    for library, source in cells:
        trained(arm, library, source)
    with warnings.catch_warnings():
        # Python 3.12 warns of threads, of which the libraries leave some behind.
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return [pool.apply(work, (arm, *cell)) for cell in cells]


def forked(arm: Any, cells: list[tuple[str, str]]) -> list[Any]:
    """Return the same of a process that has one thread.

    With more XGBoost itself waits for ever in a forked process, for threads that only
    the first one has.
    """
    path = arm.folder / "found.pickle"
    here = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    subprocess.run(
        [sys.executable, "-c", _FORK], input=pickle.dumps((arm, cells, path)),
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": here},
        check=True, timeout=120,
    )  # fmt: skip
    return list(pickle.loads(path.read_bytes()))


def by_loky(arm: Any, cells: list[tuple[str, str]]) -> list[Any]:
    """Return what workers find that start with an empty interpreter."""
    parallel = joblib.Parallel(n_jobs=2, backend="loky")
    return list(parallel(joblib.delayed(work)(arm, *cell) for cell in cells))


def threaded(arm: Any, cells: list[tuple[str, str]]) -> list[Any]:
    """Return what threads of one process find."""
    parallel = joblib.Parallel(n_jobs=3, backend="threading")
    return list(parallel(joblib.delayed(work)(arm, *cell) for cell in cells))


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            forked,
            marks=pytest.mark.skipif(
                not sys.platform.startswith("linux"), reason="no safe fork here"
            ),
        ),
        by_loky,
        threaded,
    ],
)
def test_workers(way: Any, tmp_path: Path) -> None:
    cells = [(library, source) for library in TOLERANCES for source in SOURCES]
    library_arm, our_arm = Library(tmp_path), other_arm(tmp_path)
    here = [scored(trained(library_arm, *cell)) for cell in cells]
    there = way(our_arm, cells)
    for cell, first, (second, booster) in zip(cells, here, there, strict=True):
        tolerance = TOLERANCES[cell[0]]
        assert list(differences(first, second, tolerance, str(cell))) == []
        assert list(differences(first, scored(booster), tolerance, str(cell))) == []


_READER = """
import json, sys
sys.modules["focal_boost"] = None
import lightgbm as lgb, numpy as np, xgboost as xgb
X = np.load(sys.argv[1])
found = {}
for path in sys.argv[2:]:
    if "xgboost" in path:
        b = xgb.Booster(model_file=path)
        found[path] = b.predict(xgb.DMatrix(X, nthread=1)).tolist()
    else:
        found[path] = lgb.Booster(model_file=path).predict(X).tolist()
print(json.dumps(found))
"""


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_files_are_read_without_us(gamma: float, tmp_path: Path) -> None:
    """A saved model predicts what `predict_proba` says, in a plain process."""
    arm = other_arm(tmp_path, None if gamma == 0 else 0.25, gamma)
    rows, expected = tmp_path / "rows.npy", {}
    np.save(rows, PROBE.X)
    for library, ending in (("xgboost", "json"), ("xgboost", "ubj"), ("lightgbm", "t")):
        for source in SOURCES:
            path = str(tmp_path / f"{library}_{source}.{ending}")
            booster = trained(arm, library, source)
            booster.save_model(path)
            expected[path] = scored(booster)["probability"]
    for library, ending in (("xgboost", "json"), ("lightgbm", "t")):
        model = getattr(arm, f"{library}_classifier")(**QUIET[library])
        path = str(tmp_path / f"{library}_classifier.{ending}")
        proba = model.fit(TRAIN.X, TRAIN.y).predict_proba(PROBE.X)[:, 1]
        np.testing.assert_allclose(proba, expected[path], rtol=0, atol=1e-7)
    out = subprocess.run(
        [sys.executable, "-c", _READER, str(rows), *expected],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for path, found in json.loads(out).items():
        np.testing.assert_allclose(found, expected[path], rtol=0, atol=1e-7)
