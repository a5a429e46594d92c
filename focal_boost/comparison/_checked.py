"""Features, labels, weights, groups and folds of a comparison, checked once."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._adapter.splits import (
    Split,
    part_without_both_classes,
    rows_of,
    splits_of,
    with_rows,
)
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight, listed, shown
from focal_boost.comparison._measures import Rows
from focal_boost.comparison._methods import Training, kept_for_stopping
from focal_boost.comparison._searched import INNER_FOLDS
from focal_boost.ensemble._models import Part

# What neither library forbids in a name.
_PLAIN_NAME = re.compile(r'[^\[\]<>,:{}"\s]+')


class Checked(NamedTuple):
    """Checked features, labels, weights and groups."""

    X: Any
    plain: Any  # the same with names that both libraries take
    y: NDArray[np.int64]
    classes: NDArray[Any]
    sample_weight: NDArray[np.float64] | None
    groups: NDArray[Any] | None

    @classmethod
    def of(
        cls, X: Any, y: ArrayLike, sample_weight: Any, groups: Any, positive: Any
    ) -> Checked:
        """Return checked rows, with `positive` as class 1 of two."""
        X = with_rows(X)
        target = Target.of(y, many=True)
        labels = target.classes.tolist()
        if len(labels) == 1:
            raise ValueError(
                f"y must contain two classes, got 1 class: {listed(labels)}"
            )
        if positive is not None and len(labels) > 2:
            raise ValueError(
                f"positive must be None for {len(labels)} classes, got"
                f" {shown(positive)}: y == {shown(positive)} is that class against the"
                " rest"
            )
        if positive is not None and positive not in labels:
            raise ValueError(
                f"positive must be one of the labels {listed(labels)},"
                f" got {shown(positive)}"
            )
        target.check_rows(X)
        y_true = target.y_true
        if positive is not None and labels[0] == positive:
            y_true = 1 - y_true
        _, weight = as_labels_and_weight(np.minimum(y_true, 1), sample_weight)
        known = None if groups is None else np.asarray(groups)
        return cls(X, _plainly_named(X), y_true, target.classes, weight, known)

    def splits(self, cv: Any, seed: int) -> list[Split]:
        """Return the folds, no row in two test parts."""
        several = len(self.classes)
        target = Target(self.y, np.arange(several))
        found = splits_of(self.X, target, self.groups, cv, seed)
        if len(found) < 2:
            raise ValueError(f"cv must have at least 2 folds, got {len(found)}")
        tested = np.concatenate([test for _, test in found])
        if len(np.unique(tested)) < len(tested):
            raise ValueError("cv must leave every row out once at most, got repeats")
        lacking = part_without_both_classes(self.y, found, self.sample_weight, several)
        if lacking is not None:
            number, side, present = lacking
            every = "both" if several == 2 else f"all {several}"
            raise ValueError(
                f"cv must leave {every} classes with positive weight in every part, got"
                f" {present} in the {side} part of fold {number}"
            )
        return [Split(*parts) for parts in found]

    def training(
        self, rows: NDArray[np.intp], seed: int, *, as_is: bool = False
    ) -> Training:
        """Return rows to train on, with names as given or plain ones."""
        X = self.X if as_is else self.plain
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        part = Part(rows_of(X, rows), self.y[rows], weight)
        groups = None if self.groups is None else self.groups[rows]
        return Training(part, groups, seed, len(self.classes))

    def check_inner(self, splits: list[Split]) -> None:
        """Raise now and not midway if a search inside a training part cannot split."""
        for split in splits:
            groups = None if self.groups is None else self.groups[split.train]
            inner = Target(self.y[split.train], np.arange(len(self.classes)))
            try:
                splits_of(inner.y_true, inner, groups, INNER_FOLDS)
            except ValueError as error:
                raise ValueError(
                    f"tune needs {INNER_FOLDS} folds inside every training part:"
                    f" {error}"
                ) from None

    def check_stopping(self, splits: list[Split], seed: int) -> None:
        """Raise now and not midway if no rows can be kept for early stopping."""
        for split in splits:
            groups = None if self.groups is None else self.groups[split.train]
            y = self.y[split.train]
            try:
                kept_for_stopping(y, groups, seed, len(self.classes))
            except ValueError as error:
                raise ValueError(
                    f"recommended needs early stopping in every training part: {error}"
                ) from None

    def told(self, rows: NDArray[np.intp], posterior: NDArray[np.float64]) -> Rows:
        """Return rows with what a model that has not seen them says."""
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return Rows(self.y[rows], posterior, weight)


def _plainly_named(X: Any) -> Any:
    """Return features without names that a library forbids; names do not matter."""
    names = list(getattr(X, "columns", ()))
    plain = all(isinstance(one, str) and _PLAIN_NAME.fullmatch(one) for one in names)
    if (plain and len(set(names)) == len(names)) or not hasattr(X, "set_axis"):
        return X
    return X.set_axis([f"f{number}" for number in range(X.shape[1])], axis=1)
