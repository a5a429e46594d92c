"""``merge``: several boosters of the same classes as one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import lightgbm as lgb

from focal_boost._adapter.merging import check_alike, check_several

_TREE = re.compile(r"^Tree=\d+\n.*?\n\n\n", re.DOTALL | re.MULTILINE)
_TREE_SIZES = re.compile(r"^tree_sizes=.*$", re.MULTILINE)
# What a tree adds to the raw score, and how much of it was learned.
_SCALED = ("leaf_value", "internal_value", "leaf_const", "leaf_coeff", "shrinkage")
_SCALED_LINE = re.compile(rf"^({'|'.join(_SCALED)})=(.*)$", re.MULTILINE)
# Lines of a model's text that boosters must have in common.
_IN_COMMON = ("objective", "max_feature_idx", "feature_names", "pandas_categorical")


def merge(boosters: Iterable[Any]) -> Any:
    """Return one booster whose raw score is the mean of the boosters' raw scores.

    The trees stand side by side, their leaves, with the start values in them, divided
    by the number of boosters; of a booster that was stopped early only those up to its
    best round. DART and linear trees are taken too.

    Parameters
    ----------
    boosters : iterable of lightgbm.Booster
        Trained with the objective "binary", or all with "multiclassova", by LightGBM
        or by this package, on the same features.

    Returns
    -------
    lightgbm.Booster
        LightGBM's own, for prediction: its ``predict`` is the probability whose
        log-odds are that mean, (n,), or (n, K) of many classes.

    Raises
    ------
    ValueError
        If there are none, one is of another kind or objective, or they differ in
        features or categories.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> from focal_boost.lightgbm import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> params = {"verbosity": -1, "bagging_freq": 1, "bagging_fraction": 0.5}
    >>> several = [
    ...     train({**params, "seed": seed}, lgb.Dataset(X, y), 5) for seed in (0, 1)
    ... ]
    >>> merge(several).num_trees()
    10
    """
    several = check_several(boosters, lgb.Booster, "lightgbm.Booster")
    texts = [booster.model_to_string() for booster in several]
    described = [_described(text) for text in texts]
    for one in described:
        _check(one)
    check_alike("boosters", described)
    found = [tree for text in texts for tree in _TREE.findall(text)]
    trees = [
        re.sub(r"^Tree=\d+", f"Tree={number}", _scaled(tree, 1 / len(texts)))
        for number, tree in enumerate(found)
    ]
    return lgb.Booster(model_str=_with_trees(texts[0], trees))


def _with_trees(text: str, trees: list[str]) -> str:
    """Return the text of a model with other trees."""
    end = text.index("end of trees\n")
    begin = text.find("Tree=0\n", 0, end)
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    head = _TREE_SIZES.sub(f"tree_sizes={sizes}", text[: end if begin < 0 else begin])
    return head + "".join(trees) + text[end:]


def _described(text: str) -> dict[str, str]:
    """Return what the text says of what boosters must have in common."""
    found = {}
    for name in _IN_COMMON:
        line = re.search(rf"^{name}[=:](.*)$", text, re.MULTILINE)
        found[name] = line[1] if line else "none"
    averaged = re.search(r"^average_output$", text, re.MULTILINE)
    return {**found, "kind of boosting": "rf" if averaged else "gbdt"}


def _check(described: dict[str, str]) -> None:
    """Raise unless its scores are log-odds, and sums of its trees."""
    objective = described["objective"]
    if objective.split(" ")[0] not in {"binary", "multiclassova"}:
        raise ValueError(
            'boosters must have the objective "binary" or "multiclassova", got'
            f' "{objective}"'
        )
    if described["kind of boosting"] == "rf":
        raise ValueError('boosters must add up their trees, got boosting="rf"')


def _scaled(tree: str, share: float) -> str:
    def line(found: re.Match[str]) -> str:
        # Of linear trees the coefficients of a leaf are apart by two spaces.
        parts = re.split(r"(\s+)", found[2])
        values = (f"{float(one) * share:.17g}" if one.strip() else one for one in parts)
        return f"{found[1]}={''.join(values)}"

    return _SCALED_LINE.sub(line, tree)
