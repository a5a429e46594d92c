"""Rare events: settings that all work, scores that stay, and the fraud set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from boosters import BOTH, LightGBM
from populations import make_sample
from sklearn.metrics import average_precision_score, log_loss

import focal_boost.lightgbm as flgb
from focal_boost import FocalObjective

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)


def regularisation_of(library: Any, objective: FocalObjective, y: Any) -> Any:
    """Return the library's own regularisation, as small as the gradients at the start.

    With alpha = 1 − prevalence the weight of log loss's gradient has its dip at the
    prevalence: 0.05 for gamma 5. XGBoost's min_child_weight of 1 and lambda of 1 then
    leave the trees nearly empty, which is no collapse but no model either.
    """
    if library is LightGBM:
        return {}  # has none that matters
    (weight,) = objective.values.weight([objective.initial_score(y)])
    return {**library.quiet, "min_child_weight": weight, "reg_lambda": weight}


@both
@pytest.mark.parametrize(
    ("prevalence", "rows"), [(0.001, 60_000), (0.005, 40_000), (0.02, 20_000)]
)
def test_no_setting_collapses(library: Any, prevalence: float, rows: int) -> None:
    train, test = (make_sample(rows, prevalence, seed) for seed in (1, 2))
    data = library.data(train.X, train.y)
    precision, reach = {}, {}
    balanced = 1 - train.y.mean()
    for alpha in (0.25, 0.5, 0.75, balanced):
        for gamma in (0.5, 1.0, 2.0, 5.0):
            objective, params = FocalObjective(alpha, gamma), {}
            if alpha == balanced:
                params = regularisation_of(library, objective, train.y)
            booster = library.train(data, 40, objective, params)
            log_odds = library.raw_score(booster, test.X)
            precision[alpha, gamma] = average_precision_score(test.y, log_odds)
            reach[alpha, gamma] = np.abs(log_odds).max()
    assert min(precision.values()) >= 0.5 * max(precision.values()), precision
    assert max(precision.values()) >= 20 * prevalence
    assert max(reach.values()) < 40, reach


def test_lightgbm_runs_away_without_a_bound_on_its_steps_for_small_gamma_only() -> None:
    train = make_sample(100_000, 0.001, seed=3)
    data = LightGBM.data(train.X, train.y)

    def reach(gamma: float, bound: float) -> float:
        params = {**LightGBM.quiet, "max_delta_step": bound}
        booster = LightGBM.train(data, 60, FocalObjective(0.25, gamma), params)
        return float(np.abs(LightGBM.raw_score(booster, train.X)).max())

    assert reach(0.5, 0) > 28
    assert reach(0.5, 5) < 14
    assert reach(1.0, 0) < 14
    assert reach(2.0, 0) < 14


@pytest.fixture(scope="module")
def fraud(shared_data: Path) -> Any:
    with np.load(shared_data / "creditcard_fraud.npz") as file:
        X, y = file["X"], file["y"].astype(int)
    order = np.random.default_rng(0).permutation(len(y))
    cut = int(0.6 * len(y))
    return X[order[:cut]], y[order[:cut]], X[order[cut:]], y[order[cut:]]


def test_credit_card_fraud_with_lightgbm_defaults(fraud: Any) -> None:
    X, y, X_test, y_test = fraud
    objective = FocalObjective()
    booster = flgb.train({"verbosity": -1}, lgb.Dataset(X, y), objective=objective)
    assert booster.num_trees() == 100
    log_odds = booster.predict(X_test, raw_score=True)
    posterior = booster.predict(X_test)
    np.testing.assert_allclose(posterior, objective.posterior(log_odds), rtol=1e-12)
    assert average_precision_score(y_test, posterior) >= 0.82
    assert np.abs(log_odds).max() < 40
    assert log_loss(y_test, posterior) < 0.004
