"""FocalSearchCV as an estimator: what scikit-learn expects of it, and its spaces."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import both, make, quiet, words
from populations import Sample
from searches import SCORES, assert_refitted, figures, make_search
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from focal_boost.tuning import DEFAULT_SPACE

pytestmark = quiet

# XGBoost's probabilities are float32.
OF_PROBABILITIES = {"xgboost": 5e-7, "lightgbm": 1e-9}
# XGBoost bins features by weighted quantiles, which repeated rows may move: its own
# classifier fails these.
MAY_FAIL: dict[str, set[str]] = {
    "xgboost": {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    },
    "lightgbm": set(),
}
SMALL_LEAVES: dict[str, dict[str, Any]] = {
    "xgboost": {},
    "lightgbm": {"min_child_samples": 1},
}


class TestEstimator:
    """What scikit-learn expects of a search."""

    # The checks provoke warnings of the libraries and of scikit-learn.
    @pytest.mark.filterwarnings("ignore")
    @both
    def test_fails_only_what_the_librarys_classifier_fails(self, library: Any) -> None:
        model = make(library, **SMALL_LEAVES[library.name])
        search = make_search(library, {"focal_gamma": [0.0, 1.0]}, model=model, cv=2)
        results = check_estimator(search, on_fail=None, on_skip=None)
        failed = {one["check_name"] for one in results if one["status"] == "failed"}
        assert failed <= MAY_FAIL[library.name]
        assert sum(one["status"] == "passed" for one in results) > 40

    @both
    @pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix"])
    def test_sparse_features_of_every_kind(
        self, library: Any, kind: str, sample: Sample
    ) -> None:
        sparse = pytest.importorskip("scipy.sparse")
        X = sparse.csr_matrix(np.where(sample.X > 0, sample.X, 0))
        grid = {"focal_gamma": [2.0]}
        search = make_search(library, grid, halving=False, refit=False)
        search.fit(getattr(sparse, kind)(X), sample.y)
        folds = list(StratifiedKFold(3).split(X, sample.y))
        assert_refitted(search, make(library), X, sample.y, folds)

    def test_no_features(self, sample: Sample) -> None:
        message = r"^X must have columns, got 0 feature\(s\)"
        with pytest.raises(ValueError, match=message):
            make_search(LightGBM).fit(sample.X[:, :0], sample.y)

    @both
    def test_is_refitted_on_all_rows(self, library: Any, sample: Sample) -> None:
        search = make_search(library).fit(sample.X, sample.y, sample.weight)
        model = make(library, **search.best_params_)
        model.fit(sample.X, sample.y, sample_weight=sample.weight)
        for name in ("predict", "predict_proba", "decision_function"):
            expected = getattr(model, name)(sample.X)
            assert np.array_equal(getattr(search, name)(sample.X), expected)
        assert search.refit_time_ > 0
        assert search.n_features_in_ == sample.X.shape[1]

    @both
    def test_clone_and_parameters(self, library: Any) -> None:
        search = make_search(library, n_candidates=3, random_state=5)
        copy = clone(search)
        assert copy is not search
        names = [one.get_params(deep=False).keys() for one in (copy, search)]
        assert names[0] == names[1]
        assert copy.estimator.get_params() == search.estimator.get_params()
        copy.set_params(scoring="average_precision", estimator__focal_gamma=1.5)
        assert copy.scoring == "average_precision"
        assert copy.estimator.focal_gamma == 1.5
        assert search.estimator.focal_gamma == 2.0

    @both
    def test_pickles_fitted(self, library: Any, sample: Sample) -> None:
        search = make_search(library).fit(sample.X, sample.y)
        copy = pickle.loads(pickle.dumps(search))
        expected = search.predict_proba(sample.X)
        assert np.array_equal(copy.predict_proba(sample.X), expected)
        assert figures(copy) == figures(search)

    @both
    def test_labels_may_be_text(self, library: Any, sample: Sample) -> None:
        search, numbers = (
            make_search(library, scoring="average_precision").fit(sample.X, y)
            for y in (words(sample.y), sample.y)
        )
        assert figures(search) == figures(numbers)
        assert search.classes_.tolist() == ["no", "yes"]
        assert set(search.predict(sample.X)) == {"no", "yes"}
        expected = numbers.score(sample.X, sample.y)
        assert search.score(sample.X, words(sample.y)) == pytest.approx(expected)

    @both
    @pytest.mark.parametrize("scoring", SCORES)
    def test_score_is_scikit_learns(
        self, library: Any, scoring: str, sample: Sample, validation: Sample
    ) -> None:
        search = make_search(library, {"focal_gamma": [1.0]}, scoring=scoring)
        search.fit(sample.X, sample.y)
        positive = search.predict_proba(validation.X)[:, 1]
        for weight in (None, validation.weight):
            expected = SCORES[scoring](validation.y, positive, weight)
            found = search.score(validation.X, validation.y, weight)
            rtol = OF_PROBABILITIES[library.name]
            assert found == pytest.approx(expected, rel=rtol)

    def test_score_refuses_other_labels(self, sample: Sample) -> None:
        search = make_search(LightGBM, {"focal_gamma": [1.0]}).fit(sample.X, sample.y)
        message = r"y must contain only the classes \[0, 1\], got 2"
        with pytest.raises(ValueError, match=message):
            search.score(sample.X, sample.y + 1)

    @both
    def test_is_a_classifier_inside_a_pipeline(
        self, library: Any, sample: Sample
    ) -> None:
        search = make_search(library)
        assert is_classifier(search)
        tags = get_tags(search)
        assert tags.classifier_tags.multi_class
        assert tags.input_tags.allow_nan == get_tags(make(library)).input_tags.allow_nan
        pipeline = make_pipeline(search).fit(sample.X, sample.y)
        assert pipeline.predict_proba(sample.X).shape == (len(sample.y), 2)

    def test_predicts_only_when_fitted_and_refitted(self, sample: Sample) -> None:
        search = make_search(LightGBM)
        with pytest.raises(NotFittedError):
            search.predict(sample.X)
        search.fit(sample.X, sample.y)
        search.set_params(refit=False).fit(sample.X, sample.y)
        with pytest.raises(AttributeError, match="refit must be True for predictions"):
            search.predict(sample.X)

    def test_estimator_stays_as_it_was(self, sample: Sample) -> None:
        for library in BOTH:
            model = make(library)
            before = model.get_params()
            make_search(library, model=model).fit(sample.X, sample.y)
            assert model.get_params() == before
            with pytest.raises(NotFittedError):
                model.predict(sample.X)


class TestSpace:
    def test_of_the_first_grid_is_alpha_by_gamma(self, sample: Sample) -> None:
        model = make(LightGBM, n_estimators=2)
        search = make_search(LightGBM, DEFAULT_SPACE, model=model, refit=False)
        params = search.fit(sample.X, sample.y).cv_results_["params"]
        alphas, gammas = DEFAULT_SPACE["focal_alpha"], DEFAULT_SPACE["focal_gamma"]
        assert len(params) == len(alphas) * len(gammas) == 25
        assert {"focal_alpha": None, "focal_gamma": 0.0} in params
        assert {"focal_alpha": "balanced", "focal_gamma": 2.0} in params

    def test_may_have_distributions(self, sample: Sample) -> None:
        stats = pytest.importorskip("scipy.stats")
        space = {"focal_alpha": stats.uniform(0.1, 0.8), "focal_gamma": [1.0, 2.0]}
        first, again, other = (
            make_search(LightGBM, space, n_candidates=5, random_state=seed).fit(
                sample.X, sample.y
            )
            for seed in (7, 7, 8)
        )
        assert len(first.cv_results_["params"]) == 5
        assert len({one["focal_alpha"] for one in first.cv_results_["params"]}) == 5
        assert figures(first) == figures(again)
        assert other.cv_results_["params"] != first.cv_results_["params"]

    def test_may_be_several_grids(self, sample: Sample) -> None:
        grids = [{"focal_gamma": [0.0]}, {"focal_alpha": [0.5], "max_depth": [2, 3]}]
        search = make_search(XGBoost, grids, halving=False).fit(sample.X, sample.y)
        results = search.cv_results_
        masks = np.ma.getmaskarray(results["param_focal_gamma"])
        assert masks.tolist() == [False, True, True]
        assert results["param_max_depth"].compressed().tolist() == [2, 3]
        assert len(results["params"]) == 3

    @pytest.mark.parametrize(("asked", "drawn"), [(4, 4), (6, 6), (60, 6)])
    def test_may_be_drawn_from_a_grid(
        self, asked: int, drawn: int, sample: Sample
    ) -> None:
        search = make_search(LightGBM, n_candidates=asked, random_state=0, refit=False)
        params = search.fit(sample.X, sample.y).cv_results_["params"]
        assert len({repr(one) for one in params}) == len(params) == drawn
