"""The tables of ``many_classes.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from options import joined, machine, versions

Figures = dict[str, float]
# What focal loss is compared with: the better one of these, set by set.
_RIVALS = {
    ("xgboost", "focal"): ("softprob", "one-vs-rest"),
    ("xgboost", "focal, small leaves"): (
        "softprob, small leaves",
        "one-vs-rest, small leaves",
    ),
    ("xgboost", "focal, weights"): ("softprob, weights", "one-vs-rest, weights"),
    ("lightgbm", "focal"): ("multiclass", "multiclassova"),
    ("lightgbm", "focal, weights"): (
        "multiclass, weights",
        "multiclassova, weights",
    ),
}


def report(known: dict[str, Figures], rows: int, sets: Sequence[str]) -> str:
    """Return the results for that many rows as Markdown.

    Parameters
    ----------
    known : dict
        Figures by "set, library, method, N rows".
    rows : int
    sets : sequence of str
        Their order.
    """
    ending = f", {rows} rows"
    found = {
        tuple(key.removesuffix(ending).split(", ", 2)): one
        for key, one in known.items()
        if key.endswith(ending)
    }
    first = f"{machine()}; {joined(versions())}; at most {rows:,} rows of a set."
    return "\n".join([first, "", *_ratios(found), "", *_table(found, sets)]) + "\n"


def _ratios(found: dict[Any, Figures]) -> list[str]:
    """Return geometric means of focal loss over the better one of its rivals."""
    lines = [
        "Focal loss over the better of the two built-in objectives, geometric mean of",
        "the sets with one class per row (log loss: the lower the better):",
        "",
        "| library | method | sets | macro AP | rare AP | log loss |",
        "|---|---|---|---|---|---|",
    ]
    for (library, method), rivals in _RIVALS.items():
        of = [one for one in sorted({key[0] for key in found})
              if (one, library, rivals[0]) in found]  # fmt: skip
        means = []
        for figure, best in (("macro AP", max), ("rare AP", max), ("log loss", min)):
            logs = [
                np.log(found[one, library, method][figure])
                - np.log(best(found[one, library, rival][figure] for rival in rivals))
                for one in of
                if figure in found[one, library, method]
            ]
            means.append(f"{np.exp(np.mean(logs)):.3f}" if logs else "")
        if of:
            lines.append(f"| {library} | {method} | {len(of)} | {' | '.join(means)} |")
    return lines


def _table(found: dict[Any, Figures], sets: Sequence[str]) -> list[str]:
    lines = [
        "| set | library | method | macro AP | rare AP | log loss |",
        "|---|---|---|---|---|---|",
    ]
    order = {name: number for number, name in enumerate(sets)}
    for key in sorted(found, key=lambda of: (order[of[0]], of[1] != "xgboost", of[2])):
        one, rare = found[key], ""
        if "rare AP" in one:
            rare = f"{one['rare AP']:.4f}"
        lines.append(
            f"| {' | '.join(key)} | {one['macro AP']:.4f} | {rare} |"
            f" {one['log loss']:.4f} |"
        )
    return lines
