"""Successive halving over boosting rounds: all start, the best go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import (  # type: ignore[import-untyped]
    Parallel,
    cpu_count,
    delayed,
    effective_n_jobs,
)
from numpy.typing import NDArray

from focal_boost._adapter.warned import warn
from focal_boost.tuning._checkpoint import Checkpoint
from focal_boost.tuning._fold import Fold, Scores
from focal_boost.tuning._ladder import Ladder
from focal_boost.tuning._pipeline import last_step
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import Candidate

# Weight of what a candidate has gained of late. What a search chooses among 25
# candidates has in the end, 0 being the best, the rank 2.3 on average without it, 0.9
# with it, and 1.2 with four times as much (tests/benchmarks/halving.py).
GAIN = 0.25


@dataclass
class Track:
    """How far a candidate has come.

    Attributes
    ----------
    candidate : Candidate
    rung : int
        The last rung that it was trained in.
    points : list of int
        The numbers of rounds at which it was scored.
    scores : list of lists of float
        For each of the points one score per fold.
    seconds : ndarray of float64, (folds,)
        What its trainings took so far.
    """

    candidate: Candidate
    seconds: NDArray[np.float64]
    rung: int = 0
    points: list[int] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)

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
    def is_out_of_patience(self) -> bool:
        """Whether more rounds would not change the point that counts."""
        patience = self.candidate.patience
        if patience is None or not self.points:
            return False
        return len(self.points) - 1 - self.best >= patience

    @property
    def promise(self) -> float:
        """The mean score, and what it has gained since half of the rounds, weighted.

        What learns slowly, as many a loss with a large gamma does, is behind at first
        and would never be seen to come first in the end.
        """
        half = [i for i, at in enumerate(self.points) if at <= _half(self.rounds)]
        if not half:
            return self.mean
        gain = np.mean(self.scores[-1]) - np.mean(self.scores[half[-1]])
        return self.mean + GAIN * float(gain)

    def next_points(self, target: int, *, halfway: bool) -> list[int]:
        """Return where to score next on the way to `target` rounds; may be empty.

        `halfway` is whether the candidate's promise will be asked for there.
        """
        if self.rounds >= target or self.is_out_of_patience:
            return []
        patience = self.candidate.patience
        if patience is not None:
            last = min(self.rounds + patience, target)
            return list(range(self.rounds + 1, last + 1))
        half = _half(target)
        return [half, target] if halfway and self.rounds < half < target else [target]

    def add(self, points: Sequence[int], folds: Sequence[Scores]) -> None:
        """Add what all folds have scored at these points."""
        self.points.extend(points)
        self.scores.extend(map(list, zip(*(one.values for one in folds), strict=True)))
        self.seconds += [one.seconds for one in folds]


# A candidate, and the numbers of rounds to score it at next.
Plan = tuple[Track, list[int]]


class Race:
    """The folds of a search, and the candidates' trainings on them.

    Parameters
    ----------
    problem : Problem
        Rows, folds and score.
    estimator : FocalXGBClassifier or FocalLGBMClassifier
        Its ``n_jobs`` are the threads of one training.
    checkpoint : Checkpoint
        What is known, and where to keep what will be.
    n_jobs : int or None
        Folds to work on at a time, in threads: the libraries compute without the
        interpreter's lock, and threads share the rows.
    paused : bool
        Whether trainings are kept to be continued.
    step : callable
        Called with the number of rounds that were trained, or known, on one fold.
    """

    def __init__(
        self,
        problem: Problem,
        estimator: Any,
        checkpoint: Checkpoint,
        n_jobs: int | None,
        *,
        paused: bool,
        step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._checkpoint = checkpoint
        self._jobs = min(effective_n_jobs(n_jobs), len(problem.splits))
        threads = _threads(last_step(estimator).n_jobs, self._jobs)
        self._folds = [
            Fold(problem, number, threads, paused=paused)
            for number in range(len(problem.splits))
        ]
        self._step = step

    def run(self, candidates: Sequence[Candidate], ladder: Ladder) -> list[Track]:
        """Train, and return one track per candidate, in their order."""
        tracks = [self.track(one) for one in candidates]
        alive = tracks
        for rung in range(ladder.rungs_below + 1):
            if rung > 0:
                ranking = sorted(alive, key=lambda one: -one.promise)
                places = ladder.survivors(len(alive))
                alive = ranking[:places]
                self.drop(ranking[places:])
            self.climb(alive, ladder, rung)
        return tracks

    def track(self, candidate: Candidate) -> Track:
        """Return the track of a candidate that has not begun."""
        return Track(candidate, np.zeros(len(self._folds)))

    def climb(self, alive: Sequence[Track], ladder: Ladder, rung: int) -> None:
        """Train these candidates up to the end of a rung."""
        for track in alive:
            track.rung = rung
        while plans := _plans(alive, ladder, rung):
            found = Parallel(self._jobs, backend="threading")(
                delayed(self._on_fold)(fold, plans) for fold in self._folds
            )
            of_tracks = zip(*found, strict=True)
            for (track, points), scores in zip(plans, of_tracks, strict=True):
                track.add(points, scores)

    def drop(self, tracks: Sequence[Track]) -> None:
        """Free the trainings of candidates that do not go on."""
        for fold in self._folds:
            for track in tracks:
                fold.drop(track.candidate)

    def _on_fold(self, fold: Fold, plans: Sequence[Plan]) -> list[Scores]:
        found = []
        for track, points in plans:
            known = self._checkpoint.get(track.candidate, points, fold.number)
            if known is None:
                known = fold.advance(track.candidate, points)
                self._checkpoint.put(track.candidate, points, fold.number, known)
            self._step(points[-1] - track.rounds)
            found.append(known)
        return found


def best_first(tracks: Sequence[Track]) -> list[Track]:
    """Sort by how far they came, then by score, then by their number."""
    return sorted(tracks, key=lambda one: (-one.rung, -one.mean, one.candidate.number))


def warn_of_equals(tracks: Sequence[Track]) -> None:
    """Warn where no parameter that was searched has changed a score."""
    known = min(len(one.scores) for one in tracks)
    scores = {tuple(map(tuple, one.scores[:known])) for one in tracks}
    names = sorted({name for one in tracks for name in one.candidate.params})
    values = {repr(one.candidate.params) for one in tracks}
    if len(values) > 1 and len(scores) == 1:
        warn(
            f"all {len(tracks)} candidates have the same scores: {', '.join(names)}"
            " change nothing here"
        )


def _plans(alive: Sequence[Track], ladder: Ladder, rung: int) -> list[Plan]:
    """Return who is to be scored where next."""
    plans = []
    for track in alive:
        target = ladder.target(track.candidate, rung)
        points = track.next_points(target, halfway=rung < ladder.rungs_below)
        if points:
            plans.append((track, points))
    return plans


def _half(rounds: int) -> int:
    return (rounds + 1) // 2


def _threads(given: int | None, jobs: int) -> int | None:
    """Return the threads of one training: what is given, or a fair share."""
    if given is not None:
        return int(effective_n_jobs(given))
    return None if jobs == 1 else max(1, int(cpu_count()) // jobs)
