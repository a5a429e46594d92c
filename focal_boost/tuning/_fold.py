"""One fold of a search: its rows, binned once, and the trainings on them."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from focal_boost.tuning._pipeline import trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import Candidate


class Scores(NamedTuple):
    """Scores at some numbers of rounds, and the seconds of reaching them."""

    values: list[float]
    seconds: float


class Fold:
    """The trainings of all candidates on one fold.

    Parameters
    ----------
    problem : Problem
        The rows and the split.
    number : int
        Which fold.
    threads : int or None
        Threads of one training; None leaves it to the estimator.
    paused : bool
        Whether a training may be continued after others, so that it must be kept.
    """

    def __init__(
        self, problem: Problem, number: int, threads: int | None, *, paused: bool
    ) -> None:
        self.number = number
        self.paused = paused
        self._problem = problem
        self._threads = threads
        self._binned: dict[Hashable, Any] = {}
        self._trainings: dict[int, Any] = {}
        # Neither library lets two threads begin to train on the same data.
        self._lock = Lock()

    def advance(self, candidate: Candidate, points: Sequence[int]) -> Scores:
        """Train on to each of these numbers of rounds and score there."""
        with self._lock:
            started = time.perf_counter()
            training = self._training(candidate)
            values = []
            for rounds in points:
                training.advance(rounds)
                values.append(self._score(training))
            if not self.paused:
                del self._trainings[candidate.number]
            return Scores(values, time.perf_counter() - started)

    def drop(self, candidate: Candidate) -> None:
        """Free the training of a candidate that does not go on."""
        with self._lock:
            self._trainings.pop(candidate.number, None)

    def _training(self, candidate: Candidate) -> Any:
        training = self._trainings.get(candidate.number)
        if training is None:
            library = trainable(candidate.estimator)
            training = library.Training(
                candidate.estimator,
                self._data(candidate),
                self._threads,
                paused=self.paused,
            )
            self._trainings[candidate.number] = training
        return training

    def _data(self, candidate: Candidate) -> Any:
        """Return the rows as binned for this candidate and others like it."""
        library = trainable(candidate.estimator)
        key = library.bins_key(candidate.estimator)
        if key not in self._binned:
            train, test = map(self._problem.part, self._problem.splits[self.number])
            self._binned[key] = library.Binned(
                candidate.estimator, train, test, self._threads
            )
        return self._binned[key]

    def _score(self, training: Any) -> float:
        return self._problem.score(self.number, training.raw_score())
