"""The critical-difference diagram (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cliques(ranks: list[float], cd: float) -> list[tuple[float, float]]:
    """Return the longest runs of sorted ranks that differ by at most `cd`."""
    found: list[tuple[int, int]] = []
    for first, low in enumerate(ranks):
        last = max(i for i, rank in enumerate(ranks) if rank <= low + cd)
        # A run that ends where an earlier one does is inside it.
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return [(ranks[first], ranks[last]) for first, last in found]


def critical_difference(ranks: Mapping[str, float], cd: float, ax: Any) -> None:
    """Draw mean ranks, the best on the left; bars join what does not differ.

    Parameters
    ----------
    ranks : mapping of str to float
        Mean rank by name.
    cd : float
        The difference from which on two ranks differ.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    ordered = sorted(ranks.items(), key=lambda item: item[1])
    values = [rank for _, rank in ordered]
    low, high = 1.0, float(max(len(ordered), 2))
    joined = cliques(values, cd)
    depth = 0.5 + 0.35 * len(joined)
    for number, (left, right) in enumerate(joined):
        y = -0.35 * (number + 1)
        ax.plot([left - 0.04, right + 0.04], [y, y], color="0.2", linewidth=3)
    half = (len(ordered) + 1) // 2
    for number, (name, rank) in enumerate(ordered):
        on_left = number < half
        row = number if on_left else len(ordered) - 1 - number
        _label(ax, name, rank, -depth - row, low if on_left else high, on_left)
    ax.plot([low, low + cd], [1.1, 1.1], color="#D55E00", linewidth=2)
    ax.annotate(f"CD {cd:.2f}", (low + cd / 2, 1.2), ha="center", va="bottom")
    _scale(ax, low, high, -depth - half)


def _label(
    ax: Any, name: str, rank: float, y: float, end: float, on_left: bool
) -> None:
    ax.plot([rank, rank, end], [0, y, y], color="#0072B2", linewidth=0.8)
    side, shift = ("right", -4) if on_left else ("left", 4)
    ax.annotate(
        f"{name}  {rank:.2f}", (end, y), (shift, 0), textcoords="offset points",
        ha=side, va="center", fontsize="small",
    )  # fmt: skip


def _scale(ax: Any, low: float, high: float, bottom: float) -> None:
    ax.plot([low, high], [0, 0], color="0.2", linewidth=1)
    for rank in range(int(low), int(high) + 1):
        ax.plot([rank, rank], [0, 0.15], color="0.2", linewidth=1)
        ax.annotate(str(rank), (rank, 0.2), ha="center", va="bottom", fontsize="small")
    room = 0.75 * (high - low)
    ax.set(xlim=(low - room, high + room), ylim=(bottom, 2.2))
    ax.set_axis_off()
