"""Several models of a search: chosen by the mean of their log-odds, and one booster."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, posterior_of, quiet, words
from numpy.testing import assert_allclose
from populations import Sample
from scipy.special import expit
from searches import make_search
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from tools import classes_of

from focal_boost.ensemble import LogOddsVotingClassifier

pytestmark = quiet

CLASSES = {
    "two": lambda rows: words(rows.y),
    "three": lambda rows: np.array(["low", "middle", "top"])[classes_of(rows)],
}
of_classes = pytest.mark.parametrize("labels", CLASSES.values(), ids=CLASSES)


class TestSeveralModels:
    @both
    @of_classes
    def test_are_those_whose_mean_log_odds_score_best(
        self, library: Any, labels: Any, sample: Sample
    ) -> None:
        X, y = sample.X, labels(sample)
        model = make(library, n_estimators=6, learning_rate=0.5)
        space = {"max_depth": [1, 2, 3], "focal_gamma": [0.0, 2.0]}
        given = {"model": model, "halving": False, "n_models": 3}
        search = make_search(library, space, **given).fit(X, y)
        splits = list(StratifiedKFold(3).split(X, y))
        held_out = np.array([
            cross_val_predict(
                clone(model).set_params(**params), X, y, cv=splits,
                method="decision_function",
            )
            for params in search.cv_results_["params"]
        ], float)  # fmt: skip

        def loss(numbers: Any) -> float:
            posterior = posterior_of(held_out[numbers].mean(axis=0))
            each = [log_loss(y[test], posterior[test]) for _, test in splits]
            return float(np.mean(each))

        chosen: list[int] = []
        while len(chosen) < 3:
            rest = [one for one in range(6) if one not in chosen]
            chosen.append(min(rest, key=lambda one: loss([*chosen, one])))
        kept = int(np.argmin([loss(chosen[:count]) for count in (1, 2, 3)])) + 1
        assert search.chosen_.tolist() == chosen[:kept]
        assert search.best_index_ == chosen[0]

    def test_a_poor_one_does_not_join_the_best(self, sample: Sample) -> None:
        """Trees with steps of a millionth know no more than the prevalence."""
        space = {"learning_rate": [0.3, 1e-6]}
        search = make_search(XGBoost, space, n_models=2, halving=False)
        search.fit(sample.X, sample.y)
        assert search.chosen_.tolist() == [0]
        assert len(search.best_estimator_.estimators_) == 1
        posterior = XGBoost.probability(search.best_estimator_.merged(), sample.X)
        found = search.predict_proba(sample.X)[:, 1]
        assert_allclose(posterior, found, rtol=1e-5)

    @both
    @of_classes
    @pytest.mark.parametrize("weighted", [False, True])
    def test_are_refitted_and_one_booster(
        self, library: Any, labels: Any, weighted: bool, sample: Sample
    ) -> None:
        X, y = sample.X, labels(sample)
        weight = sample.weight if weighted else None
        space = {"max_depth": [2, 3], "focal_gamma": [0.0, 2.0]}
        search = make_search(library, space, n_models=2, halving=False)
        search.fit(X, y, sample_weight=weight)
        alone = []
        for number in search.chosen_:
            model = make(library, **search.cv_results_["params"][number])
            model.fit(X, y, sample_weight=weight)
            alone.append(model.decision_function(X).astype(float))
        mean = np.mean(alone, axis=0)
        assert_allclose(search.decision_function(X), mean, rtol=1e-12)
        posterior = posterior_of(mean)
        assert_allclose(search.predict_proba(X), posterior, rtol=1e-6)
        assert set(search.predict(X)) == set(y)
        found = library.probability(search.best_estimator_.merged(), X)
        assert_allclose(found, expit(mean), rtol=1e-5)

    def test_early_stopped_ones_have_their_own_rounds(self, sample: Sample) -> None:
        given = {"n_candidates": 6, "random_state": 0, "n_models": 3}
        search = make_search(XGBoost, "all", **given).fit(sample.X, sample.y)
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
