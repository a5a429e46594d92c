"""What is wrong with features, in one sentence where a library has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focal_boost._validation import shown

# Trees of XGBoost hold numbers in single precision.
_LARGEST = float(np.finfo(np.float32).max)
_TOO_LARGE = "X must hold numbers that float32 can, at most 3.4e38, or NaN"


def check_names(
    X: Any, forbidden: str, error: type[Exception] = ValueError, name: str = "X"
) -> None:
    """Raise for a frame with two columns of one name, or with forbidden characters."""
    seen = set()
    for one in map(str, _names(X)):
        if one in seen:
            raise error(
                f"{name} must have columns of different names, got two {shown(one)}"
            )
        if any(sign in forbidden for sign in one):
            raise error(
                f"{name} must have column names without any of {' '.join(forbidden)}"
                f", got {shown(one)}"
            )
        seen.add(one)


@contextmanager
def of_single_precision(*several: Any) -> Iterator[None]:
    """Tell which value XGBoost does not take, in place of its thirteen lines.

    It looks at every value anyway; looking before it would take a pass of our own.
    """
    try:
        yield
    except ValueError as error:
        # A caller further out knows the columns by their own names.
        if not any(one in str(error) for one in ("contains `inf`", _TOO_LARGE)):
            raise
        raise type(error)(max(map(too_large, several), key=len)) from None


def _names(X: Any) -> list[Any]:
    """Return what the columns are called; those of an Arrow table are its arrays."""
    names: Any = getattr(X, "column_names", None) or getattr(X, "columns", ())
    return list(names)


def too_large(X: Any) -> str:
    """Return the sentence on the first value that single precision cannot hold."""
    for column, values in _columns(X):
        wrong = values[np.abs(values) > _LARGEST]
        if wrong.size:
            return f"{_TOO_LARGE}, got {wrong[0]} in column {shown(column)}"
    return _TOO_LARGE


def _columns(X: Any) -> Iterator[tuple[Any, NDArray[np.float64]]]:
    """Yield the columns of floats with what they are called."""
    if hasattr(X, "tocsc"):
        sparse = X.tocsc()
        ends = zip(sparse.indptr, sparse.indptr[1:], strict=False)
        for column, (first, last) in enumerate(ends):
            yield column, sparse.data[first:last].astype(np.float64)
        return
    if not _names(X):
        yield from enumerate(np.asarray(X, np.float64).T)
        return
    for column in _names(X):
        values = X[column]
        kind = str(getattr(values, "type", getattr(values, "dtype", ""))).lower()
        if "float" in kind or "double" in kind:
            yield column, values.to_numpy().astype(np.float64)
