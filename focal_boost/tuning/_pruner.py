"""Successive halving as a pruner of Optuna's: who is among the best goes on."""

from __future__ import annotations

import math
from typing import Any

from optuna.pruners import BasePruner
from optuna.trial import TrialState

from focal_boost._validation import as_float, check_integer, shown
from focal_boost.tuning._space import Candidate

# Rounds grow by 2.2 from rung to rung, and a third of the candidates goes on. Of 25
# candidates that takes 0.42 of all rounds, and the chosen one has the rank 0.9 in the
# end, 0 being the best. Where rounds grow threefold it takes 0.34, and the first rung
# comes too early to tell: the rank is 2.1 (docs/evidence.md).
FACTOR = 2.2
KEEP = 1 / 3
# After equal rounds large steps look best, whatever is best in the end; where rounds
# times the rate are equal, small ones have had up to ten times the time. The middle.
_FAST = 0.3
#: What has become of a trial that counts.
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


class RungPruner(BasePruner):
    """End a trial that is not among the best of those that have come as far.

    Optuna's own ``SuccessiveHalvingPruner`` rounds their number down, and its rounds
    grow by the share that is ended.

    Parameters
    ----------
    keep : float in (0, 1), default 1/3
        Share of the trials that goes on, rounded up: the best always does.
    """

    def __init__(self, keep: float = KEEP) -> None:
        self.keep = as_float(keep)
        if not 0 < self.keep < 1:
            raise ValueError(f"keep must be a number in (0, 1), got {shown(keep)}")

    def prune(self, study: Any, trial: Any) -> bool:
        """Return whether the trial is to be ended at its last report."""
        step = trial.last_step
        if step is None:
            return False
        value = trial.intermediate_values[step]
        # Not those that were interrupted, which are tried again.
        others = study.get_trials(deepcopy=False, states=FINISHED)
        reports = (one.intermediate_values for one in others)
        values = sorted([value, *(one[step] for one in reports if step in one)])
        places = max(1, math.ceil(len(values) * self.keep - 1e-9))
        return bool(value < values[-places])


class Rungs:
    """After how many rounds a candidate is compared with the others.

    Parameters
    ----------
    factor : float > 1
        Each rung has so many times the rounds of the one before.
    min_rounds : int
        Rounds of the first rung, at least.
    halving : bool, default True
        False is a single rung, of all rounds.

    Raises
    ------
    ValueError
        For numbers that break these rules.
    """

    def __init__(self, factor: Any, min_rounds: Any, *, halving: bool = True) -> None:
        self.halving = halving
        self.factor = as_float(factor)
        if not 1 < self.factor < math.inf:
            raise ValueError(f"factor must be a finite number > 1, got {shown(factor)}")
        self.min_rounds = check_integer(min_rounds, "min_rounds", 1)

    def of(self, candidate: Candidate) -> dict[int, int]:
        """Return the rungs of a candidate, and after how many rounds it reaches each.

        The last is reached after all of its rounds. The others are the same numbers,
        but for a candidate whose learning rate is searched: it reaches them later, the
        smaller its steps are.
        """
        rungs, slowness = self._all(candidate), 1.0
        if candidate.rate is not None:
            slowness = max(1.0, math.sqrt(_FAST / candidate.rate))
        reached = {rung: math.ceil(rung * slowness - 1e-9) for rung in rungs[:-1]}
        before = {k: v for k, v in reached.items() if v < candidate.rounds}
        return before | {rungs[-1]: candidate.rounds}

    def _all(self, candidate: Candidate) -> list[int]:
        if not self.halving:
            return [candidate.rounds]
        growth = max(1.0, candidate.rounds / self.min_rounds)
        # Rounding: log(9, 3) is 2, but log(243, 3) is 4.999….
        below = math.floor(math.log(growth, self.factor) + 1e-9)
        shares = (self.factor**-rung for rung in range(below, -1, -1))
        # Rounding: 100 · 3⁻² · 9 must be 100 and not 101.
        return [max(1, math.ceil(candidate.rounds * one - 1e-9)) for one in shares]
