"""What a valid argument is, said once: every error names parameter, rule and value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

HESSIANS = ("upper", "exact")


def check_alpha(alpha: object) -> float | None:
    """Return `alpha` as a float in (0, 1), or None."""
    number = _as_float(alpha)
    if alpha is None or 0 < number < 1:
        return None if alpha is None else number
    raise ValueError(f"alpha must be None or a number in (0, 1), got {alpha!r}")


def check_gamma(gamma: object) -> float:
    """Return `gamma` as a finite float >= 0."""
    number = _as_float(gamma)
    if 0 <= number < math.inf:
        return number
    raise ValueError(f"gamma must be a finite number >= 0, got {gamma!r}")


def _as_float(value: Any) -> float:
    """Return a number as a float, NaN for anything else."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def check_hessian(hessian: object) -> str:
    """Return `hessian` if it names a curvature."""
    if not isinstance(hessian, str) or hessian not in HESSIANS:
        raise ValueError(f"hessian must be one of {HESSIANS}, got {hessian!r}")
    return hessian


def as_numbers(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as a non-empty array of booleans, integers or floats."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        try:
            # Columns of objects may hold numbers, columns of text or dates may not.
            if array.dtype == object:
                array = array.astype(np.float64)
            array = array.astype(np.float64, casting="same_kind")
        except (TypeError, ValueError):
            example = array.ravel()[0] if array.size else array
            raise ValueError(f"{name} must be numbers, got {str(example)!r}") from None
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return array


def as_column(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as one number per row; (n, 1) is one number per row too."""
    array = as_numbers(values, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} must have one value per row, got {array.shape}")
    return array


def check_labels(y_true: NDArray[Any]) -> None:
    """Raise unless every label is exactly 0 or 1."""
    wrong = y_true[(y_true != 0) & (y_true != 1)]
    if wrong.size:
        raise ValueError(f"y_true must contain only 0 and 1, got {wrong.flat[0]}")


def check_margin(margin: NDArray[Any]) -> None:
    """Raise unless every margin is finite."""
    wrong = margin[~np.isfinite(margin)]
    if wrong.size:
        raise ValueError(f"margin must be finite numbers, got {wrong.flat[0]}")


def check_weight(sample_weight: NDArray[Any]) -> None:
    """Raise unless every weight is finite and >= 0 and one of them is > 0."""
    wrong = sample_weight[~(np.isfinite(sample_weight) & (sample_weight >= 0))]
    if wrong.size:
        raise ValueError(
            f"sample_weight must be finite numbers >= 0, got {wrong.flat[0]}"
        )
    if not sample_weight.any():
        raise ValueError(
            f"sample_weight must not be all zero, got {sample_weight.size} zeros"
        )


def refuse_large_weight(sample_weight: NDArray[Any] | None) -> None:
    """Raise for weights that a kernel found too large, where nothing else is wrong."""
    largest = 1.0 if sample_weight is None else np.max(sample_weight)
    raise ValueError(
        "sample_weight must be at most 1.7e37 for the gradients to fit float32,"
        f" got {largest}"
    )


def check_same_shape(
    y_true: NDArray[Any], other: NDArray[Any], name: str = "margin"
) -> None:
    """Raise unless `other` has one value per label."""
    if y_true.shape != other.shape:
        raise ValueError(
            f"{name} must have the shape of y_true, {y_true.shape}, got {other.shape}"
        )


def as_labels_and_weight(
    y_true: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return checked labels and weights of one shape as float64."""
    labels = as_numbers(y_true, "y_true")
    check_labels(labels)
    labels = labels.astype(np.float64)
    if sample_weight is None:
        return labels, None
    weight = as_numbers(sample_weight, "sample_weight").astype(np.float64)
    check_same_shape(labels, weight, "sample_weight")
    check_weight(weight)
    return labels, weight


def weighted_prevalence(
    labels: NDArray[np.float64], weight: NDArray[np.float64] | None
) -> float:
    """Return the weighted share of positives, which must be inside (0, 1)."""
    prevalence = float(np.average(labels, weights=weight))
    if not 0 < prevalence < 1:
        only = "0" if prevalence == 0 else "1"
        raise ValueError(
            f"y_true must contain both classes with positive weight, got only {only}"
        )
    return prevalence


@dataclass(frozen=True)
class Rows:
    """Labels, margins and weights in the types that the kernels are compiled for."""

    y_true: NDArray[Any]
    margin: NDArray[Any]
    sample_weight: NDArray[Any] | None

    @classmethod
    def of(
        cls, y_true: ArrayLike, margin: ArrayLike, sample_weight: ArrayLike | None
    ) -> Rows:
        # No integer but 0 and 1 becomes 0 or 1 in float32, the kernel's usual case.
        labels = _column(y_true, "y_true", np.float32)
        scores = _column(margin, "margin")
        check_same_shape(labels, scores)
        # XGBoost gives an empty array where there are no weights.
        if sample_weight is None or np.size(sample_weight) == 0:
            return cls(labels, scores, None)
        weight = _column(sample_weight, "sample_weight")
        check_same_shape(labels, weight, "sample_weight")
        return cls(labels, scores, weight)

    def explain(self, offset: float = 0.0) -> None:
        """Raise for the rows that a kernel found unsound."""
        check_labels(self.y_true)
        check_margin(self.margin)
        with np.errstate(over="ignore", invalid="ignore"):
            check_margin(self.margin + np.float64(offset))
        weight = np.ones(1) if self.sample_weight is None else self.sample_weight
        check_weight(weight)


def _column(values: ArrayLike, name: str, narrow: Any = np.float64) -> NDArray[Any]:
    """Return one contiguous float32 or float64 value per row.

    What is neither becomes `narrow` if it is an integer or smaller, and float64 else.
    """
    array = as_column(values, name)
    wide = array.dtype.kind == "f" and array.dtype.itemsize >= 4
    if wide:
        narrow = np.float32 if array.dtype.itemsize == 4 else np.float64
    # A view that is never writable: one type for the kernel to be compiled for.
    column = np.ascontiguousarray(array, dtype=narrow).view()
    column.flags.writeable = False
    return column
