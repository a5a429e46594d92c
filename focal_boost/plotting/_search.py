"""How far searches had come after so many seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from focal_boost.plotting._styles import BLACK, ORANGE

_STYLES: Sequence[dict[str, Any]] = (
    {"color": BLACK, "linestyle": "--"},
    {"color": ORANGE, "linestyle": "-"},
)


def plot_search(
    traces: Mapping[str, Mapping[str, Sequence[tuple[ArrayLike, ArrayLike]]]],
) -> Figure:
    """Draw the best log loss until then against seconds, one panel per library.

    Parameters
    ----------
    traces : mapping of str to mapping of str to sequence of (seconds, log_loss)
        By library, then by method, one pair of arrays per training part: when the
        best log loss became so good. Drawn is the mean over the parts, from where
        each of them has one.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, tied to no window; save it with ``savefig``.

    Examples
    --------
    >>> parts = [([1.0, 5.0], [0.13, 0.12]), ([2.0], [0.14])]
    >>> len(plot_search({"XGBoost": {"focal loss": parts}}).axes)
    1
    """
    figure = Figure(figsize=(4.75 * len(traces), 3.8), dpi=150, layout="constrained")
    grid = figure.subplots(1, len(traces), squeeze=False)
    for ax, (library, methods) in zip(grid[0], traces.items(), strict=True):
        end = max(np.max(s) for parts in methods.values() for s, _ in parts)
        for (method, parts), style in zip(methods.items(), _STYLES, strict=False):
            seconds, best = _mean(parts, float(end))
            label = f"{method}: {best[-1]:.4f}"
            ax.step(seconds, best, where="post", label=label, **style)
        ax.set_title(f"{library}: best so far, mean of {len(parts)} parts")
        ax.set_xlabel("seconds of search")
        ax.set_ylabel("log loss inside the training part")
        ax.set_xlim(0)
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def _mean(
    parts: Sequence[tuple[ArrayLike, ArrayLike]], end: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the mean over the parts changes, and what it is from there on."""
    each = [(np.asarray(s, np.float64), np.asarray(v, np.float64)) for s, v in parts]
    begin = max(seconds[0] for seconds, _ in each)
    at = np.unique(np.concatenate([*(seconds for seconds, _ in each), [end]]))
    at = at[at >= begin]
    known = [v[np.searchsorted(s, at, side="right") - 1] for s, v in each]
    return at, np.mean(known, axis=0)
