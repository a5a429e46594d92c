"""``merge``: several boosters of the same classes as one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import xgboost as xgb

from focal_boost._adapter.merging import check_alike, check_several

_OBJECTIVE = "binary:logistic"


def merge(boosters: Iterable[Any]) -> Any:
    """Return one booster whose raw score is the mean of the boosters' raw scores.

    The trees stand side by side, their leaves divided by the number of boosters; of a
    booster that was stopped early only those up to its best round, and each as heavy
    as DART has left it. The start value is the mean of the start values.

    Parameters
    ----------
    boosters : iterable of xgboost.Booster
        Trained with "binary:logistic", by XGBoost or by this package, on the same
        features; of many labels, with a tree for each of them.

    Returns
    -------
    xgboost.Booster
        XGBoost's own, for prediction: its ``predict`` is the probability whose
        log-odds are that mean, right to single precision, (n,) or, of many labels,
        (n, K). Where a booster is of a
        forest, a round is a round of it.

    Raises
    ------
    ValueError
        If there are none, one is of another kind or objective, or they differ in
        features or categories.

    Examples
    --------
    >>> import xgboost as xgb
    >>> from focal_boost.xgboost import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> data = xgb.DMatrix(X, y)
    >>> several = [train({"max_depth": depth}, data, 5) for depth in (2, 3)]
    >>> merge(several).num_boosted_rounds()
    10
    """
    several = check_several(boosters, xgb.Booster, "xgboost.Booster")
    models = [_model_of(booster) for booster in several]
    check_alike("boosters", [_described(model) for model in models])
    merged = models[0]
    learner = merged["learner"]
    learner["attributes"] = {}
    each = zip(*(_starts_of(model) for model in models), strict=True)
    means = [1 / (1 + math.exp(-sum(starts) / len(starts))) for starts in each]
    given, text = learner["learner_model_param"], ",".join(f"{m:.9g}" for m in means)
    boxed = given["base_score"].startswith("[")
    given["base_score"] = f"[{text}]" if boxed else text
    kept = [_trees_of(model, 1 / len(models)) for model in models]
    rounds = [_rounds_of(model) for model in models]
    found = _boosting_of(merged)["model"]
    found["tree_info"] = [
        label for one in models for label in _boosting_of(one)["model"]["tree_info"]
    ]
    learner["gradient_booster"] = {
        "name": "gbtree",
        "model": _joined(found, kept, rounds),
    }
    return xgb.Booster(model_file=bytearray(json.dumps(merged).encode()))


def _model_of(booster: Any) -> dict[str, Any]:
    """Return what XGBoost saves of the rounds that count."""
    stopped = booster.attr("best_iteration")
    if stopped is not None and int(stopped) + 1 < booster.num_boosted_rounds():
        booster = booster[: int(stopped) + 1]
    model: dict[str, Any] = json.loads(bytes(booster.save_raw("json")))
    objective = model["learner"]["objective"]["name"]
    if objective != _OBJECTIVE:
        raise ValueError(
            f'boosters must have the objective "{_OBJECTIVE}", got "{objective}"'
        )
    kind = model["learner"]["gradient_booster"]["name"]
    if kind not in {"gbtree", "dart"}:
        raise ValueError(f'boosters must be of trees, got booster="{kind}"')
    if any(int(size) > 1 for size in _leaf_sizes(model)):
        raise ValueError(
            "boosters must have a tree for every label,"
            ' got multi_strategy="multi_output_tree"'
        )
    return model


def _leaf_sizes(model: dict[str, Any]) -> list[str]:
    trees = _boosting_of(model)["model"]["trees"]
    return [tree["tree_param"]["size_leaf_vector"] for tree in trees]


def _described(model: dict[str, Any]) -> dict[str, Any]:
    """Return what boosters must have in common."""
    learner, trees = model["learner"], _boosting_of(model)["model"]
    return {
        "number of features": learner["learner_model_param"]["num_feature"],
        "number of labels": learner["learner_model_param"].get("num_target", "1"),
        "feature_names": learner["feature_names"],
        "feature_types": learner["feature_types"],
        "num_parallel_tree": trees["gbtree_model_param"]["num_parallel_tree"],
        "categories": trees.get("cats"),
    }


def _boosting_of(model: dict[str, Any]) -> dict[str, Any]:
    booster: dict[str, Any] = model["learner"]["gradient_booster"]
    inner: dict[str, Any] = booster.get("gbtree", booster)
    return inner


def _starts_of(model: dict[str, Any]) -> list[float]:
    """Return the raw scores without trees: one, or one per label."""
    text = model["learner"]["learner_model_param"]["base_score"].strip("[]")
    starts = [float(one) for one in text.split(",")]
    return [math.log(start) - math.log1p(-start) for start in starts]


def _trees_of(model: dict[str, Any], share: float) -> list[dict[str, Any]]:
    """Return the trees, each as heavy as it is in the mean."""
    booster = model["learner"]["gradient_booster"]
    trees: list[dict[str, Any]] = _boosting_of(model)["model"]["trees"]
    # DART's weights lie beside the trees, from XGBoost 3.4 on among them.
    weights = booster.get("weight_drop") or booster.get("model", {}).get("weight_drop")
    for tree, weight in zip(trees, weights or [1.0] * len(trees), strict=True):
        _weigh(tree, weight * share)
    return trees


def _weigh(tree: dict[str, Any], weight: float) -> None:
    leaves = [left == -1 for left in tree["left_children"]]
    tree["split_conditions"] = [
        value * weight if leaf else value
        for value, leaf in zip(tree["split_conditions"], leaves, strict=True)
    ]
    tree["base_weights"] = [value * weight for value in tree["base_weights"]]


def _rounds_of(model: dict[str, Any]) -> Sequence[int]:
    """Return the number of trees of every round."""
    ends = _boosting_of(model)["model"]["iteration_indptr"]
    return [after - before for before, after in pairwise(ends)]


def _joined(
    model: dict[str, Any],
    trees: list[list[dict[str, Any]]],
    rounds: list[Sequence[int]],
) -> dict[str, Any]:
    """Return a model of all trees, one booster's rounds after the other's."""
    every = [tree for several in trees for tree in several]
    for number, tree in enumerate(every):
        tree["id"] = number
    ends = [0]
    for several in rounds:
        for count in several:
            ends.append(ends[-1] + count)
    model = {k: v for k, v in model.items() if k != "weight_drop"}
    return model | {
        "trees": every,
        "iteration_indptr": ends,
        "gbtree_model_param": {
            **model["gbtree_model_param"],
            "num_trees": str(len(every)),
        },
    }
