"""One picture of what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parts import Record, column_of


def save_plot(results: dict[str, Any], path: Path) -> bool:
    """Draw a panel per part; return whether matplotlib is there to do so."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    panels = [
        (draw, results[part]) for part, draws in _PANELS.items() for draw in draws
        if part in results
    ]  # fmt: skip
    figure = Figure(figsize=(7, 4.2 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (draw, measured) in enumerate(panels, 1):
        draw(figure.add_subplot(len(panels), 1, number), measured)
    figure.savefig(path, dpi=120)
    return True


def _kernel(ax: Any, records: list[Record]) -> None:
    lines: dict[str, list[tuple[int, float]]] = {}
    for one in records:
        if one["error"] is None and (one["dtype"], one["gamma"]) == ("float32", 2.0):
            name = f"{column_of(one)}, {one['threads']} thread(s)"
            point = one["rows"], one["ns_per_row"]["median"]
            lines.setdefault(name, []).append(point)
    _lines(ax, lines)
    ax.set(xlabel="rows", ylabel="ns per row", title="Kernel, float32, gamma 2")


def _seconds(ax: Any, point: Record) -> None:
    _bars(ax, point, "of_built_in", "time of the built-in loss", 1)


def _bytes(ax: Any, point: Record) -> None:
    _bars(ax, point, "bytes_per_row_over_built_in", "bytes per row over it", 0)


def _bars(ax: Any, point: Record, key: str, label: str, base: float) -> None:
    shown = [one for one in point["competitors"] if one["error"] is None and one[key]]
    middle = [one[key]["median"] for one in shown]
    low = [one[key]["median"] - one[key]["low"] for one in shown]
    high = [one[key]["high"] - one[key]["median"] for one in shown]
    names = [one["name"] for one in shown]
    ax.barh(names, middle, xerr=[low, high], color="#0072B2", ecolor="0.3")
    ax.axvline(base, color="0.3", linestyle="--")
    ax.invert_yaxis()
    ax.set(xlabel=label, title=f"Training, {point['rows']:,} rows")


def _growth_with(axis: str) -> Any:
    def draw(ax: Any, points: dict[str, list[Record]]) -> None:
        lines: dict[str, list[tuple[int, float]]] = {}
        for point in points[axis]:
            for one in point["competitors"]:
                if one["error"] is None:
                    time = one["ns_per_row_and_round"]["median"]
                    lines.setdefault(one["name"], []).append((point[axis], time))
        _lines(ax, lines)
        ax.set(xlabel=axis, ylabel="ns per row and round", title=f"Growth with {axis}")

    return draw


def _round(ax: Any, records: list[Record]) -> None:
    sound = [one for one in records if one["error"] is None]
    names = [f"{r['library']}, γ {r['gamma']:g}, {r['threads']} threads" for r in sound]
    ax.barh(names, [one["ratio"]["median"] for one in sound], color="#0072B2")
    ax.axvline(1, color="0.3", linestyle="--")
    ax.invert_yaxis()
    ax.set(xlabel="times the built-in's", title="A round")


def _lines(ax: Any, lines: dict[str, list[tuple[int, float]]]) -> None:
    for number, (name, points) in enumerate(lines.items()):
        x, y = zip(*sorted(points), strict=True)
        ax.plot(x, y, marker="os^vDPX*"[number % 8], label=name)
    ax.set(xscale="log", yscale="log")
    ax.legend(fontsize="small")


_PANELS: dict[str, tuple[Any, ...]] = {
    "kernel": (_kernel,),
    "training": (_seconds, _bytes),
    "growth": (_growth_with("rows"), _growth_with("rounds")),
    "round": (_round,),
}
