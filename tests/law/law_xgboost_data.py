"""Scenarios of ``xgboost.train``: data and labels of every kind."""

from __future__ import annotations

from functools import partial
from typing import Any

import xgboost as xgb
from law_arms import XGB
from law_data import (
    PROBE,
    TRAIN,
    VALID,
    few_rows,
    named,
    sparse,
    with_categories,
    with_holes,
)
from law_see_xgboost import matrix, run
from law_watch import Scenarios
from law_xgboost_train import DART

SCENARIOS = Scenarios()


def _table(arm: Any, convert: Any, params: Any = None, **kwargs: Any) -> dict[str, Any]:
    train, valid, at = (
        xgb.DMatrix(convert(rows.X), rows.y, nthread=1, **kwargs)
        for rows in (TRAIN, VALID, PROBE)
    )
    return run(arm, params, train=train, valid=valid, at=at)


SCENARIOS.each(_table, {
    "missing": {"convert": with_holes, "missing": float("nan")},
    "missing_by_number": {
        "convert": partial(with_holes, hole=-999.0), "missing": -999.0,
    },
    "categorical": {"convert": with_categories, "enable_categorical": True},
    "categorical_onehot": {
        "convert": with_categories, "enable_categorical": True,
        "params": {"max_cat_to_onehot": 10, "tree_method": "approx"},
    },
    "sparse_rows": {"convert": sparse},
    "named_features": {
        "convert": named, "params": {"monotone_constraints": {"x0": 1}},
    },
    "one_feature": {"convert": lambda X: X[:, :1]},
})  # fmt: skip


def _trained_on(
    arm: Any, X: Any = TRAIN.X, y: Any = TRAIN.y, params: Any = None
) -> dict[str, Any]:
    return run(arm, params, train=xgb.DMatrix(X, y, nthread=1))


SCENARIOS.each(_trained_on, {
    "missing_in_dart": {"X": with_holes(TRAIN.X), "params": DART},
    "constant_columns": {"X": TRAIN.X * 0},
    "one_class_of_negatives": {"y": TRAIN.y * 0},
    "one_class_of_positives": {"y": TRAIN.y * 0 + 1},
})  # fmt: skip


@SCENARIOS
def feature_weights(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN, feature_weights=[1.0, 2.0, 0.1, 0.1, 4.0])
    return run(arm, {"colsample_bynode": 0.4, "seed": 2}, train=train)


@SCENARIOS
def quantile_matrix(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN, xgb.QuantileDMatrix, weight=TRAIN.weight, max_bin=32)
    valid = matrix(VALID, xgb.QuantileDMatrix, ref=train, max_bin=32)
    return run(arm, {"max_bin": 32}, train=train, valid=valid)


class Batches(xgb.DataIter):
    """Training rows in four parts."""

    def __init__(self, cache: Any = None, **kwargs: Any) -> None:
        self._next = 0
        super().__init__(cache_prefix=cache, **kwargs)

    def next(self, input_data: Any) -> Any:
        if self._next == 4:
            return False
        part = TRAIN[self._next * 100 : self._next * 100 + 100]
        input_data(data=part.X, label=part.y, weight=part.weight)
        self._next += 1
        return True

    def reset(self) -> None:
        self._next = 0


@SCENARIOS
def quantile_matrix_of_batches(arm: Any) -> dict[str, Any]:
    return run(arm, train=xgb.QuantileDMatrix(Batches(), nthread=1))


def _external(arm: Any, kind: Any) -> dict[str, Any]:
    return run(arm, train=kind(Batches(str(arm.folder / "cache")), nthread=1))


SCENARIOS.under("external_memory", partial(_external, kind=xgb.DMatrix))
if XGB >= (3, 0):
    SCENARIOS.under(
        "external_memory_quantiles", partial(_external, kind=xgb.ExtMemQuantileDMatrix)
    )


def _few(arm: Any, n: int) -> dict[str, Any]:
    few = few_rows(n)
    return run(arm, train=matrix(few), valid=matrix(few))


SCENARIOS.each(_few, {f"rows_{n}": {"n": n} for n in (1, 2, 3, 5, 10, 20, 39, 40)})
