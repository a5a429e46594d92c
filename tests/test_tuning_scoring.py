"""A search by scikit-learn's scorers, against its own grid search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM
from estimators import make, quiet
from populations import Sample
from searches import make_search, split_scores
from sklearn.base import clone
from sklearn.metrics import f1_score, make_scorer, precision_recall_curve, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

pytestmark = quiet
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)
GAMMAS = {"focal_gamma": [0.0, 1.0, 4.0]}


def partial_auc(estimator: Any, X: Any, y: Any) -> float:
    """Return a score of a false positive rate below a tenth."""
    score = estimator.decision_function(X)
    return float(roc_auc_score(y, score, max_fpr=0.1))


@both
@pytest.mark.parametrize(
    "scoring", ["roc_auc", "neg_log_loss", "d2_brier_score", partial_auc]
)
def test_scores_and_winner_are_those_of_grid_search(
    library: Any, scoring: Any, sample: Sample
) -> None:
    if scoring == "d2_brier_score":
        pytest.importorskip("sklearn", minversion="1.8")
    # XGBoost's probabilities, in place of its ranks, are of single precision.
    by_rank = library is LightGBM or scoring in ("roc_auc", partial_auc)
    rtol = 2e-9 if by_rank else 1e-6
    search = make_search(library, GAMMAS, scoring=scoring, halving=False)
    search.fit(sample.X, sample.y)
    grid = GridSearchCV(make(library), GAMMAS, cv=3, scoring=scoring)
    grid.fit(sample.X, sample.y)
    assert search.best_params_ == grid.best_params_
    for k in range(3):
        expected = [grid.cv_results_[f"split{n}_test_score"][k] for n in range(3)]
        np.testing.assert_allclose(split_scores(search, k), expected, rtol=rtol)
    assert search.score(sample.X, sample.y) == pytest.approx(
        grid.score(sample.X, sample.y), rel=rtol
    )


@both
def test_scores_of_labels_are_taken_at_the_best_threshold(
    library: Any, sample: Sample
) -> None:
    named = np.where(sample.y == 1, "yes", "no")
    by_name = make_search(library, GAMMAS, scoring="f1", halving=False)
    by_name.fit(sample.X, named)
    scorer = make_scorer(f1_score, pos_label="yes")
    by_scorer = make_search(library, GAMMAS, scoring=scorer, halving=False)
    by_scorer.fit(sample.X, named)
    for k, gamma in enumerate(GAMMAS["focal_gamma"]):
        best = []
        for train, test in StratifiedKFold(3).split(sample.X, sample.y):
            model = make(library, focal_gamma=gamma).fit(sample.X[train], named[train])
            score = model.decision_function(sample.X[test])
            precision, recall, _ = precision_recall_curve(named[test] == "yes", score)
            f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
            best.append(f1.max())
        # At 100 thresholds at most, where the curve has them all.
        np.testing.assert_allclose(split_scores(by_name, k), best, rtol=0.01)
        np.testing.assert_array_equal(
            split_scores(by_scorer, k), split_scores(by_name, k)
        )


@both
def test_scorers_get_the_weights(library: Any, sample: Sample) -> None:
    given = {"sample_weight": sample.weight}
    search = make_search(library, GAMMAS, scoring="roc_auc", halving=False)
    search.fit(sample.X, sample.y, **given)
    expected = []
    for train, test in StratifiedKFold(3).split(sample.X, sample.y):
        model = make(library, focal_gamma=1.0)
        weight = sample.weight[train]
        model.fit(sample.X[train], sample.y[train], sample_weight=weight)
        score = model.decision_function(sample.X[test])
        weight = sample.weight[test]
        expected.append(roc_auc_score(sample.y[test], score, sample_weight=weight))
    np.testing.assert_allclose(split_scores(search, 1), expected, rtol=2e-9)
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
