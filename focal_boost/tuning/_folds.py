"""The folds of a search: rows binned once, and candidates that train on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from joblib import (  # type: ignore[import-untyped]
    Parallel,
    cpu_count,
    delayed,
    effective_n_jobs,
)
from numpy.typing import NDArray

from focal_boost._validation import check_integer
from focal_boost.ensemble._models import as_here, check_takes_weight, last_step
from focal_boost.tuning._pipeline import binned, bins_key, trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import Candidate

# Ways of binning that are kept at a time: a search of max_bin has one per value.
_BINNED = 3


class Scores(NamedTuple):
    """Scores at some numbers of rounds, and the seconds of reaching them."""

    values: list[float]
    seconds: float


class Folds:
    """The folds of a search, on which candidates are trained.

    Parameters
    ----------
    problem : Problem
        Rows, folds and score.
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Its ``n_jobs`` are the threads of one training.
    n_jobs : int or None
        Folds to work on at a time, in threads: the libraries compute without the
        interpreter's lock, and threads share the rows.
    """

    def __init__(self, problem: Problem, estimator: Any, n_jobs: int | None) -> None:
        check_takes_weight(estimator, problem.sample_weight)
        self.problem = problem
        if n_jobs is not None:
            check_integer(n_jobs, "n_jobs", -cpu_count())
        numbers = range(len(problem.splits))
        self.jobs = min(effective_n_jobs(n_jobs), len(numbers))
        threads = _threads(last_step(estimator).n_jobs, self.jobs)
        self.each = [_Fold(problem, number, threads) for number in numbers]

    def log_odds(
        self, candidate: Candidate, rounds: int, *, paused: bool
    ) -> NDArray[np.float32]:
        """Train a candidate again, and return the log-odds of all left-out rows."""
        course = Course(self, candidate, paused=paused)
        course.advance([rounds])
        return course.log_odds(rounds)


class Course:
    """A candidate on all folds: how far it has come, and what it has scored there.

    Parameters
    ----------
    folds : Folds
    candidate : Candidate
    paused : bool
        Whether other trainings run in this one's pauses.
    """

    def __init__(self, folds: Folds, candidate: Candidate, *, paused: bool) -> None:
        self.candidate = candidate
        #: The numbers of rounds at which it was scored.
        self.points: list[int] = []
        #: For each of the points one score per fold.
        self.scores: list[list[float]] = []
        self.seconds = np.zeros(len(folds.each))
        self._folds = folds
        self._paused = paused
        self._trainings: list[Any] = [None] * len(folds.each)

    @property
    def rounds(self) -> int:
        """How many rounds were trained."""
        return self.points[-1] if self.points else 0

    @property
    def best(self) -> int:
        """Index of the point that counts: the last, or the best before patience ends.

        This is early stopping on the mean over folds.
        """
        patience = self.candidate.patience
        if patience is None:
            return len(self.points) - 1
        means, best = np.mean(self.scores, axis=1), 0
        for index, mean in enumerate(means):
            if mean > means[best]:
                best = index
            if index - best >= patience:
                break
        return best

    @property
    def mean(self) -> float:
        """The mean score over folds at the point that counts."""
        return float(np.mean(self.scores[self.best]))

    @property
    def is_finished(self) -> bool:
        """Whether more rounds would not change the point that counts."""
        patience = self.candidate.patience
        if self.rounds >= self.candidate.rounds:
            return True
        if patience is None or not self.points:
            return False
        return len(self.points) - 1 - self.best >= patience

    def next_points(self, target: int) -> list[int]:
        """Return where to score next on the way to `target` rounds; may be empty."""
        if self.rounds >= target or self.is_finished:
            return []
        patience = self.candidate.patience
        if patience is None:
            return [target]
        return list(range(self.rounds + 1, min(self.rounds + patience, target) + 1))

    def advance(self, points: Sequence[int]) -> None:
        """Train every fold on to these numbers of rounds and score there."""
        on_fold = as_here(self._on_fold)
        found = Parallel(self._folds.jobs, backend="threading")(
            delayed(on_fold)(number, points) for number in range(len(self._folds.each))
        )
        self.points.extend(points)
        self.scores.extend(map(list, zip(*(one.values for one in found), strict=True)))
        self.seconds += [one.seconds for one in found]

    def log_odds(self, rounds: int) -> NDArray[np.float32]:
        """Return the log-odds of all left-out rows after so many rounds, (n, …).

        Rows that no fold leaves out have none, and are NaN.
        """
        problem = self._folds.problem
        times = np.zeros(len(problem.target.y_true), np.float32)
        total: Any = 0.0
        for training, (_, test) in zip(self._trainings, problem.splits, strict=True):
            found = np.asarray(training.raw_score(rounds))
            of_fold = np.zeros((len(times), *found.shape[1:]), np.float32)
            of_fold[test] = found
            total = total + of_fold
            times[test] += 1
        with np.errstate(invalid="ignore"):
            return np.asarray((total.T / times).T, np.float32)

    def summary(self) -> dict[str, Any]:
        """Return what is told of the candidate, in types that JSON has."""
        return {
            "scores": self.scores[self.best],
            "n_rounds": self.rounds,
            "best_n_rounds": self.points[self.best],
            "seconds": self.seconds.tolist(),
        }

    def _on_fold(self, number: int, points: Sequence[int]) -> Scores:
        fold, started = self._folds.each[number], time.perf_counter()
        # Neither library lets two threads begin to train on the same data.
        with fold.lock:
            if self._trainings[number] is None:
                self._trainings[number] = fold.training(self.candidate, self._paused)
            training, values = self._trainings[number], []
            for rounds in points:
                training.advance(rounds)
                values.append(self._folds.problem.score(number, training.raw_score()))
        return Scores(values, time.perf_counter() - started)


class _Fold:
    """One fold's rows, binned once for all candidates that are binned alike."""

    def __init__(self, problem: Problem, number: int, threads: int | None) -> None:
        self.lock = Lock()
        self._problem, self._number, self._threads = problem, number, threads
        self._binned: dict[Hashable, Any] = {}

    def training(self, candidate: Candidate, paused: bool) -> Any:
        """Return a training that has not begun."""
        create: Callable[..., Any] = trainable(candidate.estimator).Training
        data, classifier = self._data(candidate), last_step(candidate.estimator)
        return create(classifier, data, self._threads, paused=paused)

    def _data(self, candidate: Candidate) -> Any:
        """Return the rows as binned for this candidate and others like it."""
        key = bins_key(candidate.estimator)
        if key not in self._binned:
            train, test = map(self._problem.part, self._problem.splits[self._number])
            while len(self._binned) >= _BINNED:
                del self._binned[next(iter(self._binned))]
            self._binned[key] = binned(candidate.estimator, train, test, self._threads)
        return self._binned[key]


def _threads(given: int | None, jobs: int) -> int | None:
    """Return the threads of one training: what is given, or a fair share."""
    if given is not None:
        return int(effective_n_jobs(given))
    return None if jobs == 1 else max(1, int(cpu_count()) // jobs)
