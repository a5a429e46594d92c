"""Stratified splits that keep groups together, and what is wrong with a split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

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
    classes: tuple[str, str],
) -> list[Split]:
    """Split the rows by class; rows of one group stay together.

    Parameters
    ----------
    n_splits : int
        How many parts, each of which is tested on once.
    y_true : ndarray of 0 and 1, (n,)
        Labels.
    groups : ndarray, (n,), or None
        The group of every row.
    seed : int, optional
        Shuffles the rows first; by default they stay in their order.
    name : str
        What the caller calls `n_splits`, for errors.
    classes : tuple of str
        What the caller calls a row with label 0 and one with label 1.

    Raises
    ------
    ValueError
        For fewer than two parts, and fewer rows, or groups, of a class than parts.
    """
    _check_enough(n_splits, y_true, groups, name, classes)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_splits, shuffle=seed is not None, random_state=seed)
    return [Split(*parts) for parts in splitter.split(y_true, y_true, groups)]


def _check_enough(
    n_splits: int,
    y_true: NDArray[np.int64],
    groups: NDArray[Any] | None,
    name: str,
    classes: tuple[str, str],
) -> None:
    if n_splits < 2:
        raise ValueError(f"{name} must be an integer >= 2, got {n_splits}")
    for label in (1, 0):
        of_class = y_true == label
        count, what = int(of_class.sum()), "rows"
        if groups is not None:
            count, what = len(np.unique(groups[of_class])), "groups"
        if count < n_splits:
            raise ValueError(
                f"{name} must be at most the {count} {what} with {classes[label]},"
                f" got {n_splits}"
            )


def part_without_both_classes(
    y_true: NDArray[np.int64],
    splits: Iterable[tuple[Rows, Rows]],
    weight: NDArray[np.float64] | None = None,
) -> tuple[int, str, int] | None:
    """Return the first part that lacks a class, rows without weight not counted.

    Returns
    -------
    tuple or None
        The number of the split, from 0, the name of the part and how many classes
        it has.
    """
    counted = np.ones(len(y_true), bool) if weight is None else weight > 0
    for number, parts in enumerate(splits):
        for side, rows in zip(("training", "test"), parts, strict=True):
            present = len(np.unique(y_true[rows[counted[rows]]]))
            if present < 2:
                return number, side, present
    return None
