"""The text of a LightGBM model, made to stand alone.

A model trained with a custom objective does not say what its margin means, and does
not hold the start value that its trees were grown from. Both are lines of its text.
"""

from __future__ import annotations

import re
from typing import Any

import lightgbm as lgb

# LightGBM's own names for logistic regression and for a custom objective.
_OBJECTIVE_LINE = "objective=binary sigmoid:1\n"
_FIRST_TREE = re.compile(r"^Tree=0\n.*?\n\n\n", re.DOTALL | re.MULTILINE)
# What a constant added to a tree changes; LightGBM's boost_from_average, which is
# folded into the first tree too, also states the shrinkage as 1 from then on.
_SHIFTED_LINE = re.compile(
    r"^(leaf_value|internal_value|leaf_const)=(.*)$", re.MULTILINE
)
_SHRINKAGE_LINE = re.compile(r"^shrinkage=.*$", re.MULTILINE)
_TREE_SIZES_LINE = re.compile(r"^tree_sizes=(\d+)", re.MULTILINE)


def self_contained(booster: Any, start: float) -> Any:
    """Return the booster with `start` in its first tree and the objective "binary".

    Every number is written with 17 digits, so that nothing else changes by a bit.
    """
    text = _with_objective(booster.model_to_string(num_iteration=-1))
    if start:
        text = _with_start(text, start)
    # A new object, because the old one remembers that it was trained without an
    # objective of LightGBM's and refuses to be refitted.
    contained = lgb.Booster(model_str=text)
    contained.best_iteration = booster.best_iteration
    contained.best_score = booster.best_score
    contained.params = {**booster.params, "objective": "binary"}
    return contained


def _with_objective(text: str) -> str:
    head, names, rest = text.partition("feature_names=")
    head = re.sub(r"^objective=.*\n", "", head, flags=re.MULTILINE)
    text = head + _OBJECTIVE_LINE + names + rest
    return text.replace("\n[objective: custom]\n", "\n[objective: binary]\n", 1)


def _with_start(text: str, start: float) -> str:
    match = _FIRST_TREE.search(text)
    if match is None:
        raise ValueError("booster must have at least one tree, got a model without")
    tree = _SHIFTED_LINE.sub(lambda line: _shifted(line, start), match.group())
    tree = _SHRINKAGE_LINE.sub("shrinkage=1", tree)
    head = _TREE_SIZES_LINE.sub(f"tree_sizes={len(tree)}", text[: match.start()])
    return head + tree + text[match.end() :]


def _shifted(line: re.Match[str], start: float) -> str:
    values = (repr(float(value) + start) for value in line[2].split())
    return f"{line[1]}={' '.join(values)}"
