"""Curves against scikit-learn and against counting by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from focal_boost.datasets import make_imbalanced
from focal_boost.plotting import (
    plot_comparison,
    plot_precision_recall,
    plot_reliability,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


@pytest.fixture(scope="module")
def rare() -> tuple[Labels, Floats]:
    _, y, posterior = make_imbalanced(20_000, prevalence=0.02, seed=4)
    return y, posterior


def _xy(ax: Axes, line: int = -1) -> tuple[Floats, Floats]:
    x, y = np.asarray(ax.lines[line].get_xydata(), dtype=float).T
    return x, y


def _bars(ax: Axes) -> list[Floats]:
    (bars,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [np.asarray(segment, dtype=float) for segment in bars.get_segments()]


@pytest.mark.parametrize("decimals", [None, 2, 1])
def test_precision_and_recall_are_scikit_learns(
    ax: Axes, rare: tuple[Labels, Floats], decimals: int | None
) -> None:
    y, posterior = rare
    scores = posterior if decimals is None else posterior.round(decimals)
    plot_precision_recall(ax, y, scores)
    recall, precision = _xy(ax)
    theirs, their_recall, _ = precision_recall_curve(y, scores)
    # Theirs runs from full recall down and ends in an invented precision of 1.
    np.testing.assert_allclose(recall, their_recall[::-1], rtol=1e-12)
    np.testing.assert_allclose(precision[1:], theirs[-2::-1], rtol=1e-12)
    assert precision[0] == precision[1]


def test_the_label_holds_the_average_precision(
    ax: Axes, rare: tuple[Labels, Floats]
) -> None:
    y, posterior = rare
    expected = average_precision_score(y, posterior)
    plot_precision_recall(ax, y, posterior, label="truth")
    assert ax.lines[-1].get_label() == f"truth (AP {expected:.3f})"
    plot_precision_recall(ax, y, posterior)
    assert ax.lines[-1].get_label() == f"(AP {expected:.3f})"


def test_the_area_below_the_steps_is_the_average_precision(
    ax: Axes, rare: tuple[Labels, Floats]
) -> None:
    y, posterior = rare
    plot_precision_recall(ax, y, posterior.round(2))
    recall, precision = _xy(ax)
    assert ax.lines[-1].get_drawstyle() == "steps-pre"
    area = np.sum(np.diff(recall) * precision[1:])
    expected = average_precision_score(y, posterior.round(2))
    assert area == pytest.approx(expected, rel=1e-12)


def test_precision_needs_only_the_order(ax: Axes, rare: tuple[Labels, Floats]) -> None:
    y, posterior = rare
    plot_precision_recall(ax, y, posterior)
    plot_precision_recall(ax, y, 5 + 3 * np.log(posterior))
    np.testing.assert_array_equal(_xy(ax, -1), _xy(ax, -2))


@pytest.mark.parametrize("plot", [plot_precision_recall, plot_reliability])
def test_the_axes_come_back_with_one_reference_line(
    ax: Axes,
    rare: tuple[Labels, Floats],
    plot: Callable[..., Axes],
) -> None:
    assert plot(ax, *rare) is ax
    assert plot(ax, *rare) is ax
    assert len(ax.lines) == 3


def test_the_reference_of_precision_is_the_prevalence(
    ax: Axes, rare: tuple[Labels, Floats]
) -> None:
    plot_precision_recall(ax, *rare)
    np.testing.assert_allclose(_xy(ax, 0)[1], rare[0].mean())
    assert ax.lines[0].get_label() == f"prevalence {rare[0].mean():.3g}"


def test_the_reference_of_reliability_is_the_diagonal(
    ax: Axes, rare: tuple[Labels, Floats]
) -> None:
    plot_reliability(ax, *rare)
    x, y = _xy(ax, 0)
    np.testing.assert_array_equal(x, y)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlim() == ax.get_ylim()


def test_bins_of_reliability_halve(ax: Axes) -> None:
    scores = np.arange(1, 801) / 1000
    y = (np.arange(800) % 4 == 0).astype(int)
    plot_reliability(ax, y, scores)
    predicted, observed = _xy(ax)
    edges = [0, 400, 600, 700, 750, 800]
    expected = [scores[a:b].mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    counted = [y[a:b].mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(observed, counted, rtol=1e-12)


def test_the_truth_lies_on_the_diagonal(ax: Axes) -> None:
    _, y, posterior = make_imbalanced(400_000, prevalence=0.02, seed=8)
    plot_reliability(ax, y, posterior)
    predicted, observed = _xy(ax)
    assert len(predicted) == len(_bars(ax)) == 13
    assert predicted[-1] / predicted[0] > 100
    np.testing.assert_allclose(observed[3:], predicted[3:], rtol=0.25)
    inside = [
        low <= x <= high for (x, low), (_, high) in (tuple(bar) for bar in _bars(ax))
    ]
    assert sum(inside) >= 11


def test_overconfidence_lies_below_the_diagonal(
    ax: Axes, rare: tuple[Labels, Floats]
) -> None:
    y, posterior = rare
    plot_reliability(ax, y, np.minimum(10 * posterior, 1))
    predicted, observed = _xy(ax)
    assert np.all(observed[3:] < predicted[3:] / 2)


def test_the_bars_are_wilson_intervals(ax: Axes) -> None:
    stats = pytest.importorskip("scipy.stats")
    scores = np.repeat([0.1, 0.6], [120, 60])
    y = np.zeros(180, dtype=int)
    y[[0, 50, 100, *range(130, 150)]] = 1
    plot_reliability(ax, y, scores)
    for bar, (hits, count) in zip(_bars(ax), [(3, 120), (20, 60)], strict=True):
        interval = stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
        np.testing.assert_allclose(
            bar[:, 1], [interval.low, interval.high], rtol=2e-4, atol=0
        )


def test_equal_predictions_share_a_bin(ax: Axes) -> None:
    scores = np.repeat([0.01, 0.02, 0.5], [300, 300, 200])
    y = np.tile([0, 0, 0, 1], 200)
    plot_reliability(ax, y, scores)
    predicted, _ = _xy(ax)
    np.testing.assert_allclose(predicted, [0.01, 0.02, 0.5], rtol=1e-12)


def test_one_constant_prediction_is_one_point(ax: Axes) -> None:
    y = np.tile([0, 0, 0, 1], 100)
    plot_reliability(ax, y, np.full(400, 0.25))
    predicted, observed = _xy(ax)
    np.testing.assert_allclose([*predicted, *observed], [0.25, 0.25], rtol=1e-12)


def test_a_bin_without_positives_has_a_bar_and_no_marker(ax: Axes) -> None:
    scores = np.arange(1, 401) / 1000
    y = np.zeros(400, dtype=int)
    y[390:] = 1
    plot_reliability(ax, y, scores)
    predicted, observed = _xy(ax)
    np.testing.assert_allclose(predicted, scores[350:].mean(), rtol=1e-12)
    np.testing.assert_allclose(observed, 10 / 50, rtol=1e-12)
    bars = _bars(ax)
    assert [bar[0, 0] for bar in bars] == pytest.approx(
        [scores[a:b].mean() for a, b in ((0, 200), (200, 300), (300, 350), (350, 400))]
    )
    assert all(0 < bar[0, 1] < 3e-4 and bar[1, 1] < 0.08 for bar in bars[:3])


def test_predictions_of_zero_and_one_stay_on_the_axes(ax: Axes) -> None:
    scores = np.repeat([0.0, 1e-300, 1.0], [200, 100, 100])
    y = np.tile([0, 0, 0, 1], 100)
    plot_reliability(ax, y, scores)
    predicted, _ = _xy(ax)
    assert predicted.min() == pytest.approx(0.1 / 400)
    assert predicted.max() == 1
    low, high = ax.get_xlim()
    assert 0 < low < predicted.min()
    assert high > 1


def test_a_line_can_be_styled(ax: Axes, rare: tuple[Labels, Floats]) -> None:
    plot_reliability(ax, *rare, color="green", label="mine")
    assert to_rgba(ax.lines[-1].get_color()) == to_rgba("green")
    assert ax.lines[-1].get_label() == "mine"


WRONG = [
    ([0, 1, 2], [0.1, 0.2, 0.3], "y_true must contain only 0 and 1, got 2"),
    ([0, 0, 0], [0.1, 0.2, 0.3], "y_true must contain positives, got only 0"),
    (
        [0, 1, 1],
        [0.1, 0.2],
        "posterior must have the shape of y_true, (3,), got (2,)",
    ),
    ([0, 1, 1], [0.1, np.nan, 1], "posterior must be finite numbers, got nan"),
]


@pytest.mark.parametrize(("y", "posterior", "message"), WRONG)
@pytest.mark.parametrize("plot", [plot_precision_recall, plot_reliability])
def test_wrong_arguments(
    ax: Axes,
    plot: Callable[..., Axes],
    y: list[int],
    posterior: list[float],
    message: str,
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot(ax, y, posterior)
    assert str(caught.value) == message
    assert not ax.lines


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_reliability_wants_probabilities(ax: Axes, wrong: float) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared in full below
        plot_reliability(ax, [0, 1], [0.5, wrong])
    assert str(caught.value) == f"posterior must be in [0, 1], got {wrong}"
    plot_reliability(ax, [0, 1], [0, 1])
    assert len(ax.lines) == 2


@pytest.mark.parametrize("libraries", [["XGBoost"], ["XGBoost", "LightGBM"]])
def test_a_comparison_has_one_row_per_library(
    rare: tuple[Labels, Floats], libraries: list[str], tmp_path: Path
) -> None:
    y, posterior = rare
    methods = {"built-in": posterior, "class weights": posterior**0.5, "focal": y / 2}
    figure = plot_comparison(y, dict.fromkeys(libraries, methods))
    assert len(figure.axes) == 2 * len(libraries)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[::2] == [
        f"{name}: precision and recall, all rows" for name in libraries
    ]
    assert titles[1::2] == [f"{name}: reliability, all rows" for name in libraries]
    figure.savefig(tmp_path / "figure.png")
    height, width, _ = imread(tmp_path / "figure.png").shape
    assert width == 1425
    assert height == 630 * len(libraries)


def test_methods_differ_without_colour(rare: tuple[Labels, Floats]) -> None:
    y, posterior = rare
    figure = plot_comparison(y, {"XGBoost": dict.fromkeys("abc", posterior)})
    for ax in figure.axes:
        curves = ax.lines[1:]
        assert len({line.get_linestyle() for line in curves}) == 3
        assert len({line.get_color() for line in curves}) == 3
        assert ax.get_legend() is not None
    assert len({line.get_marker() for line in figure.axes[1].lines[1:]}) == 3


def test_without_matplotlib_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "try:\n    import focal_boost.plotting\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "focal_boost.plotting needs matplotlib: pip install matplotlib\n"
    )
