"""Spaces that are suggested from, time that runs out, and several models."""

from __future__ import annotations

import itertools
import pickle
import re
from typing import Any

import numpy as np
import optuna
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet, words
from numpy.testing import assert_allclose
from populations import Sample
from searches import make_search, refitted, split_scores
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import recommended
from focal_boost.ensemble import LogOddsVotingClassifier
from focal_boost.lightgbm import _binned as lightgbm_binned
from focal_boost.tuning import FocalSearchCV, _study

pytestmark = quiet
LOSS = {"focal_alpha", "focal_gamma"}
TREES = {
    "xgboost": {"max_depth", "min_child_weight"},
    "lightgbm": {"num_leaves", "min_child_samples", "subsample_freq"},
}
NO_STOPPING = {"early_stopping_rounds": None}


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
        for number, params in enumerate(search.cv_results_["params"]):
            rounds = int(search.cv_results_["best_n_rounds"][number])
            # Rows that are drawn in pauses are others in older XGBoost.
            seeded = {"seed_per_iteration": True} if library is XGBoost else {}
            model = make(library, **seeded)
            expected = refitted(
                model,
                {**params, **NO_STOPPING, "n_estimators": rounds},
                sample.X,
                sample.y,
                folds,
            )
            found = split_scores(search, number)
            newer = library is XGBoost and _study.version("xgboost") >= "3.4"
            if not newer:
                assert_allclose(found, expected, rtol=1e-6)

    @both
    def test_an_estimator_that_stops_early_keeps_its_patience(
        self, library: Any, sample: Sample
    ) -> None:
        model = make(library, n_estimators=12, early_stopping_rounds=2)
        search = searched(library, sample, "trees", 3, model=model, refit=False)
        assert "early_stopping_rounds" not in search.best_params_
        assert max(search.cv_results_["n_rounds"]) <= 12

    def test_lightgbms_leaves_share_the_binned_rows(
        self, sample: Sample, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, create = [], lightgbm_binned.Binned.__init__

        def counted(self: Any, *args: Any) -> None:
            made.append(self)
            create(self, *args)

        monkeypatch.setattr(lightgbm_binned.Binned, "__init__", counted)
        search = searched(LightGBM, sample, "trees", 5, refit=False)
        assert len(set(search.cv_results_["param_min_child_samples"].tolist())) > 2
        assert len(made) == 3

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


class TestSeveralModels:
    @both
    def test_are_those_whose_mean_log_odds_score_best(
        self, library: Any, sample: Sample
    ) -> None:
        model = make(library, n_estimators=6, learning_rate=0.5)
        space = {"max_depth": [1, 2, 3], "focal_gamma": [0.0, 2.0]}
        given = {"model": model, "halving": False, "n_models": 3}
        search = make_search(library, space, **given).fit(sample.X, sample.y)
        folds = list(StratifiedKFold(3).split(sample.X, sample.y))
        held_out = []
        for params in search.cv_results_["params"]:
            log_odds = np.zeros(len(sample.y))
            for train, test in folds:
                fitted = clone(model).set_params(**params)
                fitted.fit(sample.X[train], sample.y[train])
                log_odds[test] = fitted.decision_function(sample.X[test])
            held_out.append(log_odds)

        def loss(numbers: Any) -> float:
            mean = np.mean([held_out[one] for one in numbers], axis=0)
            each = [
                log_loss(sample.y[test], 1 / (1 + np.exp(-mean[test])))
                for _, test in folds
            ]
            return float(np.mean(each))

        chosen = [min(range(6), key=lambda one: loss([one]))]
        while len(chosen) < 3:
            rest = [one for one in range(6) if one not in chosen]
            chosen.append(min(rest, key=lambda one: loss([*chosen, one])))
        losses = [loss(chosen[: number + 1]) for number in range(3)]
        kept = int(np.argmin(losses)) + 1
        assert search.chosen_.tolist() == chosen[:kept]
        assert search.best_index_ == chosen[0]

    def test_a_poor_one_does_not_join_the_best(self, sample: Sample) -> None:
        """Trees with steps of a millionth know no more than the prevalence."""
        space = {"learning_rate": [0.3, 1e-6]}
        search = make_search(XGBoost, space, n_models=2, halving=False)
        search.fit(sample.X, sample.y)
        assert search.chosen_.tolist() == [0]
        assert len(search.best_estimator_.estimators_) == 1
        posterior = search.best_estimator_.merged().predict(XGBoost.data(sample.X))
        found = search.predict_proba(sample.X)[:, 1]
        assert_allclose(posterior, found, rtol=1e-5)

    @both
    @pytest.mark.parametrize("weighted", [False, True])
    def test_are_refitted_and_one_booster(
        self, library: Any, weighted: bool, sample: Sample
    ) -> None:
        space = {"max_depth": [2, 3], "focal_gamma": [0.0, 2.0]}
        search = make_search(library, space, n_models=2, halving=False)
        weight = sample.weight if weighted else None
        search.fit(sample.X, words(sample.y), sample_weight=weight)
        alone = []
        for number in search.chosen_:
            model = make(library, **search.cv_results_["params"][number])
            model.fit(sample.X, words(sample.y), sample_weight=weight)
            alone.append(model.decision_function(sample.X).astype(float))
        mean = np.mean(alone, axis=0)
        assert_allclose(search.decision_function(sample.X), mean, rtol=1e-12)
        assert set(search.predict(sample.X)) == {"no", "yes"}
        booster = search.best_estimator_.merged()
        data = XGBoost.data(sample.X) if library is XGBoost else sample.X
        posterior = booster.predict(data)
        assert_allclose(posterior, search.predict_proba(sample.X)[:, 1], rtol=1e-5)

    def test_early_stopped_ones_have_their_own_rounds(self, sample: Sample) -> None:
        search = searched(XGBoost, sample, "all", 6, n_models=3)
        models = search.best_estimator_.estimators_
        rounds = [one.get_booster().num_boosted_rounds() for one in models]
        expected = search.cv_results_["best_n_rounds"][search.chosen_]
        assert rounds == expected.tolist()


class TestVoting:
    def test_is_a_classifier(self, sample: Sample, validation: Sample) -> None:
        models = [make(XGBoost), make(LightGBM), make_pipeline(make(XGBoost))]
        both_of = LogOddsVotingClassifier(models, n_jobs=2)
        both_of.fit(sample.X, sample.y, sample_weight=sample.weight)
        each = [one.decision_function(validation.X) for one in both_of.estimators_]
        found = both_of.decision_function(validation.X)
        assert_allclose(found, np.mean(each, axis=0), rtol=1e-7)
        copy = pickle.loads(pickle.dumps(both_of))
        assert np.array_equal(copy.predict(validation.X), both_of.predict(validation.X))
        assert both_of.n_features_in_ == sample.X.shape[1]
        assert clone(both_of).get_params()["n_jobs"] == 2

    @pytest.mark.parametrize("estimators", [[], None, 3])
    def test_needs_estimators(self, estimators: Any, sample: Sample) -> None:
        sentence = f"estimators must be a non-empty list, got {estimators}"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            LogOddsVotingClassifier(estimators).fit(sample.X, sample.y)

    def test_needs_two_classes(self, sample: Sample) -> None:
        with pytest.raises(ValueError, match=r"^y must contain two classes, got 1"):
            LogOddsVotingClassifier([make(LightGBM)]).fit(sample.X, 0 * sample.y)
