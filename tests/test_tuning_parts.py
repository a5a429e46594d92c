"""The pieces of a search, by hand-made numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from focal_boost.tuning._folds import Course
from focal_boost.tuning._objective import TOLD
from focal_boost.tuning._pruner import RungPruner, Rungs
from focal_boost.tuning._results import cv_results
from focal_boost.tuning._space import Candidate


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
