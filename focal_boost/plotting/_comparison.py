"""Both curves of all methods of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from focal_boost.plotting._curves import plot_precision_recall, plot_reliability
from focal_boost.plotting._styles import distinct_styles

Floats = NDArray[np.float64]


def plot_comparison(
    y_true: ArrayLike,
    posteriors: Mapping[str, Mapping[str, ArrayLike]],
    *,
    folds: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    decisions: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
) -> Figure:
    """Draw both curves of every method, one row per library.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels, 0 or 1.
    posteriors : mapping of str to mapping of str to array-like
        The predicted probabilities by library, then by method. Every method of a
        library has a colour of its own.
    folds : array-like of shape (n,), optional
        By which model a row is predicted, as in :func:`plot_precision_recall`.
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows.
    decisions : mapping of str to mapping of str to (recall, precision), optional
        What thresholds lead to, drawn as a dot.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, tied to no window; save it with ``savefig``.

    Examples
    --------
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> found = {"XGBoost": {"focal loss": posterior}}
    >>> len(plot_comparison(y, found).axes)
    2
    """
    rows = len(posteriors)
    which = "all rows"
    if folds is not None:
        which = f"mean of {len(np.unique(np.asarray(folds)))} folds"
    most = max(len(methods) for methods in posteriors.values())
    # The legends of many methods need room.
    height = 4.2 + 0.2 * max(most - 5, 0)
    figure = Figure(figsize=(9.5, height * rows), dpi=150, layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    weight: dict[str, Any] = {"sample_weight": sample_weight}
    for (left, right), (library, methods) in zip(grid, posteriors.items(), strict=True):
        looks = distinct_styles(len(methods))
        for (method, posterior), style in zip(methods.items(), looks, strict=True):
            curve = {**style, "marker": None, "label": method, **weight}
            plot_precision_recall(left, y_true, posterior, folds=folds, **curve)
            if decisions is not None:
                dot = {**style, "markersize": 7, "markeredgecolor": "white"}
                left.plot(*decisions[library][method], **dot, zorder=3)
            dots = {**style, "markersize": 4, "label": method, **weight}
            plot_reliability(right, y_true, posterior, **dots)
        left.set_title(f"{library}: precision and recall, {which}")
        right.set_title(f"{library}: reliability, all rows")
        for ax in (left, right):
            ax.legend(frameon=False, fontsize="small" if most > 5 else None)
            ax.spines[["top", "right"]].set_visible(False)
    return figure
