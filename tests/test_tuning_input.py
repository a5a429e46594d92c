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


LIST = "in the search space must be a non-empty list or a distribution"


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
            ({"focal_gamma": 2.0}, f"focal_gamma {LIST}, got 2.0"),
            ({"focal_gamma": []}, f"focal_gamma {LIST}, got []"),
            ({"focal_alpha": "balanced"}, f"focal_alpha {LIST}, got 'balanced'"),
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
            ({"n_estimators": [5, 0]}, "n_estimators must be an integer >= 1, got 0"),
        ],
    )
    def test_unsound(
        self, library: Any, space: Any, sentence: str, sample: Sample
    ) -> None:
        refuses(sentence, make_search(library, space), sample.X, sample.y)

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (
                {"n_candidates": 3, "random_state": 0},
                "focal_gamma must be a finite number >= 0, got ",
            ),
            (
                {},
                "n_candidates must be given where the search space has distributions,"
                " got None",
            ),
        ],
        ids=["invalid draws", "no number of draws"],
    )
    def test_distributions(self, given: Any, sentence: str, sample: Sample) -> None:
        stats = pytest.importorskip("scipy.stats")
        search = make_search(LightGBM, {"focal_gamma": stats.uniform(-3, 1)}, **given)
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
            search.fit(sample.X, sample.y)

    @pytest.mark.parametrize(
        ("library", "space", "sentence"),
        [
            (
                LightGBM,
                {"num_iterations": [5]},
                "the number of rounds must be given as n_estimators, got"
                " num_iterations=5",
            ),
            (
                LightGBM,
                {"boosting_type": ["gbdt", "rf"]},
                'boosting must be "gbdt" or "dart" with a custom objective, got "rf"',
            ),
            (
                LightGBM,
                {"objective": [None, "hinge"]},
                "objective in params must be \"binary\" or absent, got 'hinge'",
            ),
            (
                XGBoost,
                {"objective": [None, "hinge"]},
                'objective of XGBoost must be "binary:logistic" or absent, got'
                " 'hinge'",
            ),
        ],
    )
    def test_parameters_of_a_library(
        self, library: Any, space: Any, sentence: str, sample: Sample
    ) -> None:
        refuses(sentence, make_search(library, space), sample.X, sample.y)


RULES: dict[str, tuple[str, list[Any]]] = {
    "n_candidates": ("an integer >= 1", [0, -1, 2.5, True, "3"]),
    "n_models": ("an integer >= 1", [0, 1.5, "1", True]),
    "min_rounds": ("an integer >= 1", [0, 1.5, "1", True]),
    "timeout": ("None or a number > 0", [0, -1, np.nan, "1", True]),
    "factor": ("a finite number > 1", [1, 0.5, np.inf, np.nan, "3", True]),
    "cv": ("an integer >= 2", [1, 0, -2]),
}


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "rule", "value"),
        [(name, rule, one) for name, (rule, wrong) in RULES.items() for one in wrong],
    )
    def test_number(self, name: str, rule: str, value: Any, sample: Sample) -> None:
        sentence = f"{name} must be {rule}, got {value!r}"
        search = make_search(LightGBM, **{name: value})
        refuses(sentence, search, sample.X, sample.y)

    @pytest.mark.parametrize("keep", [0, 1, 1.5, -0.5, np.nan, "half", True])
    def test_keep(self, keep: Any) -> None:
        sentence = f"keep must be a number in (0, 1), got {keep!r}"
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            RungPruner(keep)

    def test_callbacks(self, sample: Sample) -> None:
        model = make(XGBoost, callbacks=[xgb.callback.EvaluationMonitor()])
        search = make_search(XGBoost, model=model)
        with pytest.raises(ValueError, match=r"^callbacks of the estimator must be"):
            search.fit(sample.X, sample.y)

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


def four(rows: Sample) -> Any:
    """Return four positive labels."""
    return np.where(np.arange(len(rows.y)) < 4, 1, 0)


ROWS = np.arange(3000)
PARTS = "cv must leave both classes with positive weight in every part, got 1 in the "
DATA: dict[str, Any] = {
    "cv must be at most the 4 rows with class '1', got 5": lambda rows: {
        "cv": 5, "y": four(rows),
    },
    "cv must be at most the 4 rows with class 'no', got 5": lambda rows: {
        "cv": 5, "y": words(1 - four(rows)),
    },
    "cv must be at most the 2 rows with class '2', got 3": lambda rows: {
        "y": np.where(ROWS < 2, 2, rows.y),
    },
    "cv must be at most the 2 groups with class '1', got 3": lambda rows: {
        "groups": np.where(rows.y == 1, ROWS % 2, ROWS % 9),
    },
    PARTS + "training part of fold 0": lambda rows: {
        "sample_weight": np.where(rows.y == 1, 0.0, 1.0),
    },
    PARTS + "test part of fold 0": lambda rows: {
        "cv": [(ROWS[1000:], ROWS[:1000])], "y": np.sort(rows.y),
    },
    "y must contain two classes, got 1 class: [0]": lambda rows: {"y": 0 * rows.y},
    "y must have one label per row of X, 3000, got 2999": lambda rows: {
        "y": rows.y[1:],
    },
    "sample_weight must be finite numbers >= 0, got -1.0": lambda rows: {
        "sample_weight": np.where(rows.y == 1, -1.0, 1.0),
    },
    "sample_weight must have the shape of y_true, (3000,), got (2,)": lambda rows: {
        "sample_weight": [1.0, 2.0],
    },
    "groups must have one value per row of X, 3000, got shape (3,)": lambda rows: {
        "groups": [1, 2, 3],
    },
}  # fmt: skip


class TestData:
    @both
    @pytest.mark.parametrize("sentence", DATA)
    def test_unsound(self, library: Any, sentence: str, sample: Sample) -> None:
        given = {"X": sample.X, "y": sample.y, "cv": 3, **DATA[sentence](sample)}
        search = make_search(library, cv=given.pop("cv"))
        refuses(sentence, search, **given)

    @both
    def test_group_with_all_positives(self, library: Any, sample: Sample) -> None:
        groups = np.where(sample.y == 1, "hall", ROWS % 9)
        sentence = (
            "groups must not hold all rows of class '1' in one group, got group"
            f" 'hall' with all {sample.y.sum()}"
        )
        refuses(sentence, make_search(library), sample.X, sample.y, groups=groups)
