"""scikit-learn's own checks of the search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import LightGBM
from estimators import both, make
from numpy.testing import assert_allclose
from populations import Sample
from searches import make_search, refitted, split_scores
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.estimator_checks import check_estimator

# XGBoost bins features by weighted quantiles, which repeated rows may move: its own
# classifier fails these.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
MAY_FAIL: dict[str, set[str]] = {"xgboost": WEIGHTS, "lightgbm": set()}
SETTINGS: dict[str, dict[str, Any]] = {
    "xgboost": {},
    "lightgbm": {"min_child_samples": 1},
}

# The checks provoke warnings of the libraries and of scikit-learn.
pytestmark = pytest.mark.filterwarnings("ignore")


@both
def test_fails_only_what_the_librarys_classifier_fails(library: Any) -> None:
    model = make(library, **SETTINGS[library.name])
    search = make_search(library, {"focal_gamma": [0.0, 1.0]}, model=model, cv=2)
    results = check_estimator(search, on_fail=None, on_skip=None)
    failed = {one["check_name"] for one in results if one["status"] == "failed"}
    assert failed <= MAY_FAIL[library.name]
    assert sum(one["status"] == "passed" for one in results) > 40


@both
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix"])
def test_sparse_features_of_every_kind(library: Any, kind: str, sample: Sample) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    X = sparse.csr_matrix(np.where(sample.X > 0, sample.X, 0))
    search = make_search(library, halving=False, refit=False)
    search.fit(getattr(sparse, kind)(X), sample.y)
    folds = list(StratifiedKFold(3).split(X, sample.y))
    params = search.cv_results_["params"][0]
    expected = refitted(make(library), params, X, sample.y, folds)
    assert_allclose(split_scores(search, 0), expected, rtol=1e-9)


def test_no_features(sample: Sample) -> None:
    search = make_search(LightGBM)
    with pytest.raises(ValueError, match=r"^X must have columns, got 0 feature\(s\)"):
        search.fit(sample.X[:, :0], sample.y)
