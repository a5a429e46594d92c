"""Labels of a classifier as numbers from 0, or as a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import brief, check_unmasked, listed, shown

#: What scikit-learn calls labels of two values, of more, and of a column each.
BINARY, MULTICLASS, MULTILABEL = "binary", "multiclass", "multilabel"


class Encoded(NamedTuple):
    """What labels were before a classifier encoded them.

    Attributes
    ----------
    classes : ndarray, (K,), or None
        None for 0 and 1, and for a label matrix.
    kind : {"binary", "multiclass", "multilabel"}
    columns : int
        K, and 1 of two classes.
    dtype : dtype or None
        That of a label matrix.
    """

    classes: NDArray[Any] | None = None
    kind: str = BINARY
    columns: int = 1
    dtype: Any = None


@dataclass(frozen=True)
class Target:
    """Labels as numbers from 0, and the values that they stand for."""

    y_true: NDArray[np.int64]
    classes: NDArray[Any]

    @classmethod
    def of(cls, y: ArrayLike, *, warn: bool = True, many: bool = False) -> Target:
        """Return the target of labels with two values, or with one, or `many`.

        The greater of the two is the positive class, as in scikit-learn; a single one
        is the negative class, as in the libraries. `warn` of labels in a column.
        """
        column = _column(y, warn=warn)
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            bad = column[~np.isfinite(column)][0]
            raise ValueError(f"y must not contain NaN or inf, got {bad}")
        classes, y_true = _classes_of(column)
        if len(classes) > 2 and not many:
            raise ValueError(
                "Only binary classification is supported. The type of the target is"
                f" multiclass: y must contain two classes, got {len(classes)}:"
                f" {listed(classes)}"
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
        """Return labels of another set as numbers from 0."""
        column = _column(y)
        known = np.isin(column, self.classes)
        if not known.all():
            raise ValueError(
                f"{name} must contain only the classes {listed(self.classes)},"
                f" got {brief(column[~known][0])}"
            )
        return np.asarray(np.searchsorted(self.classes, column), np.int64)


def label_matrix(y: Any, name: str = "y") -> NDArray[np.float32] | None:
    """Return labels that have a column each, (n, K); None for those of one column.

    Raises
    ------
    ValueError
        For other values than 0 and 1.
    """
    array = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if array.ndim != 2 or array.shape[1] < 2:
        return None
    sound = (array == 0) | (array == 1)
    if not sound.all():
        raise ValueError(
            f"{name} must hold only 0 and 1 where it has a column per label,"
            f" got {shown(array[~sound][:1].tolist()[0])}"
        )
    return array.astype(np.float32)


def dtype_of(y: Any) -> Any:
    """Return the type that predictions of a label matrix shall have."""
    return y.dtype if hasattr(y, "toarray") else np.asarray(y).dtype


def check_columns(matrix: NDArray[Any]) -> None:
    """Raise for a label that all rows have, or none."""
    share = matrix.mean(axis=0)
    for k in np.flatnonzero((share == 0) | (share == 1)):
        raise ValueError(
            f"y must hold both 0 and 1 in every column, got {share[k]:.0f} alone in"
            f" column {k}"
        )


def _column(y: Any, *, warn: bool = False) -> NDArray[Any]:
    """Return labels as an array, (n,); objects that are all of one type as that."""
    from sklearn.utils.validation import column_or_1d

    check_unmasked(y, "y")
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
