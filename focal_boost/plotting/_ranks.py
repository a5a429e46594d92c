"""Mean ranks of methods and which of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from focal_boost._validation import as_numbers, shown
from focal_boost.plotting._styles import BLUE, ORANGE, styled

_AXIS: dict[str, Any] = {"color": "0.2", "linewidth": 1}
_TO_NAME: dict[str, Any] = {"color": BLUE, "linewidth": 0.8}
# The distance between two bars; that between two names is 1.
_STEP = 0.35


def plot_critical_difference(
    ax: Axes, ranks: Mapping[str, float], critical_difference: float, **line: Any
) -> Axes:
    """Draw mean ranks, the best on the left; bars join what does not differ.

    This is the diagram of Demšar (2006).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    ranks : mapping of str to float
        The mean rank by name, from 1, the best, to the number of names.
    critical_difference : float > 0
        The difference above which two mean ranks differ, as the Nemenyi test gives it.
    **line
        Passed on to ``ax.plot`` for the lines from the ranks to the names.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If a rank is out of its range or the critical difference is not a positive
        number.

    References
    ----------
    Demšar: Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 2006.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ranks = {"built-in": 2.4, "class weights": 2.2, "focal loss": 1.4}
    >>> ax = plot_critical_difference(Figure().subplots(), ranks, 0.9)
    >>> len(ax.texts) > 0
    True
    """
    ordered = _check(ranks, critical_difference)
    low, high = 1.0, float(max(len(ordered), 2))
    joined = _cliques([rank for _, rank in ordered], critical_difference)
    margin = 0.006 * (high - low)
    for number, (left, right) in enumerate(joined, 1):
        ends, y = [left - margin, right + margin], -_STEP * number
        ax.plot(ends, [y, y], color="0.2", linewidth=3, solid_capstyle="butt")
    depth = 0.5 + _STEP * len(joined)
    half = (len(ordered) + 1) // 2
    for number, (name, rank) in enumerate(ordered):
        on_left = number < half
        y = -depth - (number if on_left else len(ordered) - 1 - number)
        _name(ax, f"{name}  {rank:.2f}", (rank, low if on_left else high, y), line)
    _scale(ax, low, high)
    _length(ax, low, critical_difference)
    room = 0.75 * (high - low)
    right = max(high + room, low + critical_difference)
    ax.set(xlim=(low - room, right), ylim=(-depth - half, 2.4))
    ax.set_axis_off()
    return ax


def _check(
    ranks: Mapping[str, float], critical_difference: float
) -> list[tuple[str, float]]:
    """Return names and ranks, the best first."""
    if not isinstance(ranks, Mapping):
        raise ValueError(
            f"ranks must be a mapping of names to ranks, got {shown(ranks)}"
        )
    values = as_numbers(list(ranks.values()), "ranks")
    wrong = values[~((values >= 1) & (values <= len(values)))]
    if wrong.size:
        raise ValueError(f"ranks must be in [1, {len(values)}], got {wrong[0]}")
    number = isinstance(critical_difference, Real)
    if not number or not 0 < critical_difference < np.inf:
        raise ValueError(
            "critical_difference must be a number > 0,"
            f" got {shown(critical_difference)}"
        )
    return sorted(zip(ranks, values.tolist(), strict=True), key=lambda one: one[1])


def _cliques(
    ranks: list[float], critical_difference: float
) -> list[tuple[float, float]]:
    """Return the longest runs of sorted ranks within one critical difference."""
    found: list[tuple[int, int]] = []
    for first, low in enumerate(ranks):
        within = (
            i for i, rank in enumerate(ranks) if rank - low <= critical_difference
        )
        last = max(within)
        # A run that ends where an earlier one does is inside it.
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return [(ranks[first], ranks[last]) for first, last in found]


def _name(
    ax: Axes, text: str, place: tuple[float, float, float], line: dict[str, Any]
) -> None:
    """Draw a line from the rank on the scale to the name beside it."""
    rank, end, y = place
    ax.plot([rank, rank, end], [0, y, y], **styled(_TO_NAME, line, ""))
    side, shift = ("right", -4) if end <= 1 else ("left", 4)
    ax.annotate(
        text, (end, y), (shift, 0), textcoords="offset points",
        ha=side, va="center", fontsize="small",
    )  # fmt: skip


def _scale(ax: Axes, low: float, high: float) -> None:
    ax.plot([low, high], [0, 0], **_AXIS)
    for rank in range(int(low), int(high) + 1):
        ax.plot([rank, rank], [0, 0.15], **_AXIS)
        ax.annotate(str(rank), (rank, 0.2), ha="center", va="bottom", fontsize="small")


def _length(ax: Axes, low: float, critical_difference: float) -> None:
    """Draw the critical difference itself, above the scale."""
    high = low + critical_difference
    ax.plot([low, high], [1.3, 1.3], color=ORANGE, linewidth=2)
    text = f"CD {critical_difference:.2f}"
    ax.annotate(text, ((low + high) / 2, 1.4), ha="center", va="bottom")
