"""The rungs of successive halving over boosting rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from focal_boost.tuning._space import Candidate


@dataclass(frozen=True)
class Ladder:
    """How many rounds each rung has, as a share of all, and how many go on.

    ``Ladder(3, 2)`` has rungs at 1/9, 1/3 and all of the rounds, and a third of the
    candidates leaves each of the first two.
    """

    factor: float
    rungs_below: int

    @classmethod
    def of(
        cls, rounds: int, candidates: float, factor: float, min_rounds: int
    ) -> Ladder:
        """Return a ladder for so many rounds and candidates.

        Its first rung has at least `min_rounds` rounds, its last at least one
        candidate.
        """
        most = max(1.0, min(candidates, rounds / min_rounds))
        # Rounding: log(9, 3) is 2, but log(243, 3) is 4.999….
        return cls(factor, math.floor(math.log(most, factor) + 1e-9))

    def target(self, candidate: Candidate, rung: int) -> int:
        """Return how many rounds the candidate has at the end of a rung."""
        share = self.factor ** (rung - self.rungs_below)
        # Rounding: 100 · 3⁻² · 9 must be 100 and not 101.
        return max(1, math.ceil(candidate.rounds * share - 1e-9))

    def survivors(self, count: int) -> int:
        """Return how many of so many candidates go on to the next rung."""
        return max(1, math.ceil(count / self.factor - 1e-9))


def check_ladder(factor: Any, min_rounds: Any) -> tuple[float, int]:
    """Return the settings of successive halving, checked."""
    real = isinstance(factor, Real) and not isinstance(factor, bool)
    if not real or not 1 < factor < np.inf:
        raise ValueError(f"factor must be a finite number > 1, got {factor!r}")
    whole = isinstance(min_rounds, int | np.integer) and not isinstance(
        min_rounds, bool
    )
    if not whole or min_rounds < 1:
        raise ValueError(f"min_rounds must be an integer >= 1, got {min_rounds!r}")
    return float(factor), int(min_rounds)


def planned_rounds(candidates: Sequence[Candidate], ladder: Ladder) -> int:
    """Return how many rounds a search trains on one fold if nothing ends early."""
    total, count, before = 0, len(candidates), 0
    most = max(candidates, key=lambda one: one.rounds)
    for rung in range(ladder.rungs_below + 1):
        count = count if rung == 0 else ladder.survivors(count)
        total += count * (ladder.target(most, rung) - before)
        before = ladder.target(most, rung)
    return total
