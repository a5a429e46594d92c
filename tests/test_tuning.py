"""FocalSearchCV: its scores are the classifiers', and of them the best wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import booster_of, both, make, quiet, words
from numpy.testing import assert_allclose
from populations import Sample
from searches import (
    GRID,
    OF_CLASSES,
    PATIENCE,
    RANDOM,
    SCORES,
    assert_refitted,
    figures,
    make_paused,
    make_search,
    refitted,
    split_scores,
)
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
)

pytestmark = quiet

RTOL = 1e-9


def plain(sample: Sample) -> tuple[Any, Any]:
    return sample.X, sample.y


def text(sample: Sample) -> tuple[Any, Any]:
    return sample.X, words(sample.y)


def frame(sample: Sample) -> tuple[Any, Any]:
    """Return a frame with a category and missing values."""
    found = pd.DataFrame(sample.X.copy(), columns=[f"x{i}" for i in range(10)])
    found["kind"] = pd.Categorical(np.digitize(sample.X[:, 0], [-1, 0, 1]))
    found.loc[::7, "x1"] = np.nan
    return found, sample.y


def rare(sample: Sample) -> tuple[Any, Any]:
    """Return columns that LightGBM leaves out if its leaves must be large."""
    X = sample.X.copy()
    X[:, 0] = np.arange(len(X)) % 97 == 0
    X[:, 1] = sample.y * (np.arange(len(X)) % 3 == 0)
    return X, sample.y


def case(
    name: str,
    library: Any,
    grid: Any = GRID,
    *,
    weighted: bool = False,
    rtol: float = RTOL,
    rows: Any = plain,
    **params: Any,
) -> Any:
    """Return what is searched: a grid, the estimator's parameters, and the rows."""
    names = f"{library.name}-{name}-{'weighted' if weighted else 'plain'}"
    model = make(library, **params)
    return pytest.param(library, model, grid, rows, weighted, rtol, id=names)


GAMMAS = {"focal_gamma": [0.0, 2.0]}
BINS = {"max_bin": [15, 63], "focal_gamma": [0.0, 2.0], "max_depth": [2, 3]}
CATEGORIES = {"xgboost": {"enable_categorical": True}, "lightgbm": {}}
SEARCHES = [
    *(case("weights", one, weighted=True) for one in BOTH),
    *(case("random rows and columns", one, **RANDOM[one.name]) for one in BOTH),
    *(case("dropout", one, rtol=1e-6, **one.dart) for one in BOTH),
    *(case("bins", one, BINS) for one in BOTH),
    *(case("rounds", one, {"n_estimators": [3, 9, 27]}) for one in BOTH),
    *(case("frame", one, rows=frame, **CATEGORIES[one.name]) for one in BOTH),
    *(
        case("-".join(grid), one, grid, weighted=weighted)
        for one in BOTH
        for grid in OF_CLASSES[one.name]
        for weighted in (False, True)
    ),
    *(
        case(method, XGBoost, GAMMAS, rtol=1e-6, tree_method=method)
        for method in ("exact", "approx", "hist")
    ),
    case("leaves", LightGBM, {"min_child_samples": [1, 20, 100, 300]}, rows=rare),
    case(
        "text",
        LightGBM,
        {"class_weight": [None, "balanced", {"no": 1.0, "yes": 3.0}]},
        rows=text,
    ),
    case("seeds", LightGBM, {"random_state": [1, 2]}, **RANDOM["lightgbm"]),
]


@pytest.fixture(scope="module")
def folds(sample: Sample) -> list[Any]:
    return list(StratifiedKFold(3).split(sample.X, sample.y))


class TestScores:
    """A search's scores are those of classifiers fitted fold by fold."""

    @both
    @pytest.mark.parametrize("scoring", SCORES)
    @pytest.mark.parametrize("halving", [False, True])
    def test_are_those_of_as_many_rounds(
        self, library: Any, scoring: str, halving: bool, sample: Sample, folds: Any
    ) -> None:
        search = make_search(library, scoring=scoring, halving=halving, refit=False)
        search.fit(sample.X, sample.y)
        rounds = set(search.cv_results_["n_rounds"])
        assert {10} < rounds <= {1, 3, 5, 10} if halving else rounds == {10}
        # Of few rounds many rows are tied but for their last digits.
        given = {
            "scoring": scoring,
            "least": 10 if scoring == "average_precision" else 1,
        }
        assert_refitted(search, make(library), sample.X, sample.y, folds, **given)

    @pytest.mark.parametrize(
        ("library", "model", "grid", "rows", "weighted", "rtol"), SEARCHES
    )
    def test_are_those_of_the_estimator(
        self,
        library: Any,
        model: Any,
        grid: Any,
        rows: Any,
        weighted: bool,
        rtol: float,
        sample: Sample,
        folds: Any,
    ) -> None:
        X, y = rows(sample)
        weight = sample.weight if weighted else None
        search = make_search(library, grid, model=model, halving=False, refit=False)
        search.fit(X, y, sample_weight=weight)
        params = search.cv_results_["params"]
        rounds = [one.get("n_estimators", 10) for one in params]
        assert search.cv_results_["n_rounds"].tolist() == rounds
        assert_refitted(search, model, X, y, folds, rtol=rtol, weight=weight)
        found = {tuple(split_scores(search, k)) for k in range(len(params))}
        assert len(found) == len(params) > 1

    @both
    def test_of_random_rows_and_columns_in_pauses(
        self, library: Any, sample: Sample, folds: Any
    ) -> None:
        model = make(library, **RANDOM[library.name])
        search = make_search(library, model=model, refit=False)
        search.fit(sample.X, sample.y)
        model = make_paused(library, **RANDOM[library.name])
        expected = refitted(model, search.best_params_, sample.X, sample.y, folds)
        found = split_scores(search, search.best_index_)
        assert_allclose(found, expected, rtol=RTOL)


class TestWinner:
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
    def test_of_numbers_of_rounds_has_its_own(
        self, library: Any, sample: Sample
    ) -> None:
        search = make_search(library, {"n_estimators": [3, 9, 27]}, halving=False)
        search.fit(sample.X, sample.y)
        assert search.best_n_estimators_ == search.best_params_["n_estimators"]

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
        settings = {PATIENCE[library.name]: patience, "learning_rate": 0.5}
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
        unstopped = make(library, learning_rate=0.5, **search.best_params_)
        means = [
            np.mean(refitted(unstopped, {"n_estimators": rounds}, X, y, folds))
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


GIVEN = PredefinedSplit(np.repeat([-1, 0], [2000, 1000]))


@pytest.mark.parametrize(
    ("library", "cv", "splitter"),
    [
        *((one, 3, StratifiedGroupKFold(3)) for one in BOTH),
        *((LightGBM, cv, cv) for cv in (GroupKFold(4), StratifiedKFold(2))),
        (LightGBM, *[ShuffleSplit(2, random_state=1)] * 2),
        (XGBoost, list(GIVEN.split()), GIVEN),
    ],
    ids=["groups of XGBoost", "groups", "GroupKFold", "folds", "shuffled", "listed"],
)
def test_splits_are_those_of_the_splitter(
    library: Any, cv: Any, splitter: Any, sample: Sample
) -> None:
    # The others warn that they ignore them.
    grouped = isinstance(splitter, GroupKFold | StratifiedGroupKFold)
    groups = np.arange(len(sample.y)) % 30 if grouped else None
    search = make_search(library, GAMMAS, halving=False, refit=False, cv=cv)
    search.fit(sample.X, sample.y, groups=groups)
    splits = list(splitter.split(sample.X, sample.y, groups))
    assert search.n_splits_ == len(splits)
    assert_refitted(search, make(library), sample.X, sample.y, splits)


@both
@pytest.mark.parametrize("n_jobs", [2, -1])
def test_threads_change_nothing(library: Any, n_jobs: int, sample: Sample) -> None:
    model = make(library, **RANDOM[library.name])
    alone = make_search(library, model=model).fit(sample.X, sample.y)
    several = make_search(library, model=model, n_jobs=n_jobs)
    several.fit(sample.X, sample.y)
    assert figures(several) == figures(alone)
    assert several.best_params_ == alone.best_params_
