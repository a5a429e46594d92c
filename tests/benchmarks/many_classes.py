"""Focal loss of many classes and labels beside the libraries' own objectives.

    python tests/benchmarks/many_classes.py
    python tests/benchmarks/many_classes.py --set wine,digits --library xgboost

Every method is trained on two thirds of the rows and predicts the other third, three
times, and is judged by all of its predictions. Trees are the libraries' defaults with a
learning rate of 0.1; a training stops where its own log loss on a quarter of its rows
has not fallen for 20 rounds, or after 300. Of a set with more than --rows rows all of
the classes under 1 % are kept, and so many of the others, at random with seed 0. What
has been measured is kept in --out, and a second call goes on from there. All of it
takes about ten minutes on one core.

macro AP  mean over the classes of the average precision of predict_proba
rare AP   the same over the classes under 1 % of the rows
log loss  of predict_proba, divided by its sum; of labels the mean of the columns

focal          the classifiers of this package with their defaults
… balanced     alpha is 1 − the share of each class
one-vs-rest    XGBoost's "binary:logistic" with an output per class
… weights      rows weighted by the inverse frequency of their class
… small leaves XGBoost with min_child_weight 0.1 and not 1
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from many_classes_report import report
from numpy.typing import NDArray
from options import Parser, exit_code, integer, one_of
from sklearn.datasets import (
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.utils.class_weight import compute_sample_weight

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier

Array = NDArray[Any]
_PROJECT = Path(__file__).parents[2]
_DATA = _PROJECT.parent / "shared/data"
ROUNDS, PATIENCE = 300, 20
OLD_LIGHTGBM = not hasattr(lgb.LGBMClassifier, "decision_function")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    return exit_code("many_classes.py", lambda: _run(options), ValueError, OSError)


def _run(options: argparse.Namespace) -> None:
    known = json.loads(options.out.read_text()) if options.out.exists() else {}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for name in options.set:
        X, y = subsample(*SETS[name](), options.rows)
        for library, method, fit in methods_of(y, options.library):
            key = f"{name}, {library}, {method}, {options.rows} rows"
            if key not in known:
                known[key] = measure(X, y, fit)
                options.out.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
                print(key, known[key], flush=True)
    text = report(known, options.rows, tuple(SETS))
    print(text)
    if options.table is not None:
        options.table.write_text(text, "utf-8")


def _multilabel() -> tuple[Array, Array]:
    X, y = make_multilabel_classification(
        4000, n_classes=12, n_labels=1, random_state=0
    )
    return X, y


def _stored(name: str) -> Callable[[], tuple[Array, Array]]:
    def load() -> tuple[Array, Array]:
        found = np.load(_DATA / f"{name}.npz")
        return found["X"], found["y"].astype(int)

    return load


def _shipped(load: Any) -> Callable[[], tuple[Array, Array]]:
    return lambda: load(return_X_y=True)


SETS: dict[str, Callable[[], tuple[Array, Array]]] = {
    "shuttle": _stored("shuttle_multiclass"),
    "page_blocks": _stored("mc_page_blocks"),
    "yeast": _stored("mc_yeast"),
    "iris": _shipped(load_iris),
    "wine": _shipped(load_wine),
    "digits": _shipped(load_digits),
    "multilabel": _multilabel,
}


def subsample(X: Array, y: Array, rows: int) -> tuple[Array, Array]:
    """Return at most so many rows, all of the rare classes among them."""
    if len(y) <= rows:
        return X, y
    rare = np.flatnonzero(np.bincount(y)[y] < 0.01 * len(y))
    others = np.setdiff1d(np.arange(len(y)), rare)
    drawn = np.random.default_rng(0).permutation(others)[: rows - len(rare)]
    kept = np.sort([*rare, *drawn])
    return X[kept], y[kept]


# The defaults, an alpha per class, and weighted rows.
FOCAL: dict[str, dict[str, Any]] = {
    "focal": {},
    "focal, balanced": {"focal_alpha": "balanced"},
    "focal, weights": {"weighted": True},
}
# XGBoost's bound is one of Hessians, of which focal loss has less than log loss.
SMALL, SMALL_LEAVES = ", small leaves", {"min_child_weight": 0.1}
Fit = Callable[[Array, Array, Array, Array], Any]


def methods_of(y: Array, libraries: Sequence[str]) -> Iterator[tuple[str, str, Fit]]:
    """Return library, name and ``fit(X, y, X_stop, y_stop)`` of every method."""
    for library in libraries:
        of = _of_xgboost if library == "xgboost" else _of_lightgbm
        for name, fit in of(labels=y.ndim == 2):
            yield library, name, fit


def _of_xgboost(*, labels: bool) -> Iterator[tuple[str, Fit]]:
    for name, params in FOCAL.items():
        if not (labels and params.get("weighted")):
            yield name, _xgboost(FocalXGBClassifier, **params)
    yield f"focal{SMALL}", _xgboost(FocalXGBClassifier, **SMALL_LEAVES)
    if labels:
        yield "built-in", _xgboost(xgb.XGBClassifier)
        yield f"built-in{SMALL}", _xgboost(xgb.XGBClassifier, **SMALL_LEAVES)
        return
    yield f"softprob{SMALL}", _xgboost(xgb.XGBClassifier, **SMALL_LEAVES)
    rest = _xgboost(xgb.XGBClassifier, one_hot=True, **SMALL_LEAVES)
    yield f"one-vs-rest{SMALL}", rest
    for weights in ("", ", weights"):
        given = {"weighted": bool(weights)}
        yield f"softprob{weights}", _xgboost(xgb.XGBClassifier, **given)
        rest = _xgboost(xgb.XGBClassifier, one_hot=True, **given)
        yield f"one-vs-rest{weights}", rest


def _of_lightgbm(*, labels: bool) -> Iterator[tuple[str, Fit]]:
    for name, params in FOCAL.items():
        weighted = params.get("weighted")
        given = {"class_weight": "balanced"} if weighted else params
        if not (labels and weighted):
            yield name, _lightgbm(FocalLGBMClassifier, **given)
    if labels:
        yield "built-in", _lightgbm_of_labels
        return
    for objective in ("multiclass", "multiclassova"):
        for weights in (None, "balanced"):
            given = {"objective": objective, "class_weight": weights}
            name = f"{objective}{', weights' if weights else ''}"
            yield name, _lightgbm(lgb.LGBMClassifier, **given)


def _xgboost(
    kind: Any, *, weighted: bool = False, one_hot: bool = False, **params: Any
) -> Fit:
    def fit(X: Array, y: Array, X_stop: Array, y_stop: Array) -> Any:
        weight = compute_sample_weight("balanced", y) if weighted else None
        if one_hot:
            classes = np.arange(y.max() + 1)
            y, y_stop = (of[:, None] == classes for of in (y, y_stop))
            y, y_stop = y.astype(int), y_stop.astype(int)
        model = kind(
            n_estimators=ROUNDS,
            learning_rate=0.1,
            early_stopping_rounds=PATIENCE,
            n_jobs=1,
            **params,
        )
        sets = [(X_stop, y_stop)]
        return model.fit(X, y, sample_weight=weight, eval_set=sets, verbose=False)

    return fit


def _lightgbm(kind: Any, **params: Any) -> Fit:
    def fit(X: Array, y: Array, X_stop: Array, y_stop: Array) -> Any:
        model = kind(
            n_estimators=ROUNDS,
            learning_rate=0.1,
            early_stopping_round=PATIENCE,
            n_jobs=1,
            verbosity=-1,
            **params,
        )
        given: Any = {"eval_X": (X_stop,), "eval_y": (y_stop,)}
        if OLD_LIGHTGBM:
            given = {"eval_set": [(X_stop, y_stop)]}
        return model.fit(X, y, **given)

    return fit


class _lightgbm_of_labels:  # noqa: N801 (called as the functions above)
    """LightGBM's own classifier for each label."""

    def __init__(self, X: Array, y: Array, X_stop: Array, y_stop: Array) -> None:
        fit, columns = _lightgbm(lgb.LGBMClassifier), range(y.shape[1])
        self._models = [fit(X, y[:, k], X_stop, y_stop[:, k]) for k in columns]

    def predict_proba(self, X: Array) -> Array:
        return np.stack([one.predict_proba(X)[:, 1] for one in self._models], axis=1)


def measure(X: Array, y: Array, fit: Fit) -> dict[str, float]:
    """Return the figures of the predictions of rows that were not trained on."""
    labels = y.ndim == 2
    n_classes = y.shape[1] if labels else int(y.max()) + 1
    posterior = np.empty((len(y), n_classes))
    folds = KFold if labels else StratifiedKFold
    for train, test in folds(3, shuffle=True, random_state=0).split(X, y):
        parts = train_test_split(
            X[train],
            y[train],
            test_size=0.25,
            random_state=0,
            stratify=None if labels else y[train],
        )
        model = fit(parts[0], parts[2], parts[1], parts[3])
        posterior[test] = model.predict_proba(X[test])
    return figures(y, posterior)


def figures(y: Array, posterior: Array) -> dict[str, float]:
    """Return macro AP, that of rare classes or labels, and log loss."""
    labels = y.ndim == 2
    truth = y if labels else (y[:, None] == np.arange(posterior.shape[1])).astype(int)
    each = np.asarray(average_precision_score(truth, posterior, average=None))
    rare = truth.mean(axis=0) < 0.01
    if labels:
        columns = zip(truth.T, posterior.T, strict=True)
        loss = float(np.mean([log_loss(of, p) for of, p in columns]))
    else:
        loss = log_loss(y, posterior / posterior.sum(axis=1, keepdims=True))
    found = {"macro AP": float(each.mean()), "log loss": float(loss)}
    return found | ({"rare AP": float(each[rare].mean())} if rare.any() else {})


def _parser() -> argparse.ArgumentParser:
    parser = Parser("many_classes.py", __doc__)
    add = parser.add_argument
    add("--set", type=one_of(tuple(SETS)), default=tuple(SETS), metavar="NAME[,NAME]",
        help=", ".join(SETS))  # fmt: skip
    add("--library", type=one_of(("xgboost", "lightgbm")),
        default=("xgboost", "lightgbm"), metavar="NAME[,NAME]",
        help="xgboost, lightgbm")  # fmt: skip
    add("--rows", type=integer(100), default=10_000, metavar="N",
        help="at most so many of a set (default: %(default)s)")  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/many_classes.json",
        metavar="FILE", help="default: build/many_classes.json")  # fmt: skip
    add("--table", type=Path, metavar="FILE", help="for the table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
