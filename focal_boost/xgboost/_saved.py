"""Models in files that hold their loss: ``save`` and ``load`` for XGBoost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import xgboost as xgb
from numpy.typing import ArrayLike

from focal_boost._adapter.saved import SavedModel, described, description
from focal_boost.multi import MultiFocalObjective
from focal_boost.objective import FocalObjective

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
        If `objective` is none of these.
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
    """
    booster = xgb.Booster(model_file=fname)
    return described(booster, taken_from(booster), fname)


@contextmanager
def holding(booster: Any, text: str) -> Iterator[None]:
    """Have a booster hold a text while it is saved."""
    booster.set_attr(**{_ATTRIBUTE: text})
    try:
        yield
    finally:
        booster.set_attr(**{_ATTRIBUTE: None})


def taken_from(booster: Any) -> str | None:
    """Take the text out of a booster: a later training would belie it."""
    text: str | None = booster.attr(_ATTRIBUTE)
    booster.set_attr(**{_ATTRIBUTE: None})
    return text
