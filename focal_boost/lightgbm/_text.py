"""The text of a LightGBM model: its settings, and what it lacks while it trains.

With a custom objective the text does not say what the raw score means, and a constant
that was added to the leaves of the first tree is not in its inner nodes.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_SETTING = re.compile(r"^\[(\w+): (.*)\]$", re.MULTILINE)
_FIRST_TREE = re.compile(
    r"^Tree=0\nnum_leaves=(\d+)\n.*?\n\n\n", re.DOTALL | re.MULTILINE
)
_FIRST_LEAF = re.compile(r"^leaf_value=(\S+)", re.MULTILINE)
_TREE_SIZES_LINE = re.compile(r"^tree_sizes=(\d+)", re.MULTILINE)
_OBJECTIVE_LINE = "objective=binary sigmoid:1\n"


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


def first_tree(text: str) -> FirstTree:
    """Return what there is to know of the first tree; 0 leaves if there is none."""
    match = _FIRST_TREE.search(text)
    if match is None:
        return FirstTree(0, 0.0)
    return FirstTree(int(match[1]), float(_FIRST_LEAF.findall(match.group())[0]))


def as_binary(text: str) -> str:
    """Return the text of a model with a custom objective as that of "binary"."""
    head, names, rest = text.partition("feature_names=")
    head = re.sub(r"^objective=.*\n", "", head, flags=re.MULTILINE)
    text = head + _OBJECTIVE_LINE + names + rest
    return text.replace("\n[objective: custom]\n", "\n[objective: binary]\n", 1)


def with_start(text: str, start: Start) -> str:
    """Return the text with the start value in its first tree, as LightGBM's own is."""
    match = _FIRST_TREE.search(text)
    if match is None or not start.value:
        return text
    tree = match.group()
    shrinkage = start.factor(first_tree(text).leaf)
    tree = re.sub(r"(?m)^shrinkage=.*$", f"shrinkage={shrinkage:.6g}", tree)
    tree = _shifted(tree, "internal_value", start.value * shrinkage, "{:.6g}")
    for name in ("leaf_value", "leaf_const") if start.lacking else ():
        tree = _shifted(tree, name, start.value * shrinkage, "{:.17g}")
    head = _TREE_SIZES_LINE.sub(f"tree_sizes={len(tree)}", text[: match.start()])
    return head + tree + text[match.end() :]


def dump_with_start(dump: dict[str, Any], start: Start) -> dict[str, Any]:
    """Return what ``dump_model`` returned, likewise."""
    ordered: dict[str, Any] = {}
    for name, value in dump.items():
        if name == "average_output":
            ordered["objective"] = "binary sigmoid:1"
        ordered[name] = value
    if start.value and dump["tree_info"]:
        first = dump["tree_info"][0]
        leaf = first["tree_structure"]
        while "left_child" in leaf:
            leaf = leaf["left_child"]
        # The first leaf is the leftmost one: a split keeps its number on the left.
        factor = start.factor(leaf["leaf_value"])
        # As JSON reads it: 1, and not 1.0.
        first["shrinkage"] = json.loads(f"{factor:.6g}")
        _shift(first["tree_structure"], start.value * factor, start)
    return ordered


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
