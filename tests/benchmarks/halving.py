"""Which candidates should a search end early? What it chooses among 25, replayed.

    python tests/benchmarks/halving.py

On two synthetic sets and the flights, in both libraries, all candidates of
`DEFAULT_SPACE` (alpha × gamma) are trained to the end and scored after every round on
five folds. Searches are then replayed on these scores, in 20 orders of the candidates:
with the search's own growth of the rounds and share that goes on, and with others. A
row is a mean over sets, libraries, three scores and orders: the share of all rounds
that is trained, the rank in the end of what is chosen (0 is the best candidate), how
often it is the best one, and by how much its score is worse, in percent. It takes about
ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from joblib import Parallel, delayed
from numpy.typing import NDArray
from options import Parser, exit_code, integer, joined, machine, processors, versions
from tuning import LIBRARIES, write

from focal_boost.datasets import load_flights, make_imbalanced
from focal_boost.tuning import DEFAULT_SPACE
from focal_boost.tuning._folds import Course, Folds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._pruner import FACTOR, KEEP, RungPruner, Rungs
from focal_boost.tuning._scoring import SCORINGS, score
from focal_boost.tuning._space import Candidate, candidates_of

#: Growth of the rounds, and share of the candidates that goes on.
SETTINGS = ((FACTOR, KEEP), (FACTOR, 0.5), (2, KEEP), (3, KEEP), (3, 0.5))
_MIN_ROUNDS = 10
# Who comes first decides who is ended: orders to try.
_ORDERS = 20
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
        model = LIBRARIES[self.library](**given)
        return candidates_of(model, DEFAULT_SPACE, None, None)


class AllScores(Problem):
    """A problem whose scores are all that a search can have, in their order."""

    def score(self, number: int, log_odds: Any) -> Any:
        """Return the scores of a fold's held-out rows."""
        rows = self.held_out(number)
        return [score(name, rows, log_odds) for name in SCORINGS]


def curves_of(case: Case) -> NDArray[np.float64]:
    """Return the mean scores after every round, (scores, candidates, rounds)."""
    X, y, groups = case.rows()
    candidates = case.candidates()
    problem = AllScores.of(
        candidates[0].estimator, X, y, None, groups, 5, "neg_log_loss"
    )
    folds = Folds(problem, candidates[0].estimator, None)
    found = []
    for one in candidates:
        course = Course(folds, one, paused=False)
        course.advance(range(1, case.rounds + 1))
        found.append(np.mean(course.scores, axis=1))
    return np.moveaxis(np.array(found), 2, 0)


def replayed(
    curves: NDArray[np.float64],
    candidates: Sequence[Candidate],
    factor: float,
    keep: float,
    order: Sequence[int],
) -> tuple[int, float]:
    """Return the candidate that a search chooses, and its share of all rounds."""
    study = optuna.create_study(direction="maximize", pruner=RungPruner(keep))
    rungs, rounds, chosen = Rungs(factor, _MIN_ROUNDS), 0, {}
    for number in order:
        trial, ended = study.ask(), False
        for target in rungs.of(candidates[number]):
            value = float(curves[number, target - 1])
            trial.report(value, target)
            ended = target < candidates[number].rounds and trial.should_prune()
            if ended:
                break
        rounds += target
        if ended:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, value)
            chosen[number] = value
    return max(chosen, key=chosen.__getitem__), rounds / curves.size


def rows_of(
    cases: Sequence[Case], curves: Sequence[NDArray[np.float64]]
) -> Iterator[dict[str, float]]:
    """Yield a row per growth and share."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    candidates = [case.candidates() for case in cases]
    for factor, keep in SETTINGS:
        figures = [
            _figures(of_score, of_case, factor, keep, order)
            for of_case, all_scores in zip(candidates, curves, strict=True)
            for of_score in all_scores
            for order in _orders(len(of_case))
        ]
        names = ("share of rounds", "rank", "best", "worse by %")
        given = {"factor": factor, "keep": keep}
        yield {**given, **dict(zip(names, np.mean(figures, axis=0), strict=True))}


def _orders(count: int) -> list[NDArray[np.intp]]:
    rng = np.random.default_rng(0)
    return [np.arange(count), *(rng.permutation(count) for _ in range(_ORDERS - 1))]


def _figures(
    curves: NDArray[np.float64],
    candidates: Sequence[Candidate],
    factor: float,
    keep: float,
    order: Sequence[int],
) -> tuple[float, ...]:
    chosen, share = replayed(curves, candidates, factor, keep, order)
    last = curves[:, -1]
    rank = int(np.sum(last > last[chosen]))
    worse = 100 * (last.max() - last[chosen]) / abs(last.max())
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
