"""Cross-validation of the built-in objectives against focal loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from focal_boost._adapter.splits import (
    Rows,
    Split,
    part_without_both_classes,
    stratified,
)
from focal_boost.compare._figures import MEASURES, Floats, measured
from focal_boost.compare._methods import (
    FOCAL,
    METHODS,
    Part,
    Settings,
    train_and_predict,
)
from focal_boost.compare._table import InputError, Table
from focal_boost.loss import FocalLoss


@dataclass(frozen=True)
class Result:
    """What one method did in one library.

    Attributes
    ----------
    figures : dict of str to ndarray of shape (folds,)
        One value per fold for every name in `MEASURES`.
    posterior : ndarray of float64, shape (n,)
        The predicted probability of every row, by the model that did not see it.
    losses : tuple of FocalLoss or None
        What was trained with on every fold; None is the library's own objective.
    """

    figures: dict[str, Floats]
    posterior: Floats
    losses: tuple[FocalLoss | None, ...]


Results = dict[str, dict[str, Result]]


def make_folds(table: Table, n_folds: int, seed: int) -> list[Split]:
    """Split the rows into stratified folds; rows of one group stay together.

    Raises
    ------
    InputError
        If there are too few rows, or groups, of a class for that many folds.
    """
    values = (table.negative, table.positive)
    negative, positive = (f"{table.target_name} = {value}" for value in values)
    try:
        folds = stratified(
            n_folds,
            table.target,
            table.groups,
            seed,
            name="--folds",
            classes=(negative, positive),
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    lacking = part_without_both_classes(table.target, folds)
    if lacking is not None:
        number, side, _ = lacking
        raise InputError(
            "--folds must leave both classes in every fold, got only one class "
            f"in the {side} part of fold {number + 1} of {n_folds}"
        )
    return folds


def compare(
    table: Table, settings: Settings, step: Callable[[str], None] = lambda _: None
) -> tuple[list[Split], Results]:
    """Train every method on every fold in every library.

    Parameters
    ----------
    table : Table
        The data.
    settings : Settings
        What to run.
    step : callable, optional
        Called with the name of a training that is about to start.

    Returns
    -------
    folds : list of Split
        The folds.
    results : dict of dict of Result
        By library, then by method.
    """
    folds = make_folds(table, settings.folds, settings.seed)
    results: Results = {}
    for library in settings.boosters:
        _warm_up(library, table, folds[0], settings)
        results[library] = {
            method: _cross_validate(library, method, table, folds, settings, step=step)
            for method in METHODS
        }
    return folds, results


def _warm_up(library: str, table: Table, fold: Split, settings: Settings) -> None:
    """Have the focal loss compiled and the library loaded before the clock starts."""
    train, test = (_part(table, rows) for rows in fold)
    one_round = replace(settings, rounds=1, tune=False)
    train_and_predict(library, FOCAL, train, test.features, one_round)


def _cross_validate(
    library: str,
    method: str,
    table: Table,
    folds: list[Split],
    settings: Settings,
    *,
    step: Callable[[str], None],
) -> Result:
    posterior = np.full(len(table.target), np.nan)
    figures, losses = [], []
    for fold in folds:
        step(f"{library}, {method}")
        train, test = (_part(table, rows) for rows in fold)
        found = train_and_predict(library, method, train, test.features, settings)
        posterior[fold.test] = found.posterior
        figures.append(measured(test.labels, found.posterior, found.seconds))
        losses.append(found.loss)
    columns = dict(zip(MEASURES, np.transpose(figures), strict=True))
    return Result(columns, posterior, tuple(losses))


def _part(table: Table, rows: Rows) -> Part:
    features = table.features.iloc[rows]
    # Both libraries forbid some characters in names, and names do not matter here.
    features = features.set_axis([f"f{i}" for i in range(features.shape[1])], axis=1)
    groups = None if table.groups is None else table.groups[rows]
    return Part(features, table.target[rows], groups)
