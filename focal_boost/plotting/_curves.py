"""Precision-recall and reliability curves that can be read for rare events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import as_numbers, check_labels, check_same_shape
from focal_boost.plotting._styles import BLACK, BLUE, GREY_LINE, ORANGE

Floats = NDArray[np.float64]

_STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLACK, "linestyle": "--", "marker": "s"},
    {"color": BLUE, "linestyle": ":", "marker": "^"},
    {"color": ORANGE, "linestyle": "-", "marker": "o"},
)

# The smallest bin of a reliability curve: fewer rows say little about a frequency.
_SMALLEST_BIN = 50


def plot_precision_recall(
    ax: Axes, y_true: ArrayLike, posterior: ArrayLike, **line: Any
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
    **line
        Passed on to ``ax.step``; `label` gains the average precision.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If labels and probabilities do not fit or there are no positives.
    """
    labels, scores = _check(y_true, posterior)
    recall, precision = _precision_recall(labels, scores)
    average = float(np.sum(np.diff(recall) * precision[1:]))
    line["label"] = f"{line.get('label', '')} (AP {average:.3f})".strip()
    if not ax.lines:
        prevalence = labels.mean()
        grey = {**GREY_LINE, "label": f"prevalence {prevalence:.3g}"}
        ax.axhline(prevalence, **grey)
    # The precision holds for the step of recall that ends at its threshold.
    ax.step(recall, precision, where="pre", **line)
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    return ax


def plot_reliability(
    ax: Axes, y_true: ArrayLike, posterior: ArrayLike, **line: Any
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
    """
    labels, scores = _check(y_true, posterior)
    if scores.min() < 0 or scores.max() > 1:
        wrong = scores[(scores < 0) | (scores > 1)][0]
        raise ValueError(f"posterior must be in [0, 1], got {wrong}")
    bins = _reliability(labels, scores)
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


def plot_comparison(
    y_true: ArrayLike, posteriors: Mapping[str, Mapping[str, ArrayLike]]
) -> Figure:
    """Draw both curves of every method, one row per library.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels, 0 or 1.
    posteriors : mapping of str to mapping of str to array-like
        The predicted probabilities by library, then by method, at most three.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, tied to no window; save it with ``savefig``.
    """
    rows = len(posteriors)
    figure = Figure(figsize=(9.5, 4.2 * rows), dpi=150, layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    for (left, right), (library, methods) in zip(grid, posteriors.items(), strict=True):
        for (method, posterior), style in zip(methods.items(), _STYLES, strict=False):
            curve = {**style, "marker": None, "label": method}
            plot_precision_recall(left, y_true, posterior, **curve)
            dots = {**style, "markersize": 4, "label": method}
            plot_reliability(right, y_true, posterior, **dots)
        left.set_title(f"{library}: precision and recall, all folds")
        right.set_title(f"{library}: reliability, all folds")
        for ax in (left, right):
            ax.legend(frameon=False)
            ax.spines[["top", "right"]].set_visible(False)
    return figure


class _Bins(NamedTuple):
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def _precision_recall(labels: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return recall and precision at every threshold, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order])[last_of_equals]
    flagged = np.flatnonzero(last_of_equals) + 1
    recall, precision = hits / labels.sum(), hits / flagged
    return np.append(0.0, recall), np.append(precision[0], precision)


def _reliability(labels: Floats, scores: Floats) -> _Bins:
    order = np.argsort(scores, kind="stable")
    starts = _halving_starts(scores[order])
    count = np.diff(np.append(starts, len(labels)))
    predicted = np.add.reduceat(scores[order], starts) / count
    observed = np.add.reduceat(labels[order], starts) / count
    low, high = _wilson(observed, count)
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


def _check(y_true: ArrayLike, posterior: ArrayLike) -> tuple[Floats, Floats]:
    labels, scores = as_numbers(y_true, "y_true"), as_numbers(posterior, "posterior")
    check_labels(labels)
    check_same_shape(labels, scores, "posterior")
    if not labels.any():
        raise ValueError("y_true must contain positives, got only 0")
    if not np.isfinite(scores).all():
        wrong = scores[~np.isfinite(scores)][0]
        raise ValueError(f"posterior must be finite numbers, got {wrong}")
    return labels.astype(np.float64), scores.astype(np.float64)
