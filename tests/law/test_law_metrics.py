"""With focal loss, what a library reports is scikit-learn's of the model's predict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from law_data import TRAIN, VALID, scores, with_categories, with_holes
from law_lightgbm_train import BAGGING
from law_lightgbm_train import DART as LIGHTGBM_DART
from law_matrix import other_arm
from law_xgboost_train import DART as XGBOOST_DART
from numpy.typing import NDArray
from sklearn import metrics

Metric = Callable[[Any, Any, Any], float]


def _error(y: Any, p: Any, w: Any) -> float:
    return 1 - float(metrics.accuracy_score(y, p > 0.5, sample_weight=w))


def _log_loss(y: Any, p: Any, w: Any) -> float:
    return float(metrics.log_loss(y, p, sample_weight=w))


def _brier(y: Any, p: Any, w: Any) -> float:
    return float(metrics.brier_score_loss(y, p, sample_weight=w))


def _absolute(y: Any, p: Any, w: Any) -> float:
    return float(metrics.mean_absolute_error(y, p, sample_weight=w))


def _auc(y: Any, p: Any, w: Any) -> float:
    return float(metrics.roc_auc_score(y, p, sample_weight=w))


def _precision(y: Any, p: Any, w: Any) -> float:
    return float(metrics.average_precision_score(y, p, sample_weight=w))


# XGBoost's aucpr interpolates otherwise than scikit-learn; see the test below.
XGBOOST: dict[str, Metric] = {
    "logloss": _log_loss,
    "error": _error,
    "auc": _auc,
    "rmse": lambda y, p, w: _brier(y, p, w) ** 0.5,
    "mae": _absolute,
}
LIGHTGBM: dict[str, Metric] = {
    "binary_logloss": _log_loss,
    "binary_error": _error,
    "auc": _auc,
    "average_precision": _precision,
    "l2": _brier,
    "l1": _absolute,
}
LOSSES = [(None, 1.0), (0.25, 2.0)]
losses = pytest.mark.parametrize(("alpha", "gamma"), LOSSES)

XGBOOST_RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weights": True},
    "positives": {"params": {"scale_pos_weight": 5.0}},
    "missing": {"convert": with_holes},
    "categorical": {"convert": with_categories},
    "parts": {"params": {"subsample": 0.6, "colsample_bynode": 0.6, "seed": 2}},
    "own start": {"params": {"base_score": 0.5}},
    "start": {"start": True},
    "stopping": {"params": {"eta": 0.9}, "stop": 3, "rounds": 25},
    "continued": {"continued": True},
    "dart": {"params": XGBOOST_DART, "last": True},
}
LIGHTGBM_RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weights": True},
    "positives": {"params": {"scale_pos_weight": 5.0}},
    "unbalance": {"params": {"is_unbalance": True}},
    "missing": {"convert": with_holes},
    "categorical": {"convert": with_categories},
    "parts": {"params": {**BAGGING, "feature_fraction": 0.6}},
    "from zero": {"params": {"boost_from_average": False}},
    "goss": {"params": {"data_sample_strategy": "goss", "learning_rate": 0.5}},
    "linear": {"params": {"linear_tree": True}},
    "stopping": {"params": {"learning_rate": 0.9}, "stop": 3, "rounds": 25},
    "continued": {"continued": True},
    "dart": {"params": LIGHTGBM_DART, "last": True},
}


class Heard:
    """A metric that keeps the predictions it is handed, per set."""

    __name__ = "heard"

    def __init__(self) -> None:
        self.seen: dict[int, list[NDArray[Any]]] = {}

    def __call__(self, preds: Any, data: Any) -> Any:
        self.seen.setdefault(id(data), []).append(np.array(preds))
        value = float(np.mean(preds))
        return ("heard", value) if isinstance(data, xgb.DMatrix) else (
            "heard", value, False
        )  # fmt: skip


def compare(
    log: Any, rows: Any, weight: Any, known: Any, predict: Any, bound: Any
) -> None:
    """Compare every logged value with scikit-learn's of predict(number of trees)."""
    for name, metric in known.items():
        values = log[name]
        for k, value in predict(len(values)).items():
            p = np.asarray(value, np.float64)
            assert values[k - 1] == pytest.approx(metric(rows.y, p, weight), **bound), (
                f"{name} after {k} rounds"
            )


def rounds_of(last: bool, before: int, predict: Any, kept: int = 99) -> Any:
    """Return a function of a count: probabilities per number of rounds so far."""

    def of(count: int) -> dict[int, Any]:
        # Dropout rescales earlier trees, so that only the last model is still there;
        # LightGBM keeps no round after the best one.
        counted = [count] if last else range(1, min(count, kept) + 1)
        return {k: predict(before + k) for k in counted}

    return of


@losses
@pytest.mark.parametrize("name", XGBOOST_RUNS)
def test_xgboost(name: str, alpha: float | None, gamma: float, tmp_path: Path) -> None:
    run = XGBOOST_RUNS[name]
    arm = other_arm(tmp_path, alpha, gamma)
    convert = run.get("convert", lambda X: X)
    data, weights = [], []
    for rows, seed in ((TRAIN, 5), (VALID, 6)):
        weights.append(rows.weight if run.get("weights") else None)
        margin = scores(len(rows.y), seed) if run.get("start") else None
        data.append(
            xgb.DMatrix(
                convert(rows.X), rows.y, weight=weights[-1], base_margin=margin,
                nthread=1, enable_categorical=True,
            )
        )  # fmt: skip
    log: dict[str, Any] = {}
    heard, params = Heard(), run.get("params", {})
    # The last metric is the one that stops, and the caller's comes after these.
    order = ["auc", "error", "rmse", "mae", "logloss"]
    first = arm.xgboost(params, data[0], 3) if run.get("continued") else None
    stop = xgb.callback.EarlyStopping(rounds=run.get("stop", 99), metric_name="logloss")
    booster = arm.xgboost(
        {**params, "eval_metric": order}, data[0], run.get("rounds", 6),
        evals=list(zip(data, ("train", "valid"), strict=True)), evals_result=log,
        verbose_eval=False, custom_metric=heard, callbacks=[stop], xgb_model=first,
    )  # fmt: skip
    before = 3 if first is not None else 0
    last = run.get("last", False)
    for rows, weight, one, where in zip(
        (TRAIN, VALID), weights, data, ("train", "valid"), strict=True
    ):

        def predict(k: int, one: Any = one) -> Any:
            return booster.predict(one, iteration_range=(0, k))

        by_round = rounds_of(last, before, predict)
        compare(log[where], rows, weight, XGBOOST, by_round, {"rel": 1e-7, "abs": 1e-7})
        given = heard.seen[id(one)]
        for k, p in by_round(len(given)).items():
            np.testing.assert_allclose(given[k - 1], p, rtol=0, atol=2e-7)
    if "stop" in run:
        expected = int(np.argmin(log["valid"]["logloss"]))
        assert booster.best_iteration == expected < len(log["valid"]["logloss"]) - 1


@losses
def test_xgboost_of_the_plain_library(
    alpha: float | None, gamma: float, tmp_path: Path
) -> None:
    """The library says the same of the model when it has read it from a file."""
    names = ["aucpr", "map", "error@0.3", "logloss", "gamma-nloglik"]
    data = xgb.DMatrix(VALID.X, VALID.y, nthread=1)
    log: dict[str, Any] = {}
    train = xgb.DMatrix(TRAIN.X, TRAIN.y, nthread=1)
    arm = other_arm(tmp_path, alpha, gamma)
    booster = arm.xgboost(
        {"eval_metric": names}, train, 6, evals=[(data, "valid")], evals_result=log
    )
    booster.save_model(tmp_path / "m.json")
    again = xgb.Booster({"eval_metric": names}, model_file=tmp_path / "m.json")
    for k in range(1, 7):
        said = dict(part.split(":") for part in again[:k].eval(data, "v").split()[1:])
        values = [float(said[f"v-{name}"]) for name in names]
        logged = [log["valid"][name][k - 1] for name in names]
        np.testing.assert_allclose(logged, values, rtol=1e-6)


@losses
@pytest.mark.parametrize("name", LIGHTGBM_RUNS)
def test_lightgbm(name: str, alpha: float | None, gamma: float, tmp_path: Path) -> None:
    run = LIGHTGBM_RUNS[name]
    arm = other_arm(tmp_path, alpha, gamma)
    convert = run.get("convert", lambda X: X)
    weights = [rows.weight if run.get("weights") else None for rows in (TRAIN, VALID)]
    given = {"free_raw_data": False, "params": {"verbosity": -1}}
    train = lgb.Dataset(convert(TRAIN.X), TRAIN.y, weight=weights[0], **given)
    valid = train.create_valid(convert(VALID.X), VALID.y, weight=weights[1])
    log: dict[str, Any] = {}
    heard, last = Heard(), run.get("last", False)
    params = {"verbosity": -1, **run.get("params", {})}
    first = arm.lightgbm(params, train, 3) if run.get("continued") else None
    # A Python metric on the training set disturbs LightGBM's own dropout.
    asked: dict[str, Any] = {} if last else {"feval": heard}
    callbacks = [lgb.record_evaluation(log)]
    if "stop" in run:
        callbacks.append(lgb.early_stopping(run["stop"], True, verbose=False))
    booster = arm.lightgbm(
        {**params, "metric": list(LIGHTGBM)}, train, run.get("rounds", 6),
        valid_sets=[train, valid], valid_names=["train", "valid"], init_model=first,
        callbacks=callbacks, **asked,
    )  # fmt: skip
    before = 3 if first is not None else 0
    exact = {"rel": 1e-12, "abs": 1e-14}
    for rows, weight, one, where in zip(
        (TRAIN, VALID), weights, (train, valid), ("train", "valid"), strict=True
    ):
        X = convert(rows.X)

        def predict(k: int, X: Any = X) -> Any:
            return booster.predict(X, num_iteration=k)

        by_round = rounds_of(last, before, predict, booster.num_trees() - before)
        compare(log[where], rows, weight, LIGHTGBM, by_round, exact)
        handed = heard.seen.get(id(one), [])
        for k, p in by_round(len(handed)).items() if asked else ():
            np.testing.assert_allclose(handed[k - 1], p, rtol=1e-12, atol=1e-14)
    if "stop" in run:
        values = log["valid"]["binary_logloss"]
        assert booster.best_iteration == int(np.argmin(values)) + 1 < len(values)


def _lightgbm_classifier(arm: Any, weight: Any) -> Any:
    model = arm.lightgbm_classifier(verbosity=-1, metric=list(LIGHTGBM))
    given = {"eval_set": [(VALID.X, VALID.y)], "eval_names": ["validation_0"]}
    if weight is not None:
        given["eval_sample_weight"] = [VALID.weight]
    model.fit(TRAIN.X, TRAIN.y, sample_weight=weight, **given)
    return model, model.evals_result_, "num_iteration"


def _xgboost_classifier(arm: Any, weight: Any) -> Any:
    model = arm.xgboost_classifier(eval_metric=list(XGBOOST))
    given = {"eval_set": [(VALID.X, VALID.y)], "verbose": False}
    if weight is not None:
        given["sample_weight_eval_set"] = [VALID.weight]
    model.fit(TRAIN.X, TRAIN.y, sample_weight=weight, **given)
    return model, model.evals_result(), "iteration_range"


@losses
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("fit", "known", "bound"),
    [
        (_xgboost_classifier, XGBOOST, {"rel": 1e-7, "abs": 1e-7}),
        (_lightgbm_classifier, LIGHTGBM, {"rel": 1e-12, "abs": 1e-14}),
    ],
)
@pytest.mark.filterwarnings("ignore:.*eval_set.*deprecated:Warning")
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_classifiers(
    fit: Any, known: Any, bound: Any, weighted: bool, alpha: float | None,
    gamma: float, tmp_path: Path,
) -> None:  # fmt: skip
    arm = other_arm(tmp_path, alpha, gamma)
    model, log, argument = fit(arm, TRAIN.weight if weighted else None)
    assert list(log["validation_0"]) == list(known)

    def predict(k: int) -> Any:
        first = (0, k) if argument == "iteration_range" else k
        return model.predict_proba(VALID.X, **{argument: first})[:, 1]

    weight = VALID.weight if weighted else None
    by_round = rounds_of(False, 0, predict)
    compare(log["validation_0"], VALID, weight, known, by_round, bound)
