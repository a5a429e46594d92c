"""Both ``train`` functions: what they share with the built-in objective, and not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from boosters import BOTH
from conftest import Sample, make_sample
from estimators import quiet
from sklearn.metrics import log_loss

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet

PLAIN = FocalObjective(alpha=None, gamma=0.0)
FOCAL = FocalObjective(alpha=0.25, gamma=2.0)

# Deeper trees reach margins beyond 11, where 2e-6 is two steps of XGBoost's float32.
SHALLOW = {"max_depth": 4}

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])


def start_of(library: Any, sample: Sample, weighted: bool) -> dict[str, Any]:
    """Return what has XGBoost 2 start at the prevalence, as all others do."""
    weight = sample.weight if weighted else None
    prevalence = float(np.average(sample.y, weights=weight))
    return {"base_score": prevalence} if library.name == "xgboost" else {}


def data_of(library: Any, sample: Sample, weighted: bool = False) -> Any:
    return library.data(sample.X, sample.y, sample.weight if weighted else None)


@both
@weighted
def test_gamma_0_is_the_built_in_objective(
    library: Any, sample: Sample, weighted: bool
) -> None:
    data = data_of(library, sample, weighted)
    built_in = library.train(
        data, 50, None, {**SHALLOW, **start_of(library, sample, weighted)}
    )
    expected = library.margin(built_in, sample.X)
    actual = library.margin(library.train(data, 50, PLAIN, SHALLOW), sample.X)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=library.tolerance)


@both
@weighted
def test_gamma_0_is_the_built_in_classifier(
    library: Any, sample: Sample, weighted: bool
) -> None:
    weight = sample.weight if weighted else None
    settings = {"n_estimators": 50, **SHALLOW, **library.quiet_estimator}
    built_in = library.classifier(**settings, **start_of(library, sample, weighted))
    focal = library.focal_classifier(focal_alpha=None, focal_gamma=0, **settings)
    built_in.fit(sample.X, sample.y, sample_weight=weight)
    focal.fit(sample.X, sample.y, sample_weight=weight)
    expected = library.estimator_margin(built_in, sample.X)
    np.testing.assert_allclose(
        focal.decision_function(sample.X), expected, rtol=0, atol=library.tolerance
    )


@both
@weighted
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_native_and_sklearn_train_the_same_model(
    library: Any, sample: Sample, weighted: bool, gamma: float
) -> None:
    weight = sample.weight if weighted else None
    data = library.data(sample.X, sample.y, weight)
    booster = library.train(data, 30, FocalObjective(0.25, gamma))
    estimator = library.focal_classifier(
        focal_gamma=gamma, n_estimators=30, **library.quiet_estimator
    ).fit(sample.X, sample.y, sample_weight=weight)
    np.testing.assert_array_equal(
        estimator.decision_function(sample.X), library.margin(booster, sample.X)
    )


@both
def test_weights_are_repeated_rows(library: Any, sample: Sample) -> None:
    times = np.random.default_rng(5).integers(1, 4, len(sample.y))
    rows = np.repeat(np.arange(len(sample.y)), times)
    # Bins and leaf sizes that do not depend on how often a row is repeated.
    X = np.round(sample.X[:, :5])
    params = {}
    if library.name == "lightgbm":
        params = {"min_data_in_leaf": 0, "min_data_in_bin": 1}
    by_weight = library.train(
        library.data(X, sample.y, times), 20, FOCAL, {"max_depth": 3, **params}
    )
    by_rows = library.train(
        library.data(X[rows], sample.y[rows]), 20, FOCAL, {"max_depth": 3, **params}
    )
    np.testing.assert_allclose(
        library.margin(by_weight, X), library.margin(by_rows, X), rtol=0, atol=5e-6
    )


@both
def test_training_starts_at_the_best_constant(library: Any, sample: Sample) -> None:
    # A tree that may not split is a constant, and the best constant needs no step.
    params = (
        {"min_data_in_leaf": len(sample.y)}
        if library.name == "lightgbm"
        else {"max_depth": 1, "gamma": 1e9}
    )
    booster = library.train(data_of(library, sample, weighted=True), 1, FOCAL, params)
    expected = FOCAL.loss.initial_margin(sample.y, sample.weight)
    np.testing.assert_allclose(library.margin(booster, sample.X), expected, rtol=2e-6)


@both
def test_prediction_is_sigma_of_the_margin(library: Any, sample: Sample) -> None:
    booster = library.train(data_of(library, sample), 10, FOCAL)
    margin = library.margin(booster, sample.X).astype(np.float64)
    np.testing.assert_allclose(
        library.probability(booster, sample.X), 1 / (1 + np.exp(-margin)), rtol=1e-6
    )


@both
def test_posterior_is_as_good_as_the_built_in_and_sigma_is_not(library: Any) -> None:
    train, stop, test = (
        make_sample(n, 0.05, seed)
        for n, seed in ((20_000, 1), (10_000, 2), (20_000, 3))
    )
    params = {"learning_rate": 0.05}
    losses, probabilities = {}, {}
    for name, objective in (("built-in", None), ("focal", FOCAL)):
        booster = early_stopped(library, train, stop, objective, params)
        probabilities[name] = library.probability(booster, test.X).astype(np.float64)
        if objective is not None:
            margin = library.margin(booster, test.X)
            probabilities["posterior"] = objective.loss.posterior(margin)
    losses = {k: log_loss(test.y, p) for k, p in probabilities.items()}
    assert losses["posterior"] <= 1.02 * losses["built-in"]
    assert losses["focal"] >= 1.20 * losses["built-in"]
    mean = probabilities["posterior"].mean()
    assert mean == pytest.approx(test.posterior.mean(), rel=0.05)


def early_stopped(
    library: Any,
    train: Sample,
    stop: Sample,
    objective: FocalObjective | None,
    params: dict[str, Any],
) -> Any:
    """Train until the log loss of the probability has not improved for 20 rounds."""
    data, held_out = data_of(library, train), data_of(library, stop)
    if library.name == "xgboost":
        booster = library.train(
            data,
            1_000,
            objective,
            {**params, **({} if objective else {"eval_metric": "logloss"})},
            evals=[(held_out, "stop")],
            early_stopping_rounds=20,
            verbose_eval=False,
        )
        return booster[: booster.best_iteration + 1]
    stopping = lgb.early_stopping(20, verbose=False)
    return library.train(
        data, 1_000, objective, params, valid_sets=[held_out], callbacks=[stopping]
    )


_RELOAD = """
import sys
sys.modules["focal_boost"] = None  # an import of it would raise
import numpy as np
X = np.load(sys.argv[2])
if sys.argv[1] == "xgboost":
    import xgboost as xgb
    p = xgb.Booster(model_file=sys.argv[3]).predict(xgb.DMatrix(X))
else:
    import lightgbm as lgb
    p = lgb.Booster(model_file=sys.argv[3]).predict(X)
np.save(sys.argv[4], p)
"""


@both
@pytest.mark.parametrize("boosting", ["tree", "dart"])
def test_saved_model_needs_no_focal_boost(
    library: Any, sample: Sample, tmp_path: Path, boosting: str
) -> None:
    params = library.dart if boosting == "dart" else {}
    booster = library.train(data_of(library, sample, weighted=True), 15, FOCAL, params)
    model, X, out = (tmp_path / n for n in ("model.json", "X.npy", "p.npy"))
    np.save(X, sample.X)
    booster.save_model(str(model))
    subprocess.run(
        [sys.executable, "-c", _RELOAD, library.name, X, model, out], check=True
    )
    np.testing.assert_array_equal(np.load(out), library.probability(booster, sample.X))


@both
def test_continuation_goes_on_where_it_stopped(library: Any, sample: Sample) -> None:
    data = data_of(library, sample, weighted=True)
    whole = library.train(data, 20, FOCAL)
    half = library.train(data, 8, FOCAL)
    key = "xgb_model" if library.name == "xgboost" else "init_model"
    joined = library.train(data_of(library, sample, True), 12, FOCAL, **{key: half})
    np.testing.assert_allclose(
        library.margin(joined, sample.X),
        library.margin(whole, sample.X),
        rtol=0,
        atol=0 if library.name == "xgboost" else 1e-12,
    )


@both
def test_missing_values_and_categories_are_split_on(
    library: Any, sample: Sample
) -> None:
    import pandas as pd

    frame = pd.DataFrame(sample.X[:, :4].copy(), columns=list("abcd"))
    frame.loc[::3, "a"] = np.nan
    frame["e"] = pd.Categorical(np.where(sample.y == 1, "x", "yz"[0]))
    if library.name == "xgboost":
        data = xgb.DMatrix(frame, sample.y, enable_categorical=True)
        booster = library.train(data, 10, FOCAL)
    else:
        data = library.data(frame, sample.y)
        booster = library.train(data, 10, FOCAL)
    margin = library.margin(booster, data)
    assert margin[sample.y == 1].min() > margin[sample.y == 0].max()


@both
@pytest.mark.parametrize("constraint", [1, -1])
def test_monotone_constraints_hold(
    library: Any, sample: Sample, constraint: int
) -> None:
    constraints = [constraint] + [0] * (sample.X.shape[1] - 1)
    params: dict[str, Any] = {"monotone_constraints": constraints}
    if library.name == "xgboost":
        params["monotone_constraints"] = tuple(constraints)
    booster = library.train(data_of(library, sample), 20, FOCAL, params)
    grid = np.repeat(sample.X[:50], 20, axis=0)
    grid[:, 0] = np.tile(np.linspace(-3, 3, 20), 50)
    steps = np.diff(library.margin(booster, grid).reshape(50, 20), axis=1)
    assert (constraint * steps >= 0).all()
    assert (steps != 0).any() or constraint == -1


@both
@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        ([0, 1, 2, 1], None, "y_true must contain only 0 and 1, got 2"),
        ([-1, 1, -1, 1], None, "y_true must contain only 0 and 1, got -1"),
        ([0, 0, 0, 0], None, "must contain both classes with positive weight, got on"),
        ([0, 1, 0, 1], [1, 0, 1, 0], "both classes with positive weight, got only 0"),
        ([0, 1, 0, 1], [0, 0, 0, 0], "sample_weight must not be all zero"),
    ],
)
def test_bad_data_is_named(
    library: Any, y: list[int], weight: list[int] | None, message: str
) -> None:
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match=message):
        library.train(library.data(X, y, weight), 3, FOCAL)


@both
def test_bad_arguments_are_named(library: Any, sample: Sample) -> None:
    data = data_of(library, sample)
    with pytest.raises(ValueError, match=r"metric must be one of .*, got 'auc'"):
        library.train(data, 1, FOCAL, metrics=("auc",))
    with pytest.raises(ValueError, match="objective must be a FocalObjective, got"):
        library.train(data, 1, FocalLoss())
    with pytest.raises(ValueError, match=r"objective in params must be .* got 'rank'"):
        library.train(data, 1, FOCAL, {"objective": "rank"})


@both
def test_ignored_parameters_are_named(library: Any, sample: Sample) -> None:
    data = data_of(library, sample)
    with pytest.warns(UserWarning, match="scale_pos_weight is ignored .* use alpha"):
        booster = library.train(data, 3, FOCAL, {"scale_pos_weight": 9})
    plain = library.train(data, 3, FOCAL, {"scale_pos_weight": 1})
    np.testing.assert_array_equal(
        library.margin(booster, sample.X), library.margin(plain, sample.X)
    )


@both
def test_the_callers_parameters_are_left_alone(library: Any, sample: Sample) -> None:
    params = {"learning_rate": 0.2, **library.quiet}
    kept = dict(params)
    library.train(data_of(library, sample), 2, FOCAL, params)
    assert params == kept
