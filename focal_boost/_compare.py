"""Cross-validation of the built-in objectives against focal loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from focal_boost._table import InputError, Table
from focal_boost._training import FOCAL, METHODS, Part, Settings, train_and_predict
from focal_boost.objective import FocalObjective

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# What is measured on every fold, and whether more of it is better.
MEASURES = {
    "average_precision": True,
    "roc_auc": True,
    "log_loss": False,
    "brier": False,
    "seconds": False,
}

# A difference of at most this many standard errors is called noise.
_NOISE = 2.0


class Fold(NamedTuple):
    """The row numbers of one fold."""

    train: Rows
    test: Rows


@dataclass(frozen=True)
class Result:
    """What one method did in one library.

    Attributes
    ----------
    figures : dict of str to ndarray of shape (folds,)
        One value per fold for every name in `MEASURES`.
    posterior : ndarray of float64, shape (n,)
        The predicted probability of every row, by the model that did not see it.
    objectives : tuple of FocalObjective or None
        What was trained with on every fold; None is the library's own objective.
    """

    figures: dict[str, Floats]
    posterior: Floats
    objectives: tuple[FocalObjective | None, ...] = ()


Results = dict[str, dict[str, Result]]


class Mean(NamedTuple):
    """A mean over folds and its standard error."""

    mean: float
    error: float


class Difference(NamedTuple):
    """A mean of differences per fold, its standard error and what to make of it."""

    mean: float
    error: float
    verdict: Literal["better", "worse", "within noise"]


def mean_and_error(values: Floats) -> Mean:
    """Return the mean over folds and its standard error, s/√k."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return Mean(float(np.mean(values)), float(error))


def difference(measure: str, values: Floats, reference: Floats) -> Difference:
    """Compare two methods on the same folds.

    The folds are paired: what makes one fold hard makes it hard for both methods and
    cancels in the difference. Training sets overlap, so the standard error is a guide,
    not a test.
    """
    mean, error = mean_and_error(values - reference)
    if abs(mean) <= _NOISE * error:
        return Difference(mean, error, "within noise")
    better = (mean > 0) == MEASURES[measure]
    return Difference(mean, error, "better" if better else "worse")


def make_folds(table: Table, n_folds: int, seed: int) -> list[Fold]:
    """Split the rows into stratified folds; rows of one group stay together.

    Raises
    ------
    InputError
        If there are too few rows, or groups, of a class for that many folds.
    """
    _check_enough(table, n_folds)
    kind = StratifiedKFold if table.groups is None else StratifiedGroupKFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    split = splitter.split(table.features, table.target, table.groups)
    folds = [Fold(train, test) for train, test in split]
    for number, fold in enumerate(folds, 1):
        for side, rows in zip(("training", "test"), fold, strict=True):
            if len(np.unique(table.target[rows])) < 2:
                raise InputError(
                    "--folds must leave both classes in every fold, got only one class "
                    f"in the {side} part of fold {number} of {n_folds}"
                )
    return folds


def _check_enough(table: Table, n_folds: int) -> None:
    for label, value in ((1, table.positive), (0, table.negative)):
        rows = table.target == label
        count, what = int(rows.sum()), "rows"
        if table.groups is not None:
            count, what = len(np.unique(table.groups[rows])), "groups"
        if count < n_folds:
            raise InputError(
                f"--folds must be at most the {count} {what} with "
                f"{table.target_name} = {value}, got {n_folds}"
            )


def compare(
    table: Table, settings: Settings, step: Callable[[str], None] = lambda _: None
) -> tuple[list[Fold], Results]:
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
    folds : list of Fold
        The split.
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


def _warm_up(library: str, table: Table, fold: Fold, settings: Settings) -> None:
    """Have the focal loss compiled and the library loaded before the clock starts."""
    train, test = _part(table, fold.train), _part(table, fold.test)
    one_round = replace(settings, rounds=1, tune=False)
    train_and_predict(library, FOCAL, train, test.features, one_round)


def _cross_validate(
    library: str,
    method: str,
    table: Table,
    folds: list[Fold],
    settings: Settings,
    *,
    step: Callable[[str], None],
) -> Result:
    posterior = np.full(len(table.target), np.nan)
    rows, objectives = [], []
    for fold in folds:
        step(f"{library}, {method}")
        train, test = _part(table, fold.train), _part(table, fold.test)
        predicted = train_and_predict(library, method, train, test.features, settings)
        posterior[fold.test] = predicted.posterior
        rows.append([*_scores(test.labels, predicted.posterior), predicted.seconds])
        objectives.append(predicted.objective)
    columns = np.array(rows, dtype=np.float64).T
    figures = dict(zip(MEASURES, columns, strict=True))
    return Result(figures, posterior, tuple(objectives))


def _part(table: Table, rows: Rows) -> Part:
    features = table.features.iloc[rows]
    # Both libraries forbid some characters in names, and names do not matter here.
    features = features.set_axis([f"f{i}" for i in range(features.shape[1])], axis=1)
    groups = None if table.groups is None else table.groups[rows]
    return Part(features, table.target[rows], groups)


def _scores(labels: Rows, posterior: Floats) -> list[float]:
    """Return what `MEASURES` names, but the seconds."""
    scores = (average_precision_score, roc_auc_score, log_loss, brier_score_loss)
    return [float(score(labels, posterior)) for score in scores]
