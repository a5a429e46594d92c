"""Spaces that are suggested from, and time that runs out."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import optuna
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from populations import Sample
from searches import assert_refitted, make_paused, make_search
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import recommended
from focal_boost.tuning import FocalSearchCV, _study

pytestmark = quiet
LOSS = {"focal_alpha", "focal_gamma"}
TREES = {
    "xgboost": {"max_depth", "min_child_weight"},
    "lightgbm": {"num_leaves", "min_child_samples", "subsample_freq"},
}


def searched(library: Any, sample: Sample, space: Any, count: int, **given: Any) -> Any:
    model = given.pop("model", make(library))
    search = make_search(
        library, space, model=model, n_candidates=count, random_state=0, **given
    )
    return search.fit(sample.X, sample.y)


class TestNames:
    @both
    @pytest.mark.parametrize("space", ["all", "trees", "focal"])
    def test_set_what_they_say(self, library: Any, space: str, sample: Sample) -> None:
        search = searched(library, sample, space, 3, refit=False)
        for params in search.cv_results_["params"]:
            named = set(params)
            assert (named >= LOSS) == (space != "trees")
            assert (named >= TREES[library.name]) == (space != "focal")
            assert (named >= {"early_stopping_rounds"}) == (space != "focal")

    @both
    def test_all_is_the_default_and_tries_both_losses(
        self, library: Any, sample: Sample
    ) -> None:
        given = {"cv": 3, "n_candidates": 2, "random_state": 1, "refit": False}
        search = FocalSearchCV(make(library), **given).fit(sample.X, sample.y)
        focal, log = search.cv_results_["params"]
        assert (focal["focal_alpha"], focal["focal_gamma"]) == (0.25, 2.0)
        assert (log["focal_alpha"], log["focal_gamma"]) == (None, 0.0)
        rate = recommended(library.name)["learning_rate"]
        assert focal["learning_rate"] == log["learning_rate"] == rate

    @both
    def test_scores_are_those_of_the_estimator(
        self, library: Any, sample: Sample
    ) -> None:
        search = searched(library, sample, "all", 4, refit=False, halving=False)
        folds = list(StratifiedKFold(3).split(sample.X, sample.y))
        model = make_paused(library)
        assert_refitted(search, model, sample.X, sample.y, folds, rtol=1e-6)

    @both
    def test_an_estimator_that_stops_early_keeps_its_patience(
        self, library: Any, sample: Sample
    ) -> None:
        model = make(library, n_estimators=12, early_stopping_rounds=2)
        search = searched(library, sample, "trees", 3, model=model, refit=False)
        assert "early_stopping_rounds" not in search.best_params_
        assert max(search.cv_results_["n_rounds"]) <= 12

    def test_inside_a_pipeline(self, sample: Sample) -> None:
        model = make_pipeline(StandardScaler(), make(XGBoost))
        search = FocalSearchCV(model, cv=3, n_candidates=2, random_state=0)
        search.fit(sample.X, sample.y)
        assert "focalxgbclassifier__max_depth" in search.best_params_
        best = search.best_estimator_[-1]
        assert best.n_estimators == search.best_n_estimators_
        assert search.predict_proba(sample.X).shape == (len(sample.y), 2)


class TestOthers:
    @both
    def test_distributions_of_optuna(self, library: Any, sample: Sample) -> None:
        space = {
            "focal_gamma": optuna.distributions.FloatDistribution(0.5, 1.5, step=0.5),
            "max_depth": optuna.distributions.IntDistribution(2, 4),
            "learning_rate": [0.1, 0.3],
            "focal_alpha": optuna.distributions.CategoricalDistribution([None, 0.3]),
        }
        search = searched(library, sample, space, 6, refit=False)
        for params in search.cv_results_["params"]:
            assert params["focal_gamma"] in {0.5, 1.0, 1.5}
            assert params["max_depth"] in {2, 3, 4}
            assert params["learning_rate"] in {0.1, 0.3}
            assert params["focal_alpha"] in {None, 0.3}

    def test_a_callable(self, sample: Sample) -> None:
        def space(trial: Any) -> dict[str, Any]:
            return {"focal_gamma": trial.suggest_float("sharpness", 0, 1) * 2}

        search = searched(XGBoost, sample, space, 3)
        found = search.study_.best_params["sharpness"]
        assert search.best_params_ == {"focal_gamma": 2 * found}

    def test_a_sampler_of_ones_own(self, sample: Sample) -> None:
        grid = {"loss": ["focal loss"], "focal_alpha": [0.5], "focal_gamma": [1.0, 3.0]}
        sampler = optuna.samplers.GridSampler(grid, seed=0)
        search = searched(LightGBM, sample, "focal", 2, sampler=sampler, refit=False)
        gammas = search.cv_results_["param_focal_gamma"].tolist()
        assert sorted(gammas) == [1.0, 3.0]

    def test_a_mixture(self, sample: Sample) -> None:
        stats = pytest.importorskip("scipy.stats")
        gamma = optuna.distributions.FloatDistribution(0.5, 1.5)
        space = {"focal_gamma": gamma, "focal_alpha": stats.uniform(0.1, 0.5)}
        sentence = (
            "focal_alpha in the search space must be one of Optuna's distributions or a"
            " non-empty list, as the others are, got "
        )
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
            searched(LightGBM, sample, space, 2)


class TestTime:
    """The clock of these tests goes on by a second whenever it is read."""

    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seconds = itertools.count()
        monkeypatch.setattr(_study.time, "monotonic", lambda: float(next(seconds)))

    @both
    def test_ends_the_search_and_what_is_in_training(
        self, library: Any, sample: Sample
    ) -> None:
        search = make_search(library, "focal", timeout=6, random_state=0)
        search.fit(sample.X, sample.y)
        states = [one.state.name for one in search.study_.trials]
        assert states[0] == "COMPLETE"
        assert len(search.cv_results_["params"]) == len(states) < 8
        assert search.best_index_ in np.flatnonzero(np.array(states) == "COMPLETE")
        assert search.predict(sample.X).shape == sample.y.shape

    def test_is_enough_for_the_first(self, sample: Sample) -> None:
        search = make_search(LightGBM, "focal", timeout=1e-9, random_state=0)
        search.fit(sample.X, sample.y)
        assert search.cv_results_["n_rounds"].tolist() == [10]

    def test_of_a_grid(self, sample: Sample) -> None:
        search = make_search(LightGBM, timeout=3, halving=False, refit=False)
        assert len(search.fit(sample.X, sample.y).cv_results_["params"]) < 6
