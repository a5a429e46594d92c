"""The text of a LightGBM model: its settings, and what it lacks while it trains.

With a custom objective the text does not say what the raw score means, and a constant
that was added to the leaves of the first tree is not in its inner nodes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

_SETTING = re.compile(r"^\[(\w+): (.*)\]$", re.MULTILINE)
_TREE = r"^Tree={}\nnum_leaves=(\d+)\n.*?\n\n\n"
_FIRST_LEAF = re.compile(r"^leaf_value=(\S+)", re.MULTILINE)
_TREE_SIZES_LINE = re.compile(r"^tree_sizes=(.*)$", re.MULTILINE)
#: What LightGBM writes of its own objective.
BINARY = "binary sigmoid:1"


class Start(NamedTuple):
    """The start value of a training.

    Attributes
    ----------
    value : float
    leaf : float
        Value of the first tree's first leaf when it was new; DART changes it later, and
        the start value with it.
    lacking : bool
        Whether the leaves lack the value too, and not the inner nodes alone.
    """

    value: float = 0.0
    leaf: float = 0.0
    lacking: bool = False

    def factor(self, leaf: float) -> float:
        """Return what the first tree has been multiplied by."""
        return leaf / self.leaf if self.leaf else 1.0


def settings_of(text: str) -> dict[str, str]:
    """Return LightGBM's own reading of all parameters, by its first names."""
    return dict(_SETTING.findall(text))


class FirstTree(NamedTuple):
    """The number of leaves and the value of the first one."""

    leaves: int
    leaf: float


def first_tree(text: str, of_class: int = 0) -> FirstTree:
    """Return what there is to know of a class's first tree; 0 leaves if it has none."""
    match = _match(text, of_class)
    if match is None:
        return FirstTree(0, 0.0)
    return FirstTree(int(match[1]), float(_FIRST_LEAF.findall(match.group())[0]))


def as_own(text: str, objective: str = BINARY) -> str:
    """Return the text of a model with a custom objective as that of LightGBM's own."""
    head, names, rest = text.partition("feature_names=")
    head = re.sub(r"^objective=.*\n", "", head, flags=re.MULTILINE)
    text = head + f"objective={objective}\n" + names + rest
    name = objective.split(maxsplit=1)[0]
    return text.replace("\n[objective: custom]\n", f"\n[objective: {name}]\n", 1)


def with_start(text: str, start: Start, of_class: int = 0) -> str:
    """Return the text with the start value in the first tree of a class."""
    match = _match(text, of_class)
    if match is None or not start.value:
        return text
    tree = match.group()
    shrinkage = start.factor(first_tree(text, of_class).leaf)
    tree = re.sub(r"(?m)^shrinkage=.*$", f"shrinkage={shrinkage:.6g}", tree)
    tree = _shifted(tree, "internal_value", start.value * shrinkage, "{:.6g}")
    for name in ("leaf_value", "leaf_const") if start.lacking else ():
        tree = _shifted(tree, name, start.value * shrinkage, "{:.17g}")

    def resized(line: re.Match[str]) -> str:
        sizes = line[1].split(" ")
        sizes[of_class] = str(len(tree))
        return f"tree_sizes={' '.join(sizes)}"

    head = _TREE_SIZES_LINE.sub(resized, text[: match.start()], count=1)
    return head + tree + text[match.end() :]


def _match(text: str, tree: int) -> re.Match[str] | None:
    return re.search(_TREE.format(tree), text, re.DOTALL | re.MULTILINE)


def dump_with_starts(
    dump: dict[str, Any], starts: Sequence[Start], objective: str = BINARY
) -> dict[str, Any]:
    """Return what ``dump_model`` returned likewise, from the start of every class."""
    ordered: dict[str, Any] = {}
    for name, value in dump.items():
        if name == "average_output":
            ordered["objective"] = objective
        ordered[name] = value
    # Of no trees there is none.
    for start, first in zip(starts, dump["tree_info"], strict=False):
        if start.value:
            _start_tree(first, start)
    return ordered


def _start_tree(first: dict[str, Any], start: Start) -> None:
    leaf = first["tree_structure"]
    while "left_child" in leaf:
        leaf = leaf["left_child"]
    # The first leaf is the leftmost one: a split keeps its number on the left.
    factor = start.factor(leaf["leaf_value"])
    # As JSON reads it: 1, and not 1.0.
    first["shrinkage"] = json.loads(f"{factor:.6g}")
    _shift(first["tree_structure"], start.value * factor, start)


def _shift(node: dict[str, Any], value: float, start: Start) -> None:
    if "internal_value" in node:
        node["internal_value"] = float(f"{node['internal_value'] + value:.6g}")
    for name in ("leaf_value", "leaf_const") if start.lacking else ():
        if name in node:
            node[name] += value
    for side in ("left_child", "right_child"):
        if side in node:
            _shift(node[side], value, start)


def _shifted(tree: str, name: str, start: float, form: str) -> str:
    def shifted(line: re.Match[str]) -> str:
        values = (form.format(float(value) + start) for value in line[1].split())
        return f"{name}={' '.join(values)}"

    return re.sub(rf"^{name}=(.+)$", shifted, tree, flags=re.MULTILINE)
