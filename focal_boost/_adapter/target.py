"""Labels of a classifier as 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Target:
    """Labels as 0 and 1, and the two values that they stand for."""

    y_true: NDArray[np.int64]
    classes: NDArray[Any]

    @classmethod
    def of(cls, y: ArrayLike, *, warn: bool = True) -> Target:
        """Return the target of labels with two values, or with one.

        The greater of the two is the positive class, as in scikit-learn; a single one
        is the negative class, as in the libraries. `warn` of labels in a column.
        """
        column = _column(y, warn=warn)
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            bad = column[~np.isfinite(column)][0]
            raise ValueError(f"y must not contain NaN or inf, got {bad}")
        classes, y_true = _classes_of(column)
        if len(classes) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is"
                f" multiclass: y must contain two classes, got {len(classes)}:"
                f" {classes[:5].tolist()}"
            )
        return cls(y_true.astype(np.int64), classes)

    def check_rows(self, X: Any) -> None:
        """Raise unless there is one label per row of X, where X tells its rows."""
        rows = (getattr(X, "shape", None) or self.y_true.shape)[0]
        if rows != len(self.y_true):
            raise ValueError(
                f"y must have one label per row of X, {rows}, got {len(self.y_true)}"
            )

    def plain(self, y: Any) -> Any:
        """Return the labels, or values of one type where they are objects."""
        given = np.asarray(y)
        if given.dtype != object or all(isinstance(value, str) for value in given):
            return y
        return self.classes[self.y_true]

    def encode(self, y: ArrayLike, name: str) -> NDArray[np.int64]:
        """Return labels of another set as 0 and 1."""
        column = _column(y)
        known = np.isin(column, self.classes)
        if not known.all():
            raise ValueError(
                f"{name} must contain only the classes {self.classes.tolist()},"
                f" got {column[~known][0]}"
            )
        return np.asarray(np.searchsorted(self.classes, column), np.int64)


def _column(y: Any, *, warn: bool = False) -> NDArray[Any]:
    """Return labels as an array, (n,); objects that are all of one type as that."""
    from sklearn.utils.validation import column_or_1d

    column = np.asarray(column_or_1d(y, warn=warn))
    if column.dtype != object:
        return column
    plain = np.asarray(column.tolist())
    kinds = {type(value) for value in column.tolist()}
    return plain if len(kinds) == 1 and plain.ndim == 1 else column


def _classes_of(column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the labels that occur, in order, and which of them every row has."""
    from sklearn.utils.multiclass import check_classification_targets

    try:
        check_classification_targets(column)
        return np.unique(column, return_inverse=True)
    except (TypeError, ValueError):
        kinds = sorted({type(value).__name__ for value in column})
        if column.dtype != object or len(kinds) == 1:
            raise
        raise ValueError(
            "y must contain labels of one type and none missing,"
            f" got {' and '.join(kinds)}"
        ) from None
