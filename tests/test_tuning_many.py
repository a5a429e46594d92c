"""FocalSearchCV on targets of three classes and more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import LightGBM
from estimators import both, make, quiet
from numpy.typing import NDArray
from searches import PATIENCE, assert_same_scores, make_search
from sklearn.model_selection import GridSearchCV, StratifiedKFold

pytestmark = quiet

NAMES = np.array(["low", "middle", "top"])
GRID = {"focal_gamma": [0.0, 2.0], "focal_alpha": [None, "balanced"]}
SCORINGS = ["neg_log_loss", "average_precision", "f1_macro", "roc_auc_ovr"]


def sample(n: int = 500) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(4)
    y = rng.choice(3, n, p=[0.7, 0.2, 0.1])
    X = rng.normal(size=(n, 4))
    X[:, 0] += y
    return X, NAMES[y]


@both
@pytest.mark.parametrize("scoring", SCORINGS)
def test_scores_are_those_of_a_grid_search(library: Any, scoring: str) -> None:
    X, y = sample()
    if scoring == "average_precision":
        # The scorer of scikit-learn 1.7 takes no text.
        y = np.searchsorted(NAMES, y)
    given = {"scoring": scoring, "cv": StratifiedKFold(3)}
    # Scores that are added up in another order may split ties.
    tolerance = 1e-5 if scoring in ("neg_log_loss", "f1_macro") else 1e-2
    search = make_search(library, GRID, halving=False, **given).fit(X, y)
    own = GridSearchCV(make(library), GRID, **given).fit(X, y)
    assert_same_scores(search, own, rtol=tolerance)
    assert search.classes_.tolist() == np.unique(y).tolist()
    assert search.predict_proba(X).shape == search.decision_function(X).shape
    best = search.best_estimator_
    assert (search.predict(X) == best.predict(X)).all()
    score = GridSearchCV(best, {}, **given).fit(X, y).score(X, y)
    assert search.score(X, y) == pytest.approx(score, rel=tolerance)


@both
def test_halving_and_weights(library: Any) -> None:
    X, y = sample()
    weight = np.random.default_rng(0).exponential(size=len(y))
    model = make(library, n_estimators=16)
    search = make_search(library, GRID, model=model).fit(X, y, weight)
    rounds = search.cv_results_["n_rounds"]
    assert max(rounds) == 16 > min(rounds)
    assert search.best_n_estimators_ <= 16
    assert np.isfinite(search.best_score_)


@both
def test_early_stopping_chooses_the_number_of_rounds(library: Any) -> None:
    X, y = sample()
    settings = {PATIENCE[library.name]: 4, "learning_rate": 0.4}
    model = make(library, n_estimators=80, **settings)
    search = make_search(library, {"focal_gamma": [1.0]}, model=model).fit(X, y)
    assert 1 <= search.best_n_estimators_ < 76
    fitted = search.best_estimator_.get_params()
    assert fitted["n_estimators"] == search.best_n_estimators_


def test_class_weights_are_lightgbms() -> None:
    X, y = sample()
    grid = {"class_weight": [None, "balanced", {"low": 1, "middle": 2, "top": 4}]}
    given = {"scoring": "neg_log_loss", "cv": StratifiedKFold(3)}
    search = make_search(LightGBM, grid, halving=False, **given).fit(X, y)
    own = GridSearchCV(make(LightGBM), grid, **given).fit(X, y)
    found = search.cv_results_["mean_test_score"]
    assert len(set(found)) == 3
    assert found == pytest.approx(own.cv_results_["mean_test_score"], rel=1e-9)


@both
def test_every_class_is_positive_once(library: Any) -> None:
    model = make(library, positive_class="top")
    message = "^positive_class must be None for more than two classes, .* got 'top'"
    with pytest.raises(ValueError, match=message):
        make_search(library, GRID, model=model).fit(*sample())


@both
def test_a_fold_without_a_class_is_named(library: Any) -> None:
    X, y = sample()
    cv = [(np.flatnonzero(y != "top"), np.flatnonzero(y == "top"))]
    message = "^cv must leave all 3 classes with positive weight .* got 2 in the train"
    with pytest.raises(ValueError, match=message):
        make_search(library, GRID, cv=cv).fit(X, y)
