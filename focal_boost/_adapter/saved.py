"""What a saved model says of its loss, beside the library's own trees."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost import __version__
from focal_boost._adapter.target import BINARY, MULTICLASS, Encoded
from focal_boost._validation import check_integer, shown
from focal_boost.multi import MultiFocalObjective
from focal_boost.objective import FocalObjective

# Files of a greater one hold what this version does not know; 2 is of many classes.
_FORMAT = 2


class SavedModel(NamedTuple):
    """A model that was read from a file, and what it was trained with.

    Attributes
    ----------
    booster : Booster
        The library's own.
    objective : FocalObjective or MultiFocalObjective
        Its loss and link.
    classes : ndarray, (K,), or None
        The labels in order, of two the positive one last; None stands for numbers
        from 0.
    version : str
        The version of this package that wrote the file.
    """

    booster: Any
    objective: FocalObjective | MultiFocalObjective
    classes: NDArray[Any] | None
    version: str


def description(
    objective: FocalObjective | MultiFocalObjective,
    classes: ArrayLike | None,
    **more: Any,
) -> str:
    """Return what a saved model says of its loss and labels, as one line of JSON."""
    if not isinstance(objective, FocalObjective | MultiFocalObjective):
        raise ValueError(f"objective must be a FocalObjective, got {shown(objective)}")
    said = {
        "format": 1 if isinstance(objective, FocalObjective) else 2,
        "version": __version__,
        "alpha": objective.alpha,
        "gamma": objective.gamma,
        "link": objective.link,
        "hessian": objective.hessian,
        **_classes_said(classes),
    }
    return json.dumps({**said, **more})


def _classes_said(classes: ArrayLike | None) -> dict[str, Any]:
    if classes is None:
        return {"classes": None}
    array = np.asarray(classes)
    labels = array.tolist()
    # JSON has no other values, and dates of NumPy would become plain integers.
    known = array.dtype.kind in "biufUO" and array.ndim == 1
    if not (known and all(type(one) in (bool, int, float, str) for one in labels)):
        raise ValueError(
            "classes of a model that is saved must be numbers, texts or booleans, got"
            f" {shown(labels)} of dtype {array.dtype}"
        )
    return {"classes": labels, "classes_dtype": array.dtype.str}


def labels_said(encoded: Encoded) -> dict[str, Any]:
    """Return what a description of many classes says of the labels."""
    if encoded.kind == BINARY:
        return {}
    dtype = None if encoded.dtype is None else np.dtype(encoded.dtype).str
    return {"kind": encoded.kind, "columns": encoded.columns, "dtype": dtype}


def labels_in(text: str, found: SavedModel) -> Encoded:
    """Return what the labels of a described model were."""
    said, classes = json.loads(text), found.classes
    if isinstance(found.objective, FocalObjective):
        return Encoded(classes)
    columns = said.get("columns") or (0 if classes is None else len(classes))
    if not columns:
        raise ValueError(
            "classes must be in the file of a model of many classes, got none"
        )
    kind, dtype = said.get("kind", MULTICLASS), said.get("dtype")
    if kind == MULTICLASS and classes is None:
        classes = np.arange(columns)
    return Encoded(classes, kind, columns, dtype and np.dtype(dtype))


def described(booster: Any, text: str | None, file: Any) -> SavedModel:
    """Return a model with what a :func:`description` in its file says.

    Raises
    ------
    ValueError
        If the file holds none, or one that this version cannot read.
    """
    if text is None:
        raise ValueError(
            "the file must hold the focal loss of its model, as save and save_model of"
            f" this package write it, got {shown(PurePath(str(file)).name)} without"
        )
    try:
        said = json.loads(text)
        form = check_integer(said.get("format", 1), "format", 1)
        if form <= _FORMAT:
            return _read(booster, said)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            "the focal loss in the file must be what this package wrote,"
            f" got {shown(text)}"
        ) from error
    raise ValueError(
        f"the format of the focal loss in the file must be at most {_FORMAT}, got"
        f" {shown(form)} of focal-boost {said.get('version')}, which reads it"
    )


def _read(booster: Any, said: dict[str, Any]) -> SavedModel:
    kind = MultiFocalObjective if said.get("format") == 2 else FocalObjective
    objective = kind(
        said["alpha"], said["gamma"], said["link"], said.get("hessian", "upper")
    )
    classes = said["classes"]
    named = None if classes is None else np.array(classes, said.get("classes_dtype"))
    return SavedModel(booster, objective, named, str(said.get("version", "0")))
