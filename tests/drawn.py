"""What stands in a picture."""

from __future__ import annotations

from typing import Any

import numpy as np


def xy(ax: Any, line: int = -1) -> tuple[Any, Any]:
    """Return the points of a line, by default the last one drawn."""
    x, y = np.asarray(ax.lines[line].get_xydata(), dtype=float).T
    return x, y


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]
