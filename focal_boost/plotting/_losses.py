"""The loss, its derivatives and its link as curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from focal_boost._validation import as_numbers, shown
from focal_boost.links import LogitLink
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective
from focal_boost.plotting._styles import (
    BLACK,
    GREY_LINE,
    ORANGE,
    curve_styles,
    styled,
)

Floats = NDArray[np.float64]
_Kind = TypeVar("_Kind")

# The gammas of figure 1 of Lin et al. (2017).
_GAMMAS = (0, 0.5, 1, 2, 5)
# At 0.005 cross entropy is 5.3; the figure ends at 5.
_P_T = np.linspace(0.005, 0.995, 991)
# The margin at which a row has that p_t.
_T = np.log(_P_T) - np.log1p(-_P_T)


def plot_loss(
    ax: Axes, gammas: ArrayLike = _GAMMAS, alpha: float | None = None, **line: Any
) -> Axes:
    """Draw the loss against the probability of the true class.

    With the defaults it is figure 1 of Lin et al. (2017).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    gammas : array-like of numbers >= 0, default (0, 0.5, 1, 2, 5)
        The focusing parameters, a curve for each.
    alpha : float in (0, 1) or None, default None
        Weight of the positive class, which the curves are of then; the negative class
        has the same curves with the weight 1 − alpha. None is the weight 1.
    **line
        Passed on to ``ax.plot`` for every curve; `label` gains alpha and gamma.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If a gamma is negative or not finite, none is given, or alpha is not in (0, 1).

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> plot_loss(Figure().subplots(), gammas=[0, 2]).get_xlabel()
    'probability of the true class, $p_t$'
    """
    losses = _losses(gammas, alpha)
    _plot(ax, _P_T, losses, [loss.loss(1, _T) for loss in losses], line)
    return _finish_p_t(ax, alpha, "loss")


def plot_gradient(
    ax: Axes, gammas: ArrayLike = _GAMMAS, alpha: float | None = None, **line: Any
) -> Axes:
    """Draw the size of the gradient against the probability of the true class.

    The gradient is with respect to the margin: it is what the next tree is fitted to.
    Parameters, return value and errors are those of :func:`plot_loss`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> plot_gradient(Figure().subplots(), gammas=[0, 2]).get_xlabel()
    'probability of the true class, $p_t$'
    """
    losses = _losses(gammas, alpha)
    _plot(ax, _P_T, losses, [np.abs(loss.gradient(1, _T)) for loss in losses], line)
    return _finish_p_t(ax, alpha, "size of the gradient")


def plot_curvature(ax: Axes, gamma: float = 2.0, **line: Any) -> Axes:
    """Draw the exact and the upper curvature against the margin of a positive.

    Where the exact one is negative, it is shaded.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    gamma : float >= 0, default 2
        Focusing parameter.
    **line
        Passed on to ``ax.plot`` for both curves; `label` gains the curvature and gamma.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If gamma is negative or not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> plot_curvature(Figure().subplots(), gamma=2.0).get_xlabel()
    'margin of the true class'
    """
    loss = FocalLoss(alpha=None, gamma=gamma)
    t = np.linspace(-8, 6, 1401)
    exact, upper = loss.hessian(1, t), loss.curvature(1, t)
    negative = exact < 0
    if not ax.lines:
        ax.axhline(0, **GREY_LINE)
    for y, name, color, dashes in (
        (exact, "exact", BLACK, "--"),
        (upper, "upper", ORANGE, "-"),
    ):
        style = {"color": color, "linestyle": dashes}
        ax.plot(t, y, **styled(style, line, f"{name}, {_name(loss)}"))
    if negative.any():
        shade: dict[str, Any] = {"color": BLACK, "alpha": 0.2, "linewidth": 0}
        ax.fill_between(t, exact, 0, where=negative, label="exact < 0", **shade)
    ax.set(xlabel="margin of the true class", ylabel="curvature", xlim=(t[0], t[-1]))
    ax.legend(frameon=False)
    return ax


def plot_posterior(
    ax: Axes, losses: FocalLoss | Sequence[FocalLoss], **line: Any
) -> Axes:
    """Draw the probability that a margin stands for, with the sigmoid in grey.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    losses : FocalLoss or sequence of FocalLoss
        The losses that the margins are of, a curve for each.
    **line
        Passed on to ``ax.plot`` for every curve; `label` gains alpha and gamma.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If there is no loss or one of them is something else.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from focal_boost import FocalLoss
    >>> plot_posterior(Figure().subplots(), FocalLoss(0.25, 2.0)).get_xlabel()
    'margin'
    """
    chosen = _several(losses, FocalLoss, "losses")
    margin = np.linspace(-6, 6, 601)
    sigmoid = FocalLoss(alpha=None, gamma=0).posterior(margin)
    if not ax.lines:
        ax.plot(margin, sigmoid, label="σ(margin)", linestyle="--", **GREY_LINE)
    _plot(ax, margin, chosen, [loss.posterior(margin) for loss in chosen], line)
    ax.set(xlabel="margin", ylabel="posterior", xlim=(-6, 6), ylim=(0, 1.02))
    ax.legend(frameon=False)
    return ax


def plot_weight(
    ax: Axes, objectives: FocalObjective | Sequence[FocalObjective], **line: Any
) -> Axes:
    """Draw the weight that focal loss gives log loss's own gradient, by the posterior.

    As a function of the posterior's log-odds, the gradient of focal loss is that of log
    loss times this weight, V/c in :mod:`focal_boost.links`; its largest value is 1. It
    is the loss's own, whatever the link.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    objectives : FocalObjective or sequence of FocalObjective
        A curve for each.
    **line
        Passed on to ``ax.plot`` for every curve; `label` gains alpha and gamma.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.

    Raises
    ------
    ValueError
        If there is no objective or one of them is something else.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from focal_boost import FocalObjective
    >>> plot_weight(Figure().subplots(), FocalObjective(0.25, 2.0)).get_xlabel()
    'log-odds of the posterior'
    """
    losses = [one.loss for one in _several(objectives, FocalObjective, "objectives")]
    log_odds = np.linspace(-12, 12, 961)
    if not ax.lines:
        ax.axhline(1, label="log loss", linestyle="--", **GREY_LINE)
    curves = [LogitLink(loss).weight(log_odds) for loss in losses]
    _plot(ax, log_odds, losses, curves, line)
    ax.set(xlabel="log-odds of the posterior", ylabel="weight of log loss's gradient")
    ax.set(xlim=(-12, 12), ylim=(0, 1.05))
    # Many curves leave no corner free.
    ax.legend(edgecolor="none")
    return ax


def _losses(gammas: ArrayLike, alpha: float | None) -> list[FocalLoss]:
    values = as_numbers(gammas, "gammas").ravel()
    wrong = values[~(np.isfinite(values) & (values >= 0))]
    if wrong.size:
        raise ValueError(f"gammas must be finite numbers >= 0, got {wrong[0]}")
    return [FocalLoss(alpha, float(gamma)) for gamma in values]


def _several(
    values: _Kind | Sequence[_Kind], kind: type[_Kind], name: str
) -> list[_Kind]:
    """Return one or more values of a kind as a list."""
    chosen = list(values) if isinstance(values, Sequence) else [values]
    if not chosen or not all(isinstance(one, kind) for one in chosen):
        raise ValueError(
            f"{name} must be one {kind.__name__} or several, got {shown(values)}"
        )
    return chosen


def _name(loss: FocalLoss) -> str:
    weight = "" if loss.alpha is None else f"α = {loss.alpha:g}, "
    return f"{weight}γ = {loss.gamma:g}"


def _plot(
    ax: Axes,
    x: Floats,
    losses: list[FocalLoss],
    curves: list[Floats],
    line: dict[str, Any],
) -> None:
    for loss, y, style in zip(losses, curves, curve_styles(), strict=False):
        ax.plot(x, y, **styled(style, line, _name(loss)))


def _finish_p_t(ax: Axes, alpha: float | None, what: str) -> Axes:
    whose = "" if alpha is None else " of a positive"
    ax.set(xlabel="probability of the true class, $p_t$", xlim=(0, 1))
    ax.set_ylabel(f"{what}{whose}")
    # The next curves on these axes may be higher.
    ax.set_ylim(bottom=0, auto=True)
    ax.legend(frameon=False)
    return ax
