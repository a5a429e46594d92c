"""Rare events: settings that all work, margins that stay, and the fraud set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from boosters import BOTH, LightGBM
from conftest import make_sample
from sklearn.metrics import average_precision_score, log_loss

import focal_boost.lightgbm as flgb
from focal_boost import FocalObjective

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)


@both
@pytest.mark.parametrize(
    ("prevalence", "rows"), [(0.001, 60_000), (0.005, 40_000), (0.02, 20_000)]
)
def test_no_setting_collapses(library: Any, prevalence: float, rows: int) -> None:
    train, test = (make_sample(rows, prevalence, seed) for seed in (1, 2))
    data = library.data(train.X, train.y)
    precision, reach = {}, {}
    for alpha in (0.25, 0.5, 0.75, 1 - train.y.mean()):
        for gamma in (0.5, 1.0, 2.0, 5.0):
            objective = FocalObjective(alpha, gamma)
            margin = library.margin(library.train(data, 40, objective), test.X)
            precision[alpha, gamma] = average_precision_score(test.y, margin)
            reach[alpha, gamma] = np.abs(margin).max()
    assert min(precision.values()) >= 0.5 * max(precision.values()), precision
    assert max(precision.values()) >= 20 * prevalence
    assert max(reach.values()) < 40, reach


def test_lightgbm_would_run_away_without_a_bound_on_its_steps() -> None:
    train = make_sample(100_000, 0.001, seed=3)
    params = {**LightGBM.quiet, "max_delta_step": 0}
    objective = FocalObjective(0.25, 0.5)
    data = LightGBM.data(train.X, train.y)
    reach = {
        name: np.abs(
            LightGBM.margin(LightGBM.train(data, 60, objective, chosen), train.X)
        ).max()
        for name, chosen in (("bounded", {}), ("unbounded", params))
    }
    assert reach["bounded"] < 12 < reach["unbounded"]


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
    margin = booster.predict(X_test, raw_score=True)
    posterior = objective.loss.posterior(margin)
    assert average_precision_score(y_test, posterior) >= 0.82
    assert np.abs(margin).max() < 40
    assert log_loss(y_test, posterior) < 0.004
