"""The comparison that the options ask for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from focal_boost._adapter.splits import (
    Split,
    part_without_both_classes,
    stratified,
)
from focal_boost.command._table import Table
from focal_boost.command._unpack import InputError
from focal_boost.comparison import Comparison, compare
from focal_boost.comparison._methods import kept_for_stopping
from focal_boost.loss import FocalLoss
from focal_boost.thresholds import Rule


@dataclass(frozen=True)
class Settings:
    """What a comparison is run with; the defaults are those of the command."""

    boosters: tuple[str, ...] = ("xgboost", "lightgbm")
    folds: int = 5
    rounds: int = 100
    seed: int = 0
    threads: int | None = None
    recommended: bool = True
    tune: bool | float = False
    rule: Rule | None = None
    loss: FocalLoss = field(default_factory=FocalLoss)


def run(
    table: Table, settings: Settings, folds: list[Split] | None = None
) -> Comparison:
    """Compare, and say what is wrong in the words of the options.

    Methods have the tree parameters that are the library's default, and the same
    number of rounds, unless their name says otherwise.

    Raises
    ------
    InputError
        If the data are too few for the folds.
    """
    trees = {"n_estimators": settings.rounds, "n_jobs": settings.threads}
    try:
        return compare(
            table.features,
            np.array(table.classes)[table.target] if table.classes else table.target,
            boosters=dict.fromkeys(settings.boosters, trees),
            loss=settings.loss,
            recommended=settings.recommended,
            tune=settings.tune,
            rule=settings.rule,
            groups=table.groups,
            cv=folds or make_folds(table, settings.folds, settings.seed),
            random_state=settings.seed,
            verbose=True,
        )
    except ValueError as error:
        sentence = str(error)
        if sentence.startswith("tune "):
            sentence = f"--{sentence}"
        raise InputError(sentence) from None


def fitting(table: Table, settings: Settings, folds: list[Split]) -> Settings:
    """Return the settings without recommended trees where no rows can stop them."""
    n_classes = len(table.classes) or 2
    try:
        for fold in folds:
            groups = None if table.groups is None else table.groups[fold.train]
            y = table.target[fold.train]
            kept_for_stopping(y, groups, settings.seed, n_classes)
    except ValueError:
        return replace(settings, recommended=False)
    return settings


def make_folds(table: Table, n_folds: int, seed: int) -> list[Split]:
    """Split the rows into stratified folds; rows of one group stay together.

    Raises
    ------
    InputError
        If there are too few rows, or groups, of a class for that many folds.
    """
    values = table.classes or (table.negative, table.positive)
    try:
        folds = stratified(
            n_folds,
            table.target,
            table.groups,
            seed,
            name="--folds",
            classes=[f"{table.target_name} = {value}" for value in values],
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    lacking = part_without_both_classes(table.target, folds, n_classes=len(values))
    if lacking is not None:
        number, side, present = lacking
        every = "both" if len(values) == 2 else f"all {len(values)}"
        got = "only one class" if present == 1 else f"{present} classes"
        raise InputError(
            f"--folds must leave {every} classes in every fold, got {got} "
            f"in the {side} part of fold {number + 1} of {n_folds}"
        )
    return folds
