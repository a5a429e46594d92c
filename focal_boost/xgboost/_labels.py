"""Labels of ``FocalXGBClassifier`` as XGBoost takes them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focal_boost._adapter.target import (
    MULTICLASS,
    MULTILABEL,
    Encoded,
    Target,
    check_columns,
    dtype_of,
    label_matrix,
)
from focal_boost._kernels.cuda import is_on_device
from focal_boost._validation import listed
from focal_boost.xgboost._collective import is_distributed, target_of_all

#: Of column names; XGBoost says so itself, but not which name it is.
FORBIDDEN = "[]<"


def encode(given: dict[str, Any]) -> Encoded:
    """Make labels what XGBClassifier takes; return what they were.

    Two classes become 0 and 1 and more than two a label matrix, which several outputs
    of "binary:logistic" are trained on.
    """
    y = given["y"]
    if is_on_device(y):
        return Encoded()
    matrix = label_matrix(y)
    if matrix is not None:
        check_columns(matrix)
        _replace(given, matrix, _matrix_of(matrix.shape[1]))
        return Encoded(None, MULTILABEL, matrix.shape[1], dtype_of(y))
    many = not is_distributed()
    target = Target.of(y, warn=False, many=True) if many else target_of_all(y)
    if len(target.classes) > 2:
        _replace(given, _one_hot(target, target.y_true), _one_hot_of(target))
        return Encoded(target.classes, MULTICLASS, len(target.classes))
    return _encode_two(given, target)


def _encode_two(given: dict[str, Any], target: Target) -> Encoded:
    labels = target.classes.tolist()
    if labels in ([0], [0, 1]):
        return Encoded()
    if len(labels) == 1:
        raise ValueError(
            f"y must hold two classes, or 0 alone, got 1 class: {listed(labels)}"
        )
    of = functools.partial(target.encode, name="eval_set labels")
    _replace(given, target.y_true, of)
    return Encoded(target.classes)


def _replace(given: dict[str, Any], new: Any, of_set: Callable[[Any], Any]) -> None:
    """Replace the labels of all sets."""
    y, given["y"] = given["y"], new
    if given.get("eval_set"):
        # XGBoost sees by identity which of them is the training set.
        given["eval_set"] = [
            (X, new if labels is y else of_set(labels))
            for X, labels in given["eval_set"]
        ]


def _matrix_of(columns: int) -> Callable[[Any], Any]:
    def of_set(labels: Any) -> Any:
        matrix = label_matrix(labels, "eval_set labels")
        if matrix is None or matrix.shape[1] != columns:
            raise ValueError(
                f"eval_set labels must have {columns} columns, as y has, got shape"
                f" {np.shape(labels)}"
            )
        return matrix

    return of_set


def _one_hot_of(target: Target) -> Callable[[Any], Any]:
    def of_set(labels: Any) -> Any:
        return _one_hot(target, target.encode(labels, "eval_set labels"))

    return of_set


def _one_hot(target: Target, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    found = np.zeros((len(numbers), len(target.classes)), np.float32)
    found[np.arange(len(numbers)), numbers] = 1
    return found


def of_numbers(metric: Callable[..., Any]) -> Callable[..., Any]:
    """Return a metric of class numbers and normalised posteriors as one of columns."""

    @functools.wraps(metric)
    def call(y_true: Any, posterior: Any, **weight: Any) -> Any:
        numbers = y_true.reshape(posterior.shape).argmax(axis=1)
        total = posterior.sum(axis=1, keepdims=True)
        return metric(numbers, posterior / total, **weight)

    return call
