"""What is XGBoost's own: metrics through "%f", callbacks, start values, boosters."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from boosters import XGBoost
from conftest import Sample

import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalMetric, FocalObjective

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
QUIET = {"nthread": 1}
NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")


@pytest.fixture(scope="module")
def dtrain(sample: Sample) -> xgb.DMatrix:
    return xgb.DMatrix(sample.X, sample.y, weight=sample.weight)


@pytest.fixture(scope="module")
def dvalid(validation: Sample) -> xgb.DMatrix:
    return xgb.DMatrix(validation.X, validation.y, weight=validation.weight)


def by_hand(name: str, booster: Any, data: xgb.DMatrix, rounds: int) -> float:
    margin = booster.predict(data, output_margin=True, iteration_range=(0, rounds))
    metric = FocalMetric(name, FOCAL.loss)
    return metric(data.get_label(), margin, data.get_weight())


def test_log_has_every_metric_of_every_set_in_full_precision(
    dtrain: xgb.DMatrix, dvalid: xgb.DMatrix
) -> None:
    log: dict[str, Any] = {}
    booster = fxgb.train(
        QUIET, dtrain, 5, objective=FOCAL, metrics=NAMES, verbose_eval=False,
        evals=[(dtrain, "train"), (dvalid, "valid")], evals_result=log,
    )  # fmt: skip
    assert list(log) == ["train", "valid"]
    for data, name in ((dtrain, "train"), (dvalid, "valid")):
        assert list(log[name]) == list(NAMES)
        for metric in NAMES:
            expected = [by_hand(metric, booster, data, k) for k in range(1, 6)]
            assert log[name][metric] == pytest.approx(expected, rel=1e-6, abs=0)
            assert all(round(v, 6) != v for v in log[name][metric])


@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.parametrize("explicit", [False, True], ids=["argument", "callback"])
def test_early_stopping_goes_the_metrics_way(
    dtrain: xgb.DMatrix, dvalid: xgb.DMatrix, metric: str, explicit: bool
) -> None:
    log: dict[str, Any] = {}
    stopping: dict[str, Any] = {"early_stopping_rounds": 5}
    if explicit:
        callback = xgb.callback.EarlyStopping(rounds=5, metric_name=metric)
        stopping = {"callbacks": [callback]}
    booster = fxgb.train(
        QUIET, dtrain, 200, objective=FOCAL, metrics=("focal_loss", metric),
        evals=[(dvalid, "valid")], evals_result=log, verbose_eval=False, **stopping,
    )  # fmt: skip
    values = np.array(log["valid"][metric])
    best = values.argmax() if metric == "average_precision" else values.argmin()
    assert booster.best_iteration == best
    assert booster.best_score == pytest.approx(values[best], rel=1e-12)
    assert best + 1 < len(values) < 200


@pytest.mark.parametrize("metric", NAMES)
def test_metric_object_serves_the_native_api(
    dtrain: xgb.DMatrix, dvalid: xgb.DMatrix, metric: str
) -> None:
    log: dict[str, Any] = {}
    booster = xgb.train(
        {**QUIET, "objective": "binary:logistic", "disable_default_eval_metric": 1,
         "base_score": 0.2},
        dtrain, 60, obj=FOCAL, custom_metric=fxgb.metric(metric, FOCAL.loss),
        evals=[(dvalid, "v")], evals_result=log, early_stopping_rounds=3,
        verbose_eval=False,
    )  # fmt: skip
    ((name, values),) = log["v"].items()
    assert name.endswith(f"{metric}_x1e6")
    assert values[0] == pytest.approx(
        1e6 * by_hand(metric, booster, dvalid, 1), rel=1e-6
    )
    best = np.argmax(values) if metric == "average_precision" else np.argmin(values)
    assert booster.best_iteration == best < len(values) - 1


@pytest.mark.parametrize("metric", ["log_loss", "average_precision"])
def test_metric_object_serves_the_sklearn_api(
    sample: Sample, validation: Sample, metric: str
) -> None:
    model = xgb.XGBClassifier(
        objective=FOCAL, eval_metric=fxgb.metric(metric, FOCAL.loss), n_jobs=1,
        n_estimators=60, early_stopping_rounds=3, base_score=0.2,
    )  # fmt: skip
    model.fit(
        sample.X, sample.y, sample_weight=sample.weight, verbose=False,
        eval_set=[(validation.X, validation.y)],
        sample_weight_eval_set=[validation.weight],
    )  # fmt: skip
    log = model.evals_result()["validation_0"]
    values = next(v for name, v in log.items() if name.endswith(f"{metric}_x1e6"))
    best = np.argmax(values) if metric == "average_precision" else np.argmin(values)
    assert model.best_iteration == best < len(values) - 1


def test_a_loss_below_six_decimals_does_not_stop_early() -> None:
    # Two values that separate the classes: the loss falls without end.
    y = np.repeat([0, 1], [3900, 100])
    data = xgb.DMatrix(y[:, None].astype(float), y)
    log: dict[str, Any] = {}
    fxgb.train(
        {**QUIET, "min_child_weight": 0, "lambda": 0}, data, 80, metrics="focal_loss",
        objective=FocalObjective(0.5, 2.0), evals=[(data, "v")], evals_result=log,
        early_stopping_rounds=1, verbose_eval=False,
    )  # fmt: skip
    values = log["v"]["focal_loss"]
    assert len(values) == 80
    # What "%f" would have left of them stood still long before the end.
    assert len({f"{value:f}" for value in values}) < 70


def test_cv_reports_our_metric(dtrain: xgb.DMatrix) -> None:
    result = xgb.cv(
        {**QUIET, "objective": "binary:logistic", "base_score": 0.2}, dtrain, 4,
        nfold=3,
        obj=FOCAL, custom_metric=fxgb.metric("log_loss", FOCAL.loss), seed=0,
    )  # fmt: skip
    column = result["test-log_loss_x1e6-mean"]
    assert len(column) == 4
    assert column.iloc[-1] < column.iloc[0]


def test_our_log_comes_beside_xgboosts_and_the_callers(
    dtrain: xgb.DMatrix,
) -> None:
    log: dict[str, Any] = {}
    fxgb.train(
        {**QUIET, "eval_metric": "auc"}, dtrain, 2, evals=[(dtrain, "t")],
        custom_metric=lambda margin, data: ("mean", float(margin.mean())),
        evals_result=log, verbose_eval=False,
    )  # fmt: skip
    assert list(log["t"]) == ["auc", "mean", "log_loss"]


def test_the_default_metric_of_sigma_is_off(dtrain: xgb.DMatrix) -> None:
    log: dict[str, Any] = {}
    fxgb.train(
        QUIET, dtrain, 1, evals=[(dtrain, "t")], evals_result=log, verbose_eval=False
    )
    assert list(log["t"]) == ["log_loss"]


@pytest.mark.parametrize("name", ["logloss", "error", "error@0.3"])
def test_metrics_that_misread_the_margin_are_named(
    dtrain: xgb.DMatrix, name: str
) -> None:
    with pytest.warns(UserWarning, match=f"eval_metric '{name}' takes sigmoid"):
        fxgb.train({**QUIET, "eval_metric": ["auc", name]}, dtrain, 1)


def test_base_score_is_the_callers_start(dtrain: xgb.DMatrix) -> None:
    params = {**QUIET, "base_score": 0.4, "max_depth": 1, "gamma": 1e9, "eta": 1e-9}
    booster = fxgb.train(params, dtrain, 1)
    margin = booster.predict(dtrain, output_margin=True)
    np.testing.assert_allclose(margin, np.log(0.4 / 0.6), rtol=1e-5)


def test_start_is_clamped_to_what_xgboost_accepts() -> None:
    X = np.zeros((3, 1))
    data = xgb.DMatrix(X, [0, 0, 1], weight=[1e12, 1e12, 1e-3])
    booster = fxgb.train(QUIET, data, 0, objective=FocalObjective(None, 0.0))
    margin = booster.predict(data, output_margin=True)
    np.testing.assert_allclose(margin, np.log(1e-6), rtol=1e-4)


def test_base_score_does_not_move_a_continued_model(dtrain: xgb.DMatrix) -> None:
    first = fxgb.train(QUIET, dtrain, 3)
    with pytest.warns(UserWarning, match="base_score would move the model"):
        second = fxgb.train({**QUIET, "base_score": 0.9}, dtrain, 2, xgb_model=first)
    np.testing.assert_array_equal(
        second.predict(dtrain, iteration_range=(0, 3)), first.predict(dtrain)
    )


@pytest.mark.parametrize("kind", [xgb.DMatrix, xgb.QuantileDMatrix])
@pytest.mark.parametrize("method", ["hist", "approx", "exact"])
def test_every_kind_of_data_and_tree(sample: Sample, kind: Any, method: str) -> None:
    if kind is xgb.QuantileDMatrix and method != "hist":
        pytest.skip("XGBoost has quantile matrices for hist only")
    booster = fxgb.train({**QUIET, "tree_method": method}, kind(sample.X, sample.y), 10)
    posterior = FocalLoss().posterior(XGBoost.margin(booster, sample.X))
    assert posterior[sample.y == 1].mean() > 3 * posterior[sample.y == 0].mean()


def test_positional_and_unknown_arguments(dtrain: xgb.DMatrix) -> None:
    with pytest.raises(ValueError, match="obj must be given as objective, got obj="):
        fxgb.train(QUIET, dtrain, 1, obj=FOCAL)
    with pytest.raises(TypeError, match="nonsense"):
        fxgb.train(QUIET, dtrain, 1, nonsense=1)


@pytest.mark.parametrize("missing", ["xgboost", "sklearn"])
def test_missing_library_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "import focal_boost\n"
        "try: focal_boost.FocalXGBClassifier\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout == (
        "focal_boost.xgboost needs XGBoost and scikit-learn:"
        ' pip install "focal-boost[xgboost]"\n'
    )
