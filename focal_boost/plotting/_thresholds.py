"""What every threshold leads to: precision, recall and cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from focal_boost.plotting._styles import BLACK, BLUE, ORANGE

if TYPE_CHECKING:
    from focal_boost.thresholds import Cost, Threshold
    from focal_boost.thresholds._outcomes import Outcomes

_GREY = "0.5"
# Above 1 there is room for the legend.
_TOP = 1.3


def plot_thresholds(
    ax: Axes,
    y_true: ArrayLike,
    posterior: ArrayLike,
    *,
    chosen: Threshold | None = None,
    cost: Cost | None = None,
    sample_weight: ArrayLike | None = None,
) -> Axes:
    """Draw precision, recall and cost against the threshold, on a logarithmic axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw. Costs get an axis of their own on its right.
    y_true : array-like of shape (n,)
        Labels of two classes; the greater one is the positive class.
    posterior : array-like of shape (n,)
        P(positive) by models that have not seen the row.
    chosen : Threshold, optional
        A choice, drawn as a line, with its interval as a band.
    cost : Cost, optional
        Whose mean per row is drawn; by default that which `chosen` was chosen by.
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        For labels of one class, posteriors outside [0, 1], and bad weights.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> plot_thresholds(Figure().subplots(), y, posterior).get_xlabel()
    'threshold'
    """
    from focal_boost.thresholds._outcomes import Ranked
    from focal_boost.thresholds._rules import Cost

    found = Ranked(y_true, posterior, sample_weight).outcomes()
    if cost is None and chosen is not None and isinstance(chosen.rule, Cost):
        cost = chosen.rule
    # A threshold holds from the next lower posterior, exclusive, up to its own.
    step: dict[str, Any] = {"where": "pre", "linewidth": 1.5}
    at = np.append(found.threshold[1:], found.threshold[-1] / 2)
    lines = [
        *ax.step(at, found.recall, color=BLACK, label="recall", **step),
        *ax.step(
            at, found.precision, color=BLUE, linestyle="--", label="precision", **step
        ),
    ]
    right = ax
    if cost is not None:
        right = ax.twinx()
        per_row = cost.per_row(found)
        lines += right.step(
            at, per_row, color=ORANGE, linestyle="-.", label="cost per row", **step
        )
        right.set(ylabel="cost per row", ylim=(0, 2.5 * float(per_row[0])))
        right.spines[["top"]].set_visible(False)
    if chosen is not None and math.isfinite(chosen.threshold):
        if chosen.low < chosen.high:
            band = (chosen.low, min(chosen.high, 1.0))
            ax.axvspan(*band, ymax=1 / _TOP, color=_GREY, alpha=0.2, linewidth=0)
        label = f"chosen, {chosen.threshold:.3g}"
        lines.append(
            ax.axvline(
                chosen.threshold, ymax=1 / _TOP, color=_GREY, linewidth=1.2, label=label
            )
        )
    ax.set(xscale="log", xlim=_limits(found, chosen), ylim=(0, _TOP))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set(xlabel="threshold", ylabel="precision, recall")
    right.legend(handles=lines, frameon=False, loc="upper center", ncols=2)
    return ax


def _limits(found: Outcomes, chosen: Threshold | None) -> tuple[float, float]:
    """Return the thresholds to show: below the lowest all positives are found."""
    all_found = float(found.threshold[np.argmax(found.recall >= 1 - 1e-12)])
    lowest = [all_found, 0.5]
    if chosen is not None and chosen.low > 0:
        lowest.append(chosen.low)
    return max(min(lowest) / 2, 1e-6), 1.0
