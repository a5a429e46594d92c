"""The curves of the loss against mpmath and against what the paper says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import oracles
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit, logit

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


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


def _xy(ax: Axes, line: int) -> tuple[Floats, Floats]:
    x, y = np.asarray(ax.lines[line].get_xydata(), dtype=float).T
    return x, y


def _curve(ax: Axes, label: str) -> tuple[Floats, Floats]:
    (number,) = [i for i, one in enumerate(ax.lines) if one.get_label() == label]
    return _xy(ax, number)


def _legend(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_the_loss_is_the_papers_function_of_p_t(ax: Axes, alpha: float | None) -> None:
    plot_loss(ax, alpha=alpha)
    assert len(ax.lines) == len(GAMMAS)
    for number, gamma in enumerate(GAMMAS):
        p_t, loss = _xy(ax, number)
        expected = [float(oracles.focal_loss(mpmath.mpf(p), gamma)) for p in p_t]
        np.testing.assert_allclose(loss, (alpha or 1) * np.array(expected), rtol=1e-12)


def test_gamma_0_is_cross_entropy(ax: Axes) -> None:
    plot_loss(ax, 0)
    p_t, loss = _xy(ax, 0)
    np.testing.assert_allclose(loss, -np.log(p_t), rtol=1e-12)


def test_the_loss_of_a_row_classified_with_09_is_100_times_lower(ax: Axes) -> None:
    """Lin et al., section 3.2, for γ = 2; and up to 4 times lower at p_t ≤ ½."""
    plot_loss(ax, (0, 2))
    (p_t, entropy), (_, focal) = _xy(ax, 0), _xy(ax, 1)
    ratio = entropy / focal
    assert np.interp(0.9, p_t, ratio) == pytest.approx(100)
    assert np.interp(0.5, p_t, ratio) == pytest.approx(4)


@pytest.mark.parametrize("alpha", [None, 0.75])
def test_the_gradient_is_the_derivative_in_the_margin(
    ax: Axes, alpha: float | None
) -> None:
    plot_gradient(ax, alpha=alpha)
    for number, gamma in enumerate(GAMMAS):
        p_t, size = _xy(ax, number)
        few = slice(None, None, 45)
        t = logit(p_t[few])
        expected = -oracles.exact_gradient(1, t, float(gamma), alpha)
        np.testing.assert_allclose(size[few], expected, rtol=1e-12)


def test_the_gradient_of_cross_entropy_is_a_straight_line(ax: Axes) -> None:
    plot_gradient(ax, (0.0,))
    p_t, size = _xy(ax, 0)
    np.testing.assert_allclose(size, 1 - p_t, rtol=1e-12)


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_p_t_covers_its_range(ax: Axes, plot: Plot) -> None:
    plot(ax)
    p_t, _ = _xy(ax, 0)
    assert p_t[0] < 0.01
    assert p_t[-1] > 0.99
    assert np.all(np.diff(p_t) > 0)
    assert ax.get_xlim() == (0, 1)
    assert ax.get_ylim()[0] == 0


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_higher_curves_that_come_later_fit(ax: Axes, plot: Plot) -> None:
    plot(ax, 2, alpha=0.25)
    plot(ax, 2, alpha=0.75)
    assert _xy(ax, 1)[1].max() < ax.get_ylim()[1]
    assert _legend(ax) == ["α = 0.25, γ = 2", "α = 0.75, γ = 2"]


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
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
    assert "exact < 0" in _legend(ax)


def test_the_curvatures_of_cross_entropy_are_one_and_not_shaded(ax: Axes) -> None:
    plot_curvature(ax, 0)
    t, exact = _curve(ax, "exact, γ = 0")
    _, upper = _curve(ax, "upper, γ = 0")
    np.testing.assert_allclose(exact, expit(t) * expit(-t), rtol=1e-12)
    np.testing.assert_allclose(upper, exact, rtol=1e-12)
    assert _shade(ax) == []
    assert _legend(ax) == ["exact, γ = 0", "upper, γ = 0"]


@pytest.mark.parametrize("alpha", [None, 0.25])
def test_the_posterior_has_no_expected_gradient(ax: Axes, alpha: float | None) -> None:
    plot_posterior(ax, FocalLoss(alpha, 2.0))
    margin, posterior = _xy(ax, 1)
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
    margin, values = _xy(ax, 0)
    np.testing.assert_allclose(values, expit(margin), rtol=1e-12)
    np.testing.assert_allclose(_xy(ax, 1)[1], expit(margin), rtol=1e-12)
    names = ["σ(margin)", "γ = 0", "α = 0.25, γ = 2", "α = 0.9, γ = 5"]
    assert _legend(ax) == names


@pytest.mark.parametrize("link", ["logit", "focal"])
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_weight_is_the_gradients_over_log_losss(
    ax: Axes, gamma: float, alpha: float | None, link: str
) -> None:
    plot_weight(ax, FocalObjective(alpha, gamma, link))
    log_odds, weight = _xy(ax, 1)
    few = slice(None, None, 60)
    gradient = oracles.in_log_odds("slope", 1, log_odds[few], gamma, alpha)
    expected = -gradient / expit(-log_odds[few])
    np.testing.assert_allclose(weight[few], expected, rtol=1e-12)


def test_the_weight_is_as_the_design_says(ax: Axes) -> None:
    plot_weight(ax, [FocalObjective(0.25, 1.0), FocalObjective(0.5, 2.0)])
    step, dip = _curve(ax, "α = 0.25, γ = 1"), _curve(ax, "α = 0.5, γ = 2")
    at = [-12, -2, 2, 6, 12]
    assert np.interp(at, *step) == pytest.approx([0.30, 0.36, 0.71, 1, 0.92], abs=6e-3)
    assert np.interp([-6, 0, 6], *dip) == pytest.approx([0.99, 0.55, 0.99], abs=6e-3)


def test_the_weight_is_beside_a_dashed_grey_line_of_log_loss(ax: Axes) -> None:
    plot_weight(ax, FocalObjective(None, 0.0))
    plot_weight(ax, FocalObjective())
    line = ax.lines[0]
    assert line.get_linestyle() == "--"
    assert to_rgba(line.get_color()) == to_rgba("0.6")
    assert set(np.asarray(line.get_ydata()).tolist()) == {1.0}
    np.testing.assert_allclose(_xy(ax, 1)[1], 1, rtol=1e-14)
    assert _xy(ax, 2)[1].max() == pytest.approx(1, abs=1e-4)
    assert _legend(ax) == ["log loss", "γ = 0", "α = 0.25, γ = 2"]
    assert ax.get_xlim() == (-12, 12)
    assert ax.get_ylim()[0] == 0


@pytest.mark.parametrize(
    ("plot", "x", "y"),
    [
        (plot_loss, "probability of the true class, $p_t$", "loss"),
        (plot_gradient, "probability of the true class, $p_t$", "size of the gradient"),
        (plot_curvature, "margin of the true class", "curvature"),
        (lambda ax: plot_posterior(ax, FocalLoss()), "margin", "posterior"),
        (
            lambda ax: plot_weight(ax, FocalObjective()),
            "log-odds of the posterior",
            "weight of log loss's gradient",
        ),
    ],
)
def test_the_axes_come_back_with_labels(ax: Axes, plot: Plot, x: str, y: str) -> None:
    assert plot(ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x, y)
    names = [line.get_label() for line in ax.lines]
    assert [name for name in _legend(ax) if name in names] == [
        name for name in names if not str(name).startswith("_")
    ]


@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_alpha_is_the_weight_of_a_positive(ax: Axes, plot: Plot) -> None:
    plot(ax, (0, 2), alpha=0.25)
    assert _legend(ax) == ["α = 0.25, γ = 0", "α = 0.25, γ = 2"]
    assert ax.get_ylabel().endswith(" of a positive")


def test_curves_differ_with_and_without_colour(ax: Axes) -> None:
    plot_loss(ax)
    assert len({line.get_color() for line in ax.lines}) == len(GAMMAS)
    # get_linestyle() calls every pattern of one's own "--".
    assert len({str(line._dash_pattern) for line in ax.lines}) == len(GAMMAS)
    plot_loss(ax, np.linspace(0, 3, 40))
    styles = {(line.get_color(), str(line._dash_pattern)) for line in ax.lines[-40:]}
    assert len(styles) == 40


@pytest.mark.parametrize(
    ("plot", "label"),
    [
        (lambda ax, **line: plot_loss(ax, 2, **line), "mine γ = 2"),
        (lambda ax, **line: plot_gradient(ax, 2, **line), "mine γ = 2"),
        (plot_curvature, "mine upper, γ = 2"),
        (
            lambda ax, **line: plot_posterior(ax, FocalLoss(), **line),
            "mine α = 0.25, γ = 2",
        ),
        (
            lambda ax, **line: plot_weight(ax, FocalObjective(), **line),
            "mine α = 0.25, γ = 2",
        ),
    ],
)
def test_a_curve_can_be_styled_by_short_names_too(
    ax: Axes, plot: Plot, label: str
) -> None:
    plot(ax, c="green", ls=":", linewidth=3, label="mine")
    curve = ax.lines[-1]
    assert to_rgba(curve.get_color()) == to_rgba("green")
    assert (curve.get_linestyle(), curve.get_linewidth()) == (":", 3)
    assert curve.get_label() == label


@pytest.mark.parametrize(
    ("gammas", "alpha", "message"),
    [
        ((0, -1.0), None, "gammas must be finite numbers >= 0, got -1.0"),
        ((0, np.inf), None, "gammas must be finite numbers >= 0, got inf"),
        ((np.nan,), None, "gammas must be finite numbers >= 0, got nan"),
        ((), None, "gammas must not be empty, got shape (0,)"),
        (("two",), None, "gammas must be numbers, got 'two'"),
        ((2,), 1.5, "alpha must be None or a number in (0, 1), got 1.5"),
    ],
)
@pytest.mark.parametrize("plot", [plot_loss, plot_gradient])
def test_wrong_gammas_and_alpha(
    ax: Axes, plot: Plot, gammas: Any, alpha: float | None, message: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot(ax, gammas, alpha)
    assert str(caught.value) == message
    assert not ax.lines


def test_wrong_gamma_of_a_curvature(ax: Axes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot_curvature(ax, -2)
    assert str(caught.value) == "gamma must be a finite number >= 0, got -2"
    assert not ax.lines


@pytest.mark.parametrize("wrong", [[], 2.0, "upper", [FocalLoss(), 2.0]])
def test_wrong_losses(ax: Axes, wrong: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot_posterior(ax, wrong)
    message = f"losses must be one FocalLoss or several, got {wrong!r}"
    assert str(caught.value) == message
    assert not ax.lines


@pytest.mark.parametrize("wrong", [[], FocalLoss(), [FocalObjective(), FocalLoss()]])
def test_wrong_objectives(ax: Axes, wrong: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot_weight(ax, wrong)
    message = "objectives must be one FocalObjective or several, got "
    assert str(caught.value).startswith(message + repr(wrong)[:70])
    assert not ax.lines
