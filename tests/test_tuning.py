"""FocalSearchCV: its scores are the classifiers', and it chooses as a grid search."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import booster_of, both, make, quiet, words
from numpy.testing import assert_allclose
from populations import Sample
from searches import (
    GRID,
    OF_CLASSES,
    OWN_RANDOM_NUMBERS,
    RANDOM,
    SCORES,
    figures,
    make_search,
    refitted,
    split_scores,
)
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

import focal_boost
from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV

pytestmark = quiet

RTOL = 1e-9
# XGBoost's probabilities are float32.
OF_PROBABILITIES = {"xgboost": 5e-7, "lightgbm": RTOL}


@pytest.fixture(scope="module")
def folds(sample: Sample) -> list[Any]:
    return list(StratifiedKFold(3).split(sample.X, sample.y))


class TestScores:
    """A search's scores are those of classifiers fitted fold by fold."""

    @both
    @pytest.mark.parametrize("scoring", SCORES)
    @pytest.mark.parametrize("halving", [False, True])
    def test_are_those_of_the_estimator(
        self, library: Any, scoring: str, halving: bool, sample: Sample, folds: Any
    ) -> None:
        search = make_search(library, scoring=scoring, halving=halving, refit=False)
        search.fit(sample.X, sample.y)
        results = search.cv_results_
        full = np.flatnonzero(results["n_rounds"] == 10)
        assert 0 < full.size < 6 if halving else full.size == 6
        for number in full:
            expected = refitted(
                make(library),
                results["params"][number],
                sample.X,
                sample.y,
                folds,
                scoring=scoring,
            )
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @both
    def test_of_a_candidate_that_was_ended_are_those_of_fewer_rounds(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        search = make_search(library, refit=False).fit(sample.X, sample.y)
        results = search.cv_results_
        assert {10} < set(results["n_rounds"]) <= {1, 3, 5, 10}
        for number, rounds in enumerate(results["n_rounds"]):
            model = make(library, n_estimators=int(rounds))
            expected = refitted(
                model, results["params"][number], sample.X, sample.y, folds
            )
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @both
    def test_with_weights_are_weighted_in_training_and_scoring(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        search = make_search(library, halving=False, refit=False)
        search.fit(sample.X, sample.y, sample_weight=sample.weight)
        plain = make_search(library, halving=False, refit=False)
        plain.fit(sample.X, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(
                make(library), params, sample.X, sample.y, folds, weight=sample.weight
            )
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)
            assert split_scores(plain, number) != split_scores(search, number)

    @both
    def test_of_random_rows_and_columns(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        model = make(library, **RANDOM[library.name])
        search = make_search(library, model=model, halving=False, refit=False)
        search.fit(sample.X, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(model, params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @both
    def test_of_random_rows_and_columns_in_pauses(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        model = make(library, **RANDOM[library.name])
        search = make_search(library, model=model, refit=False)
        search.fit(sample.X, sample.y)
        if library is XGBoost and not OWN_RANDOM_NUMBERS:
            model.set_params(seed_per_iteration=True)
        expected = refitted(model, search.best_params_, sample.X, sample.y, folds)
        found = split_scores(search, search.best_index_)
        assert_allclose(found, expected, rtol=RTOL)

    @both
    def test_of_dropout(self, library: Any, sample: Sample, folds: Any) -> None:
        model = make(library, **library.dart)
        search = make_search(library, model=model, halving=False, refit=False)
        search.fit(sample.X, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(model, params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=1e-6)

    @both
    def test_of_candidates_that_are_binned_differently(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        grid = {"max_bin": [15, 63], "focal_gamma": [0.0, 2.0], "max_depth": [2, 3]}
        search = make_search(library, grid, halving=False, refit=False)
        search.fit(sample.X, sample.y)
        assert len({tuple(split_scores(search, i)) for i in range(8)}) == 8
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(make(library), params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @both
    def test_of_frames_with_categories_and_missing_values(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(sample.X.copy(), columns=[f"x{i}" for i in range(10)])
        frame["kind"] = pd.Categorical(np.digitize(sample.X[:, 0], [-1, 0, 1]))
        frame.loc[::7, "x1"] = np.nan
        extra = {"enable_categorical": True} if library is XGBoost else {}
        model = make(library, **extra)
        search = make_search(library, model=model, halving=False).fit(frame, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(model, params, frame, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)
        assert list(search.feature_names_in_) == list(frame.columns)

    @pytest.mark.parametrize(
        ("library", "grid"),
        [(library, grid) for library in BOTH for grid in OF_CLASSES[library.name]],
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_of_weights_of_classes_and_start_values(
        self, library: Any, grid: Any, weighted: bool, sample: Sample, folds: Any
    ) -> None:
        weight = sample.weight if weighted else None
        search = make_search(library, grid, halving=False, refit=False)
        search.fit(sample.X, sample.y, sample_weight=weight)
        params = search.cv_results_["params"]
        found = [split_scores(search, number) for number in range(len(params))]
        assert len(set(map(tuple, found))) == len(params) > 1
        for one, scores in zip(params, found, strict=True):
            expected = refitted(
                make(library), one, sample.X, sample.y, folds, weight=weight
            )
            assert_allclose(scores, expected, rtol=RTOL)

    def test_of_leaves_that_decide_which_columns_there_are(
        self, sample: Sample, folds: Any
    ) -> None:
        X = sample.X.copy()
        X[:, 0] = np.arange(len(X)) % 97 == 0
        X[:, 1] = sample.y * (np.arange(len(X)) % 3 == 0)
        grid = {"min_child_samples": [1, 20, 100, 300]}
        search = make_search(LightGBM, grid, halving=False, refit=False)
        search.fit(X, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(make(LightGBM), params, X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    def test_of_labels_that_are_text_with_class_weights(
        self, sample: Sample, folds: Any
    ) -> None:
        grid = {"class_weight": [None, "balanced", {"no": 1.0, "yes": 3.0}]}
        y = words(sample.y)
        search = make_search(LightGBM, grid, halving=False).fit(sample.X, y)
        assert len({tuple(split_scores(search, i)) for i in range(3)}) == 3
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(make(LightGBM), params, sample.X, y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @pytest.mark.parametrize("method", ["exact", "approx", "hist"])
    def test_of_every_tree_method(
        self, method: str, sample: Sample, folds: Any
    ) -> None:
        model = make(XGBoost, tree_method=method)
        grid = {"focal_gamma": [0.0, 2.0]}
        search = make_search(XGBoost, grid, model=model, halving=False)
        search.fit(sample.X, sample.y)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(model, params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=1e-6)

    def test_of_seeds_that_are_searched(self, sample: Sample, folds: Any) -> None:
        model = make(LightGBM, **RANDOM["lightgbm"])
        grid = {"random_state": [1, 2]}
        search = make_search(LightGBM, grid, model=model, halving=False)
        search.fit(sample.X, sample.y)
        assert split_scores(search, 0) != split_scores(search, 1)
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(model, params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)


class TestWinner:
    @both
    @pytest.mark.parametrize("scoring", SCORES)
    def test_is_that_of_a_grid_search(
        self, library: Any, scoring: str, sample: Sample
    ) -> None:
        search = make_search(library, scoring=scoring, halving=False)
        search.fit(sample.X, sample.y)
        grid = GridSearchCV(make(library), GRID, cv=3, scoring=scoring)
        grid.fit(sample.X, sample.y)
        assert search.best_index_ == grid.best_index_
        assert search.best_params_ == grid.best_params_
        rtol = OF_PROBABILITIES[library.name]
        assert search.best_score_ == pytest.approx(grid.best_score_, rel=rtol)
        for name, values in figures(search).items():
            if name not in {"n_rounds", "best_n_rounds"}:
                theirs = np.asarray(grid.cv_results_[name]).tolist()
                if name.endswith("score"):
                    # A standard deviation is a difference.
                    atol = rtol * abs(grid.best_score_)
                    assert_allclose(values, theirs, rtol=rtol, atol=atol)
                else:
                    assert values == theirs

    @both
    def test_is_refitted_on_all_rows(self, library: Any, sample: Sample) -> None:
        search = make_search(library).fit(sample.X, sample.y, sample.weight)
        model = make(library, **search.best_params_)
        model.fit(sample.X, sample.y, sample_weight=sample.weight)
        expected = model.predict_proba(sample.X)
        assert np.array_equal(search.predict_proba(sample.X), expected)
        assert np.array_equal(search.predict(sample.X), model.predict(sample.X))
        log_odds = search.decision_function(sample.X)
        assert np.array_equal(log_odds, model.decision_function(sample.X))
        assert np.array_equal(log_odds > 0, search.predict(sample.X) == 1)
        assert search.refit_time_ > 0
        assert search.n_features_in_ == sample.X.shape[1]

    @both
    def test_ranks_first_among_those_that_came_furthest(
        self, library: Any, sample: Sample
    ) -> None:
        grid = {"focal_gamma": [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0]}
        search = make_search(library, grid, scoring="average_precision")
        results = search.fit(sample.X, sample.y).cv_results_
        assert {10} < set(results["n_rounds"]) <= {1, 3, 5, 10}
        order = np.argsort(results["rank_test_score"], kind="stable")
        assert results["rank_test_score"][order[0]] == 1
        rounds = results["n_rounds"][order]
        assert np.all(np.diff(rounds) <= 0)
        means = results["mean_test_score"][order]
        assert np.all(np.diff(means)[np.diff(rounds) == 0] <= 0)
        assert search.best_index_ == order[0]
        assert search.best_score_ == means[0]
        assert search.best_n_estimators_ == 10

    @both
    def test_of_numbers_of_rounds(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        grid = {"n_estimators": [3, 9, 27]}
        search = make_search(library, grid, halving=False).fit(sample.X, sample.y)
        assert search.cv_results_["n_rounds"].tolist() == [3, 9, 27]
        assert search.best_n_estimators_ == search.best_params_["n_estimators"]
        for number, params in enumerate(search.cv_results_["params"]):
            expected = refitted(make(library), params, sample.X, sample.y, folds)
            assert_allclose(split_scores(search, number), expected, rtol=RTOL)

    @pytest.mark.filterwarnings("ignore:all 3 candidates have the same:UserWarning")
    def test_of_equals_is_the_first(self, sample: Sample) -> None:
        search = make_search(LightGBM, {"focal_gamma": [1.0, 1, 1.0]}, halving=False)
        search.fit(sample.X, sample.y)
        assert search.best_index_ == 0
        assert search.cv_results_["rank_test_score"].tolist() == [1, 1, 1]


class TestEarlyStopping:
    """Of a candidate counts the round at which the mean over folds is best."""

    @staticmethod
    def model(library: Any, patience: int, rounds: int = 60) -> Any:
        name = {"xgboost": "early_stopping_rounds", "lightgbm": "early_stopping_round"}
        settings = {name[library.name]: patience, "learning_rate": 0.5}
        return make(library, n_estimators=rounds, **settings)

    @both
    @pytest.mark.parametrize("halving", [False, True])
    def test_finds_the_best_round(
        self, library: Any, halving: bool, sample: Sample, folds: Any
    ) -> None:
        X, y = sample.X, sample.y
        model = self.model(library, patience=5)
        search = make_search(library, model=model, halving=halving).fit(X, y)
        best = search.best_n_estimators_
        assert 1 < best < 50
        plain = self.model(library, patience=5)
        (name,) = [n for n in plain.get_params() if n.startswith("early")]
        plain.set_params(**{name: None}, **search.best_params_)
        means = [
            np.mean(refitted(plain, {"n_estimators": rounds}, X, y, folds))
            for rounds in range(1, best + 6)
        ]
        assert int(np.argmax(means)) + 1 == best
        assert search.best_score_ == pytest.approx(means[best - 1], rel=RTOL)
        assert search.cv_results_["best_n_rounds"][search.best_index_] == best
        assert search.cv_results_["n_rounds"][search.best_index_] >= best + 5

    @both
    def test_refits_that_many_rounds(self, library: Any, sample: Sample) -> None:
        model = self.model(library, patience=3)
        search = make_search(library, model=model).fit(sample.X, sample.y)
        booster = booster_of(library, search.best_estimator_)
        rounds = booster.num_boosted_rounds if library is XGBoost else booster.num_trees
        assert rounds() == search.best_n_estimators_
        assert search.predict_proba(sample.X).shape == (len(sample.y), 2)

    @both
    def test_goes_to_the_end_of_a_patience_that_never_ends(
        self, library: Any, sample: Sample
    ) -> None:
        model = self.model(library, patience=100, rounds=8)
        search = make_search(library, model=model, halving=False)
        search.fit(sample.X, sample.y)
        assert set(search.cv_results_["n_rounds"]) == {8}


class TestSplits:
    @both
    def test_keep_groups_together(self, library: Any, sample: Sample) -> None:
        groups = np.arange(len(sample.y)) % 30
        search = make_search(library, halving=False, refit=False)
        search.fit(sample.X, sample.y, groups=groups)
        splits = list(StratifiedGroupKFold(3).split(sample.X, sample.y, groups))
        params = search.cv_results_["params"][0]
        expected = refitted(make(library), params, sample.X, sample.y, splits)
        assert_allclose(split_scores(search, 0), expected, rtol=RTOL)

    @pytest.mark.parametrize(
        "cv", [ShuffleSplit(2, random_state=1), GroupKFold(4), StratifiedKFold(2)]
    )
    def test_are_those_of_a_splitter(self, cv: Any, sample: Sample) -> None:
        # The others warn that they ignore them.
        grouped = isinstance(cv, GroupKFold)
        groups = np.arange(len(sample.y)) % 30 if grouped else None
        search = make_search(LightGBM, halving=False, refit=False, cv=cv)
        search.fit(sample.X, sample.y, groups=groups)
        splits = list(cv.split(sample.X, sample.y, groups))
        assert search.n_splits_ == len(splits)
        params = search.cv_results_["params"][1]
        expected = refitted(make(LightGBM), params, sample.X, sample.y, splits)
        assert_allclose(split_scores(search, 1), expected, rtol=RTOL)

    def test_may_be_given_one_by_one(self, sample: Sample) -> None:
        rows = np.arange(len(sample.y))
        splits = [(rows[:2000], rows[2000:])]
        search = make_search(XGBoost, halving=False, cv=splits)
        search.fit(sample.X, sample.y)
        params = search.cv_results_["params"][2]
        expected = refitted(make(XGBoost), params, sample.X, sample.y, splits)
        assert_allclose(split_scores(search, 2), expected, rtol=RTOL)


class TestThreads:
    @both
    @pytest.mark.parametrize("n_jobs", [2, -1])
    def test_change_nothing(self, library: Any, n_jobs: int, sample: Sample) -> None:
        model = make(library, **RANDOM[library.name])
        alone = make_search(library, model=model).fit(sample.X, sample.y)
        several = make_search(library, model=model, n_jobs=n_jobs)
        several.fit(sample.X, sample.y)
        assert figures(several) == figures(alone)
        assert several.best_params_ == alone.best_params_


class TestEstimator:
    """What scikit-learn expects of a search."""

    @both
    def test_clone_and_parameters(self, library: Any) -> None:
        search = make_search(library, n_candidates=3, random_state=5)
        copy = clone(search)
        assert copy is not search
        assert (
            copy.get_params(deep=False).keys() == search.get_params(deep=False).keys()
        )
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
        search = make_search(library, scoring="average_precision")
        search.fit(sample.X, words(sample.y))
        numbers = make_search(library, scoring="average_precision")
        numbers.fit(sample.X, sample.y)
        assert figures(search) == figures(numbers)
        assert search.classes_.tolist() == ["no", "yes"]
        assert set(search.predict(sample.X)) == {"no", "yes"}
        assert search.score(sample.X, words(sample.y)) == pytest.approx(
            numbers.score(sample.X, sample.y)
        )

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

    def test_is_public(self) -> None:
        assert focal_boost.FocalSearchCV is FocalSearchCV
        assert "FocalSearchCV" in focal_boost.__all__


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
        settings = {"n_candidates": 5, "random_state": 7}
        first = make_search(LightGBM, space, **settings).fit(sample.X, sample.y)
        again = make_search(LightGBM, space, **settings).fit(sample.X, sample.y)
        assert len(first.cv_results_["params"]) == 5
        assert len({one["focal_alpha"] for one in first.cv_results_["params"]}) == 5
        assert figures(first) == figures(again)
        settings["random_state"] = 8
        other = make_search(LightGBM, space, **settings).fit(sample.X, sample.y)
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
