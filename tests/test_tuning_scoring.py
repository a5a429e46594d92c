"""A search by scikit-learn's scorers, against its own grid search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM
from estimators import both, make, quiet, words
from numpy.testing import assert_allclose
from populations import Sample
from searches import (
    GRID,
    SCORES,
    figures,
    make_search,
    split_scores,
)
from sklearn.base import clone
from sklearn.metrics import f1_score, make_scorer, precision_recall_curve, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

pytestmark = quiet
GAMMAS = {"focal_gamma": [0.0, 1.0, 4.0]}


def partial_auc(estimator: Any, X: Any, y: Any) -> float:
    """Return a score of a false positive rate below a tenth."""
    score = estimator.decision_function(X)
    return float(roc_auc_score(y, score, max_fpr=0.1))


@both
@pytest.mark.parametrize("scoring", [*SCORES, "roc_auc", "d2_brier_score", partial_auc])
def test_results_are_those_of_grid_search(
    library: Any, scoring: Any, sample: Sample
) -> None:
    if scoring == "d2_brier_score":
        pytest.importorskip("sklearn", minversion="1.8")
    # XGBoost's probabilities, in place of its ranks, are of single precision.
    by_rank = library is LightGBM or scoring in ("roc_auc", partial_auc)
    rtol = 2e-9 if by_rank else 5e-7
    # One pair of rows that is tied but for the last digits moves an area.
    space = GRID if scoring in SCORES else GAMMAS
    search = make_search(library, space, scoring=scoring, halving=False)
    search.fit(sample.X, sample.y)
    grid = GridSearchCV(make(library), space, cv=3, scoring=scoring)
    grid.fit(sample.X, sample.y)
    assert search.best_index_ == grid.best_index_
    assert search.best_params_ == grid.best_params_
    assert search.best_score_ == pytest.approx(grid.best_score_, rel=rtol)
    # A standard deviation is a difference.
    atol = rtol * abs(grid.best_score_)
    for name, values in figures(search).items():
        if name not in {"n_rounds", "best_n_rounds"}:
            theirs = np.asarray(grid.cv_results_[name]).tolist()
            if name.endswith("score"):
                assert_allclose(values, theirs, rtol=rtol, atol=atol)
            else:
                assert values == theirs
    score = grid.score(sample.X, sample.y)
    assert search.score(sample.X, sample.y) == pytest.approx(score, rel=rtol)


@both
def test_scores_of_labels_are_taken_at_the_best_threshold(
    library: Any, sample: Sample
) -> None:
    named = words(sample.y)
    scorer = make_scorer(f1_score, pos_label="yes")
    by_name, by_scorer = (
        make_search(library, GAMMAS, scoring=one, halving=False).fit(sample.X, named)
        for one in ("f1", scorer)
    )
    assert figures(by_scorer) == figures(by_name)
    for k, gamma in enumerate(GAMMAS["focal_gamma"]):
        best = []
        for train, test in StratifiedKFold(3).split(sample.X, sample.y):
            model = make(library, focal_gamma=gamma).fit(sample.X[train], named[train])
            score = model.decision_function(sample.X[test])
            precision, recall, _ = precision_recall_curve(named[test] == "yes", score)
            f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
            best.append(f1.max())
        # At 100 thresholds at most, where the curve has them all.
        assert_allclose(split_scores(by_name, k), best, rtol=0.01)


@both
def test_scorers_get_the_weights(library: Any, sample: Sample) -> None:
    given = {"sample_weight": sample.weight}
    search = make_search(library, GAMMAS, scoring="roc_auc", halving=False)
    search.fit(sample.X, sample.y, **given)
    expected = []
    for train, test in StratifiedKFold(3).split(sample.X, sample.y):
        model = make(library, focal_gamma=1.0)
        model.fit(sample.X[train], sample.y[train], sample_weight=sample.weight[train])
        score, weight = model.decision_function(sample.X[test]), sample.weight[test]
        expected.append(roc_auc_score(sample.y[test], score, sample_weight=weight))
    assert_allclose(split_scores(search, 1), expected, rtol=2e-9)
    # A callable of one's own takes none.
    own = make_search(library, GAMMAS, scoring=partial_auc)
    own.fit(sample.X, sample.y, **given)


def test_halving_and_a_storage(sample: Sample, tmp_path: Path) -> None:
    kept = {"storage": tmp_path / "kept.db", "scoring": "roc_auc"}
    first = make_search(LightGBM, **kept).fit(sample.X, sample.y)
    again = clone(first).fit(sample.X, sample.y)
    assert again.best_score_ == first.best_score_
    for scoring in ("f1", partial_auc):
        other = make_search(LightGBM, **{**kept, "scoring": scoring})
        with pytest.raises(ValueError, match=r"^storage must belong to the same"):
            other.fit(sample.X, sample.y)


@pytest.mark.parametrize(
    ("scoring", "sentence"),
    [
        ("focal_loss", "scoring must be one of ('neg_log_loss', 'neg_brier_score',"),
        (3, "or a scorer, got 3"),
        (None, "or a scorer, got None"),
        (lambda estimator, X, y: np.nan, "scorer of these labels, got <function"),
        (
            lambda estimator, X, y: estimator.booster_,
            "which fails: '_Known' object has no attribute 'booster_'",
        ),
        (make_scorer(f1_score, pos_label="maybe"), "which fails: pos_label=maybe"),
    ],
)
def test_unsound_scorings(scoring: Any, sentence: str, sample: Sample) -> None:
    search = make_search(LightGBM, scoring=scoring)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        search.fit(sample.X, sample.y)
