"""The curves of the loss against mpmath and against what the paper says of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import oracles
import pytest
from drawn import legend, xy
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from numpy.typing import NDArray
from scipy.special import expit, logit
from sentences import says

from focal_boost import FocalLoss, FocalObjective
from focal_boost.plotting import (
    plot_curvature,
    plot_gradient,
    plot_loss,
    plot_posterior,
    plot_weight,
)

Floats = NDArray[np.float64]
Plot = Callable[..., Axes]
GAMMAS = (0, 0.5, 1, 2, 5)


def _curve(ax: Axes, label: str) -> tuple[Floats, Floats]:
    (number,) = [i for i, one in enumerate(ax.lines) if one.get_label() == label]
    return xy(ax, number)


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_the_loss_is_the_papers_function_of_p_t(ax: Axes, alpha: float | None) -> None:
    plot_loss(ax, alpha=alpha)
    assert len(ax.lines) == len(GAMMAS)
    for number, gamma in enumerate(GAMMAS):
        p_t, loss = xy(ax, number)
        expected = [float(oracles.focal_loss(mpmath.mpf(p), gamma)) for p in p_t]
        np.testing.assert_allclose(loss, (alpha or 1) * np.array(expected), rtol=1e-12)


@pytest.mark.parametrize("alpha", [None, 0.75])
def test_the_gradient_is_the_derivative_in_the_margin(
    ax: Axes, alpha: float | None
) -> None:
    plot_gradient(ax, alpha=alpha)
    for number, gamma in enumerate(GAMMAS):
        p_t, size = xy(ax, number)
        few = slice(None, None, 45)
        t = logit(p_t[few])
        expected = -oracles.exact_gradient(1, t, float(gamma), alpha)
        np.testing.assert_allclose(size[few], expected, rtol=1e-12)


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_p_t_covers_its_range(ax: Axes, plot: Plot) -> None:
    plot(ax)
    p_t, _ = xy(ax, 0)
    assert p_t[0] < 0.01
    assert p_t[-1] > 0.99
    assert np.all(np.diff(p_t) > 0)
    assert ax.get_xlim() == (0, 1)
    assert ax.get_ylim()[0] == 0


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_higher_curves_that_come_later_fit(ax: Axes, plot: Plot) -> None:
    plot(ax, 2, alpha=0.25)
    plot(ax, 2, alpha=0.75)
    assert xy(ax, 1)[1].max() < ax.get_ylim()[1]
    assert legend(ax) == ["α = 0.25, γ = 2", "α = 0.75, γ = 2"]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_both_curvatures_are_those_of_the_loss(ax: Axes, gamma: float) -> None:
    plot_curvature(ax, gamma)
    few = slice(None, None, 100)
    for name, oracle in (
        ("exact", oracles.exact_hessian),
        ("upper", oracles.exact_curvature),
    ):
        t, curvature = _curve(ax, f"{name}, γ = {gamma:g}")
        expected = oracle(1, t[few], gamma, None)
        np.testing.assert_allclose(curvature[few], expected, rtol=1e-12)


def _shade(ax: Axes) -> list[PolyCollection]:
    return [one for one in ax.collections if isinstance(one, PolyCollection)]


def test_the_shade_ends_where_the_exact_curvature_is_zero(ax: Axes) -> None:
    plot_curvature(ax)
    (shade,) = _shade(ax)
    corners = np.concatenate([path.vertices for path in shade.get_paths()])
    root = mpmath.findroot(lambda t: oracles.exact(t, 2.0).hessian, -2.8)
    assert corners[:, 0].max() == pytest.approx(float(root), abs=0.02)
    assert corners[:, 1].min() < -0.04
    assert corners[:, 1].max() == 0
    assert "exact < 0" in legend(ax)


def test_the_curvatures_of_cross_entropy_are_not_shaded(ax: Axes) -> None:
    plot_curvature(ax, 0)
    assert _shade(ax) == []
    assert legend(ax) == ["exact, γ = 0", "upper, γ = 0"]


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_the_posterior_has_no_expected_gradient(ax: Axes, alpha: float | None) -> None:
    plot_posterior(ax, FocalLoss(alpha, 2.0))
    margin, posterior = xy(ax, 1)
    few = slice(None, None, 60)
    expected = oracles.exact_posterior(margin[few], 2.0, alpha)
    np.testing.assert_allclose(posterior[few], expected, rtol=1e-12)


def test_the_posterior_is_beside_a_dashed_grey_sigmoid(ax: Axes) -> None:
    losses = [FocalLoss(None, 0.0), FocalLoss(0.25, 2.0)]
    plot_posterior(ax, losses)
    plot_posterior(ax, FocalLoss(0.9, 5.0))
    sigmoid = ax.lines[0]
    assert sigmoid.get_linestyle() == "--"
    assert to_rgba(sigmoid.get_color()) == to_rgba("0.6")
    margin, values = xy(ax, 0)
    np.testing.assert_allclose(values, expit(margin), rtol=1e-12)
    np.testing.assert_allclose(xy(ax, 1)[1], expit(margin), rtol=1e-12)
    names = ["σ(margin)", "γ = 0", "α = 0.25, γ = 2", "α = 0.9, γ = 5"]
    assert legend(ax) == names


@pytest.mark.parametrize("link", ["logit", "focal"])
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_weight_is_the_gradients_over_log_losss(
    ax: Axes, gamma: float, alpha: float | None, link: str
) -> None:
    plot_weight(ax, FocalObjective(alpha, gamma, link))
    log_odds, weight = xy(ax, 1)
    few = slice(None, None, 60)
    gradient = oracles.in_log_odds("slope", 1, log_odds[few], gamma, alpha)
    expected = -gradient / expit(-log_odds[few])
    np.testing.assert_allclose(weight[few], expected, rtol=1e-12)


def test_the_weight_is_beside_a_dashed_grey_line_of_log_loss(ax: Axes) -> None:
    plot_weight(ax, FocalObjective(None, 0.0))
    plot_weight(ax, FocalObjective())
    line = ax.lines[0]
    assert line.get_linestyle() == "--"
    assert to_rgba(line.get_color()) == to_rgba("0.6")
    assert set(np.asarray(line.get_ydata()).tolist()) == {1.0}
    np.testing.assert_allclose(xy(ax, 1)[1], 1, rtol=1e-14)
    assert xy(ax, 2)[1].max() == pytest.approx(1, abs=1e-4)
    assert legend(ax) == ["log loss", "γ = 0", "α = 0.25, γ = 2"]
    assert ax.get_xlim() == (-12, 12)
    assert ax.get_ylim()[0] == 0


P_T = "probability of the true class, $p_t$"
# Each plot with few curves, the labels of its axes, and the last one of its curves.
PLOTS: dict[str, tuple[Plot, str, str, str]] = {
    "loss": (partial(plot_loss, gammas=2), P_T, "loss", "γ = 2"),
    "gradient": (
        partial(plot_gradient, gammas=2), P_T, "size of the gradient", "γ = 2",
    ),
    "curvature": (
        plot_curvature, "margin of the true class", "curvature", "upper, γ = 2",
    ),
    "posterior": (
        partial(plot_posterior, losses=FocalLoss()), "margin", "posterior",
        "α = 0.25, γ = 2",
    ),
    "weight": (
        partial(plot_weight, objectives=FocalObjective()), "log-odds of the posterior",
        "weight of log loss's gradient", "α = 0.25, γ = 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLOTS)
def test_the_axes_come_back_with_labels(ax: Axes, name: str) -> None:
    plot, x, y, label = PLOTS[name]
    assert plot(ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x, y)
    assert ax.lines[-1].get_label() == label
    names = [line.get_label() for line in ax.lines]
    assert [one for one in legend(ax) if one in names] == [
        one for one in names if not str(one).startswith("_")
    ]


@pytest.mark.parametrize("name", PLOTS)
def test_a_curve_can_be_styled_by_short_names_too(ax: Axes, name: str) -> None:
    plot, _, _, label = PLOTS[name]
    plot(ax, c="green", ls=":", linewidth=3, label="mine")
    curve = ax.lines[-1]
    assert to_rgba(curve.get_color()) == to_rgba("green")
    assert (curve.get_linestyle(), curve.get_linewidth()) == (":", 3)
    assert curve.get_label() == f"mine {label}"


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_alpha_is_the_weight_of_a_positive(ax: Axes, plot: Plot) -> None:
    plot(ax, (0, 2), alpha=0.25)
    assert legend(ax) == ["α = 0.25, γ = 0", "α = 0.25, γ = 2"]
    assert ax.get_ylabel().endswith(" of a positive")


def test_curves_differ_with_and_without_colour(ax: Axes) -> None:
    plot_loss(ax)
    assert len({line.get_color() for line in ax.lines}) == len(GAMMAS)
    # get_linestyle() calls every pattern of one's own "--".
    assert len({str(line._dash_pattern) for line in ax.lines}) == len(GAMMAS)
    plot_loss(ax, np.linspace(0, 3, 40))
    styles = {(line.get_color(), str(line._dash_pattern)) for line in ax.lines[-40:]}
    assert len(styles) == 40


BOTH_KINDS = [FocalObjective(), FocalLoss()]
GAMMAS_RULE = "gammas must be finite numbers >= 0, got"
LOSSES_RULE = "losses must be one FocalLoss or several, got"
OBJECTIVES_RULE = "objectives must be one FocalObjective or several, got"
WRONG = [
    *(
        (plot, *given)
        for plot in (plot_loss, plot_gradient)
        for given in [
            ([(0, -1.0)], f"{GAMMAS_RULE} -1.0"),
            ([(0, np.inf)], f"{GAMMAS_RULE} inf"),
            ([(np.nan,)], f"{GAMMAS_RULE} nan"),
            ([()], "gammas must not be empty, got shape (0,)"),
            ([("two",)], "gammas must be numbers, got 'two'"),
            ([(2,), 1.5], "alpha must be None or a number in (0, 1), got 1.5"),
        ]
    ),
    (plot_curvature, [-2], "gamma must be a finite number >= 0, got -2"),
    (plot_posterior, [[]], f"{LOSSES_RULE} []"),
    (plot_posterior, [2.0], f"{LOSSES_RULE} 2.0"),
    (plot_posterior, ["upper"], f"{LOSSES_RULE} 'upper'"),
    (plot_posterior, [[FocalLoss(), 2.0]], f"{LOSSES_RULE} {[FocalLoss(), 2.0]}"),
    (plot_weight, [[]], f"{OBJECTIVES_RULE} []"),
    (plot_weight, [FocalLoss()], f"{OBJECTIVES_RULE} {FocalLoss()}"),
    (plot_weight, [BOTH_KINDS], f"{OBJECTIVES_RULE} {BOTH_KINDS!r:.76} ..."),
]


@pytest.mark.parametrize(("plot", "arguments", "sentence"), WRONG)
def test_wrong_arguments(
    ax: Axes, plot: Plot, arguments: list[Any], sentence: str
) -> None:
    with says(sentence):
        plot(ax, *arguments)
    assert not ax.lines
