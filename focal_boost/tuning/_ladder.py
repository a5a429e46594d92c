"""The rungs of successive halving over boosting rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from focal_boost._validation import as_float, check_integer, shown
from focal_boost.tuning._space import Candidate

# Rounds grow by 2.2 from rung to rung, and a third of the candidates goes on: of 25
# candidates that takes 0.37 of all rounds, and the chosen one has the rank 0.9 in the
# end. Where rounds grow threefold it takes 0.28, and the first rung comes too early to
# tell: the rank is 3.2 (tests/benchmarks/halving.py).
FACTOR = 2.2
KEEP = 1 / 3


@dataclass(frozen=True)
class Ladder:
    """How many rounds each rung has, as a share of all, and how many go on.

    ``Ladder(2, 2)`` has rungs at a quarter, half and all of the rounds, and a third
    of the candidates goes on from each of the first two.
    """

    factor: float
    rungs_below: int
    keep: float = KEEP

    @classmethod
    def of(
        cls,
        rounds: int,
        candidates: float,
        factor: float,
        min_rounds: int,
        keep: float = KEEP,
    ) -> Ladder:
        """Return a ladder for so many rounds and candidates.

        Its first rung has at least `min_rounds` rounds, its last at least one
        candidate.
        """
        by_rounds = math.log(max(1.0, rounds / min_rounds), factor)
        by_candidates = math.log(candidates, 1 / keep)
        # Rounding: log(9, 3) is 2, but log(243, 3) is 4.999….
        return cls(factor, math.floor(min(by_rounds, by_candidates) + 1e-9), keep)

    def target(self, candidate: Candidate, rung: int) -> int:
        """Return how many rounds the candidate has at the end of a rung."""
        share = self.factor ** (rung - self.rungs_below)
        # Rounding: 100 · 3⁻² · 9 must be 100 and not 101.
        return max(1, math.ceil(candidate.rounds * share - 1e-9))

    def survivors(self, count: int) -> int:
        """Return how many of so many candidates go on to the next rung."""
        return max(1, math.ceil(count * self.keep - 1e-9))


def check_keep(keep: Any) -> float:
    """Return the share of the candidates that goes on, checked."""
    share = as_float(keep)
    if not 0 < share < 1:
        raise ValueError(f"keep must be a number in (0, 1), got {shown(keep)}")
    return share


def check_ladder(factor: Any, min_rounds: Any) -> tuple[float, int]:
    """Return the settings of successive halving, checked."""
    growth = as_float(factor)
    if not 1 < growth < math.inf:
        raise ValueError(f"factor must be a finite number > 1, got {shown(factor)}")
    return growth, check_integer(min_rounds, "min_rounds", 1)


def planned_rounds(candidates: Sequence[Candidate], ladder: Ladder) -> int:
    """Return how many rounds a search trains on one fold if nothing ends early."""
    total, count, before = 0, len(candidates), 0
    most = max(candidates, key=lambda one: one.rounds)
    for rung in range(ladder.rungs_below + 1):
        count = count if rung == 0 else ladder.survivors(count)
        total += count * (ladder.target(most, rung) - before)
        before = ladder.target(most, rung)
    return total
