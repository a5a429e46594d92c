"""What a valid argument is, said once: every error names parameter, rule and value."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

HESSIANS = ("upper", "exact")

# Beyond these the formulas' products leave the range of floating point.
_LEAST_ALPHA, _LARGEST_GAMMA = 1e-30, 1e9
# A message is a sentence, whatever was given.
_SHOWN, _LISTED = 80, 5


def shown(value: object) -> str:
    """Return a value's repr, in one line and cut to what a message has room for."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes no integer of more than 4,300 digits.
        text = f"{type(value).__name__} without a text"
    return brief(text)


def brief(text: object, most: int = _SHOWN) -> str:
    """Return a text in one line, cut to what a message has room for."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 4]} ..."


def listed(values: Any) -> str:
    """Return the first of several values as a list to read."""
    several = np.asarray(values).tolist()
    each = [brief(shown(one), _SHOWN // 4) for one in several[:_LISTED]]
    more = ["..."] if len(several) > _LISTED else []
    return f"[{', '.join([*each, *more])}]"


def check_alpha(alpha: object) -> float | None:
    """Return `alpha` as a float in (0, 1), no smaller than 1e-30, or None."""
    number = as_float(alpha)
    if 0 < number < _LEAST_ALPHA:
        raise ValueError(f"alpha must be at least {_LEAST_ALPHA}, got {shown(alpha)}")
    if alpha is None or 0 < number < 1:
        return None if alpha is None else number
    raise ValueError(f"alpha must be None or a number in (0, 1), got {shown(alpha)}")


def check_gamma(gamma: object) -> float:
    """Return `gamma` as a float in [0, 1e9]."""
    number = as_float(gamma)
    if 0 <= number <= _LARGEST_GAMMA:
        return number
    limit = "a finite number >= 0"
    if _LARGEST_GAMMA < number < math.inf:
        limit = f"at most {_LARGEST_GAMMA:g}"
    raise ValueError(f"gamma must be {limit}, got {shown(gamma)}")


def as_float(value: Any) -> float:
    """Return a number as a float, NaN for anything else: True is no number."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def check_integer(value: object, name: str, least: int) -> int:
    """Return `value` as an integer >= `least`."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        number = int(value)
        if number >= least:
            return number
    raise ValueError(f"{name} must be an integer >= {least}, got {shown(value)}")


def check_hessian(hessian: object) -> str:
    """Return `hessian` if it names a curvature."""
    if not isinstance(hessian, str) or hessian not in HESSIANS:
        raise ValueError(f"hessian must be one of {HESSIANS}, got {shown(hessian)}")
    return hessian


def as_numbers(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as a non-empty array of booleans, integers or floats."""
    check_unmasked(values, name)
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        try:
            # Columns of objects may hold numbers, columns of text or dates may not.
            if array.dtype == object:
                array = array.astype(np.float64)
            array = array.astype(np.float64, casting="same_kind")
        except (TypeError, ValueError, OverflowError):
            wrong = _first_that_is_no_number(array)
            raise ValueError(f"{name} must be numbers, got {shown(wrong)}") from None
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return array


def check_unmasked(values: Any, name: str) -> None:
    """Raise for masked values, which whoever makes an array of them would unmask."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} must have no masked values, got {values.mask.sum()}")


def _first_that_is_no_number(array: NDArray[Any]) -> Any:
    """Return the value to name in an error, as Python's own where it is NumPy's."""
    several = array.ravel().tolist()
    for one in several:
        missing = isinstance(one, float) and math.isnan(one)
        if not missing and not math.isfinite(as_float(one)):
            return one
    return several[0] if several else array


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


def check_scores(raw_score: NDArray[Any], name: str = "raw_score") -> None:
    """Raise unless every score is finite."""
    wrong = raw_score[~np.isfinite(raw_score)]
    if wrong.size:
        raise ValueError(f"{name} must be finite numbers, got {wrong.flat[0]}")


def check_rows(
    y_true: ArrayLike, raw_score: ArrayLike, name: str = "raw_score"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return checked labels, one per score or one for all, and scores as float64."""
    labels = as_numbers(y_true, "y_true")
    scores = as_numbers(raw_score, name).astype(np.float64)
    check_labels(labels)
    check_scores(scores, name)
    if labels.ndim:
        check_same_shape(labels, scores, name)
    return labels.astype(np.float64), scores


def as_probabilities(posterior: ArrayLike) -> NDArray[np.float64]:
    """Return `posterior` as float64 in [0, 1]."""
    eta = as_numbers(posterior, "posterior").astype(np.float64)
    wrong = eta[~((eta >= 0) & (eta <= 1))]
    if wrong.size:
        raise ValueError(f"posterior must lie in [0, 1], got {wrong.flat[0]}")
    return eta


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


def check_same_shape(
    y_true: NDArray[Any], other: NDArray[Any], name: str = "raw_score"
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
    return check_prevalence(float(np.average(labels, weights=weight)))


def check_prevalence(prevalence: float) -> float:
    """Return a share of positives, which must be inside (0, 1)."""
    if not 0 < prevalence < 1:
        only = "0" if prevalence == 0 else "1"
        raise ValueError(
            f"y_true must contain both classes with positive weight, got only {only}"
        )
    return prevalence
