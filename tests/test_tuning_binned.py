"""What a search asks of a library: binned rows of a fold, its rounds and patience."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from populations import Sample
from searches import figures, make_search

from focal_boost._adapter.protocol import trainable
from focal_boost.lightgbm import _binned as lightgbm_binned
from focal_boost.xgboost import _binned as xgboost_binned

pytestmark = quiet

MODULES = {"xgboost": xgboost_binned, "lightgbm": lightgbm_binned}


class TestBinning:
    """Candidates share the binned rows of a fold unless they are binned differently."""

    @pytest.fixture
    def binned(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        made: list[Any] = []
        for module in MODULES.values():
            create = module.Binned.__init__

            def counted(self: Any, *args: Any, create: Any = create) -> None:
                made.append(self)
                create(self, *args)

            monkeypatch.setattr(module.Binned, "__init__", counted)
        return made

    @both
    @pytest.mark.parametrize(
        ("grid", "groups"),
        [
            ({"focal_alpha": [0.2, None, "balanced"], "focal_gamma": [0, 2]}, 1),
            ({"max_depth": [2, 3], "learning_rate": [0.1, 0.3]}, 1),
            ({"reg_lambda": [0, 1], "n_estimators": [5, 10]}, 1),
            ({"max_bin": [15, 63], "focal_gamma": [0, 2]}, 2),
        ],
    )
    def test_is_done_once_per_fold(
        self, library: Any, grid: Any, groups: int, binned: list[Any], sample: Sample
    ) -> None:
        make_search(library, grid, refit=False).fit(sample.X, sample.y)
        assert len(binned) == 3 * groups

    def test_is_done_once_for_leaves_that_are_suggested(
        self, binned: list[Any], sample: Sample
    ) -> None:
        given = {"n_candidates": 5, "random_state": 0, "refit": False}
        search = make_search(LightGBM, "trees", **given).fit(sample.X, sample.y)
        assert len(set(search.cv_results_["param_min_child_samples"].tolist())) > 2
        assert len(binned) == 3

    @both
    def test_is_left_out_where_a_search_is_finished(
        self, library: Any, binned: list[Any], sample: Sample, tmp_path: Any
    ) -> None:
        first, again = (
            make_search(library, storage=tmp_path / "known", refit=False)
            for _ in range(2)
        )
        first.fit(sample.X, sample.y)
        binned.clear()
        again.fit(sample.X, sample.y)
        assert binned == []
        assert figures(again) == figures(first)
        times = again.cv_results_["mean_fit_time"]
        assert times.tolist() == first.cv_results_["mean_fit_time"].tolist()

    @pytest.mark.parametrize(
        ("library", "same", "others"),
        [
            (
                XGBoost,
                {"max_leaves": 5, "reg_alpha": 3},
                {"max_bin": 9, "missing": 0.0, "tree_method": "exact"},
            ),
            (
                LightGBM,
                {"num_leaves": 5, "reg_alpha": 3},
                {
                    "min_data_in_bin": 9,
                    "subsample_for_bin": 100,
                    "linear_tree": True,
                    "class_weight": "balanced",
                    "random_state": 1,
                    # LightGBM leaves out columns that no leaf of so many rows can use.
                    "min_child_samples": 3,
                    "min_data_in_leaf": 3,
                    "feature_pre_filter": False,
                },
            ),
        ],
        ids=["xgboost", "lightgbm"],
    )
    def test_by_names_of_the_library(
        self, library: Any, same: Any, others: Any
    ) -> None:
        key = MODULES[library.name].bins_key
        assert key(make(library, **same)) == key(make(library))
        for name, value in others.items():
            assert key(make(library, **{name: value})) != key(make(library))


class TestLibrary:
    @both
    def test_is_that_of_a_subclass_too(self, library: Any) -> None:
        class Mine(library.focal_classifier):  # type: ignore[name-defined, misc]
            pass

        assert trainable(Mine()) is MODULES[library.name]

    @both
    def test_patience_and_rounds(self, library: Any) -> None:
        module = MODULES[library.name]
        name = "early_stopping_rounds"
        model = make(library, n_estimators=7, **{name: 3})
        assert module.rounds_of(model) == 7
        assert module.patience_of(model) == 3
        assert module.patience_of(make(library)) is None
        changed = module.with_rounds(model, 5)
        assert module.rounds_of(changed) == 5
        assert module.patience_of(changed) is None
        assert module.library == library.name

    def test_rounds_that_xgboost_takes_by_itself(self) -> None:
        assert xgboost_binned.rounds_of(make(XGBoost, n_estimators=None)) == 100

    def test_patience_that_lightgbm_turns_off(self) -> None:
        model = make(LightGBM, early_stopping_round=-1)
        assert lightgbm_binned.patience_of(model) is None

    def test_a_search_of_one_library_loads_the_other_never(self) -> None:
        code = (
            "import sys, focal_boost\n"
            "from focal_boost._adapter.protocol import trainable\n"
            "trainable(focal_boost.FocalLGBMClassifier())\n"
            "assert focal_boost.FocalSearchCV and 'xgboost' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
