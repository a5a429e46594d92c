"""Label matrices of ``FocalLGBMClassifier``: a booster per label.

LightGBM takes one label per row. Each column is trained by itself, as if by an
estimator of its own, and several at once.
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from focal_boost._adapter.estimator import check_no_positive
from focal_boost._adapter.target import check_columns, label_matrix
from focal_boost._validation import shown
from focal_boost.lightgbm._sets import replaced

_PER_LABEL = ("focal_alpha", "focal_gamma", "class_weight")


def fit_labels(
    estimator: Any, given: dict[str, Any], matrix: NDArray[np.float32]
) -> list[Any]:
    """Return a fitted estimator per column of the labels.

    Parameters
    ----------
    estimator : FocalLGBMClassifier
        Its parameters are theirs, or one per column of alpha, gamma and class weight.
    given : dict
        The arguments of its ``fit``.
    matrix : ndarray, (n, K)
        The labels, 0 and 1.

    Raises
    ------
    ValueError
        For a column with one value, another number of alphas or of columns in an
        evaluation set, and ``init_model``.
    """
    check_columns(matrix)
    check_no_positive(estimator)
    if given.get("init_model") is not None:
        raise ValueError(
            "init_model must be absent for a label matrix, got"
            f" {shown(given['init_model'])}"
        )
    columns = matrix.shape[1]
    models = [_of_label(estimator, k, columns) for k in range(columns)]
    threads = estimator._process_n_jobs(estimator.n_jobs)
    # A callback of the caller's may keep what it has seen of one training.
    workers = 1 if given.get("callbacks") else min(threads, columns)
    for one in models:
        one.set_params(n_jobs=max(1, threads // workers))
    sets = [_columns_of(given, matrix, k) for k in range(columns)]
    pairs = zip(models, sets, strict=True)
    calls = (delayed(one.fit)(**of_label) for one, of_label in pairs)
    return list(Parallel(n_jobs=workers, prefer="threads")(calls))


def _of_label(estimator: Any, k: int, columns: int) -> Any:
    """Return the unfitted estimator of one label."""
    one = clone(estimator)
    for name in _PER_LABEL:
        value = getattr(estimator, name)
        if isinstance(value, str | dict) or not hasattr(value, "__len__"):
            continue
        if len(value) != columns:
            raise ValueError(
                f"{name} must have one value per label, {columns}, got {len(value)}"
            )
        one.set_params(**{name: value[k]})
    return one


def _columns_of(given: dict[str, Any], matrix: Any, k: int) -> dict[str, Any]:
    """Return the arguments of fit for one label."""
    y, own = given["y"], matrix[:, k].astype(np.int64)

    def labels_of(labels: Any) -> Any:
        # LightGBM sees by identity which of them is the training set.
        return own if labels is y else _column_of(labels, matrix.shape[1], k)

    def pair_of(X: Any, labels: Any) -> Any:
        return X, labels_of(labels)

    found = {**given, "y": own}
    if given.get("eval_set") is not None:
        pairs = given["eval_set"]
        several = [pairs] if isinstance(pairs, tuple) else pairs
        found["eval_set"] = [pair_of(*pair) for pair in several]
    if given.get("eval_y") is not None:
        several = given["eval_y"]
        is_tuple = isinstance(several, tuple)
        found["eval_y"] = (
            tuple(map(labels_of, several)) if is_tuple else labels_of(several)
        )
    for name in ("init_score", "eval_init_score"):
        if given.get(name) is not None:
            found[name] = replaced(given[name], lambda one: _score_of(one, k))
    return found


def _column_of(labels: Any, columns: int, k: int) -> Any:
    matrix = label_matrix(labels, "labels of an evaluation set")
    if matrix is None or matrix.shape[1] != columns:
        raise ValueError(
            f"labels of an evaluation set must have {columns} columns, as y has, got"
            f" shape {np.shape(labels)}"
        )
    return matrix[:, k].astype(np.int64)


def _score_of(scores: Any, k: int) -> Any:
    return None if scores is None else np.asarray(scores)[:, k]


def of_one_booster(name: str) -> property:
    """Return a property of LightGBM's classifier that a label matrix does not have."""
    own = getattr(lgb.LGBMClassifier, name)

    def get(self: Any) -> Any:
        if getattr(self, "estimators_", None):
            raise AttributeError(
                f"{name} of a label matrix is that of each label: estimators_[k].{name}"
            )
        return own.fget(self)

    return property(get, doc=own.__doc__)
