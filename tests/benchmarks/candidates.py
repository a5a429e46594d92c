"""FocalSearchCV beside Optuna with the library's cv: candidates a second, and memory.

    pip install optuna-integration
    python tests/benchmarks/candidates.py
    python tests/benchmarks/candidates.py --memory

Both search the trees of `FocalSearchCV(model, "trees")` for the built-in loss, on one
thread and the same three folds, up to 1,000 rounds that stop after 30 without a better
score: Optuna's TPE sampler with `lgb.cv` and `xgb.cv`, its pruning callback (a median
pruner that waits for ten rounds) and the features binned anew for every candidate, as a
practitioner writes it; and the package's search of "trees", and of "all". Seconds are
the processor's. Every search is a process of its own.

With --memory: the most that a search of so many candidates has needed, over what a
training on all rows of the largest trees and the binned folds have needed, all without
the data.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from sklearn.model_selection import StratifiedKFold

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.memory import peak as peak_of
from benchmarks.memory import settle
from benchmarks.options import exit_code, integer
from benchmarks.searching import Cv, by_library, in_turn, optuna_study, parser_of, plain
from focal_boost.datasets import make_imbalanced
from focal_boost.tuning import FocalSearchCV
from focal_boost.tuning._folds import Folds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import candidate_of
from focal_boost.tuning._spaces import first_of

FOLDS = 3
SEARCHES = ("optuna", "trees", "all")
# Of the space; XGBoost keeps histograms of all nodes of a depth.
_LARGEST = {
    "xgboost": {"max_depth": 10, "min_child_weight": 1e-3},
    "lightgbm": {"num_leaves": 128, "min_child_samples": 5},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = parser_of("candidates.py", __doc__, 2_000, 20_000)
    parser.add("--candidates", integer(1), 20, "of a search")
    flag = "measure memory in place of time"
    parser.add_argument("--memory", action="store_true", help=flag)
    options = parser.parse_args(argv)
    measure = memory if options.memory else speed

    def run() -> None:
        by_library(options, lambda library: measure(library, options))

    return exit_code("candidates.py", run, ValueError)


def speed(library: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return and print the seconds of a candidate, and how many times faster it is."""

    def seconds(name: str, seed: int) -> float:
        return _alone(_seconds, library, name, seed, options)

    found = in_turn(library, SEARCHES, options.repeats, seconds)
    for name, one in found.items():
        cost = median(one["seconds"]) / options.candidates
        faster = one["times_faster"]
        print(f"{library:9} {name:7} {cost:7.3f} s a candidate, {faster:5.2f} ×")
    return found


def memory(library: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return and print what a search has needed over what it cannot do without."""
    needs = (_training, _bins, _search)
    training, bins, search = (_alone(_peak, one, library, options) for one in needs)
    ratio = search / (training + bins)
    print(
        f"{library:9} search {search / 1e6:.1f} MB, training {training / 1e6:.1f},"
        f" binned folds {bins / 1e6:.1f}: {ratio:.2f} ×"
    )
    return {"training": training, "bins": bins, "search": search, "times": ratio}


def _alone(task: Callable[..., float], *arguments: Any) -> float:
    """Return what a function finds in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


def _data(options: argparse.Namespace) -> tuple[Any, Any]:
    return make_imbalanced(options.rows, 0.02, seed=0, n_features=options.features)[:2]


def _seconds(library: str, name: str, seed: int, options: argparse.Namespace) -> float:
    X, y = _data(options)
    for gamma in (0.0, 2.0, 1.5):
        # Compiles, and loads what is loaded once.
        few = plain(library, n_estimators=1).set_params(focal_gamma=gamma)
        few.fit(X[:2000], y[:2000])
    begin = time.process_time()
    if name == "optuna":
        folds = list(StratifiedKFold(FOLDS).split(X, y))
        optuna_study(Cv(library, X, y, None, folds), options.candidates, seed)
    else:
        _searched(library, name, X, y, options.candidates, seed)
    return time.process_time() - begin


def _searched(
    library: str, space: str, X: Any, y: Any, candidates: int, seed: int
) -> Any:
    search = FocalSearchCV(
        plain(library), space, n_candidates=candidates, cv=FOLDS, random_state=seed,
        refit=False,
    )  # fmt: skip
    return search.fit(X, y)


def _peak(need: Callable[..., Any], library: str, options: argparse.Namespace) -> float:
    """Return the most bytes that something has needed, the data not among them."""
    X, y = _data(options)
    # So many that the sampler has loaded all that it needs.
    _searched(library, "trees", X[:2000], y[:2000], 12, 0)
    before = settle()
    kept = need(library, X, y, options)
    found = peak_of() - before
    del kept
    return found


def _training(library: str, X: Any, y: Any, _: argparse.Namespace) -> Any:
    return plain(library, n_estimators=100, **_LARGEST[library]).fit(X, y)


def _bins(library: str, X: Any, y: Any, _: argparse.Namespace) -> Any:
    model = plain(library)
    problem = Problem.of(model, X, y, None, None, FOLDS, "neg_log_loss")
    folds = Folds(problem, model, None)
    candidate = candidate_of(model, first_of("trees", model)[0], 0)
    return [one.training(candidate, paused=True) for one in folds.each]


def _search(library: str, X: Any, y: Any, options: argparse.Namespace) -> Any:
    return _searched(library, "trees", X, y, options.candidates, 0)


if __name__ == "__main__":
    sys.exit(main())
