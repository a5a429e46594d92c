"""The pieces of a search, by hand-made numbers."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from populations import Sample
from searches import make_search

from focal_boost._adapter.progress import progress
from focal_boost._adapter.protocol import trainable
from focal_boost.lightgbm import _binned as lightgbm_binned
from focal_boost.tuning._folds import Course
from focal_boost.tuning._objective import TOLD
from focal_boost.tuning._pruner import RungPruner, Rungs
from focal_boost.tuning._results import cv_results
from focal_boost.tuning._space import Candidate
from focal_boost.xgboost import _binned as xgboost_binned

pytestmark = quiet

MODULES = {"xgboost": xgboost_binned, "lightgbm": lightgbm_binned}


def candidate(number: int = 0, rounds: int = 100, patience: Any = None) -> Candidate:
    return Candidate(number, {"focal_gamma": number}, None, rounds, patience)


def course(means: list[float], **given: Any) -> Course:
    """Return a course that was scored after every round, on two folds."""
    folds: Any = SimpleNamespace(each=[None, None])
    found = Course(folds, candidate(**given), paused=False)
    found.points = list(range(1, len(means) + 1))
    found.scores = [[mean - 0.5, mean + 0.5] for mean in means]
    return found


class TestRungs:
    @pytest.mark.parametrize(
        ("rounds", "factor", "min_rounds", "rungs"),
        [
            (100, 2, 10, [13, 25, 50, 100]),
            (100, 2, 30, [50, 100]),
            (100, 3, 10, [12, 34, 100]),
            (5, 2, 10, [5]),
            (1, 2, 1, [1]),
            (243, 3, 1, [1, 3, 9, 27, 81, 243]),
            (1000, 10, 1, [1, 10, 100, 1000]),
            (100, 1.5, 60, [67, 100]),
        ],
    )
    def test_grow(
        self, rounds: int, factor: float, min_rounds: int, rungs: Any
    ) -> None:
        found = Rungs(factor, min_rounds).of(candidate(rounds=rounds))
        assert found == dict(zip(rungs, rungs, strict=True))

    @pytest.mark.parametrize(
        ("rate", "reached"),
        [
            (None, [13, 25, 50, 100]),
            (0.3, [13, 25, 50, 100]),
            (1.2, [13, 25, 50, 100]),
            (0.3 / 1.44, [16, 30, 60, 100]),
            (0.3 / 4, [26, 50, 100]),
            (1e-9, [100]),
        ],
    )
    def test_small_steps_reach_them_later(self, rate: Any, reached: list[int]) -> None:
        """By the square root of how much smaller they are; the last is the end."""
        one = replace(candidate(rounds=100), rate=rate)
        found = Rungs(2, 10).of(one)
        assert list(found) == [*[13, 25, 50][: len(reached) - 1], 100]
        assert list(found.values()) == reached

    def test_without_halving_there_is_one(self) -> None:
        assert Rungs(2, 10, halving=False).of(candidate(rounds=100)) == {100: 100}


class TestPruner:
    """Who is not among the best third of those that came as far is ended."""

    @staticmethod
    def goes_on(values: list[float], keep: float = 1 / 3) -> list[bool]:
        study = optuna.create_study(direction="maximize", pruner=RungPruner(keep))
        found = []
        for value in values:
            trial = study.ask()
            trial.report(value, 5)
            found.append(not trial.should_prune())
            study.tell(trial, value)
        return found

    @pytest.mark.parametrize(
        ("values", "keep", "expected"),
        [
            ([1.0, 2.0, 3.0], 1 / 3, [True, True, True]),
            ([3.0, 2.0, 1.0], 1 / 3, [True, False, False]),
            # Of four, two places: 4/3 rounded up.
            ([4.0, 1.0, 2.0, 3.0], 1 / 3, [True, False, False, True]),
            # Of three, two places.
            ([4.0, 3.0, 3.5, 1.0], 0.5, [True, False, True, False]),
            ([1.0, 1.0, 1.0], 1 / 3, [True, True, True]),
        ],
    )
    def test_by_rank(self, values: Any, keep: float, expected: Any) -> None:
        assert self.goes_on(values, keep) == expected

    def test_compares_only_what_came_as_far(self) -> None:
        study = optuna.create_study(direction="maximize", pruner=RungPruner())
        study.add_trial(
            optuna.trial.create_trial(value=9.0, intermediate_values={3: 9.0})
        )
        trial = study.ask()
        assert not trial.should_prune()
        trial.report(1.0, 5)
        assert not trial.should_prune()


class TestCourse:
    @pytest.mark.parametrize(
        ("means", "patience", "best", "ended"),
        [
            ([1, 2, 3], None, 2, False),
            ([3, 2, 1], None, 2, False),
            ([1, 3, 2, 2], 2, 1, True),
            ([1, 3, 2, 2], 3, 1, False),
            ([1, 3, 3, 3], 2, 1, True),
            ([1, 3, 2, 2, 9, 9], 2, 1, True),
            ([1, 3, 2, 4, 2], 2, 3, False),
            ([5], 1, 0, False),
            ([5, 4], 1, 0, True),
        ],
    )
    def test_early_stopping_on_the_mean(
        self, means: list[float], patience: Any, best: int, ended: bool
    ) -> None:
        found = course(means, patience=patience)
        assert found.best == best
        assert found.mean == means[best]
        assert found.is_finished == ended
        told = found.summary()
        assert told["best_n_rounds"] == best + 1
        assert told["n_rounds"] == len(means)
        assert told["scores"] == [means[best] - 0.5, means[best] + 0.5]

    def test_a_new_one_is_not_finished(self) -> None:
        assert not course([], patience=1).is_finished
        assert course([1, 2], rounds=2).is_finished

    @pytest.mark.parametrize(
        ("done", "patience", "target", "points"),
        [
            (0, None, 12, [12]),
            (12, None, 34, [34]),
            (12, None, 12, []),
            (0, 3, 10, [1, 2, 3]),
            (9, 20, 11, [10, 11]),
        ],
    )
    def test_next_points(
        self, done: int, patience: Any, target: int, points: list[int]
    ) -> None:
        found = course([float(one) for one in range(done)], patience=patience)
        assert found.next_points(target) == points

    def test_no_points_follow_the_end_of_patience(self) -> None:
        assert course([2, 1, 1], patience=2).next_points(9) == []


class TestResults:
    @staticmethod
    def trial(scores: list[float], steps: int = 1, *, ended: bool = False) -> Any:
        told = {"scores": scores, "seconds": [0.0, 0.0], "n_rounds": 3,
                "best_n_rounds": 2}  # fmt: skip
        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            state=states.PRUNED if ended else states.COMPLETE,
            value=None if ended else float(np.mean(scores)),
            intermediate_values=dict.fromkeys(range(steps), 0.0),
            user_attrs={TOLD: told},
        )

    def results(self, trials: list[Any]) -> Any:
        return cv_results(trials, [candidate(number) for number in range(len(trials))])

    def test_order(self) -> None:
        trials = [
            self.trial([8.5, 9.5], ended=True),
            self.trial([0.5, 1.5]),
            self.trial([1.5, 2.5], steps=9),
            self.trial([8.0, 9.0], steps=2, ended=True),
        ]
        results = self.results(trials)
        assert results["rank_test_score"].tolist() == [4, 2, 1, 3]
        assert results["mean_test_score"].tolist() == [9, 1, 2, 8.5]
        assert results["std_test_score"].tolist() == [0.5] * 4
        assert results["split0_test_score"].tolist() == [8.5, 0.5, 1.5, 8.0]
        assert results["param_focal_gamma"].tolist() == [0, 1, 2, 3]
        assert results["n_rounds"].tolist() == [3] * 4
        assert results["best_n_rounds"].tolist() == [2] * 4

    def test_equals_share_a_rank(self) -> None:
        trials = [self.trial([value, value]) for value in (1.0, 2.0, 2.0, 0.0)]
        ranks = self.results(trials)["rank_test_score"]
        assert ranks.tolist() == [3, 1, 1, 4]
        assert ranks.dtype == np.int32


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

    @both
    def test_of_rows_that_a_resumed_search_does_not_need_is_left_out(
        self, library: Any, binned: list[Any], sample: Sample, tmp_path: Any
    ) -> None:
        search = make_search(library, storage=tmp_path / "known", refit=False)
        search.fit(sample.X, sample.y)
        binned.clear()
        search.fit(sample.X, sample.y)
        assert binned == []

    def test_by_lightgbms_names_of_dataset_parameters(self) -> None:
        key = lightgbm_binned.bins_key
        model = make(LightGBM)
        assert key(model) == key(make(LightGBM, num_leaves=5, reg_alpha=3))
        for other in (
            {"min_data_in_bin": 9},
            {"subsample_for_bin": 100},
            {"linear_tree": True},
            {"class_weight": "balanced"},
            {"random_state": 1},
            # LightGBM leaves out columns that no leaf of so many rows could use.
            {"min_child_samples": 3},
            {"min_data_in_leaf": 3},
            {"feature_pre_filter": False},
        ):
            assert key(make(LightGBM, **other)) != key(model)

    def test_by_xgboosts_names(self) -> None:
        key = xgboost_binned.bins_key
        model = make(XGBoost)
        assert key(model) == key(make(XGBoost, max_leaves=5, reg_alpha=3))
        for other in ({"max_bin": 9}, {"missing": 0.0}, {"tree_method": "exact"}):
            assert key(make(XGBoost, **other)) != key(model)


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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestProgress:
    def test_is_shown_on_a_terminal(
        self, sample: Sample, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("rich")
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        make_search(LightGBM, verbose=True).fit(sample.X, sample.y)
        assert "candidates" in terminal.getvalue()
        assert "100%" in terminal.getvalue()

    @pytest.mark.parametrize(
        ("stream", "verbose"), [(Terminal, False), (io.StringIO, True)]
    )
    def test_is_not_shown_elsewhere(
        self, stream: Any, verbose: bool, sample: Sample, monkeypatch: Any
    ) -> None:
        written = stream()
        monkeypatch.setattr(sys, "stderr", written)
        make_search(LightGBM, verbose=verbose).fit(sample.X, sample.y)
        assert written.getvalue() == ""

    def test_lines_come_now_and_then_without_a_terminal(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written, now = io.StringIO(), [100.0]
        monkeypatch.setattr(sys, "stderr", written)
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        with progress(4_000, wanted=True, of="steps") as step:
            for _ in range(4):
                now[0] += 3.0
                step(1_000)
        assert written.getvalue() == (
            "2,000 of 4,000 steps, 6 s\n4,000 of 4,000 steps, 12 s\n"
        )

    def test_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        for name in [one for one in sys.modules if one.split(".")[0] == "rich"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "rich", None)
        bar = progress(3, wanted=True)
        sentence = "^the progress bar needs rich: pip install rich$"
        with pytest.raises(ImportError, match=sentence):
            bar.__enter__()

    @both
    def test_counts_every_candidate(self, library: Any, sample: Sample) -> None:
        pytest.importorskip("rich")
        from rich.progress import Progress

        advanced: list[float] = []
        update = Progress.update

        def counted(self: Any, task: Any, **given: Any) -> None:
            advanced.append(given["advance"])
            update(self, task, **given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", Terminal())
            patch.setattr(Progress, "update", counted)
            search = make_search(library, verbose=True, refit=False)
            search.fit(sample.X, sample.y)
        assert sum(advanced) == len(search.cv_results_["params"])
