"""Two tasks of a Spark barrier stage, with rows of very different prevalence."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from ranks import part, whole

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

pytest.importorskip("pyspark", reason='needs Spark: pip install ".[spark]"')

# Spark warns of what is its own.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17"),
]

PARTS = [part(6000, 0.001, 0), part(2500, 0.1, 1)]
PROBE = part(500, 0.1, 99)
PARAMS = {"nthread": 1, "max_depth": 4, "tree_method": "hist"}
NAMES = list("abcde")


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    # This module, what it imports, and the package.
    paths = os.pathsep.join(map(str, Path(__file__).parents[:3]))
    before = dict(os.environ)
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": paths}
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    os.environ.clear()
    os.environ |= before


def table(spark, parts):
    """Return a data frame with a partition per part."""
    frames = [pd.DataFrame(one.X, columns=NAMES).assign(y=one.y) for one in parts]
    schema = ", ".join(f"{name} float" for name in [*NAMES, "y"])
    return spark.range(0, len(parts), 1, len(parts)).mapInPandas(
        lambda several: (frames[i] for one in several for i in one["id"]), schema
    )


def train_on_spark(data, gamma, rounds=8):
    """Return the model, as its bytes, that the partitions train together."""
    from xgboost.tracker import RabitTracker

    tracker = RabitTracker(n_workers=len(PARTS), host_ip="127.0.0.1", sortby="task")
    tracker.start()
    given = tracker.worker_args()

    def work(batches):
        from pyspark import BarrierTaskContext
        from xgboost.collective import CommunicatorContext

        task = BarrierTaskContext.get()
        rows = pd.concat(batches)
        with CommunicatorContext(**given, dmlc_task_id=str(task.partitionId())):
            matrix = xgb.DMatrix(rows[NAMES], rows["y"], nthread=1)
            if gamma is None:
                params = {**PARAMS, "objective": "binary:logistic"}
                booster = xgb.train(params, matrix, rounds)
            else:
                objective = FocalObjective(0.25 if gamma else None, gamma)
                booster = fxgb.train(PARAMS, matrix, rounds, objective=objective)
        yield pd.DataFrame({"model": [bytes(booster.save_raw("ubj"))]})

    found = data.mapInPandas(work, "model binary", barrier=True).collect()
    models = {bytes(one["model"]) for one in found}
    assert len(found) == len(PARTS)
    assert len(models) == 1
    return models.pop()


def margin(model):
    booster = xgb.Booster(model_file=bytearray(model))
    return booster.predict(
        xgb.DMatrix(PROBE.X, feature_names=booster.feature_names), output_margin=True
    )


def start_of(model):
    config = xgb.Booster(model_file=bytearray(model)).save_config()
    return config.split('"base_score":"')[1].split('"')[0]


def test_tasks_share_one_start_value_and_one_model(spark):
    data = table(spark, PARTS)
    models = {gamma: train_on_spark(data, gamma) for gamma in (None, 0.0, 2.0)}
    np.testing.assert_allclose(
        margin(models[0.0]), margin(models[None]), rtol=0, atol=1e-6
    )
    objective = FocalObjective(0.25, 2.0)
    alone = fxgb.train(PARAMS, whole(PARTS).matrix(), 8, objective=objective)
    alone = bytes(alone.save_raw("ubj"))
    assert start_of(models[2.0]) == start_of(alone)
    np.testing.assert_allclose(margin(models[2.0]), margin(alone), rtol=0, atol=1e-5)


def test_probabilities_come_from_a_pandas_udf(spark):
    from pyspark.sql.functions import pandas_udf, struct

    data = table(spark, PARTS)
    model = train_on_spark(data, 2.0)

    @pandas_udf("float")
    def posterior(rows: pd.DataFrame) -> pd.Series:
        booster = xgb.Booster(model_file=bytearray(model))
        return pd.Series(booster.predict(xgb.DMatrix(rows)))

    found = data.select("y", posterior(struct(*NAMES)).alias("p")).toPandas()
    booster = xgb.Booster(model_file=bytearray(model))
    rows = xgb.DMatrix(whole(PARTS).X, feature_names=NAMES)
    np.testing.assert_array_equal(found["p"], booster.predict(rows))
    np.testing.assert_array_equal(found["y"], whole(PARTS).y)


def test_xgboosts_own_spark_model_takes_the_booster(spark):
    from pyspark.ml.feature import VectorAssembler
    from xgboost.sklearn import XGBClassifier
    from xgboost.spark import SparkXGBClassifierModel

    data = table(spark, PARTS)
    model = train_on_spark(data, 2.0)
    classifier = XGBClassifier()
    classifier.load_model(bytearray(model))
    ready = VectorAssembler(inputCols=NAMES, outputCol="features").transform(data)
    ours = SparkXGBClassifierModel(classifier).set_device("cpu")
    found = ours.transform(ready).toPandas()
    posterior = np.array([one[1] for one in found["probability"]])
    booster = xgb.Booster(model_file=bytearray(model))
    expected = booster.predict(xgb.DMatrix(whole(PARTS).X, feature_names=NAMES))
    np.testing.assert_allclose(posterior, expected, rtol=1e-6)
