"""The models that a search fits in the end, chosen by what their mean scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focal_boost.tuning._folds import Course, Folds
from focal_boost.tuning._objective import is_paused
from focal_boost.tuning._space import Candidate

# How many of the best candidates are looked at for each model that is wanted.
_POOL = 4


class Kept:
    """The log-odds of the left-out rows, of candidates that came to their end.

    Parameters
    ----------
    folds : Folds
    rungs_of : callable
        ``(candidate) → rungs``, as they were trained by.
    n_models : int
        How many are to be chosen; nothing is kept for one.
    """

    def __init__(
        self,
        folds: Folds,
        rungs_of: Callable[[Candidate], Mapping[int, int]],
        n_models: int,
    ) -> None:
        self._folds, self._rungs_of, self._models = folds, rungs_of, n_models
        self._means: dict[int, float] = {}
        self._log_odds: dict[int, NDArray[np.float32]] = {}

    def add(self, number: int, course: Course) -> None:
        """Keep what a candidate says, if it may be chosen."""
        if self._models == 1:
            return
        self._means[number] = course.mean
        self._log_odds[number] = course.log_odds(course.points[course.best])
        if len(self._means) > _POOL * self._models:
            worst = min(self._means, key=lambda one: self._means[one])
            del self._means[worst], self._log_odds[worst]

    def chosen(
        self, order: Sequence[int], candidates: Sequence[Candidate], rounds: Any
    ) -> list[int]:
        """Return the candidates whose mean log-odds score best, one after another.

        Parameters
        ----------
        order : sequence of int
            The candidates that came to their end, the best first.
        candidates : sequence of Candidate
        rounds : sequence of int
            At which each of them was scored.

        Returns
        -------
        list of int
            The best is the first. They are fewer than `n_models` where the mean of
            fewer scores better, as where only poor ones came to their end.
        """
        if self._models == 1:
            return [int(order[0])]
        pool = [int(one) for one in order[: _POOL * self._models]]
        for one in pool:
            if one not in self._log_odds:
                # A search that went on from a file has not seen it.
                paused = is_paused(candidates[one], self._rungs_of(candidates[one]))
                self._log_odds[one] = self._folds.log_odds(
                    candidates[one], int(rounds[one]), paused=paused
                )
        chosen = [pool.pop(0)]
        total = self._log_odds[chosen[0]].astype(np.float64)
        means = [self._mean_score(total)]
        while pool and len(chosen) < self._models:
            models = len(chosen) + 1
            found = {
                one: self._mean_score((total + self._log_odds[one]) / models)
                for one in pool
            }
            best = max(found, key=found.__getitem__)
            pool.remove(best)
            chosen.append(best)
            total += self._log_odds[best]
            means.append(found[best])
        return chosen[: int(np.argmax(means)) + 1]

    def _mean_score(self, log_odds: NDArray[np.float64]) -> float:
        problem = self._folds.problem
        of_folds = [
            problem.score(number, log_odds[test])
            for number, (_, test) in enumerate(problem.splits)
        ]
        return float(np.mean(of_folds))
