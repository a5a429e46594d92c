"""Posteriors of many classes on a population whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import XGBoost, lgb, xgb
from estimators import both, quiet
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import log_loss

pytestmark = quiet

SHARES = np.array([0.6, 0.25, 0.1, 0.04, 0.005, 0.005])
SETTINGS: dict[str, dict[str, Any]] = {
    "xgboost": {"max_depth": 3},
    "lightgbm": {"num_leaves": 7, "reg_lambda": 1.0},
}


def population(n: int, seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return features, class numbers and P(class | features), two classes rare."""
    rng = np.random.default_rng(99)
    slopes = 0.9 * rng.normal(size=(5, len(SHARES)))
    many = rng.normal(size=(100_000, 5)) @ slopes
    start = np.log(SHARES)
    for _ in range(100):
        start += np.log(SHARES / softmax(many + start, axis=1).mean(axis=0))
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    truth = softmax(X @ slopes + start, axis=1)
    y = (truth.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)
    return X, y, truth


@both
def test_posteriors_are_right_and_as_good_as_the_librarys_own(library: Any) -> None:
    X, y, _ = population(60_000, 0)
    X_test, y_test, truth = population(60_000, 2)
    assert truth.mean(axis=0) == pytest.approx(SHARES, rel=0.05)
    given = {"n_estimators": 130, "learning_rate": 0.1, **library.quiet_estimator}
    given |= SETTINGS[library.name]
    kind = xgb.XGBClassifier if library is XGBoost else lgb.LGBMClassifier
    own = kind(**given).fit(X, y).predict_proba(X_test)
    model = library.focal_classifier(**given).fit(X, y)
    loss = log_loss(y_test, model.predict_proba(X_test))
    assert loss < 1.02 * log_loss(y_test, own)
    assert loss < 1.02 * log_loss(y_test, truth)
    posterior = model.focal_objective_.posterior(model.decision_function(X_test))
    assert posterior.mean(axis=0) == pytest.approx(truth.mean(axis=0), rel=0.05)
