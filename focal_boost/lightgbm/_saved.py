"""Models in files that hold their loss: ``save`` and ``load`` for LightGBM.

LightGBM reads a file up to the end of its parameters, skips lines that it does not know
behind it, and takes the categories from the last one. Ours stands between the two.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import ArrayLike

from focal_boost._adapter.saved import SavedModel, described, description
from focal_boost._adapter.whole import write_text
from focal_boost._validation import shown
from focal_boost.multi import MultiFocalObjective
from focal_boost.objective import FocalObjective

_LINE = re.compile(r"^focal_boost:(.*)$", re.MULTILINE)
_LAST = "\npandas_categorical:"


def save(
    booster: Any,
    filename: Any,
    objective: FocalObjective | MultiFocalObjective,
    classes: ArrayLike | None = None,
    **kwargs: Any,
) -> None:
    """Save a booster with its loss, for LightGBM and for :func:`load`.

    Parameters
    ----------
    booster : lightgbm.Booster
    filename : str or pathlib.Path
    objective : FocalObjective or MultiFocalObjective
        What it was trained with.
    classes : array-like, (K,), optional
        The labels in order, of two the positive one last; absent they are numbers
        from 0.
    **kwargs
        All other arguments of ``Booster.save_model``: num_iteration,
        start_iteration, importance_type.

    Raises
    ------
    ValueError
        If `objective` is none of these, or the classes are not numbers, texts or
        booleans.

    Examples
    --------
    >>> import tempfile
    >>> import lightgbm as lgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.lightgbm import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> objective = FocalObjective(0.25, 1.0)
    >>> booster = train({"verbosity": -1}, lgb.Dataset(X, y), 5, objective=objective)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(booster, f"{folder}/model.txt", objective)
    ...     load(f"{folder}/model.txt").objective
    FocalObjective(alpha=0.25, gamma=1.0, link='logit', hessian='upper')
    """
    said = description(objective, classes)
    write_text(filename, with_line(booster.model_to_string(**kwargs), said))


def with_line(text: str, said: str) -> str:
    """Return the text of a model with what is said of it."""
    trees, last, rest = text.rpartition(_LAST)
    return f"{trees}\nfocal_boost:{said}\n{last}{rest}"


def load(filename: Any) -> SavedModel:
    """Read a booster and its loss from a file of :func:`save` or of the classifier.

    Parameters
    ----------
    filename : str or pathlib.Path

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
    >>> import lightgbm as lgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.lightgbm import train
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> objective = FocalObjective()
    >>> booster = train({"verbosity": -1}, lgb.Dataset(X, y), 5, objective=objective)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(booster, f"{folder}/model.txt", objective, ["no", "yes"])
    ...     load(f"{folder}/model.txt").classes.tolist()
    ['no', 'yes']
    """
    booster = lgb.Booster(model_file=filename)
    return described(booster, text_in(filename), filename)


def text_in(filename: Any) -> str | None:
    """Return what a file says of its loss."""
    _, _, behind = Path(filename).read_text("utf-8").rpartition("\nend of trees\n")
    found = _LINE.search(behind)
    return None if found is None else found[1]


def check_binary(filename: Any) -> None:
    """Raise if a model without its loss is none of two classes and their log-odds."""
    head, _, _ = Path(filename).read_text("utf-8").partition("\nTree=")
    found = re.search(r"^objective=(.*)$", head, re.MULTILINE)
    said = "none" if found is None else found[1]
    if said.split() != ["binary", "sigmoid:1"]:
        raise ValueError(
            "the objective of the model in the file must be binary with sigmoid 1,"
            f" whose raw score is the log-odds of two classes, got {shown(said)}"
        )


def parent_of(booster: Any, classes: Any) -> Any:
    """Return LightGBM's classifier as if a fit had found this booster.

    The fit of two rows sets what it keeps of labels and features.
    """
    names = booster.feature_name()
    plain = names == [f"Column_{i}" for i in range(len(names))]
    fitted = lgb.LGBMClassifier(n_estimators=1, n_jobs=1, verbosity=-1)
    rows = np.zeros((len(classes), len(names)))
    fitted.fit(rows, classes, feature_name="auto" if plain else names)
    fitted._Booster = booster
    fitted._best_iteration = booster.best_iteration
    fitted._best_score = booster.best_score
    return fitted
