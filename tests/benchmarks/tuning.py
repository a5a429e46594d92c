"""FocalSearchCV beside GridSearchCV, over the same candidates and folds.

    python tests/benchmarks/tuning.py
    python tests/benchmarks/tuning.py --rows 20000 --library xgboost --repeats 3

Three searches of alpha × gamma (`DEFAULT_SPACE`, 25 candidates) in one process, in turn
(grid, exhaustive, halving, grid, …): a ratio is the median of the ratios within a
repetition. None of them refits. "gap" is what the winner's score, at all of its rounds,
lies below that of the grid search's winner; 0 is the same winner.

grid        scikit-learn's GridSearchCV, which bins for every fit
exhaustive  FocalSearchCV(halving=False): as many rounds, each fold binned once
halving     FocalSearchCV with its defaults
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV

import focal_boost
from focal_boost.datasets import make_imbalanced
from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV

LIBRARIES = {
    "xgboost": focal_boost.FocalXGBClassifier,
    "lightgbm": lambda **given: focal_boost.FocalLGBMClassifier(verbosity=-1, **given),
}
SEARCHES = ("grid", "exhaustive", "halving")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    X, y, _ = make_imbalanced(
        options.rows, options.prevalence, seed=0, n_features=options.features
    )
    data = X.astype(np.float32), y
    results = {name: measure(name, data, options) for name in options.library}
    for name, result in results.items():
        print_result(name, result)
    if options.out is not None:
        with open(options.out, "w", encoding="utf-8") as stream:
            text = {"options": {**vars(options), "library": list(results)}, **results}
            json.dump(text, stream, indent=1)
    return 0


def measure(library: str, data: tuple[Any, Any], options: Any) -> dict[str, Any]:
    """Run all searches in turn and return seconds, ratios and winners."""
    model = LIBRARIES[library](
        n_estimators=options.rounds, n_jobs=options.threads, random_state=0
    )
    few = slice(0, 2000)
    model.fit(data[0][few], data[1][few])  # compiles, and loads what is loaded once
    seconds: dict[str, list[float]] = {name: [] for name in SEARCHES}
    winners = {}
    for repetition in range(options.repeats):
        for name in SEARCHES:
            _show(f"{library} {name} {repetition + 1}/{options.repeats}")
            search = search_of(name, model, options)
            started = time.perf_counter()
            search.fit(*data)
            seconds[name].append(time.perf_counter() - started)
            winners[name] = search
    grid = winners["grid"].cv_results_
    scores = {
        repr(p): s for p, s in zip(grid["params"], grid["mean_test_score"], strict=True)
    }
    best = winners["grid"].best_score_
    return {
        name: {
            "seconds": seconds[name],
            "times_faster": _median_ratio(seconds["grid"], seconds[name]),
            "winner": winners[name].best_params_,
            "same_winner": winners[name].best_params_ == winners["grid"].best_params_,
            "gap": best - scores[repr(winners[name].best_params_)],
            "score": best,
        }
        for name in SEARCHES
    }


def search_of(name: str, model: Any, options: Any) -> Any:
    """Return an unfitted search."""
    given = {"cv": options.folds, "scoring": options.scoring, "refit": False}
    if name == "grid":
        return GridSearchCV(model, DEFAULT_SPACE, **given)
    return FocalSearchCV(
        model,
        halving=name == "halving",
        factor=options.factor,
        min_rounds=options.min_rounds,
        **given,
    )


def print_result(library: str, result: dict[str, Any]) -> None:
    """Print one line per search."""
    for name, one in result.items():
        print(
            f"{library:9} {name:11} {statistics.median(one['seconds']):8.2f} s "
            f"{one['times_faster']:6.2f} × {one['winner']}"
            f" {'same winner' if one['same_winner'] else 'another winner'},"
            f" gap {one['gap']:.2e} of {one['score']:.4f}"
        )


def _median_ratio(reference: list[float], others: list[float]) -> float:
    pairs = zip(reference, others, strict=True)
    return statistics.median(one / other for one, other in pairs)


def _show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<60.60}\r", end="", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=28)
    parser.add_argument("--prevalence", type=float, default=0.02)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--scoring", default="neg_log_loss")
    parser.add_argument("--factor", type=float, default=3)
    parser.add_argument("--min-rounds", type=int, default=10)
    parser.add_argument("--library", nargs="+", choices=LIBRARIES, default=LIBRARIES)
    parser.add_argument("--out", help="a JSON file to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
