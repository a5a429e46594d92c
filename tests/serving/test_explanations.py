"""SHAP and the libraries' own contributions: sums are log-odds or posteriors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import xgb
from estimators import booster_of, both, make, quiet
from numpy.typing import NDArray

from focal_boost.datasets import make_imbalanced

shap = pytest.importorskip("shap", reason="explanations need the package shap")

# NumPy, Numba and Matplotlib change under its feet.
pytestmark = [*quiet, pytest.mark.filterwarnings("default")]

_X, y, _ = make_imbalanced(1_500, prevalence=0.1, seed=0)
# XGBoost and SHAP compare in float32 and float64: these rows are the same in both.
X = _X.astype(np.float32)
ROWS, BACKGROUND = X[:200], X[200:300]


@pytest.fixture(params=[{}, {"focal_alpha": None, "focal_gamma": 0.0}], ids=["2", "0"])
def params(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


def close(found: NDArray[Any], expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def log_odds(found: NDArray[Any], model: Any) -> None:
    # Raw scores of XGBoost are float32.
    np.testing.assert_allclose(found, model.decision_function(ROWS), rtol=0, atol=5e-6)


@both
def test_raw_values_sum_to_the_log_odds(library: Any, params: Any) -> None:
    model = make(library, **params).fit(X, y)
    told = shap.TreeExplainer(model)(ROWS)
    assert told.values.shape == ROWS.shape
    log_odds(told.values.sum(1) + told.base_values, model)


@both
def test_probability_values_sum_to_the_posterior(library: Any, params: Any) -> None:
    model = make(library, **params).fit(X, y)
    explainer = shap.TreeExplainer(model, BACKGROUND, model_output="probability")
    told = explainer(ROWS)
    close(told.values.sum(1) + told.base_values, model.predict_proba(ROWS)[:, 1])
    mean = model.predict_proba(BACKGROUND)[:, 1].mean()
    assert float(explainer.expected_value) == pytest.approx(mean, abs=1e-6)
    # They are no scaled log-odds.
    raw = shap.TreeExplainer(model, BACKGROUND)(ROWS).values
    assert abs(np.corrcoef(raw.sum(1), told.values.sum(1))[0, 1]) < 0.999


@both
def test_interactions_sum_to_the_values(library: Any, params: Any) -> None:
    model = make(library, **params).fit(X, y)
    explainer = shap.TreeExplainer(model)
    pairs = explainer.shap_interaction_values(ROWS)
    assert pairs.shape == (*ROWS.shape, ROWS.shape[1])
    np.testing.assert_allclose(pairs.sum(2), explainer(ROWS).values, rtol=0, atol=5e-6)
    log_odds(pairs.sum((1, 2)) + explainer.expected_value, model)


@both
def test_the_librarys_own_contributions_are_those_of_shap(
    library: Any, params: Any
) -> None:
    model = make(library, **params).fit(X, y)
    booster = booster_of(library, model)
    if library.name == "xgboost":
        own = booster.predict(xgb.DMatrix(ROWS), pred_contribs=True)
    else:
        own = booster.predict(ROWS, pred_contrib=True)
    log_odds(own.sum(1), model)
    values = shap.TreeExplainer(model)(ROWS).values
    np.testing.assert_allclose(own[:, :-1], values, rtol=0, atol=5e-6)


@both
def test_without_focusing_values_are_those_of_the_parent(library: Any) -> None:
    ours, theirs = (
        shap.TreeExplainer(model.fit(X, y), BACKGROUND, model_output="probability")
        for model in (
            make(library, focal_alpha=None, focal_gamma=0.0),
            library.classifier(n_estimators=10, **library.quiet_estimator),
        )
    )
    close(ours(ROWS).values, theirs(ROWS).values)
