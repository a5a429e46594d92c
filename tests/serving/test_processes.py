"""Processes in which this package cannot be imported give the same probabilities."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import booster_of, both, make, quiet

from focal_boost.datasets import make_imbalanced

pytestmark = quiet

_X, y, _ = make_imbalanced(12_000, prevalence=0.1, seed=0)
X = _X.astype(np.float32)
X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
X, y, OTHERS = X[:2_000], y[:2_000], X[2_000:]

XGBOOST = """
    import xgboost
    booster = xgboost.Booster(model_file="model.json")
    found = booster.predict(xgboost.DMatrix(rows))
"""
XGBOOST_CLASSIFIER = """
    import xgboost
    model = xgboost.XGBClassifier()
    model.load_model("model.json")
    found = model.predict_proba(rows)[:, 1]
"""
LIGHTGBM = """
    import lightgbm
    found = lightgbm.Booster(model_file="model.txt").predict(rows)
"""
TREELITE = """
    import treelite
    model = treelite.frontend.load_{library}_model("{file}")
    found = treelite.gtil.predict(model, rows).ravel()
"""
SPARK = """
    import lightgbm, pandas
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import pandas_udf

    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    text = open("model.txt", encoding="utf-8").read()

    @pandas_udf("double")
    def posterior(columns: pandas.DataFrame) -> pandas.Series:
        import sys
        sys.modules["focal_boost"] = None
        booster = lightgbm.Booster(model_str=text)
        return pandas.Series(booster.predict(columns.to_numpy("float32")))

    from pyspark.sql.functions import struct
    names = [f"x{i}" for i in range(rows.shape[1])]
    table = spark.createDataFrame(pandas.DataFrame(rows[:500], columns=names))
    told = table.select(posterior(struct(*names)).alias("p")).toPandas()
    found = told["p"].to_numpy()
    spark.stop()
"""


def saved(library: Any, folder: Path) -> Any:
    """Fit a classifier, and have it in a file of the plain library's format."""
    model = make(library, n_estimators=30).fit(X, y)
    model.save_model(folder / FILES[library.name])
    return model


FILES = {"xgboost": "model.json", "lightgbm": "model.txt"}


def found_by(program: str, folder: Path) -> Any:
    np.save(folder / "rows.npy", OTHERS)
    code = (
        "import sys; sys.modules['focal_boost'] = None\nimport numpy\n"
        "rows = numpy.load('rows.npy')\n"
        f"{textwrap.dedent(program)}\nnumpy.save('found.npy', found)"
    )
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return np.load(folder / "found.npy")


def check(program: str, model: Any, folder: Path) -> None:
    found = found_by(program, folder)
    expected = model.predict_proba(OTHERS)[: len(found), 1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert len(found) >= 500
    assert found.std() > 0.01


@pytest.mark.parametrize(
    "program", [XGBOOST, XGBOOST_CLASSIFIER], ids=["booster", "class"]
)
def test_xgboost(tmp_path: Path, program: str) -> None:
    check(program, saved(XGBoost, tmp_path), tmp_path)


def test_lightgbm(tmp_path: Path) -> None:
    check(LIGHTGBM, saved(LightGBM, tmp_path), tmp_path)


@both
def test_treelite(library: Any, tmp_path: Path) -> None:
    pytest.importorskip("treelite", reason="compiled models need the package treelite")
    model = saved(library, tmp_path)
    program = TREELITE.format(library=library.name, file=FILES[library.name])
    check(program, model, tmp_path)


@both
def test_compiled_to_c(library: Any, tmp_path: Path) -> None:
    """``predict`` of the shared library is the posterior; its margin the log-odds."""
    treelite = pytest.importorskip("treelite", reason="treelite is not installed")
    tl2cgen = pytest.importorskip("tl2cgen", reason="tl2cgen is not installed")
    if shutil.which("gcc") is None:
        pytest.skip("compiling models needs gcc")
    model = make(library, n_estimators=30).fit(X, y)
    front = getattr(treelite.frontend, f"from_{library.name}")
    trees = front(booster_of(library, model))
    file = tmp_path / "model.so"
    tl2cgen.export_lib(trees, toolchain="gcc", libpath=file)
    predictor, rows = tl2cgen.Predictor(file), tl2cgen.DMatrix(OTHERS)
    for told, expected, tolerance in (
        (predictor.predict(rows), model.predict_proba(OTHERS)[:, 1], 1e-6),
        (
            predictor.predict(rows, pred_margin=True),
            model.decision_function(OTHERS),
            5e-6,
        ),
        (treelite.gtil.predict(trees, OTHERS), model.predict_proba(OTHERS)[:, 1], 1e-6),
    ):
        np.testing.assert_allclose(told.ravel(), expected, rtol=0, atol=tolerance)


def test_sparks_pandas_udf(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="Spark needs the package pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17")
    check(SPARK, saved(LightGBM, tmp_path), tmp_path)
