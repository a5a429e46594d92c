"""Both ``train`` functions with focal loss: starts, posteriors, links."""

from __future__ import annotations

import warnings
from typing import Any

import boosters
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from boosters import XGBoost, prevalence_start
from estimators import both, quiet
from populations import Sample, make_sample
from scipy.special import expit, logit
from sklearn.metrics import log_loss

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)


def data_of(library: Any, sample: Sample, weighted: bool = False) -> Any:
    return library.data(sample.X, sample.y, sample.weight if weighted else None)


# One model, however it is trained


@both
@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("weights", [None, list, pd.Series, np.float64])
def test_native_and_sklearn_train_the_same_model(
    library: Any, sample: Sample, weights: Any, gamma: float
) -> None:
    data = data_of(library, sample, weighted=weights is not None)
    booster = library.train(data, 30, FocalObjective(0.25, gamma))
    estimator = library.focal_classifier(
        focal_gamma=gamma, n_estimators=30, **library.quiet_estimator
    )
    weight = None if weights is None else weights(sample.weight)
    estimator.fit(sample.X, sample.y, sample_weight=weight)
    np.testing.assert_array_equal(
        estimator.decision_function(sample.X), library.raw_score(booster, sample.X)
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
        library.raw_score(by_weight, X),
        library.raw_score(by_rows, X),
        rtol=0,
        atol=5e-6,
    )


# The start


@both
@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.9, 1.0)])
def test_training_starts_at_the_prevalence(
    library: Any, sample: Sample, alpha: float, gamma: float
) -> None:
    # A tree that may not split is a constant, and the best constant needs no step.
    params = (
        {"min_data_in_leaf": len(sample.y)}
        if library.name == "lightgbm"
        else {"max_depth": 1, "gamma": 1e9}
    )
    params |= prevalence_start(library, sample)
    objective = FocalObjective(alpha, gamma)
    data = data_of(library, sample, weighted=True)
    raw_score = library.raw_score(library.train(data, 1, objective, params), sample.X)
    expected = logit(np.average(sample.y, weights=sample.weight))
    np.testing.assert_allclose(raw_score, expected, rtol=2e-6)
    start = objective.initial_score(sample.y, sample.weight)
    assert start == pytest.approx(expected, rel=1e-6)


# The posterior


@both
def test_prediction_is_the_posterior(library: Any, sample: Sample) -> None:
    booster = library.train(data_of(library, sample), 10, FOCAL)
    raw_score = library.raw_score(booster, sample.X).astype(np.float64)
    predicted = library.probability(booster, sample.X)
    np.testing.assert_allclose(predicted, expit(raw_score), rtol=1e-6)
    np.testing.assert_allclose(predicted, FOCAL.posterior(raw_score), rtol=1e-6)


@both
@pytest.mark.parametrize("alpha", [None, 0.25, 0.8])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_cells_get_their_frequencies(
    library: Any, alpha: float | None, gamma: float
) -> None:
    # Rows that differ in nothing but their cell: any loss that recovers the posterior
    # is least where every cell has its share of positives.
    rng = np.random.default_rng(0)
    cell = rng.integers(0, 6, 4_000)
    y = (rng.random(4_000) < np.array([0.02, 0.1, 0.3, 0.5, 0.8, 0.97])[cell]) + 0
    weight = rng.uniform(0.5, 2.0, 4_000).astype(np.float32)
    params = {"learning_rate": 0.5, "max_depth": 3, "lambda": 0, "min_child_weight": 0}
    X = cell[:, None].astype(float)
    data = library.data(X, y, weight)
    booster = library.train(data, 150, FocalObjective(alpha, gamma), params)
    shares = [np.average(y[cell == k], weights=weight[cell == k]) for k in range(6)]
    cells = np.arange(6.0)[:, None]
    np.testing.assert_allclose(
        library.probability(booster, cells), shares, rtol=0, atol=2e-4
    )


@both
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_posterior_is_the_known_truth_within_noise(library: Any, gamma: float) -> None:
    train, stop, test = (
        make_sample(n, 0.05, seed)
        for n, seed in ((20_000, 1), (10_000, 2), (20_000, 3))
    )
    predicted, losses = {}, {}
    for name, objective in (("own", None), ("focal", FocalObjective(0.25, gamma))):
        booster = early_stopped(library, train, stop, objective)
        predicted[name] = library.probability(booster, test.X).astype(np.float64)
        losses[name] = log_loss(test.y, predicted[name])
    p = predicted["focal"]
    assert losses["focal"] <= 1.02 * losses["own"]
    assert p.mean() == pytest.approx(test.posterior.mean(), rel=0.05)
    # Of every tenth of the rows by what is predicted: mean truth and mean prediction.
    tenths = np.array_split(np.argsort(p), 10)
    truth, found = (
        np.array([v[rows].mean() for rows in tenths]) for v in (test.posterior, p)
    )
    noise = np.sqrt(found * (1 - found) / len(tenths[0]))
    assert (np.abs(truth - found) < 4 * noise).all(), (truth - found) / noise


def early_stopped(
    library: Any, train: Sample, stop: Sample, objective: FocalObjective | None
) -> Any:
    """Train until the log loss has not improved for 20 rounds."""
    params = {"learning_rate": 0.05, "max_depth": 4}
    watching = library.watching({"stop": data_of(library, stop)}, {}, stop=20)
    booster = library.train(
        data_of(library, train), 1_000, objective, params, **watching
    )
    return booster[: booster.best_iteration + 1] if library is XGBoost else booster


# The other link


def by_the_library(library: Any, sample: Sample, loss: FocalLoss, start: float) -> Any:
    """Return raw scores that the library trains by a loss of the paper's margin."""

    def objective(margin: Any, data: Any) -> Any:
        y, weight = data.get_label(), data.get_weight()
        return tuple(
            (weight * of(y, margin)).astype(np.float32)
            for of in (loss.gradient, loss.curvature)
        )

    data = data_of(library, sample, weighted=True)
    if library is XGBoost:
        params = {
            **library.quiet,
            "objective": "binary:logistic",
            "base_score": expit(start),
        }
        return library.raw_score(xgb.train(params, data, 12, obj=objective), sample.X)
    data.set_init_score(np.full(len(sample.y), start))
    booster = lgb.train({**library.quiet, "objective": objective}, data, 12)
    return library.raw_score(booster, sample.X) + start


@both
def test_raw_score_of_the_focal_link_is_the_papers_margin(
    library: Any, sample: Sample
) -> None:
    objective = FocalObjective(0.25, 2.0, link="focal")
    data = data_of(library, sample, weighted=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        booster = library.train(data, 12, objective)
    (said,) = caught
    assert said.category is UserWarning
    assert 'link="focal"' in str(said.message)
    # The line that called train.
    assert said.filename == boosters.__file__
    raw_score = library.raw_score(booster, sample.X)
    start = objective.loss.margin(np.average(sample.y, weights=sample.weight))
    expected = by_the_library(library, sample, objective.loss, float(start))
    np.testing.assert_allclose(raw_score, expected, rtol=0, atol=2e-6)
    posterior = objective.loss.posterior(raw_score)
    np.testing.assert_array_equal(objective.posterior(raw_score), posterior)
    prevalence = np.average(sample.y, weights=sample.weight)
    mean = np.average(posterior, weights=sample.weight)
    assert mean == pytest.approx(prevalence, rel=0.1)
    sigma = library.probability(booster, sample.X).astype(float)
    np.testing.assert_allclose(sigma, expit(raw_score.astype(float)), rtol=1e-6)
    assert np.average(sigma, weights=sample.weight) > 1.5 * prevalence
