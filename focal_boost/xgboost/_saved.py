"""Models in files that hold their loss: ``save`` and ``load`` for XGBoost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import xgboost as xgb
from numpy.typing import ArrayLike

from focal_boost._adapter.saved import SavedModel, described, description
from focal_boost._validation import shown
from focal_boost.multi import MultiFocalObjective
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._start import OBJECTIVE

# The attribute of a saved model that holds what is not XGBoost's.
_ATTRIBUTE = "focal_boost"


def save(
    booster: Any,
    fname: Any,
    objective: FocalObjective | MultiFocalObjective,
    classes: ArrayLike | None = None,
) -> None:
    """Save a booster with its loss, for XGBoost and for :func:`load`.

    Parameters
    ----------
    booster : xgboost.Booster
        It is not changed.
    fname : path
        As in ``Booster.save_model``; its ending chooses JSON or UBJSON.
    objective : FocalObjective or MultiFocalObjective
        What it was trained with.
    classes : array-like, (K,), optional
        The labels in order, of two the positive one last; absent they are numbers
        from 0.

    Raises
    ------
    ValueError
        If `objective` is none of these, the classes are not numbers, texts or
        booleans, or the booster has an attribute ``focal_boost`` of another's.

    Examples
    --------
    >>> import tempfile
    >>> import xgboost as xgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.xgboost import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> objective = FocalObjective(0.25, 1.0)
    >>> booster = train({"max_depth": 3}, xgb.DMatrix(X, y), 5, objective=objective)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(booster, f"{folder}/model.json", objective)
    ...     load(f"{folder}/model.json").objective
    FocalObjective(alpha=0.25, gamma=1.0, link='logit', hessian='upper')
    """
    with holding(booster, description(objective, classes)):
        booster.save_model(fname)


def load(fname: Any) -> SavedModel:
    """Read a booster and its loss from a file of :func:`save` or of the classifier.

    Parameters
    ----------
    fname : path
        As in ``Booster.load_model``.

    Returns
    -------
    SavedModel
        The ``booster``, its ``objective`` and ``classes``, and the package's
        ``version`` at the time.

    Raises
    ------
    ValueError
        If the file holds no focal loss, or one that this version cannot read.

    Examples
    --------
    >>> import tempfile
    >>> import xgboost as xgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.xgboost import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> objective = FocalObjective()
    >>> booster = train({}, xgb.DMatrix(X, y), 5, objective=objective)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(booster, f"{folder}/model.json", objective, ["no", "yes"])
    ...     load(f"{folder}/model.json").classes.tolist()
    ['no', 'yes']
    """
    booster = xgb.Booster(model_file=fname)
    return described(booster, taken_from(booster), fname)


@contextmanager
def holding(booster: Any, text: str) -> Iterator[None]:
    """Have a booster hold a text while it is saved.

    What an earlier file of its trees said gives way to it for that time.
    """
    before = booster.attr(_ATTRIBUTE)
    if before is not None and not _is_ours(before):
        raise ValueError(
            f"the booster's attribute {_ATTRIBUTE} must be free for its loss, got"
            f" {shown(before)}"
        )
    booster.set_attr(**{_ATTRIBUTE: text})
    try:
        yield
    finally:
        booster.set_attr(**{_ATTRIBUTE: before})


def text_in(booster: Any) -> str | None:
    """Return what a booster's file said of its loss, if it did.

    An attribute of that name that somebody else has set says nothing.
    """
    text: str | None = booster.attr(_ATTRIBUTE)
    return text if text is not None and _is_ours(text) else None


def taken_from(booster: Any) -> str | None:
    """Take the text out of a booster: a later training would belie it."""
    text = text_in(booster)
    if text is not None:
        booster.set_attr(**{_ATTRIBUTE: None})
    return text


def check_binary(booster: Any) -> None:
    """Raise if a model without a description is none of two classes."""
    config = json.loads(booster.save_config())
    found = config["learner"]["objective"]["name"]
    if found != OBJECTIVE:
        raise ValueError(
            f"the objective of the model in the file must be {OBJECTIVE}, which has two"
            f" classes, got {found}"
        )


def _is_ours(text: str) -> bool:
    return text.startswith("{") and '"format"' in text
