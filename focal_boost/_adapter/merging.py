"""What boosters must be to become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def check_several(boosters: Iterable[Any], kind: type, name: str) -> list[Any]:
    """Return boosters as a list of one or more."""
    several = list(boosters)
    if not several:
        raise ValueError("boosters must be one booster or more, got none")
    for one in several:
        if not isinstance(one, kind):
            raise ValueError(f"boosters must be of {name}, got {type(one).__name__}")
    return several


def check_alike(name: str, described: Sequence[dict[str, Any]]) -> None:
    """Raise unless all have the same of everything that is described."""
    for what, first in described[0].items():
        for other in described[1:]:
            if other[what] != first:
                got = f"{_short(first)} and {_short(other[what])}"
                raise ValueError(f"{name} must have the same {what}, got {got}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
