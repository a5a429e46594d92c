"""Precision-recall and reliability curves that can be read for rare events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import (
    as_labels_and_weight,
    as_numbers,
    check_labels,
    check_same_shape,
)
from focal_boost.plotting._styles import GREY_LINE

Floats = NDArray[np.float64]

# The smallest bin of a reliability curve: fewer rows say little about a frequency.
_SMALLEST_BIN = 50


def plot_precision_recall(
    ax: Axes,
    y_true: ArrayLike,
    posterior: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    **line: Any,
) -> Axes:
    """Draw a precision-recall curve.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    y_true : array-like of shape (n,)
        Labels, 0 or 1.
    posterior : array-like of shape (n,)
        Predicted probabilities; any increasing function of them gives the same curve.
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows.
    folds : array-like of shape (n,), optional
        By which model a row is predicted. Scores of several models have no order among
        them: drawn is the mean of their curves, and the area below it is the mean of
        their average precisions.
    **line
        Passed on to ``ax.step``; `label` gains the average precision.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If labels and probabilities do not fit or there are no positives.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> plot_precision_recall(Figure().subplots(), y, posterior).get_xlabel()
    'recall'
    """
    rows = _check(y_true, posterior, sample_weight)
    recall, precision = _mean_precision_recall(rows, folds)
    average = float(np.sum(np.diff(recall) * precision[1:]))
    line["label"] = f"{line.get('label', '')} (AP {average:.3f})".strip()
    if not ax.lines:
        prevalence = float(np.average(rows.labels, weights=rows.weight))
        grey = {**GREY_LINE, "label": f"prevalence {prevalence:.3g}"}
        ax.axhline(prevalence, **grey)
    # The precision holds for the step of recall that ends at its threshold.
    ax.step(recall, precision, where="pre", **line)
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    return ax


def plot_reliability(
    ax: Axes,
    y_true: ArrayLike,
    posterior: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    **line: Any,
) -> Axes:
    """Draw observed against predicted frequency on logarithmic axes.

    The rows are sorted by prediction. The lower half is one bin, the next quarter the
    second, the next eighth the third, and so on: where positives are rare, nearly all
    of them are in the last few per cent, and equal bins would show them as one point.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    y_true : array-like of shape (n,)
        Labels, 0 or 1.
    posterior : array-like of shape (n,)
        Predicted probabilities, in [0, 1].
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows; bins hold equal numbers of rows all the same.
    **line
        Passed on to ``ax.plot``.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If labels and probabilities do not fit or there are no positives.

    Notes
    -----
    The bars are 95 % intervals of the observed frequency (Wilson 1927). A bin without
    positives has no place on a logarithmic axis, so it has a bar and no marker.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> plot_reliability(Figure().subplots(), y, posterior).get_xlabel()
    'predicted probability'
    """
    rows = _check(y_true, posterior, sample_weight)
    labels, scores, _ = rows
    if scores.min() < 0 or scores.max() > 1:
        wrong = scores[(scores < 0) | (scores > 1)][0]
        raise ValueError(f"posterior must be in [0, 1], got {wrong}")
    bins = _reliability(rows)
    # Below one in ten n no sample of n rows could tell a prediction from zero.
    floor = 0.1 / len(labels)
    predicted = np.clip(bins.predicted, floor, 1)
    if not ax.lines:
        ax.plot([floor / 2, 1], [floor / 2, 1], label="perfect", **GREY_LINE)
    bars = np.clip([bins.low, bins.high], floor, 1)
    colour = line.get("color")
    ax.vlines(predicted, bars[0], bars[1], colors=colour, alpha=0.35, linewidth=1.5)
    seen = bins.observed > 0
    ax.plot(predicted[seen], bins.observed[seen], **line)
    lowest = min(
        np.nanmin(np.asarray(curve.get_xydata(), dtype=float)) for curve in ax.lines[1:]
    )
    limits = (lowest / 2, 1.5)
    ax.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    ax.set(xlabel="predicted probability", ylabel="observed frequency")
    return ax


class _Rows(NamedTuple):
    labels: Floats
    scores: Floats
    weight: Floats | None

    def some(self, which: NDArray[np.bool_]) -> _Rows:
        weight = None if self.weight is None else self.weight[which]
        return _Rows(self.labels[which], self.scores[which], weight)


class _Bins(NamedTuple):
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def _mean_precision_recall(
    rows: _Rows, folds: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Return the mean precision of the folds wherever recall steps in one of them."""
    if folds is None:
        return _precision_recall(rows)
    numbers = np.asarray(folds)
    check_same_shape(rows.labels, numbers, "folds")
    curves = [_precision_recall(rows.some(numbers == k)) for k in np.unique(numbers)]
    recall = np.unique(np.concatenate([steps for steps, _ in curves]))
    # A precision holds for the recalls up to and with its own.
    each = [precision[np.searchsorted(steps, recall)] for steps, precision in curves]
    return recall, np.mean(each, axis=0)


def _precision_recall(rows: _Rows) -> tuple[Floats, Floats]:
    """Return recall and precision at every threshold, from the highest down."""
    labels, scores, weight = rows
    weight = np.ones(len(labels)) if weight is None else weight
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum((labels * weight)[order])[last_of_equals]
    flagged = np.cumsum(weight[order])[last_of_equals]
    if not hits[-1] > 0:
        raise ValueError("every fold must contain positives, got one with only 0")
    # Rows without weight may come first.
    precision = hits / np.where(flagged > 0, flagged, 1)
    return np.append(0.0, hits / hits[-1]), np.append(precision[0], precision)


def _reliability(rows: _Rows) -> _Bins:
    order = np.argsort(rows.scores, kind="stable")
    labels, scores, weight = (
        np.ones(len(order)) if one is None else one[order] for one in rows
    )
    starts = _halving_starts(scores)
    total = np.add.reduceat(weight, starts)
    # As many rows of equal weight tell as much (Kish 1965).
    count = total**2 / np.maximum(np.add.reduceat(weight**2, starts), 1e-300)
    known = total > 0
    predicted = np.add.reduceat(scores * weight, starts)[known] / total[known]
    observed = np.add.reduceat(labels * weight, starts)[known] / total[known]
    low, high = _wilson(observed, count[known])
    return _Bins(predicted, observed, low, high)


def _halving_starts(ascending: Floats) -> NDArray[np.intp]:
    """Return where the bins start; rows of equal prediction are in one bin."""
    n = len(ascending)
    starts = [0]
    while n - starts[-1] >= 2 * _SMALLEST_BIN:
        middle = starts[-1] + (n - starts[-1]) // 2
        start = int(np.searchsorted(ascending, ascending[middle], side="left"))
        if start <= starts[-1]:
            start = int(np.searchsorted(ascending, ascending[middle], side="right"))
        if start >= n:
            break
        starts.append(start)
    return np.array(starts, dtype=np.intp)


def _wilson(share: Floats, count: NDArray[Any]) -> tuple[Floats, Floats]:
    z = 1.96
    centre = share + z**2 / (2 * count)
    spread = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return (centre - spread) / scale, (centre + spread) / scale


def _check(
    y_true: ArrayLike, posterior: ArrayLike, sample_weight: ArrayLike | None
) -> _Rows:
    labels, scores = as_numbers(y_true, "y_true"), as_numbers(posterior, "posterior")
    check_labels(labels)
    check_same_shape(labels, scores, "posterior")
    if not labels.any():
        raise ValueError("y_true must contain positives, got only 0")
    if not np.isfinite(scores).all():
        wrong = scores[~np.isfinite(scores)][0]
        raise ValueError(f"posterior must be finite numbers, got {wrong}")
    known, weight = as_labels_and_weight(labels, sample_weight)
    return _Rows(known, scores.astype(np.float64), weight)
