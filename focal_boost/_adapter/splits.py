"""Stratified splits that keep groups together, and what is wrong with a split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from focal_boost._adapter.target import Target
from focal_boost._validation import check_integer, check_unmasked, shown

Rows = NDArray[np.intp]


class Split(NamedTuple):
    """The row numbers of a training part and of the part that it is tested on."""

    train: Rows
    test: Rows


def stratified(
    n_splits: int,
    y_true: NDArray[np.int64],
    groups: NDArray[Any] | None,
    seed: int | None = None,
    *,
    name: str,
    classes: Sequence[str],
) -> list[Split]:
    """Split the rows by class; rows of one group stay together.

    With a seed they are shuffled first. Too few rows, or groups, of a class are a
    ValueError, in the words of the caller: `name` is what `n_splits` is called there,
    `classes` what rows with label 0 and 1 are.
    """
    n_splits = check_integer(n_splits, name, 2)
    for label in reversed(range(len(classes))):
        held, what = np.flatnonzero(y_true == label), "rows"
        if groups is not None:
            held, what = np.unique(groups[held]), "groups"
        if len(held) < n_splits:
            raise ValueError(
                f"{name} must be at most the {len(held)} {what} with {classes[label]},"
                f" got {shown(n_splits)}"
            )
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_splits, shuffle=seed is not None, random_state=seed)
    return [Split(*parts) for parts in splitter.split(y_true, y_true, groups)]


def with_rows(X: Any) -> Any:
    """Return features whose rows can be chosen by their numbers."""
    check_unmasked(X, "X")
    if hasattr(X, "tocsr"):
        X = X.tocsr()
    elif not hasattr(X, "shape"):
        X = np.asarray(X)
    if len(X.shape) == 2 and X.shape[1] == 0:
        raise ValueError(
            f"X must have columns, got 0 feature(s) (shape={X.shape}) while a minimum"
            " of 1 is required."
        )
    return X


def rows_of(X: Any, rows: Rows) -> Any:
    """Return some rows of features that :func:`with_rows` has returned."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    # The brackets of an Arrow table choose columns.
    return X.take(rows) if hasattr(X, "column_names") else X[rows]


def splits_of(
    X: Any,
    target: Target,
    groups: ArrayLike | None,
    cv: Any,
    seed: int | None = None,
) -> list[tuple[Rows, Rows]]:
    """Return the row numbers of every fold's training and test part.

    With a seed the rows of an integer `cv` are shuffled first.
    """
    y_true = target.y_true
    if groups is not None:
        groups = np.asarray(groups)
        if groups.shape != y_true.shape:
            raise ValueError(
                "groups must have one value per row of X, "
                f"{len(y_true)}, got shape {groups.shape}"
            )
    if cv is None:
        # As in scikit-learn, but for the groups, which it would leave aside.
        cv, seed = 5, None
    if isinstance(cv, Integral):
        n_splits = check_integer(cv, "cv", 2)
        classes = [f"class {shown(str(label))}" for label in target.classes]
        if groups is not None:
            _check_groups(y_true, groups, classes)
        given = n_splits, y_true, groups, seed
        return [*stratified(*given, name="cv", classes=classes)]
    if isinstance(cv, str) or not (hasattr(cv, "split") or hasattr(cv, "__iter__")):
        raise ValueError(
            "cv must be an integer >= 2, a splitter or an iterable of (train, test),"
            f" got {shown(cv)}"
        )
    found = [*(cv.split(X, y_true, groups) if hasattr(cv, "split") else cv)]
    if not found:
        raise ValueError("cv must have at least one fold, got none")
    return [_checked(split, fold, len(y_true)) for fold, split in enumerate(found)]


def _checked(split: Any, fold: int, n_rows: int) -> Split:
    """Return the row numbers of both parts of a split that a user has made."""
    try:
        train, test = split
    except (TypeError, ValueError):
        raise ValueError(
            f"cv must give (train, test) for each fold, got {shown(split)} in fold"
            f" {fold}"
        ) from None
    parts = Split(
        _row_numbers(train, f"training part of fold {fold}", n_rows),
        _row_numbers(test, f"test part of fold {fold}", n_rows),
    )
    both = np.intersect1d(*parts)
    if both.size:
        raise ValueError(
            f"cv must keep training and test rows apart, got row {both[0]} in both"
            f" parts of fold {fold}"
        )
    return parts


def _row_numbers(rows: Any, part: str, n_rows: int) -> Rows:
    """Return row numbers, or those of a mask of all rows, checked."""
    try:
        numbers = np.asarray(rows)
    except ValueError:
        numbers = np.asarray(rows, object)
    if numbers.dtype == bool and numbers.shape == (n_rows,):
        numbers = np.flatnonzero(numbers)
    rule = f"cv must give row numbers from 0 to {n_rows - 1}, got"
    if numbers.ndim == 1 and not numbers.size:
        raise ValueError(f"{rule} none in the {part}")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError(f"{rule} {shown(rows)} in the {part}")
    wrong = numbers[(numbers < 0) | (numbers >= n_rows)]
    if wrong.size:
        raise ValueError(f"{rule} {wrong[0]} in the {part}")
    return numbers.astype(np.intp)


def _check_groups(
    y_true: NDArray[np.int64], groups: NDArray[Any], classes: Sequence[str]
) -> None:
    """Raise if no number of folds could put a class on both sides of a split."""
    for label in reversed(range(len(classes))):
        of_class = groups[y_true == label]
        if len(np.unique(of_class)) == 1:
            raise ValueError(
                f"groups must not hold all rows of {classes[label]} in one group,"
                f" got group {shown(str(of_class[0]))} with all {len(of_class)}"
            )


def part_without_both_classes(
    y_true: NDArray[np.int64],
    splits: Iterable[tuple[Rows, Rows]],
    weight: NDArray[np.float64] | None = None,
    n_classes: int = 2,
) -> tuple[int, str, int] | None:
    """Return the first part that lacks a class, rows without weight not counted.

    It is told by the number of its split, from 0, its name and its number of classes.
    """
    counted = np.ones(len(y_true), bool) if weight is None else weight > 0
    for number, parts in enumerate(splits):
        for side, rows in zip(("training", "test"), parts, strict=True):
            present = len(np.unique(y_true[rows[counted[rows]]]))
            if present < n_classes:
                return number, side, present
    return None
