"""What a search refuses: one sentence, before anything is trained."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import both, make, quiet, words
from populations import Sample
from searches import make_search

from focal_boost.lightgbm import _binned as lightgbm_binned
from focal_boost.tuning import FocalSearchCV
from focal_boost.tuning._pruner import RungPruner
from focal_boost.xgboost import _binned as xgboost_binned

pytestmark = quiet


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here comes as far as data that are binned."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("rows were binned")

    for module in (lightgbm_binned, xgboost_binned):
        monkeypatch.setattr(module.Binned, "__init__", fail)


def refuses(sentence: str, search: Any, X: Any, y: Any, **given: Any) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$") as caught:
        search.fit(X, y, **given)
    assert "\n" not in str(caught.value)


class TestSpace:
    @both
    @pytest.mark.parametrize(
        ("space", "sentence"),
        [
            (
                {"focal_alpha": [0.5, 1.0]},
                "focal_alpha must be None or a number in (0, 1), got 1.0",
            ),
            (
                {"focal_alpha": [0.25, "even"]},
                'focal_alpha must be None, "balanced" or a number in (0, 1),'
                " got 'even'",
            ),
            (
                {"focal_gamma": [0.0, -1.0]},
                "focal_gamma must be a finite number >= 0, got -1.0",
            ),
            (
                {"focal_gamma": 2.0},
                "focal_gamma in the search space must be a non-empty list or a"
                " distribution, got 2.0",
            ),
            (
                {"focal_gamma": []},
                "focal_gamma in the search space must be a non-empty list or a"
                " distribution, got []",
            ),
            (
                {"focal_alpha": "balanced"},
                "focal_alpha in the search space must be a non-empty list or a"
                " distribution, got 'balanced'",
            ),
            (
                {"focal_gama": [1.0, 2.0]},
                "a parameter that begins with focal_ must be focal_alpha or"
                " focal_gamma, got focal_gama",
            ),
            ([], "the search space must not be empty, got []"),
            (3, "the search space must be a dict or a list, got 3"),
            (
                "tree",
                "the search space must be one of ('all', 'focal', 'trees'), got 'tree'",
            ),
            (["x"], "the search space must be a dict or a list, got ['x']"),
            (
                {"n_estimators": [5, 0]},
                "n_estimators must be an integer >= 1, got 0",
            ),
        ],
    )
    def test_unsound(
        self, library: Any, space: Any, sentence: str, sample: Sample
    ) -> None:
        refuses(sentence, make_search(library, space), sample.X, sample.y)

    def test_invalid_draws_of_a_distribution(self, sample: Sample) -> None:
        stats = pytest.importorskip("scipy.stats")
        space = {"focal_gamma": stats.uniform(-3, 1)}
        search = make_search(LightGBM, space, n_candidates=3, random_state=0)
        with pytest.raises(ValueError, match=r"^focal_gamma must be a finite number"):
            search.fit(sample.X, sample.y)

    def test_distribution_without_a_number(self, sample: Sample) -> None:
        stats = pytest.importorskip("scipy.stats")
        sentence = (
            "n_candidates must be given where the search space has distributions,"
            " got None"
        )
        search = make_search(LightGBM, {"focal_gamma": stats.uniform(0, 1)})
        refuses(sentence, search, sample.X, sample.y)

    @pytest.mark.parametrize("number", [0, -1, 2.5, True, "3"])
    def test_number_of_candidates(self, number: Any, sample: Sample) -> None:
        sentence = f"n_candidates must be an integer >= 1, got {number!r}"
        search = make_search(LightGBM, n_candidates=number)
        refuses(sentence, search, sample.X, sample.y)

    def test_rounds_under_another_name(self, sample: Sample) -> None:
        search = make_search(LightGBM, {"num_iterations": [5]})
        sentence = (
            "the number of rounds must be given as n_estimators, got num_iterations=5"
        )
        refuses(sentence, search, sample.X, sample.y)

    def test_random_forest(self, sample: Sample) -> None:
        search = make_search(LightGBM, {"boosting_type": ["gbdt", "rf"]})
        sentence = 'boosting must be "gbdt" or "dart" with a custom objective, got "rf"'
        refuses(sentence, search, sample.X, sample.y)

    @pytest.mark.parametrize(
        ("library", "sentence"),
        [
            (
                XGBoost,
                'objective of XGBoost must be "binary:logistic" or absent, got "hinge"',
            ),
            (LightGBM, 'objective in params must be "binary" or absent, got "hinge"'),
        ],
    )
    def test_objective(self, library: Any, sentence: str, sample: Sample) -> None:
        search = make_search(library, {"objective": [None, "hinge"]})
        refuses(sentence.replace('"hinge"', "'hinge'"), search, sample.X, sample.y)

    def test_callbacks(self, sample: Sample) -> None:
        model = make(XGBoost, callbacks=[xgb.callback.EvaluationMonitor()])
        search = make_search(XGBoost, model=model)
        with pytest.raises(ValueError, match=r"^callbacks of the estimator must be"):
            search.fit(sample.X, sample.y)


class TestSettings:
    @pytest.mark.parametrize("keep", [0, 1, 1.5, -0.5, np.nan, "half", True])
    def test_keep(self, keep: Any) -> None:
        sentence = f"keep must be a number in (0, 1), got {keep!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            RungPruner(keep)

    @pytest.mark.parametrize("timeout", [0, -1, np.nan, "1", True])
    def test_timeout(self, timeout: Any, sample: Sample) -> None:
        sentence = f"timeout must be None or a number > 0, got {timeout!r}"
        refuses(sentence, make_search(LightGBM, timeout=timeout), sample.X, sample.y)

    @pytest.mark.parametrize("models", [0, 1.5, "1", True])
    def test_n_models(self, models: Any, sample: Sample) -> None:
        sentence = f"n_models must be an integer >= 1, got {models!r}"
        refuses(sentence, make_search(XGBoost, n_models=models), sample.X, sample.y)

    @pytest.mark.parametrize("factor", [1, 0.5, np.inf, np.nan, "3", True])
    def test_factor(self, factor: Any, sample: Sample) -> None:
        sentence = f"factor must be a finite number > 1, got {factor!r}"
        refuses(sentence, make_search(LightGBM, factor=factor), sample.X, sample.y)

    @pytest.mark.parametrize("rounds", [0, 1.5, "1", True])
    def test_min_rounds(self, rounds: Any, sample: Sample) -> None:
        sentence = f"min_rounds must be an integer >= 1, got {rounds!r}"
        refuses(sentence, make_search(XGBoost, min_rounds=rounds), sample.X, sample.y)

    @pytest.mark.parametrize(
        ("model", "got"),
        [
            (lgb.LGBMClassifier(), "LGBMClassifier"),
            (xgb.XGBClassifier(), "XGBClassifier"),
            ("xgboost", "str"),
            (None, "None"),
        ],
    )
    def test_estimator(self, model: Any, got: str, sample: Sample) -> None:
        sentence = (
            "estimator must be a FocalXGBClassifier or a FocalLGBMClassifier,"
            f" got {got}"
        )
        refuses(sentence, FocalSearchCV(model), sample.X, sample.y)


class TestData:
    @both
    def test_fewer_positives_than_folds(self, library: Any, sample: Sample) -> None:
        y = np.zeros_like(sample.y)
        y[:4] = 1
        sentence = "cv must be at most the 4 rows with class '1', got 5"
        refuses(sentence, make_search(library, cv=5), sample.X, y)
        sentence = "cv must be at most the 4 rows with class 'no', got 5"
        refuses(sentence, make_search(library, cv=5), sample.X, words(1 - y))

    @both
    def test_group_with_all_positives(self, library: Any, sample: Sample) -> None:
        groups = np.where(sample.y == 1, "hall", np.arange(len(sample.y)) % 9)
        sentence = (
            "groups must not hold all rows of class '1' in one group, got group"
            f" 'hall' with all {sample.y.sum()}"
        )
        refuses(sentence, make_search(library), sample.X, sample.y, groups=groups)

    def test_fewer_groups_with_positives_than_folds(self, sample: Sample) -> None:
        rows = np.arange(len(sample.y))
        groups = np.where(sample.y == 1, rows % 2, rows % 9)
        sentence = "cv must be at most the 2 groups with class '1', got 3"
        refuses(sentence, make_search(XGBoost), sample.X, sample.y, groups=groups)

    def test_part_without_positives(self, sample: Sample) -> None:
        order = np.argsort(sample.y)
        splits = [(order[1000:], order[:1000])]
        sentence = (
            "cv must leave both classes with positive weight in every part, got 1 in"
            " the test part of fold 0"
        )
        refuses(sentence, make_search(LightGBM, cv=splits), sample.X, sample.y)

    def test_positives_without_weight(self, sample: Sample) -> None:
        weight = np.where(sample.y == 1, 0.0, 1.0)
        sentence = (
            "cv must leave both classes with positive weight in every part, got 1 in"
            " the training part of fold 0"
        )
        search = make_search(LightGBM)
        refuses(sentence, search, sample.X, sample.y, sample_weight=weight)

    @pytest.mark.parametrize("cv", [1, 0, -2])
    def test_number_of_folds(self, cv: int, sample: Sample) -> None:
        sentence = f"cv must be an integer >= 2, got {cv}"
        refuses(sentence, make_search(LightGBM, cv=cv), sample.X, sample.y)

    def test_shapes(self, sample: Sample) -> None:
        search, X, y = make_search(LightGBM), sample.X, sample.y
        refuses("y must have one label per row of X, 3000, got 2999", search, X, y[1:])
        sentence = "sample_weight must have the shape of y_true, (3000,), got (2,)"
        refuses(sentence, search, X, y, sample_weight=[1.0, 2.0])
        sentence = "groups must have one value per row of X, 3000, got shape (3,)"
        refuses(sentence, search, X, y, groups=[1, 2, 3])

    def test_labels(self, sample: Sample) -> None:
        search = make_search(XGBoost)
        sentence = "y must contain two classes, got 1 class: [0]"
        refuses(sentence, search, sample.X, np.zeros_like(sample.y))
        rare = np.where(np.arange(len(sample.y)) < 2, 2, sample.y)
        sentence = "cv must be at most the 2 rows with class '2', got 3"
        refuses(sentence, search, sample.X, rare)

    def test_weights(self, sample: Sample) -> None:
        weight = np.where(sample.y == 1, -1.0, 1.0)
        sentence = "sample_weight must be finite numbers >= 0, got -1.0"
        search = make_search(XGBoost)
        refuses(sentence, search, sample.X, sample.y, sample_weight=weight)
