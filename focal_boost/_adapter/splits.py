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

    With a seed they are shuffled first. Too few rows, or groups, of a class are a
    ValueError, in the words of the caller: `name` is what `n_splits` is called there,
    `classes` what rows with label 0 and 1 are.
    """
    if n_splits < 2:
        raise ValueError(f"{name} must be an integer >= 2, got {n_splits}")
    for label in (1, 0):
        held, what = np.flatnonzero(y_true == label), "rows"
        if groups is not None:
            held, what = np.unique(groups[held]), "groups"
        if len(held) < n_splits:
            raise ValueError(
                f"{name} must be at most the {len(held)} {what} with {classes[label]},"
                f" got {n_splits}"
            )
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_splits, shuffle=seed is not None, random_state=seed)
    return [Split(*parts) for parts in splitter.split(y_true, y_true, groups)]


def part_without_both_classes(
    y_true: NDArray[np.int64],
    splits: Iterable[tuple[Rows, Rows]],
    weight: NDArray[np.float64] | None = None,
) -> tuple[int, str, int] | None:
    """Return the first part that lacks a class, rows without weight not counted.

    It is told by the number of its split, from 0, its name and its number of classes.
    """
    counted = np.ones(len(y_true), bool) if weight is None else weight > 0
    for number, parts in enumerate(splits):
        for side, rows in zip(("training", "test"), parts, strict=True):
            present = len(np.unique(y_true[rows[counted[rows]]]))
            if present < 2:
                return number, side, present
    return None
