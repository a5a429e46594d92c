"""The sets of a ``FocalLGBMClassifier.fit``: their labels and initial scores."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from lightgbm.basic import LightGBMError

from focal_boost._adapter.features import check_names
from focal_boost._adapter.target import Target
from focal_boost._validation import shown

# Of column names, which stand in the model's JSON.
FORBIDDEN = '",:[]{}'


def start_from(start: Any, given: dict[str, Any]) -> None:
    """Set the start value, or that of each class, as initial score of all sets."""

    def full(y: Any) -> Any:
        # Whatever becomes an array need not have a length.
        return np.full((len(np.asarray(y)), *np.shape(start)), start)

    given["init_score"] = full(given["y"])
    pairs = given.get("eval_set") or []
    labels = [y for _, y in ([pairs] if isinstance(pairs, tuple) else pairs)]
    if given.get("eval_y") is not None:
        several = given["eval_y"]
        labels = list(several) if isinstance(several, tuple) else [several]
    own = given.get("eval_init_score")
    if labels:
        given["eval_init_score"] = [
            full(y) + _own_of(own, i, full(y).shape) for i, y in enumerate(labels)
        ]


def _own_of(own: Any, i: int, shape: tuple[int, ...]) -> Any:
    one = own.get(i) if isinstance(own, dict) else own[i] if own is not None else None
    if one is None:
        return 0.0
    given = np.asarray(one, np.float64)
    # Those of many classes may be given class after class.
    return given.reshape(shape, order="F") if len(shape) > 1 else given


def plain_labels(given: dict[str, Any]) -> Target:
    """Return the target, and hand LightGBM labels that it takes.

    The object stays the caller's where that is possible, as LightGBM knows the
    training set among the evaluation sets by it.
    """
    y = given["y"]
    check_names(given["X"], FORBIDDEN, LightGBMError)
    target = Target.of(y, warn=False, many=True)
    target.check_rows(given["X"])
    plain = target.plain(y)
    given["y"] = plain
    for name in ("eval_set", "eval_y"):
        if given.get(name) is not None:
            given[name] = replaced(given[name], lambda one: plain if one is y else one)
    _encode_sets(given, target)
    return target


def _encode_sets(given: dict[str, Any], target: Target) -> None:
    """Make labels numbers from 0 that LightGBM encodes in ``eval_set`` only."""
    several, classes = given.get("eval_y"), target.classes.tolist()
    if several is None or len(classes) < 2 or classes == list(range(len(classes))):
        return
    encode = functools.partial(target.encode, name="eval_y")
    is_tuple = isinstance(several, tuple)
    given["eval_y"] = tuple(map(encode, several)) if is_tuple else encode(several)


def replaced(given: Any, change: Any) -> Any:
    """Return labels of one set or several, each changed."""
    if isinstance(given, list | tuple):
        return type(given)(replaced(one, change) for one in given)
    return change(given)


def check_part(alpha: Any, target: Target) -> None:
    """Raise for what one machine's rows cannot tell of the rows of all."""
    if alpha == "balanced":
        raise ValueError(
            "focal_alpha must be None or a number in (0, 1) on several machines,"
            f" got {shown(alpha)}; focal_boost.dask counts the classes of all"
        )
    if len(target.classes) == 1 and target.classes[0] != 0:
        raise ValueError(
            "y must hold both labels, or 0 alone, on each of several machines, because"
            " LGBMClassifier numbers the labels of each by themselves, as"
            f" focal_boost.lightgbm.train does not; got {target.classes.tolist()}"
        )
