"""The objective for Optuna: scores as the search's, reports, pruning."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from numpy.testing import assert_allclose
from populations import Sample
from searches import refitted
from sklearn.model_selection import StratifiedKFold

from focal_boost.tuning import optuna_objective

optuna = pytest.importorskip("optuna")
pytestmark = quiet


@pytest.fixture(autouse=True)
def _silent() -> Any:
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(level)


def space(trial: Any) -> dict[str, Any]:
    return {
        "focal_gamma": trial.suggest_categorical("focal_gamma", [0.0, 1.0, 2.0, 4.0]),
        "max_depth": trial.suggest_int("max_depth", 2, 4),
    }


def objective_of(model: Any, rows: Sample, **given: Any) -> Any:
    given = {"space": space, "cv": 3, "min_rounds": 1, **given}
    return optuna_objective(model, rows.X, rows.y, **given)


def optimised(
    objective: Any, trials: int = 1, direction: str = "maximize", **given: Any
) -> Any:
    """Return a study of so many trials; only a pruner that is given prunes."""
    sampler = optuna.samplers.RandomSampler(seed=0)
    given = {"pruner": optuna.pruners.NopPruner(), **given}
    study = optuna.create_study(sampler=sampler, direction=direction, **given)
    study.optimize(objective, n_trials=trials)
    return study


class PruneAt(optuna.pruners.BasePruner):
    """Prunes every trial with an odd number at its first report."""

    def prune(self, study: Any, trial: Any) -> bool:
        return bool(trial.number % 2)


class TestObjective:
    @both
    @pytest.mark.parametrize("scoring", ["neg_log_loss", "average_precision"])
    def test_is_the_mean_over_folds(
        self, library: Any, scoring: str, sample: Sample
    ) -> None:
        X, y, model = sample.X, sample.y, make(library)
        given = {"scoring": scoring, "sample_weight": sample.weight}
        folds = list(StratifiedKFold(3).split(X, y))
        for trial in optimised(objective_of(model, sample, **given), 4).trials:
            given = {"scoring": scoring, "weight": sample.weight}
            expected = refitted(model, trial.params, X, y, folds, **given)
            assert_allclose(trial.value, np.mean(expected), rtol=1e-9)
            assert trial.user_attrs["focal_boost"]["n_rounds"] == 10

    @both
    def test_reports_scores_of_fewer_rounds(self, library: Any, sample: Sample) -> None:
        X, y = sample.X, sample.y
        (trial,) = optimised(objective_of(make(library), sample)).trials
        assert sorted(trial.intermediate_values) == [3, 5, 10]
        folds = list(StratifiedKFold(3).split(X, y))
        for rounds, value in trial.intermediate_values.items():
            model = make(library, n_estimators=rounds)
            expected = np.mean(refitted(model, trial.params, X, y, folds))
            assert_allclose(value, expected, rtol=1e-9)

    @both
    def test_is_pruned(self, library: Any, sample: Sample) -> None:
        objective = objective_of(make(library), sample)
        trials = optimised(objective, 4, pruner=PruneAt()).trials
        found = [
            (
                trial.state.name,
                len(trial.intermediate_values),
                trial.user_attrs["focal_boost"]["n_rounds"],
            )
            for trial in trials
        ]
        assert found == [("COMPLETE", 3, 10), ("PRUNED", 1, 3)] * 2

    @both
    def test_has_a_space_of_its_own(self, library: Any, sample: Sample) -> None:
        objective = optuna_objective(make(library), sample.X, sample.y, cv=2)
        for trial in optimised(objective, 2).trials:
            loss = trial.params["loss"]
            assert loss in {"focal loss", "log loss"}
            assert ("focal_gamma" in trial.params) == (loss == "focal loss")

    def test_takes_a_trial_without_a_study(self, sample: Sample) -> None:
        objective = objective_of(make(LightGBM), sample)
        params = {"focal_gamma": 1.0, "max_depth": 3}
        assert objective(optuna.trial.FixedTrial(params)) < 0

    @both
    def test_works_in_threads(self, library: Any, sample: Sample) -> None:
        values = []
        for n_jobs in (1, 3):
            pruner = optuna.pruners.NopPruner()
            study = optuna.create_study(pruner=pruner, direction="maximize")
            objective = objective_of(make(library), sample)
            for gamma in (0.0, 1.0, 2.0, 4.0):
                study.enqueue_trial({"focal_gamma": gamma, "max_depth": 3})
            study.optimize(objective, n_trials=4, n_jobs=n_jobs)
            values.append({t.params["focal_gamma"]: t.value for t in study.trials})
        assert values[0] == values[1]

    def test_chooses_the_number_of_rounds(self, sample: Sample) -> None:
        X, y = sample.X, sample.y
        model = make(
            XGBoost, n_estimators=60, early_stopping_rounds=4, learning_rate=0.5
        )
        (trial,) = optimised(objective_of(model, sample, cv=2)).trials
        rounds = trial.user_attrs["focal_boost"]["best_n_rounds"]
        assert 1 <= rounds < 56
        model.set_params(early_stopping_rounds=None, n_estimators=rounds)
        folds = list(StratifiedKFold(2).split(X, y))
        expected = refitted(model, trial.params, X, y, folds)
        assert_allclose(trial.value, np.mean(expected), rtol=1e-9)


class TestRefusals:
    def test_a_study_that_minimises(self, sample: Sample) -> None:
        objective = optuna_objective(make(LightGBM), sample.X, sample.y, cv=2)
        sentence = (
            'the study must have direction="maximize", because more of every scoring'
            " is better, got 'minimize'"
        )
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            optimised(objective, direction="minimize")

    def test_an_invalid_suggestion(self, sample: Sample) -> None:
        unsound = {"space": lambda _: {"focal_gamma": -1}}
        objective = objective_of(make(XGBoost), sample, **unsound)
        with pytest.raises(ValueError, match="focal_gamma must be a finite number"):
            optimised(objective)

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"scoring": "focal_loss"}, "scoring must be one of"),
            ({"factor": 1}, "factor must be a finite number > 1, got 1"),
            ({"cv": 1}, "cv must be an integer >= 2, got 1"),
        ],
    )
    def test_settings(self, given: Any, sentence: str, sample: Sample) -> None:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            optuna_objective(make(LightGBM), sample.X, sample.y, **given)
