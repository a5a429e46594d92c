"""Cross-validation of focal loss, the built-in objectives and other classifiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from focal_boost._adapter.features import of_single_precision
from focal_boost._adapter.progress import progress
from focal_boost._adapter.splits import Split, rows_of
from focal_boost._validation import check_integer, shown
from focal_boost.comparison._checked import Checked
from focal_boost.comparison._classes import ClassComparison
from focal_boost.comparison._measures import decided, measured
from focal_boost.comparison._methods import (
    BUILT_IN,
    FURTHER,
    METHODS,
    Method,
    Prediction,
    Wanted,
    warm_up,
)
from focal_boost.comparison._result import Comparison, ordered
from focal_boost.comparison._searched import seconds_of
from focal_boost.loss import FocalLoss
from focal_boost.thresholds import AlertsPerDayAtMost, Rule

_LIBRARIES = ("xgboost", "lightgbm")


def compare(
    X: Any,
    y: ArrayLike,
    *,
    boosters: Iterable[str] | Mapping[str, Mapping[str, Any]] | None = None,
    estimators: Mapping[str, Any] | None = None,
    loss: FocalLoss | None = None,
    recommended: bool = False,
    tune: bool | float = False,
    rule: Rule | None = None,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    positive: Any = None,
    cv: Any = 5,
    random_state: int = 0,
    verbose: bool = False,
) -> Comparison:
    """Cross-validate focal loss against the built-in objectives, and what you have.

    Every method is trained on the same parts: the library's own objective ("built-in"),
    the same with ``scale_pos_weight`` ("class weights"), and "focal loss".

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix, (n, d)
        Features.
    y : array-like, (n,)
        Labels of two classes or more.
    boosters : names, or mapping of name to parameters, optional
        "xgboost", "lightgbm": the libraries, by default those that are installed.
        Parameters are those of their scikit-learn classifiers, for all three methods;
        a ``scale_pos_weight`` is that of "class weights", which otherwise is
        negatives/positives; of three classes and more all weigh the same in "class
        weights". With early stopping, every method keeps a fifth of its
        training part to be stopped on.
    estimators : mapping of str to classifier, optional
        Further classifiers with ``predict_proba``, alone or at the end of a
        ``Pipeline``, by the name that they get. They are cloned, and fitted to labels
        0 and 1, or 0 to K − 1.
    loss : FocalLoss, optional
        Of the method "focal loss"; by default α = 0.25, γ = 2.
    recommended : bool, default False
        Whether to train the built-in objective and focal loss with the trees of
        :func:`focal_boost.recommended` too, in place of those of `boosters`: up to
        1,000 rounds with early stopping, unless `boosters` say how to stop.
    tune : bool or float, default False
        Seconds, 30 for True, that the built-in objective and focal loss are given
        each, to search for trees, and focal loss for α and γ too, inside every
        training part of every library (:class:`~focal_boost.tuning.FocalSearchCV`,
        log loss, three folds). In so many seconds another run may find other ones.
    rule : Rule, optional
        How to decide, as ``Cost(1, 20)`` or ``RecallAtLeast(0.8)`` of
        :mod:`focal_boost.thresholds`. The threshold of a fold is chosen on the
        out-of-fold posteriors of the other folds. Of two classes only.
    groups : array-like, (n,), optional
        Rows of one group stay on one side of every split.
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows in training and in all scores.
    positive : label, optional
        The positive class of two, by default the greater one.
    cv : int, splitter or iterable of (train, test), default 5
        An integer is the number of stratified folds, shuffled by `random_state`.
    random_state : int, default 0
        Seed of the folds and of the libraries.
    verbose : bool, default False
        Whether to show a progress bar if standard error is a terminal.

    Returns
    -------
    Comparison
        Of three classes and more a :class:`ClassComparison`, with a table per class.

    Raises
    ------
    ValueError
        Before any training: for bad labels, weights, groups or folds, a method or
        parameters that are none, and a rule that cannot be kept fold by fold.
    ImportError
        If a library is not installed.

    Examples
    --------
    >>> from focal_boost import compare
    >>> from focal_boost.datasets import make_imbalanced
    >>> from focal_boost.thresholds import Cost
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> trees = {"n_estimators": 10, "max_depth": 3}
    >>> found = compare(X, y, boosters={"xgboost": trees}, rule=Cost(1, 9))
    >>> found.table["cost"].round(2).index.tolist()
    [('xgboost', 'built-in'), ('xgboost', 'class weights'), ('xgboost', 'focal loss')]
    >>> found.predictions.shape
    (2000, 3)
    >>> figure = found.plot()
    """
    seed = check_integer(random_state, "random_state", 0)
    rows = Checked.of(X, y, sample_weight, groups, positive)
    splits = rows.splits(cv, seed)
    _check_rule(rule)
    if len(rows.classes) > 2:
        _check_many(rows, rule, boosters)
    seconds = seconds_of(tune)
    if seconds is not None:
        rows.check_inner(splits)
    if recommended:
        rows.check_stopping(splits, seed)
    wanted = Wanted(loss or FocalLoss(), bool(recommended), seconds, seed)
    methods = wanted.methods(
        _parameters(boosters, estimators), _classifiers(estimators)
    )
    found: dict[tuple[str, str], list[Prediction]] = {}
    with (
        of_single_precision(rows.X),
        progress(len(methods) * len(splits), wanted=verbose, of="trainings") as step,
    ):
        for method in methods:
            if method.name == BUILT_IN:
                # The focal loss is compiled before the clock starts.
                first = rows.training(splits[0].train, seed)
                warm_up(method.library, first, search=seconds is not None)
            of_method = found.setdefault((method.library, method.name), [])
            for split in splits:
                of_method.append(_on_fold(method, rows, split, seed))
                step(1)
    return _kept(rows, splits, found, rule)


def _parameters(boosters: Any, estimators: Any) -> dict[str, Mapping[str, Any]]:
    """Return the parameters by library."""
    if boosters is None:
        boosters = [name for name in _LIBRARIES if find_spec(name) is not None]
    if isinstance(boosters, str):
        boosters = [boosters]
    for name in boosters:
        if name not in _LIBRARIES:
            raise ValueError(
                f"boosters must be of 'xgboost' and 'lightgbm', got {shown(name)}"
            )
    if not boosters and not estimators:
        raise ValueError("boosters must name a library where estimators do not, got []")
    if isinstance(boosters, Mapping):
        return {name: dict(given) for name, given in boosters.items()}
    return {name: {} for name in boosters}


def _classifiers(estimators: Mapping[str, Any] | None) -> dict[str, Any]:
    found = dict(estimators or {})
    for name, one in found.items():
        if name in METHODS:
            raise ValueError(
                f"estimators must have names other than {METHODS}, got {shown(name)}"
            )
        if not hasattr(one, "predict_proba") or not hasattr(one, "fit"):
            raise ValueError(
                f"estimators must have predict_proba, got {shown(one)} as {shown(name)}"
            )
    return found


def _check_rule(rule: Rule | None) -> None:
    if rule is None:
        return
    if not hasattr(rule, "threshold"):
        raise ValueError(f"rule must be a Rule as Cost(1, 20) is, got {shown(rule)}")
    if isinstance(rule, AlertsPerDayAtMost):
        raise ValueError(
            "rule must not count alerts per day, as a fold is no number of days,"
            f" got {rule!r}"
        )


def _check_many(rows: Checked, rule: Rule | None, boosters: Any) -> None:
    """Raise for what there is of two classes only."""
    if rule is not None:
        raise ValueError(
            f"rule must be None for {len(rows.classes)} classes, got {rule!r}: compare"
            " one of them against the rest, y == label"
        )
    for name, given in boosters.items() if isinstance(boosters, Mapping) else ():
        if given.get("scale_pos_weight") is not None:
            raise ValueError(
                f"scale_pos_weight must be left out for {len(rows.classes)} classes,"
                f" got {shown(given['scale_pos_weight'])} for {name}"
            )


def _on_fold(method: Method, rows: Checked, split: Split, seed: int) -> Prediction:
    # The caller's pipelines may choose columns by their names.
    as_is = method.library == FURTHER
    training = rows.training(split.train, seed, as_is=as_is)
    return method.train_and_predict(
        training, rows_of(rows.X if as_is else rows.plain, split.test)
    )


def _kept(
    rows: Checked,
    splits: list[Split],
    found: dict[tuple[str, str], list[Prediction]],
    rule: Rule | None,
) -> Comparison:
    many = len(rows.classes) > 2
    shape = (len(rows.y), *((len(rows.classes),) if many else ()))
    posteriors = {key: np.full(shape, np.nan) for key in found}
    for key, folds in found.items():
        for split, one in zip(splits, folds, strict=True):
            posteriors[key][split.test] = one.posterior
    scores = {
        (*key, number): {
            **measured(rows.told(splits[number].test, one.posterior)),
            "seconds": one.seconds,
            **_decided(rule, rows, splits, number, posteriors[key]),
        }
        for key, folds in found.items()
        for number, one in enumerate(folds)
    }
    index = ordered(scores, ["library", "method", "fold"])
    table = pd.DataFrame([*scores.values()], index=index)
    predictions = pd.DataFrame(
        np.column_stack([*posteriors.values()]),
        index=getattr(rows.X, "index", None),
        columns=_columns(posteriors, rows.classes),
    )
    losses = {
        key: tuple(one.loss for one in folds if one.loss is not None)
        for key, folds in found.items()
        if folds[0].loss is not None
    }
    searches = {
        key: tuple(one.search for one in folds if one.search is not None)
        for key, folds in found.items()
        if folds[0].search is not None
    }
    given = (table, predictions, rows.y, rows.sample_weight, splits, losses)
    if many:
        return ClassComparison(*given, searches=searches, classes=rows.classes)
    return Comparison(*given, rule, searches)


def _columns(keys: Iterable[tuple[str, str]], classes: Any) -> pd.MultiIndex:
    """Return names of predictions: of two classes those of the second."""
    if len(classes) == 2:
        return ordered(keys, ["library", "method"])
    each = [(*key, label) for key in keys for label in classes.tolist()]
    return ordered(each, ["library", "method", "class"])


def _decided(
    rule: Rule | None,
    rows: Checked,
    splits: list[Split],
    number: int,
    posterior: np.ndarray[Any, np.dtype[np.float64]],
) -> dict[str, float]:
    if rule is None:
        return {}
    others = np.concatenate(
        [split.test for fold, split in enumerate(splits) if fold != number]
    )
    parts = (rows.told(part, posterior[part]) for part in (others, splits[number].test))
    return decided(rule, *parts)
