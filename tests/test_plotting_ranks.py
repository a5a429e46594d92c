"""The critical-difference diagram against Demšar's own example and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sentences import says

from focal_boost.plotting import plot_critical_difference

# Demšar (2006), table 6: four variants of C4.5 on 14 sets.
DEMSAR = {"C4.5": 3.143, "C4.5+m": 2.000, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}


def _ends(line: Line2D) -> NDArray[np.float64]:
    return np.asarray(line.get_xydata(), dtype=float)


def _bars(ax: Axes) -> list[tuple[float, float]]:
    """Return the ranks that the thick bars below the scale join, as drawn."""
    ends = [_ends(line)[:, 0] for line in ax.lines if line.get_linewidth() == 3]
    return [(low, high) for low, high in ends]


def _texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def _joined(ax: Axes, values: list[float]) -> list[list[float]]:
    """Return the ranks that lie under each bar."""
    return [
        [value for value in values if low <= value <= high] for low, high in _bars(ax)
    ]


@pytest.mark.parametrize(
    ("values", "critical_difference", "joined"),
    [
        # Demšar's section 3.2.2: at 0.05 not even the best and the worst differ; at
        # 0.10 C4.5 is worse than both with m, and C4.5+cf is in either group.
        (sorted(DEMSAR.values()), 1.25, [[1.964, 2.000, 2.893, 3.143]]),
        (sorted(DEMSAR.values()), 1.12, [[1.964, 2.000, 2.893], [2.893, 3.143]]),
        ([1.0, 1.5, 3.0, 3.2, 5.0], 1.75, [[1.0, 1.5], [1.5, 3.0, 3.2]]),
        ([1.0, 2.0, 3.0], 0.5, []),
        ([1.1, 1.9, 3.0], 9.0, [[1.1, 1.9, 3.0]]),
        ([1.5, 1.5, 3.0], 0.1, [[1.5, 1.5]]),
        ([1.0, 2.0, 3.0], 1.0, [[1.0, 2.0], [2.0, 3.0]]),
        ([1.0], 0.5, []),
    ],
)
def test_bars_join_what_does_not_differ(
    ax: Axes, values: list[float], critical_difference: float, joined: Any
) -> None:
    names = {f"method {rank}{i}": rank for i, rank in enumerate(values)}
    plot_critical_difference(ax, dict(reversed(names.items())), critical_difference)
    assert _joined(ax, values) == joined


def test_every_method_has_its_name_and_rank_and_a_line_to_the_scale(ax: Axes) -> None:
    ranks = {"worst": 2.9, "best": 1.2, "middle": 1.9}
    assert plot_critical_difference(ax, ranks, 0.8) is ax
    assert {"best  1.20", "middle  1.90", "worst  2.90", "CD 0.80"} <= set(_texts(ax))
    assert {"1", "2", "3"} <= set(_texts(ax))
    starts = [_ends(line)[0] for line in ax.lines if len(_ends(line)) == 3]
    np.testing.assert_array_equal(starts, [[1.2, 0], [1.9, 0], [2.9, 0]])


def test_the_better_half_stands_on_the_left(ax: Axes) -> None:
    plot_critical_difference(ax, DEMSAR, 1.12)
    side = {text.get_text().split()[0]: text.xy[0] for text in ax.texts}
    assert side["C4.5+m+cf"] == side["C4.5+m"] == 1
    assert side["C4.5+cf"] == side["C4.5"] == 4


def test_the_critical_difference_has_its_length(ax: Axes) -> None:
    plot_critical_difference(ax, DEMSAR, 1.12)
    lengths = [np.ptp(_ends(line)[:, 0]) for line in ax.lines if _ends(line)[0, 1] > 1]
    assert lengths == [pytest.approx(1.12)]
    assert "CD 1.12" in _texts(ax)


def test_a_long_critical_difference_stays_inside(ax: Axes) -> None:
    plot_critical_difference(ax, {"a": 1.0, "b": 2.0}, 7.5)
    assert ax.get_xlim()[1] >= 8.5


@pytest.mark.parametrize("size", [2, 5, 12])
def test_no_text_overlaps(size: int) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.subplots()
    ranks = {f"method number {i}": 1 + 0.9 * i for i in range(size)}
    plot_critical_difference(ax, ranks, 1.4)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_the_lines_to_the_names_can_be_styled(ax: Axes) -> None:
    plot_critical_difference(ax, DEMSAR, 1.12, c="green", lw=2)
    lines = [line for line in ax.lines if len(_ends(line)) == 3]
    assert len(lines) == 4
    assert {to_rgba(line.get_color()) for line in lines} == {to_rgba("green")}
    assert {line.get_linewidth() for line in lines} == {2}


@pytest.mark.parametrize(
    ("ranks", "critical_difference", "message"),
    [
        ([1.0, 2.0], 1.0, "ranks must be a mapping of names to ranks, got [1.0, 2.0]"),
        ({}, 1.0, "ranks must not be empty, got shape (0,)"),
        ({"a": 0.5, "b": 2.0}, 1.0, "ranks must be in [1, 2], got 0.5"),
        ({"a": 1.0, "b": 2.5}, 1.0, "ranks must be in [1, 2], got 2.5"),
        ({"a": 1.0, "b": np.nan}, 1.0, "ranks must be in [1, 2], got nan"),
        ({"a": "first"}, 1.0, "ranks must be numbers, got 'first'"),
        ({"a": 1.0}, 0, "critical_difference must be a number > 0, got 0"),
        ({"a": 1.0}, np.inf, "critical_difference must be a number > 0, got inf"),
        ({"a": 1.0}, "1", "critical_difference must be a number > 0, got '1'"),
    ],
)
def test_wrong_arguments(
    ax: Axes, ranks: Any, critical_difference: Any, message: str
) -> None:
    with says(message):
        plot_critical_difference(ax, ranks, critical_difference)
    assert not ax.lines
