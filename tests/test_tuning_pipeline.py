"""A search over pipelines, against scikit-learn's own grid search of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM
from estimators import both, make, quiet
from populations import Sample
from searches import assert_same_scores
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from focal_boost.tuning import FocalSearchCV

pytestmark = quiet

SPACE = {"model__focal_gamma": [0.0, 2.0], "encode__axes__n_components": [2, 4]}


def table(sample: Sample) -> pd.DataFrame:
    """Return features one of which are names, some of them rare."""
    frame = pd.DataFrame(sample.X[:, :4], columns=list("abcd"))
    frame["shop"] = [f"shop {k**2 % 97}" for k in range(len(frame))]
    return frame


def pipeline(library: Any, **params: Any) -> Any:
    """Return a pipeline whose encoders learn from the rows that they see."""
    shops = OneHotEncoder(
        min_frequency=30, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    encode = ColumnTransformer(
        [("shops", shops, ["shop"]), ("axes", PCA(4), list("abcd"))]
    )
    return Pipeline([("encode", encode), ("model", make(library, **params))])


@both
@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision"])
def test_scores_and_winner_are_those_of_grid_search(
    library: Any, scoring: str, sample: Sample
) -> None:
    X, y = table(sample), sample.y
    given = {"cv": StratifiedKFold(3), "scoring": scoring}
    search = FocalSearchCV(pipeline(library), SPACE, halving=False, **given).fit(X, y)
    grid = GridSearchCV(pipeline(library), SPACE, **given).fit(X, y)
    assert search.best_params_ == grid.best_params_
    assert_same_scores(search, grid, rtol=2e-9)
    assert list(search.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(search.predict_proba(X), grid.predict_proba(X))
    assert search.score(X, y) == pytest.approx(grid.score(X, y), rel=2e-9)


@both
def test_a_named_space_weights_and_rounds(library: Any, sample: Sample) -> None:
    X, y = table(sample), sample.y
    model = pipeline(library, early_stopping_rounds=2, learning_rate=0.5)
    given = {"cv": 3, "n_candidates": 3, "random_state": 0, "n_jobs": 2}
    search = FocalSearchCV(model, "focal", **given)
    search.fit(X, y, sample_weight=sample.weight)
    assert set(search.best_params_) == {"model__focal_alpha", "model__focal_gamma"}
    best = search.best_estimator_
    assert best[-1].n_estimators == search.best_n_estimators_
    again = pipeline(library, n_estimators=search.best_n_estimators_, learning_rate=0.5)
    again.set_params(**search.best_params_)
    again.fit(X, y, model__sample_weight=sample.weight)
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_a_pipeline_of_one_step_is_the_classifier(sample: Sample) -> None:
    grid = {"focal_gamma": [0.0, 2.0]}
    plain = FocalSearchCV(make(LightGBM), grid, cv=3).fit(sample.X, sample.y)
    named = {f"model__{name}": values for name, values in grid.items()}
    alone = Pipeline([("model", make(LightGBM))])
    search = FocalSearchCV(alone, named, cv=3).fit(sample.X, sample.y)
    assert search.best_score_ == plain.best_score_


def test_what_cannot_be_is_said(sample: Sample) -> None:
    wrong = Pipeline([("model", LightGBM.classifier())])
    with pytest.raises(ValueError, match=r"^estimator must be a Focal.*LGBMClassifier"):
        FocalSearchCV(wrong).fit(sample.X, sample.y)
    search = FocalSearchCV(pipeline(LightGBM), {"model__focal_gamma": [-1.0]})
    with pytest.raises(ValueError, match=r"^focal_gamma must be a finite number >= 0"):
        search.fit(table(sample), sample.y)
