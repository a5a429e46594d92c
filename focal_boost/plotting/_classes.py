"""What methods make of the classes of a problem, rare and frequent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from focal_boost.plotting._styles import GREY_LINE, distinct_styles

# Of more the names would lie on one another.
_MOST_NAMES = 12


def plot_classes(
    prevalence: Mapping[Any, float], scores: Mapping[str, Mapping[str, Any]]
) -> Figure:
    """Draw the average precision of every class against its prevalence.

    Parameters
    ----------
    prevalence : mapping of class to float, or Series
        The share of every class.
    scores : mapping of str to mapping of str to Series or mapping
        By library, then by method: the average precision of every class.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per library, tied to no window; save it with ``savefig``. The grey
        line is a ranking by chance, whose average precision is the prevalence.

    Examples
    --------
    >>> scores = {"XGBoost": {"focal loss": {"rare": 0.4, "frequent": 0.9}}}
    >>> len(plot_classes({"rare": 0.05, "frequent": 0.95}, scores).axes)
    1
    """
    share = dict(prevalence)
    order = sorted(share, key=share.__getitem__)
    x = np.array([share[one] for one in order])
    size = (5.2 * len(scores), 5.2)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    panels = figure.subplots(1, len(scores), squeeze=False, sharey=True)[0]
    for ax, (library, methods) in zip(panels, scores.items(), strict=True):
        ax.set_xscale("log")
        ax.plot(x, x, **GREY_LINE, label="by chance")
        looks = distinct_styles(len(methods))
        for (method, values), style in zip(methods.items(), looks, strict=True):
            of_class = dict(values)
            y = np.array([of_class[one] for one in order])
            label = f"{method} (mean {y.mean():.3f})"
            ax.plot(x, y, **style, markersize=5, alpha=0.85, label=label)
        if len(order) <= _MOST_NAMES:
            _name_classes(ax, order, x)
        ax.set(title=library, xlabel="prevalence of the class", ylim=(0, 1.2))
        ax.set_yticks(np.linspace(0, 1, 6))
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.spines[["top", "right"]].set_visible(False)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "ncols": 2}
        ax.legend(frameon=False, fontsize="small", **below)
    panels[0].set_ylabel("average precision, mean of the folds")
    return figure


def _name_classes(ax: Any, names: list[Any], x: Any) -> None:
    """Write every class above its marks."""
    for name, at in zip(names, x, strict=True):
        place = {"xytext": (0, 0), "textcoords": "offset points", "rotation": 90}
        text = str(name) if len(str(name)) <= 16 else f"{str(name)[:15]}…"
        look = {"fontsize": 7, "color": "0.4", "ha": "center", "va": "bottom"}
        ax.annotate(text, (at, 1.03), **place, **look)
