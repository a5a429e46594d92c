"""FocalSearchCV beside GridSearchCV, over the same candidates and folds.

    python tests/benchmarks/tuning.py
    python tests/benchmarks/tuning.py --rows 20000 --library xgboost

Three searches of alpha × gamma (`DEFAULT_SPACE`, 25 candidates) in one process, in turn
(grid, exhaustive, halving, grid, …): a ratio is the median of the ratios within a
repetition. None of them refits. "gap" is what the winner's score, at all of its rounds,
lies below that of the grid search's winner; 0 is the same winner. All of it takes about
40 minutes on two cores.

grid        scikit-learn's GridSearchCV, which bins for every fit
exhaustive  FocalSearchCV(halving=False): as many rounds, each fold binned once
halving     FocalSearchCV with its defaults
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.options import exit_code, integer, processors, share
from benchmarks.searching import LIBRARIES, by_library, in_turn, parser_of
from focal_boost.datasets import make_imbalanced
from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV
from focal_boost.tuning._scoring import SCORINGS

SEARCHES = ("grid", "exhaustive", "halving")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = parser_of("tuning.py", __doc__, 100, 200_000)
    add = parser.add
    add("--prevalence", share, 0.02, "of positives")
    add("--rounds", integer(1), 100)
    add("--folds", integer(2), 5)
    add("--threads", integer(1), processors(), "the processors that may be used")
    add("--min-rounds", integer(1), 10, "of the first step of halving")
    parser.add_argument("--scoring", choices=SCORINGS, default="neg_log_loss")
    options = parser.parse_args(argv)
    return exit_code("tuning.py", lambda: _run(options), ValueError)


def _run(options: argparse.Namespace) -> None:
    data = _data(options)
    by_library(options, lambda library: measure(library, data, options))


def _data(options: argparse.Namespace) -> tuple[Any, Any]:
    X, y, _ = make_imbalanced(
        options.rows, options.prevalence, seed=0, n_features=options.features
    )
    positives = int(y.sum())
    if positives < options.folds:
        raise ValueError(
            f"--rows and --prevalence must leave at least {options.folds} positives,"
            f" one for each of --folds, got {positives}"
        )
    return X.astype(np.float32), y


def measure(library: str, data: tuple[Any, Any], options: Any) -> dict[str, Any]:
    """Run all searches in turn, print and return seconds, ratios and winners."""
    model = LIBRARIES[library](
        n_estimators=options.rounds, n_jobs=options.threads, random_state=0
    )
    few = slice(0, 2000)
    model.fit(data[0][few], data[1][few])  # compiles, and loads what is loaded once
    winners = {}

    def seconds(name: str, _: int) -> float:
        winners[name] = search_of(name, model, options)
        started = time.perf_counter()
        winners[name].fit(*data)
        return time.perf_counter() - started

    found = in_turn(library, SEARCHES, options.repeats, seconds)
    for name, one in found.items():
        one.update(_of_winner(winners[name], winners["grid"]))
        print(
            f"{library:9} {name:11} {median(one['seconds']):8.2f} s "
            f"{one['times_faster']:6.2f} × {one['winner']}"
            f" {'same winner' if one['same_winner'] else 'another winner'},"
            f" gap {one['gap']:.2e} of {one['score']:.4f}"
        )
    return found


def _of_winner(search: Any, grid: Any) -> dict[str, Any]:
    """Return what a search has chosen, and the grid search's scores of it."""
    winner, results = search.best_params_, grid.cv_results_
    score = results["mean_test_score"][results["params"].index(winner)]
    return {
        "winner": winner,
        "same_winner": winner == grid.best_params_,
        "gap": grid.best_score_ - score,
        "score": grid.best_score_,
    }


def search_of(name: str, model: Any, options: Any) -> Any:
    """Return an unfitted search."""
    given = {"cv": options.folds, "scoring": options.scoring, "refit": False}
    if name == "grid":
        return GridSearchCV(model, DEFAULT_SPACE, **given)
    return FocalSearchCV(
        model,
        DEFAULT_SPACE,
        halving=name == "halving",
        min_rounds=options.min_rounds,
        **given,
    )


if __name__ == "__main__":
    sys.exit(main())
