"""What benchmarks of searches share: classifiers, and Optuna with a library's cv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import xgboost as xgb

from benchmarks.measured import print_circumstances, ratios, summary
from benchmarks.options import PROJECT, Parser, circumstances, integer, one_of
from focal_boost import FocalLGBMClassifier, FocalXGBClassifier
from focal_boost._adapter.progress import progress
from focal_boost.tuning._spaces import TREES, ask

LIBRARIES = {
    "xgboost": partial(FocalXGBClassifier, verbosity=0),
    "lightgbm": partial(FocalLGBMClassifier, verbosity=-1),
}
ROUNDS, PATIENCE = 1_000, 30


def plain(library: str, **given: Any) -> Any:
    """Return an unfitted classifier of the built-in loss, on one thread."""
    loss = {"focal_alpha": None, "focal_gamma": 0.0}
    return LIBRARIES[library](**loss, n_jobs=1, random_state=0, **given)


def optuna_study(
    objective: Any, trials: int | None = None, seed: int = 0, callbacks: Any = None
) -> Any:
    """Search as a practitioner writes it: TPE, and the median after ten rounds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=10),
    )
    study.optimize(objective, trials, callbacks=callbacks)
    return study


class Cv:
    """What scores a trial: the library's cv, with early stopping and pruning.

    `folds` are rows to train on and to score, for every fold.
    """

    def __init__(self, library: str, X: Any, y: Any, weight: Any, folds: Any) -> None:
        self._library, self._folds = library, folds
        if library == "xgboost":
            matrix = xgb.DMatrix(X, y, weight=weight)
            self._data: Any = lambda: matrix
        else:  # a Dataset keeps the first parameters that it sees
            self._data = partial(lgb.Dataset, X, y, weight=weight)

    def __call__(self, trial: Any) -> float:
        losses = _LOSSES[self._library]
        found = losses(self._params(trial), self._data(), self._folds, trial)
        trial.set_user_attr("rounds", int(np.argmin(found)) + 1)
        return float(np.min(found))

    def log_odds(self, trial: Any, X: Any) -> Any:
        """Train what the trial has found on all rows, and return its log-odds of X."""
        params = self._params(optuna.trial.FixedTrial(trial.params))
        given = params, self._data(), trial.user_attrs["rounds"]
        if self._library == "lightgbm":
            return lgb.train(*given).predict(X, raw_score=True)
        raw = xgb.train(*given).predict(xgb.DMatrix(X), output_margin=True)
        return raw.astype(np.float64)

    def _params(self, trial: Any) -> dict[str, Any]:
        """Return trees of the space that the package's search has."""
        trees = {key: ask(trial, key, of) for key, of in TREES[self._library].items()}
        return {**_FIXED[self._library], **trees}


_FIXED: dict[str, dict[str, Any]] = {
    "xgboost": {
        "objective": "binary:logistic", "eval_metric": "logloss", "nthread": 1,
        "seed": 0,
    },
    "lightgbm": {
        "objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 0,
        "subsample_freq": 1,
    },
}  # fmt: skip


def _xgboost(params: Any, data: Any, folds: Any, trial: Any) -> Any:
    from optuna_integration import XGBoostPruningCallback

    return xgb.cv(
        params, data, ROUNDS, folds=folds, as_pandas=False,
        early_stopping_rounds=PATIENCE,
        callbacks=[XGBoostPruningCallback(trial, "test-logloss")],
    )["test-logloss-mean"]  # fmt: skip


def _lightgbm(params: Any, data: Any, folds: Any, trial: Any) -> Any:
    from optuna_integration import LightGBMPruningCallback

    return lgb.cv(
        params, data, ROUNDS, folds=folds,
        callbacks=[
            lgb.early_stopping(PATIENCE, verbose=False),
            LightGBMPruningCallback(trial, "binary_logloss", valid_name="valid"),
        ],
    )["valid binary_logloss-mean"]  # fmt: skip


_LOSSES = {"xgboost": _xgboost, "lightgbm": _lightgbm}


def parser_of(prog: str, text: str | None, least_rows: int, rows: int) -> Parser:
    """Return the options of these benchmarks."""
    parser = Parser(prog, text)
    add = parser.add
    add("--rows", integer(least_rows), rows)
    add("--features", integer(5), 28)
    add("--repeats", integer(1), 3, "of every search")
    add("--library", one_of(tuple(LIBRARIES)), tuple(LIBRARIES))
    add("--out", Path, PROJECT / "build" / f"{Path(prog).stem}.json")
    return parser


def by_library(
    given: argparse.Namespace, measure: Callable[[str], dict[str, Any]]
) -> None:
    """Measure one library after the other, and write what is known as JSON."""
    where = circumstances(given)
    results = {
        "options": where["settings"], "machine": where["machine"],
        "versions": where["versions"],
    }  # fmt: skip
    # An unwritable file is found before anything is measured.
    _write(given.out, results)
    print_circumstances(results)
    for library in given.library:
        results[library] = measure(library)
        _write(given.out, results)


def _write(path: Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def in_turn(
    library: str, names: Sequence[str], repeats: int, seconds: Callable[..., float]
) -> dict[str, dict[str, Any]]:
    """Return the seconds of searches in turn, and how many times faster than the first.

    `seconds` makes the search of a name and repetition, and returns what it took.
    """
    found: dict[str, list[float]] = {name: [] for name in names}
    runs = list(product(range(repeats), names))
    bar = sys.stderr.isatty()
    with progress(len(runs), wanted=bar, of=f"searches, {library}") as step:
        for repetition, name in runs:
            found[name].append(seconds(name, repetition))
            step(1)
    first = summary(found[names[0]])
    return {
        name: {
            "seconds": own,
            "times_faster": ratios(first, summary(own))["median"],
        }
        for name, own in found.items()
    }
