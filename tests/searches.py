"""Searches small enough for tests, and what their scores should be."""

from __future__ import annotations

from typing import Any

import numpy as np
from boosters import xgb
from estimators import make
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost.tuning import FocalSearchCV

GRID: dict[str, list[Any]] = {
    "focal_alpha": [0.25, "balanced", None],
    "focal_gamma": [0.0, 2.0],
}
# LightGBM's name is the one that its documentation gives.
PATIENCE = {"xgboost": "early_stopping_rounds", "lightgbm": "early_stopping_round"}
SCORES = {
    "neg_log_loss": lambda y, p, w: -log_loss(y, p, sample_weight=w),
    "neg_brier_score": lambda y, p, w: -brier_score_loss(y, p, sample_weight=w),
    "average_precision": lambda y, p, w: average_precision_score(y, p, sample_weight=w),
}
# Rows and columns drawn at random in every round.
RANDOM = {
    "xgboost": {"subsample": 0.5, "colsample_bynode": 0.5, "random_state": 3},
    "lightgbm": {
        "subsample": 0.5, "subsample_freq": 1, "colsample_bytree": 0.5,
        "random_state": 3,
    },
}  # fmt: skip
# The candidates of each differ in weights or in the start value.
OF_CLASSES: dict[str, list[dict[str, list[Any]]]] = {
    "xgboost": [
        {"scale_pos_weight": [1, 7], "focal_alpha": ["balanced", 0.25]},
        {"base_score": [None, 0.5, 0.01]},
    ],
    "lightgbm": [
        {"scale_pos_weight": [1, 7], "focal_alpha": ["balanced", 0.25]},
        {"class_weight": [None, "balanced", {0: 1.0, 1: 3.0}]},
        {"is_unbalance": [False, True]},
        {"boost_from_average": [True, False]},
    ],
}
# Before it, XGBoost's random numbers are the thread's and not the booster's.
OWN_RANDOM_NUMBERS = tuple(map(int, xgb.__version__.split(".")[:2])) >= (3, 4)


def make_search(
    library: Any, grid: Any = None, *, model: Any = None, **settings: Any
) -> Any:
    """Return a search of three folds over classifiers of ten trees."""
    model = make(library) if model is None else model
    settings = {"cv": 3, "min_rounds": 1, **settings}
    return FocalSearchCV(model, GRID if grid is None else grid, **settings)


def make_paused(library: Any, **params: Any) -> Any:
    """Return a classifier that draws rows as one that is trained in pauses."""
    if library.name == "xgboost" and not OWN_RANDOM_NUMBERS:
        params["seed_per_iteration"] = True
    return make(library, **params)


def take(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def refitted(
    model: Any,
    params: dict[str, Any],
    X: Any,
    y: Any,
    splits: Any,
    *,
    scoring: str = "neg_log_loss",
    weight: Any = None,
) -> list[float]:
    """Return one score per fold by scikit-learn, of the classifier fitted there.

    The probabilities are those of its log-odds in float64, which XGBoost's own are but
    for their float32.
    """
    found = []
    for train, test in splits:
        given = None if weight is None else weight[train]
        fitted = clone(model).set_params(**params)
        fitted.fit(take(X, train), y[train], sample_weight=given)
        log_odds = np.asarray(fitted.decision_function(take(X, test)), np.float64)
        positive = expit(log_odds)
        own = fitted.predict_proba(take(X, test))[:, 1]
        assert_allclose(own, positive, rtol=2e-6)
        labels = (y[test] == fitted.classes_[1]).astype(int)
        held_out = None if weight is None else weight[test]
        found.append(float(SCORES[scoring](labels, positive, held_out)))
    return found


def split_scores(search: Any, number: int) -> list[float]:
    """Return the scores per fold that a search has found for a candidate."""
    names = [f"split{k}_test_score" for k in range(search.n_splits_)]
    return [float(search.cv_results_[name][number]) for name in names]


def assert_refitted(
    search: Any,
    model: Any,
    X: Any,
    y: Any,
    splits: Any,
    *,
    rtol: float = 1e-9,
    least: int = 1,
    **given: Any,
) -> None:
    """Assert scores of candidates to be those of as many rounds, refitted."""
    results = search.cv_results_
    assert max(results["best_n_rounds"]) >= least
    for number in np.flatnonzero(results["best_n_rounds"] >= least):
        rounds = int(results["best_n_rounds"][number])
        params = {**results["params"][number], "n_estimators": rounds}
        params.pop("early_stopping_rounds", None)
        expected = refitted(model, params, X, y, splits, **given)
        assert_allclose(split_scores(search, number), expected, rtol=rtol)


def assert_same_scores(search: Any, grid: Any, rtol: float) -> None:
    """Assert the scores per fold that scikit-learn's own search has found."""
    theirs = grid.cv_results_["params"]
    for number, params in enumerate(search.cv_results_["params"]):
        expected = split_scores(grid, theirs.index(params))
        assert_allclose(split_scores(search, number), expected, rtol=rtol)


def figures(search: Any) -> dict[str, Any]:
    """Return everything of ``cv_results_`` that is not a time."""
    timeless = {k: v for k, v in search.cv_results_.items() if "time" not in k}
    return {k: np.asarray(v).tolist() for k, v in timeless.items()}
