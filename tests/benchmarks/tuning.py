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
import json
import statistics
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from options import (
    Parser,
    exit_code,
    integer,
    joined,
    machine,
    one_of,
    processors,
    share,
    versions,
)
from sklearn.model_selection import GridSearchCV

import focal_boost
from focal_boost.datasets import make_imbalanced
from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV
from focal_boost.tuning._scoring import SCORINGS

LIBRARIES = {
    "xgboost": partial(focal_boost.FocalXGBClassifier, enable_categorical=True),
    "lightgbm": partial(focal_boost.FocalLGBMClassifier, verbosity=-1),
}
SEARCHES = ("grid", "exhaustive", "halving")
_PROJECT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    return exit_code("tuning.py", lambda: _run(options), ValueError)


def _run(options: argparse.Namespace) -> None:
    data = _data(options)
    results: dict[str, Any] = {
        "options": {k: v for k, v in vars(options).items() if k != "out"},
        "machine": machine(),
        "versions": versions(),
    }
    # An unwritable file is found before anything is measured.
    write(options.out, results)
    print(f"{results['machine']}; {joined(results['versions'])}")
    for name in options.library:
        results[name] = measure(name, data, options)
        write(options.out, results)
        print_result(name, results[name])


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


def write(path: Path, results: dict[str, Any]) -> None:
    """Write what was measured as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


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
        DEFAULT_SPACE,
        halving=name == "halving",
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
    parser = Parser("tuning.py", __doc__)
    add = parser.add_argument
    add("--rows", type=integer(100), default=200_000, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--features", type=integer(5), default=28, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--prevalence", type=share, default=0.02, metavar="SHARE",
        help="of positives (default: %(default)s)")  # fmt: skip
    add("--rounds", type=integer(1), default=100, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--folds", type=integer(2), default=5, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--repeats", type=integer(1), default=3, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--threads", type=integer(1), default=processors(), metavar="N",
        help="default: the processors that may be used, %(default)s")  # fmt: skip
    add("--scoring", choices=SCORINGS, default="neg_log_loss",
        help="default: %(default)s")  # fmt: skip
    add("--min-rounds", type=integer(1), default=10, metavar="N",
        help="of the first step of halving (default: %(default)s)")  # fmt: skip
    add("--library", type=one_of(tuple(LIBRARIES)), default=tuple(LIBRARIES),
        metavar="NAME[,NAME]", help=", ".join(LIBRARIES))  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/tuning.json", metavar="FILE",
        help="default: build/tuning.json")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
