"""The pieces of a search, by hand-made numbers."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from populations import Sample
from searches import make_search

from focal_boost._adapter.protocol import trainable
from focal_boost.lightgbm import _binned as lightgbm_binned
from focal_boost.tuning._fold import Fold, Scores
from focal_boost.tuning._ladder import Ladder, planned_rounds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._progress import progress
from focal_boost.tuning._race import Track, best_first
from focal_boost.tuning._results import cv_results
from focal_boost.tuning._space import Candidate, candidate_of
from focal_boost.xgboost import _binned as xgboost_binned

pytestmark = quiet

MODULES = {"xgboost": xgboost_binned, "lightgbm": lightgbm_binned}


def candidate(number: int = 0, rounds: int = 100, patience: Any = None) -> Candidate:
    return Candidate(number, {"focal_gamma": number}, None, rounds, patience)


def track(means: list[float], number: int = 0, rung: int = 0, **given: Any) -> Track:
    """Return a track that was scored after every round, on two folds."""
    found = Track(candidate(number, **given), np.zeros(2), rung)
    found.points = list(range(1, len(means) + 1))
    found.scores = [[mean - 0.5, mean + 0.5] for mean in means]
    return found


class TestLadder:
    @pytest.mark.parametrize(
        ("rounds", "count", "factor", "min_rounds", "keep", "rungs"),
        [
            (100, 25, 2, 10, 1 / 3, [25, 50, 100]),
            (100, 25, 2, 30, 1 / 3, [50, 100]),
            (100, 27, 2, 10, 1 / 3, [13, 25, 50, 100]),
            (100, 9, 2, 10, 1 / 3, [25, 50, 100]),
            (100, 8, 2, 10, 1 / 3, [50, 100]),
            (100, 2, 2, 10, 1 / 3, [100]),
            (100, 1, 2, 10, 1 / 3, [100]),
            (5, 25, 2, 10, 1 / 3, [5]),
            (100, 25, 3, 10, 1 / 3, [12, 34, 100]),
            (243, 243, 3, 1, 1 / 3, [1, 3, 9, 27, 81, 243]),
            (100, 25, 2, 10, 0.5, [13, 25, 50, 100]),
            (100, 25, 2, 10, 0.1, [50, 100]),
            (100, 25, 1.5, 60, 0.5, [67, 100]),
            (1000, 1000, 10, 1, 0.1, [1, 10, 100, 1000]),
            (100, float("inf"), 2, 10, 1 / 3, [13, 25, 50, 100]),
        ],
    )
    def test_rungs(
        self,
        rounds: int,
        count: float,
        factor: float,
        min_rounds: int,
        keep: float,
        rungs: Any,
    ) -> None:
        ladder = Ladder.of(rounds, count, factor, min_rounds, keep)
        one = candidate(rounds=rounds)
        found = [ladder.target(one, rung) for rung in range(ladder.rungs_below + 1)]
        assert found == rungs

    @pytest.mark.parametrize(
        ("count", "keep", "places"),
        [
            (25, 1 / 3, 9),
            (9, 1 / 3, 3),
            (3, 1 / 3, 1),
            (2, 1 / 3, 1),
            (1, 1 / 3, 1),
            (25, 0.5, 13),
            (10, 0.9, 9),
        ],
    )
    def test_survivors(self, count: int, keep: float, places: int) -> None:
        assert Ladder(2, 1, keep).survivors(count) == places

    def test_a_candidate_of_fewer_rounds_has_lower_rungs(self) -> None:
        ladder = Ladder(3, 1)
        assert ladder.target(candidate(rounds=30), 0) == 10
        assert ladder.target(candidate(rounds=1), 0) == 1

    def test_planned_rounds(self) -> None:
        several = [candidate(number) for number in range(25)]
        assert planned_rounds(several, Ladder(3, 0)) == 2500
        expected = 25 * 25 + 9 * (50 - 25) + 3 * (100 - 50)
        assert planned_rounds(several, Ladder(2, 2)) == expected


class TestTrack:
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
        found = track(means, patience=patience)
        assert found.best == best
        assert found.mean == means[best]
        assert found.is_out_of_patience == ended

    def test_a_new_one_is_not_out_of_patience(self) -> None:
        assert not Track(candidate(patience=1), np.zeros(2)).is_out_of_patience

    @pytest.mark.parametrize(
        ("done", "patience", "target", "halfway", "points"),
        [
            (0, None, 12, True, [6, 12]),
            (0, None, 12, False, [12]),
            (12, None, 34, True, [17, 34]),
            (12, None, 24, True, [24]),
            (12, None, 12, True, []),
            (0, None, 1, True, [1]),
            (0, 3, 10, True, [1, 2, 3]),
            (9, 20, 11, False, [10, 11]),
        ],
    )
    def test_next_points(
        self, done: int, patience: Any, target: int, halfway: bool, points: list[int]
    ) -> None:
        found = track(list(range(done)), patience=patience)
        assert found.next_points(target, halfway=halfway) == points

    def test_no_points_follow_the_end_of_patience(self) -> None:
        assert track([2, 1, 1], patience=2).next_points(9, halfway=True) == []

    @pytest.mark.parametrize(
        ("points", "means", "promise"),
        [
            ([12], [3.0], 3.0),
            ([6, 12], [2.0, 3.0], 3.25),
            ([6, 12], [3.0, 2.0], 1.75),
            ([6, 12, 17, 34], [0.0, 0.0, 1.0, 4.0], 4.75),
            ([5, 9], [2.0, 3.0], 3.25),
            ([5, 8], [2.0, 3.0], 3.0),
        ],
    )
    def test_promise(
        self, points: list[int], means: list[float], promise: float
    ) -> None:
        found = track(means)
        found.points = points
        assert found.promise == promise

    def test_add(self) -> None:
        found = Track(candidate(), np.zeros(2))
        found.add([6, 12], [Scores([1.0, 2.0], 0.5), Scores([3.0, 4.0], 0.25)])
        assert found.points == [6, 12]
        assert found.scores == [[1.0, 3.0], [2.0, 4.0]]
        assert found.seconds.tolist() == [0.5, 0.25]
        found.add([34], [Scores([5.0], 1.0), Scores([6.0], 1.0)])
        assert found.rounds == 34
        assert found.seconds.tolist() == [1.5, 1.25]


class TestResults:
    def test_order(self) -> None:
        tracks = [track([9], 0), track([1], 1, rung=1), track([2], 2, rung=1)]
        assert [one.candidate.number for one in best_first(tracks)] == [2, 1, 0]
        results = cv_results(tracks)
        assert results["rank_test_score"].tolist() == [3, 2, 1]
        assert results["mean_test_score"].tolist() == [9, 1, 2]
        assert results["std_test_score"].tolist() == [0.5] * 3
        assert results["split0_test_score"].tolist() == [8.5, 0.5, 1.5]
        assert results["param_focal_gamma"].tolist() == [0, 1, 2]

    def test_equals_share_a_rank(self) -> None:
        tracks = [track([1], 0), track([2], 1), track([2], 2), track([0], 3)]
        ranks = cv_results(tracks)["rank_test_score"]
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
        search = make_search(library, checkpoint=tmp_path / "known", refit=False)
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


class TestFold:
    @both
    @pytest.mark.parametrize("paused", [False, True])
    def test_keeps_trainings_only_to_continue_them(
        self,
        library: Any,
        paused: bool,
        sample: Sample,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        module, begun = MODULES[library.name], []

        class Counted(module.Training):  # type: ignore[name-defined, misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                begun.append(self)
                super().__init__(*args, **kwargs)

        monkeypatch.setattr(module, "Training", Counted)
        problem = Problem.of(
            make(LightGBM), sample.X, sample.y, None, None, 2, "neg_log_loss"
        )
        fold = Fold(problem, 0, 1, paused=paused)
        one = candidate_of(make(library), {}, 0)
        first, second = fold.advance(one, [2, 4]), fold.advance(one, [6])
        assert [len(first.values), len(second.values)] == [2, 1]
        assert len(begun) == (1 if paused else 2)
        fold.drop(one)
        fold.drop(one)
        assert fold.advance(one, [6]).values == second.values
        assert len(begun) == (2 if paused else 3)


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
            "assert 'optuna' not in sys.modules\n"
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
        assert "boosting rounds" in terminal.getvalue()
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
    def test_counts_every_round(self, library: Any, sample: Sample) -> None:
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
        assert sum(advanced) == 3 * sum(search.cv_results_["n_rounds"])
