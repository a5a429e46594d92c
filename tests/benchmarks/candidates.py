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
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
from memory import peak as peak_of
from memory import settle
from options import Parser, exit_code, integer, joined, machine, one_of, versions
from sklearn.model_selection import StratifiedKFold
from tuning import LIBRARIES, write

from focal_boost.datasets import make_imbalanced
from focal_boost.tuning import FocalSearchCV
from focal_boost.tuning._folds import Folds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import candidate_of
from focal_boost.tuning._spaces import TREES, ask, first_of

ROUNDS, PATIENCE, FOLDS = 1_000, 30, 3
SEARCHES = ("optuna", "trees", "all")
# Of the space; XGBoost keeps histograms of all nodes of a depth.
_LARGEST = {
    "xgboost": {"max_depth": 10, "min_child_weight": 1e-3},
    "lightgbm": {"num_leaves": 128, "min_child_samples": 5},
}
_PROJECT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    return exit_code("candidates.py", lambda: _run(options), ValueError)


def _run(options: argparse.Namespace) -> None:
    results: dict[str, Any] = {
        "options": {k: v for k, v in vars(options).items() if k != "out"},
        "machine": machine(),
        "versions": versions(),
    }
    write(options.out, results)
    print(f"{results['machine']}; {joined(results['versions'])}")
    for library in options.library:
        measure = memory if options.memory else speed
        results[library] = measure(library, options)
        write(options.out, results)


def speed(library: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return and print the seconds of a candidate, and how many times faster it is."""
    seconds: dict[str, list[float]] = {name: [] for name in SEARCHES}
    for seed in range(options.repeats):
        for name in SEARCHES:
            seconds[name].append(_alone(_seconds, library, name, seed, options))
    found = {}
    for name in SEARCHES:
        pairs = zip(seconds["optuna"], seconds[name], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        found[name] = {"seconds": seconds[name], "times_faster": ratio}
        each = statistics.median(seconds[name]) / options.candidates
        print(f"{library:9} {name:7} {each:7.3f} s a candidate, {ratio:5.2f} ×")
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


def _model(library: str, **given: Any) -> Any:
    plain = {"focal_alpha": None, "focal_gamma": 0.0, "n_jobs": 1, "random_state": 0}
    return LIBRARIES[library](**plain, **given)


def _seconds(library: str, name: str, seed: int, options: argparse.Namespace) -> float:
    X, y = _data(options)
    for gamma in (0.0, 2.0, 1.5):
        # Compiles, and loads what is loaded once.
        few = _model(library, n_estimators=1).set_params(focal_gamma=gamma)
        few.fit(X[:2000], y[:2000])
    begin = time.process_time()
    if name == "optuna":
        by_optuna(library, X, y, options.candidates, seed)
    else:
        _searched(library, name, X, y, options.candidates, seed)
    return time.process_time() - begin


def _searched(
    library: str, space: str, X: Any, y: Any, candidates: int, seed: int
) -> Any:
    search = FocalSearchCV(
        _model(library), space, n_candidates=candidates, cv=FOLDS, random_state=seed,
        refit=False,
    )  # fmt: skip
    return search.fit(X, y)


def by_optuna(library: str, X: Any, y: Any, candidates: int, seed: int) -> Any:
    """Search as a practitioner writes it, and return the study."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=10),
    )
    folds = list(StratifiedKFold(FOLDS).split(X, y))
    objective = {"lightgbm": _lightgbm, "xgboost": _xgboost}[library]
    study.optimize(lambda trial: objective(trial, X, y, folds), candidates)
    return study


def _lightgbm(trial: Any, X: Any, y: Any, folds: Any) -> float:
    import lightgbm as lgb
    from optuna_integration import LightGBMPruningCallback

    trees = {name: ask(trial, name, one) for name, one in TREES["lightgbm"].items()}
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 0}
    found = lgb.cv(
        {**fixed, **trees, "subsample_freq": 1}, lgb.Dataset(X, y), ROUNDS, folds=folds,
        callbacks=[
            lgb.early_stopping(PATIENCE, verbose=False),
            LightGBMPruningCallback(trial, "binary_logloss", valid_name="valid"),
        ],
    )  # fmt: skip
    return float(min(found["valid binary_logloss-mean"]))


def _xgboost(trial: Any, X: Any, y: Any, folds: Any) -> float:
    import xgboost as xgb
    from optuna_integration import XGBoostPruningCallback

    trees = {name: ask(trial, name, one) for name, one in TREES["xgboost"].items()}
    fixed = {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1}
    found = xgb.cv(
        {**fixed, **trees}, xgb.DMatrix(X, y), ROUNDS, folds=folds, as_pandas=False,
        early_stopping_rounds=PATIENCE,
        callbacks=[XGBoostPruningCallback(trial, "test-logloss")],
    )  # fmt: skip
    return float(min(found["test-logloss-mean"]))


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
    return _model(library, n_estimators=100, **_LARGEST[library]).fit(X, y)


def _bins(library: str, X: Any, y: Any, _: argparse.Namespace) -> Any:
    model = _model(library)
    problem = Problem.of(model, X, y, None, None, FOLDS, "neg_log_loss")
    folds = Folds(problem, model, None)
    candidate = candidate_of(model, first_of("trees", model)[0], 0)
    return [one.training(candidate, paused=True) for one in folds.each]


def _search(library: str, X: Any, y: Any, options: argparse.Namespace) -> Any:
    return _searched(library, "trees", X, y, options.candidates, 0)


def _parser() -> argparse.ArgumentParser:
    parser = Parser("candidates.py", __doc__)
    add = parser.add_argument
    add("--rows", type=integer(2_000), default=20_000, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--features", type=integer(5), default=28, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--candidates", type=integer(1), default=20, metavar="N",
        help="of a search (default: %(default)s)")  # fmt: skip
    add("--repeats", type=integer(1), default=3, metavar="N",
        help="searches of other seeds (default: %(default)s)")  # fmt: skip
    add("--memory", action="store_true", help="measure memory in place of time")
    add("--library", type=one_of(tuple(LIBRARIES)), default=tuple(LIBRARIES),
        metavar="NAME[,NAME]", help=", ".join(LIBRARIES))  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/candidates.json", metavar="FILE",
        help="default: build/candidates.json")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
