"""Colours and line styles, which tell curves apart with and without colour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D

# Of Okabe and Ito, which the colour-blind can tell apart, without their yellow, which
# is too pale on white.
BLACK, BLUE, ORANGE = "#000000", "#0072B2", "#D55E00"
_COLOURS = (BLACK, BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# One fewer, so that 42 curves pass before a colour meets the same dashes again.
_DASHES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (7, 2, 1, 2, 1, 2)),
    (0, (2, 1)),
)
# The third, focal loss in a comparison, is the one without gaps.
_FEW_DASHES = ("--", ":", "-", "-.", (0, (7, 2, 1, 2, 1, 2)))
_MARKERS = ("s", "^", "o", "D", "v", "P", "X")
GREY_LINE: dict[str, Any] = {"color": "0.6", "linewidth": 1, "zorder": 0}


def curve_styles() -> Iterator[dict[str, Any]]:
    """Yield a colour and dashes for one curve after the other, without end."""
    for colour, dashes in zip(cycle(_COLOURS), cycle(_DASHES), strict=False):
        yield {"color": colour, "linestyle": dashes}


def distinct_styles(n: int) -> list[dict[str, Any]]:
    """Return `n` styles of which no two have a colour in common."""
    colours: list[Any] = list(_COLOURS)
    if n > len(colours):
        colours = list(colormaps["turbo"](np.linspace(0.02, 0.98, n)))
    looks = zip(colours, cycle(_FEW_DASHES), cycle(_MARKERS), strict=False)
    return [
        {"color": colour, "linestyle": dashes, "marker": marker}
        for (colour, dashes, marker), _ in zip(looks, range(n), strict=False)
    ]


def styled(style: dict[str, Any], line: dict[str, Any], label: str) -> dict[str, Any]:
    """Return a style with the caller's own on top, and a label behind the caller's."""
    own: dict[str, Any] = normalize_kwargs(line, Line2D)
    return {**style, **own, "label": f"{own.get('label', '')} {label}".strip()}
