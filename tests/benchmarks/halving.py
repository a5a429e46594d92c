"""Which ladder does a search need? What it chooses among 25 candidates, replayed.

    python tests/benchmarks/halving.py

On two synthetic sets and the flights, in both libraries, all candidates of
`DEFAULT_SPACE` (alpha × gamma) are trained to the end and scored after every round on
five folds. Successive halving is then replayed on these scores: with the search's own
ladder, with others, and with other weights of what a candidate has gained of late. A
row is a mean over sets, libraries and three scores: the share of all rounds that is
trained, the rank in the end of what is chosen (0 is the best candidate), how often it
is the best one, and by how much its score is worse, in percent. It takes about ten
minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from options import Parser, exit_code, integer, joined, machine, processors, versions
from tuning import LIBRARIES, write

from focal_boost.datasets import load_flights, make_imbalanced
from focal_boost.tuning import _race
from focal_boost.tuning._fold import Fold, Scores
from focal_boost.tuning._ladder import FACTOR, KEEP, Ladder, planned_rounds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._scoring import SCORINGS, score
from focal_boost.tuning._space import Candidate, candidates_of

#: Growth of the rounds, share of the candidates that goes on, and least rounds.
LADDERS = ((FACTOR, KEEP, 10), (2, 1 / 3, 10), (3, 1 / 3, 10), (2, 0.5, 10))
GAINS = (0.0, _race.GAIN, 2 * _race.GAIN, 4 * _race.GAIN)
_PROJECT = Path(__file__).parents[2]


class Case(NamedTuple):
    """What is searched: a set in a library."""

    library: str
    set: str
    rounds: int
    few: bool

    def rows(self) -> tuple[Any, Any, Any]:
        """Return X, y and groups."""
        if self.set == "flights":
            flights = load_flights()
            return flights.data, flights.target, flights.groups
        rows, prevalence = (20_000, 0.02) if self.set == "2 %" else (50_000, 0.05)
        if self.few:
            rows, prevalence = 600, 0.2
        X, y, _ = make_imbalanced(rows, prevalence, n_features=28, seed=rows)
        return X.astype(np.float32), y, None

    def candidates(self) -> list[Candidate]:
        """Return all points of the search's own grid."""
        given = {"n_estimators": self.rounds, "n_jobs": 1, "random_state": 0}
        return candidates_of(LIBRARIES[self.library](**given), None, None, None)


class AllScores(Fold):
    """A fold whose scores are all that a search can have, in their order."""

    def _score(self, training: Any) -> Any:
        rows = self._problem.held_out(self.number)
        return [score(name, rows, training.raw_score()) for name in SCORINGS]


class Replay(_race.Race):
    """A race whose scores are known, (candidates, folds, rounds)."""

    def __init__(self, curves: NDArray[np.float64]) -> None:
        self._curves = curves
        self._folds: list[Any] = list(range(curves.shape[1]))
        self._jobs = 1

    def drop(self, tracks: Sequence[_race.Track]) -> None:
        """There is nothing to free."""

    def _on_fold(self, fold: Any, plans: Sequence[_race.Plan]) -> list[Scores]:
        return [
            Scores([self._curves[one.candidate.number, fold, at - 1] for at in points],
                   0.0)
            for one, points in plans
        ]  # fmt: skip


def curves_of(case: Case) -> NDArray[np.float64]:
    """Return the scores after every round, (scores, candidates, folds, rounds)."""
    X, y, groups = case.rows()
    candidates = case.candidates()
    model = candidates[0].estimator
    problem = Problem.of(model, X, y, None, groups, 5, "neg_log_loss")
    points, found = range(1, case.rounds + 1), []
    for number in range(len(problem.splits)):
        fold = AllScores(problem, number, 1, paused=False)
        found.append([fold.advance(one, points).values for one in candidates])
    return np.moveaxis(np.array(found), (0, 3), (2, 0))


def chosen(
    curves: NDArray[np.float64], candidates: Sequence[Candidate], ladder: Ladder
) -> int:
    """Return the number of the candidate that a search would choose."""
    tracks = Replay(curves).run(candidates, ladder)
    return _race.best_first(tracks)[0].candidate.number


def rows_of(
    cases: Sequence[Case], curves: Sequence[NDArray[np.float64]]
) -> Iterator[dict[str, float]]:
    """Yield a row per ladder and weight of the gain."""
    own, candidates = _race.GAIN, [case.candidates() for case in cases]
    for factor, keep, least in LADDERS:
        for gain in GAINS:
            _race.GAIN = gain
            figures = [
                _figures(of_score, of_case, (factor, least, keep))
                for of_case, all_scores in zip(candidates, curves, strict=True)
                for of_score in all_scores
            ]
            names = ("share of rounds", "rank", "best", "worse by %")
            given = {"factor": factor, "keep": keep, "min_rounds": least, "gain": gain}
            yield {**given, **dict(zip(names, np.mean(figures, axis=0), strict=True))}
    _race.GAIN = own


def _figures(
    curves: NDArray[np.float64],
    candidates: Sequence[Candidate],
    settings: tuple[Any, ...],
) -> tuple[float, ...]:
    rounds = curves.shape[-1]
    ladder = Ladder.of(rounds, len(candidates), *settings)
    last = curves[:, :, -1].mean(axis=1)
    winner = last[chosen(curves, candidates, ladder)]
    rank = int(np.sum(last > winner))
    share = planned_rounds(candidates, ladder) / (len(candidates) * rounds)
    worse = 100 * (last.max() - winner) / abs(last.max())
    return share, rank, float(rank == 0), worse


def _run(options: argparse.Namespace) -> None:
    sets = ("2 %",) if options.quick else ("2 %", "5 %", "flights")
    rounds = 20 if options.quick else 100
    cases = [Case(one, name, rounds, options.quick) for name in sets
             for one in LIBRARIES]  # fmt: skip
    text: dict[str, Any] = {"machine": machine(), "versions": versions()}
    # An unwritable file is found before anything is trained.
    write(options.out, text)
    print(f"{text['machine']}; {joined(text['versions'])}")
    curves = Parallel(options.jobs)(delayed(curves_of)(one) for one in cases)
    rows = list(rows_of(cases, curves))
    write(options.out, {**text, "rows": rows})
    print(" ".join(f"{name:>15}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:15.3g}" for value in row.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = Parser("halving.py", __doc__)
    parser.add_argument("--jobs", type=integer(1), default=processors(), metavar="N",
        help="sets to work on at a time (default: %(default)s)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="one small set")
    parser.add_argument("--out", type=Path, default=_PROJECT / "build/halving.json",
        metavar="FILE", help="default: build/halving.json")  # fmt: skip
    options = parser.parse_args(argv)
    return exit_code("halving.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
