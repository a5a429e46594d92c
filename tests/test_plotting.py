"""Curves against scikit-learn and against counting by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import in_process
from drawn import legend, xy
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray
from sentences import says
from sklearn.metrics import average_precision_score, precision_recall_curve

from focal_boost.datasets import make_imbalanced
from focal_boost.plotting import (
    plot_comparison,
    plot_precision_recall,
    plot_reliability,
    plot_thresholds,
)
from focal_boost.thresholds import Cost, FBeta, choose_threshold

Floats = NDArray[np.float64]
Rare = tuple[NDArray[np.int64], Floats]


@pytest.fixture(scope="module")
def rare() -> Rare:
    _, y, posterior = make_imbalanced(20_000, prevalence=0.02, seed=4)
    return y, posterior


def _bars(ax: Axes) -> list[Floats]:
    (bars,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [np.asarray(segment, dtype=float) for segment in bars.get_segments()]


@pytest.mark.parametrize("decimals", [None, 2, 1])
def test_precision_and_recall_are_scikit_learns(
    ax: Axes, rare: Rare, decimals: int | None
) -> None:
    y, posterior = rare
    scores = posterior if decimals is None else posterior.round(decimals)
    plot_precision_recall(ax, y, scores)
    recall, precision = xy(ax)
    theirs, their_recall, _ = precision_recall_curve(y, scores)
    # Theirs runs from full recall down and ends in an invented precision of 1.
    np.testing.assert_allclose(recall, their_recall[::-1], rtol=1e-12)
    np.testing.assert_allclose(precision[1:], theirs[-2::-1], rtol=1e-12)
    assert precision[0] == precision[1]
    assert ax.lines[-1].get_drawstyle() == "steps-pre"


def test_the_label_holds_the_average_precision(ax: Axes, rare: Rare) -> None:
    y, posterior = rare
    expected = average_precision_score(y, posterior)
    plot_precision_recall(ax, y, posterior, label="truth")
    assert ax.lines[-1].get_label() == f"truth (AP {expected:.3f})"
    plot_precision_recall(ax, y, posterior)
    assert ax.lines[-1].get_label() == f"(AP {expected:.3f})"


def test_precision_needs_only_the_order(ax: Axes, rare: Rare) -> None:
    y, posterior = rare
    plot_precision_recall(ax, y, posterior)
    plot_precision_recall(ax, y, 5 + 3 * np.log(posterior))
    np.testing.assert_array_equal(xy(ax, -1), xy(ax, -2))


@pytest.mark.parametrize("plot", [plot_precision_recall, plot_reliability])
def test_the_axes_come_back_with_one_reference_line(
    ax: Axes, rare: Rare, plot: Callable[..., Axes]
) -> None:
    assert plot(ax, *rare) is ax
    assert plot(ax, *rare) is ax
    assert len(ax.lines) == 3


def test_the_reference_of_precision_is_the_prevalence(ax: Axes, rare: Rare) -> None:
    plot_precision_recall(ax, *rare)
    np.testing.assert_allclose(xy(ax, 0)[1], rare[0].mean())
    assert ax.lines[0].get_label() == f"prevalence {rare[0].mean():.3g}"


def test_the_reference_of_reliability_is_the_diagonal(ax: Axes, rare: Rare) -> None:
    plot_reliability(ax, *rare)
    x, y = xy(ax, 0)
    np.testing.assert_array_equal(x, y)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlim() == ax.get_ylim()


def test_bins_of_reliability_halve(ax: Axes) -> None:
    scores = np.arange(1, 801) / 1000
    y = (np.arange(800) % 4 == 0).astype(int)
    plot_reliability(ax, y, scores)
    predicted, observed = xy(ax)
    edges = [0, 400, 600, 700, 750, 800]
    expected = [scores[a:b].mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    counted = [y[a:b].mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(observed, counted, rtol=1e-12)


def test_the_truth_lies_on_the_diagonal(ax: Axes) -> None:
    _, y, posterior = make_imbalanced(400_000, prevalence=0.02, seed=8)
    plot_reliability(ax, y, posterior)
    predicted, observed = xy(ax)
    assert len(predicted) == len(_bars(ax)) == 13
    assert predicted[-1] / predicted[0] > 100
    np.testing.assert_allclose(observed[3:], predicted[3:], rtol=0.25)
    inside = [
        low <= x <= high for (x, low), (_, high) in (tuple(bar) for bar in _bars(ax))
    ]
    assert sum(inside) >= 11


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


@pytest.mark.parametrize("counts", [{0.01: 300, 0.02: 300, 0.5: 200}, {0.25: 400}])
def test_equal_predictions_share_a_bin(ax: Axes, counts: dict[float, int]) -> None:
    scores = np.repeat([*counts], [*counts.values()])
    plot_reliability(ax, np.arange(len(scores)) % 4 == 3, scores)
    predicted, observed = xy(ax)
    np.testing.assert_allclose(predicted, [*counts], rtol=1e-12)
    np.testing.assert_allclose(observed, 0.25, rtol=1e-12)


def test_a_bin_without_positives_has_a_bar_and_no_marker(ax: Axes) -> None:
    scores = np.arange(1, 401) / 1000
    y = np.zeros(400, dtype=int)
    y[390:] = 1
    plot_reliability(ax, y, scores)
    predicted, observed = xy(ax)
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
    predicted, _ = xy(ax)
    assert predicted.min() == pytest.approx(0.1 / 400)
    assert predicted.max() == 1
    low, high = ax.get_xlim()
    assert 0 < low < predicted.min()
    assert high > 1


def test_a_line_can_be_styled(ax: Axes, rare: Rare) -> None:
    plot_reliability(ax, *rare, color="green", label="mine")
    assert to_rgba(ax.lines[-1].get_color()) == to_rgba("green")
    assert ax.lines[-1].get_label() == "mine"


WRONG = [
    ([0, 1, 2], [0.1, 0.2, 0.3], "y_true must contain only 0 and 1, got 2"),
    ([0, 0, 0], [0.1, 0.2, 0.3], "y_true must contain positives, got only 0"),
    ([0, 1, 1], [0.1, 0.2], "posterior must have the shape of y_true, (3,), got (2,)"),
    ([0, 1, 1], [0.1, np.nan, 1], "posterior must be finite numbers, got nan"),
]


@pytest.mark.parametrize(("y", "posterior", "message"), WRONG)
@pytest.mark.parametrize("plot", [plot_precision_recall, plot_reliability])
def test_wrong_arguments(
    ax: Axes, plot: Callable[..., Axes], y: Any, posterior: Any, message: str
) -> None:
    with says(message):
        plot(ax, y, posterior)
    assert not ax.lines


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_reliability_wants_probabilities(ax: Axes, wrong: float) -> None:
    with says(f"posterior must be in [0, 1], got {wrong}"):
        plot_reliability(ax, [0, 1], [0.5, wrong])
    plot_reliability(ax, [0, 1], [0, 1])
    assert len(ax.lines) == 2


@pytest.mark.parametrize("libraries", [["XGBoost"], ["XGBoost", "LightGBM"]])
def test_a_comparison_has_one_row_per_library(
    rare: Rare, libraries: list[str], tmp_path: Path
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


def test_methods_differ_without_colour(rare: Rare) -> None:
    y, posterior = rare
    figure = plot_comparison(y, {"XGBoost": dict.fromkeys("abc", posterior)})
    for ax in figure.axes:
        curves = ax.lines[1:]
        assert len({line.get_linestyle() for line in curves}) == 3
        assert len({line.get_color() for line in curves}) == 3
        assert ax.get_legend() is not None
    assert len({line.get_marker() for line in figure.axes[1].lines[1:]}) == 3


@pytest.fixture(scope="module")
def tied() -> Rare:
    """Posteriors of few digits."""
    _, y, posterior = make_imbalanced(1_000, prevalence=0.1, seed=21)
    return y, posterior.round(2)


def test_thresholds_have_scikit_learns_curves(ax: Axes, tied: Rare) -> None:
    chosen = choose_threshold(*tied, FBeta(), n_bootstrap=20)
    assert plot_thresholds(ax, *tied, chosen=chosen) is ax
    lines: dict[str, Any] = {str(one.get_label()): one for one in ax.lines}
    precision, recall, thresholds = precision_recall_curve(*tied)
    for name, expected in (("recall", recall), ("precision", precision)):
        drawn = lines[name].get_ydata()
        # Ours begins with no alerts, and ends with all.
        np.testing.assert_allclose(drawn[1:][::-1], expected[:-1], rtol=1e-12)
    np.testing.assert_array_equal(lines["recall"].get_xdata()[:-1][::-1], thresholds)
    (line,) = (one for name, one in lines.items() if name.startswith("chosen"))
    assert set(line.get_xdata()) == {chosen.threshold}
    left, right = ax.get_xlim()
    assert left < chosen.low
    assert right == 1.0


def test_costs_are_least_near_the_choice(ax: Axes, tied: Rare) -> None:
    rule = Cost(1, 10)
    chosen = choose_threshold(*tied, rule, n_bootstrap=1)
    plot_thresholds(ax, *tied, chosen=chosen, sample_weight=None)
    _, right = ax.figure.axes
    at, cost = xy(right)
    assert at[np.argmin(cost)] == pytest.approx(chosen.threshold, rel=0.5)
    names = ["recall", "precision", "cost per row", "chosen, 0.0909"]
    assert legend(right) == names
    other = Figure()
    plot_thresholds(other.subplots(), *tied, cost=rule)
    assert len(other.axes) == 2


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "try:\n    import focal_boost.plotting\n"
        "except ImportError as error:\n    print(error)"
    )
    said = "focal_boost.plotting needs matplotlib: pip install matplotlib\n"
    assert in_process("-c", code, folder=tmp_path).stdout == said
