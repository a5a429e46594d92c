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


def _with_holes(arm: Any, hole: float) -> dict[str, Any]:
    def of(rows: Any) -> Any:
        X = with_holes(rows.X, hole)
        return xgb.DMatrix(X, rows.y, missing=hole, nthread=1)

    return run(arm, train=of(TRAIN), valid=of(VALID), at=of(PROBE))


SCENARIOS.under("missing", partial(_with_holes, hole=float("nan")))
SCENARIOS.under("missing_by_number", partial(_with_holes, hole=-999.0))


@SCENARIOS
def missing_in_dart(arm: Any) -> dict[str, Any]:
    X = with_holes(TRAIN.X)
    return run(arm, DART, train=xgb.DMatrix(X, TRAIN.y, nthread=1))


def _categorical(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    def of(rows: Any) -> Any:
        X = with_categories(rows.X)
        return xgb.DMatrix(X, rows.y, enable_categorical=True, nthread=1)

    return run(arm, params, train=of(TRAIN), valid=of(VALID), at=of(PROBE))


SCENARIOS.under("categorical", partial(_categorical, params={}))
SCENARIOS.under("categorical_onehot", partial(_categorical, params={
    "max_cat_to_onehot": 10, "tree_method": "approx"
}))  # fmt: skip


@SCENARIOS
def sparse_rows(arm: Any) -> dict[str, Any]:
    def of(rows: Any) -> Any:
        return xgb.DMatrix(sparse(rows.X), rows.y, nthread=1)

    return run(arm, train=of(TRAIN), valid=of(VALID), at=of(PROBE))


@SCENARIOS
def named_features(arm: Any) -> dict[str, Any]:
    def of(rows: Any) -> Any:
        return xgb.DMatrix(named(rows.X), rows.y, nthread=1)

    constraints = {"monotone_constraints": {"x0": 1}}
    return run(arm, constraints, train=of(TRAIN), valid=of(VALID), at=of(PROBE))


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


@SCENARIOS
def external_memory(arm: Any) -> dict[str, Any]:
    batches = Batches(str(arm.folder / "cache"))
    return run(arm, train=xgb.DMatrix(batches, nthread=1))


@SCENARIOS.when(XGB >= (3, 0))
def external_memory_quantiles(arm: Any) -> dict[str, Any]:
    batches = Batches(str(arm.folder / "cache"))
    return run(arm, train=xgb.ExtMemQuantileDMatrix(batches, nthread=1))


def _few(arm: Any, n: int) -> dict[str, Any]:
    few = few_rows(n)
    return run(arm, train=matrix(few), valid=matrix(few))


for _n in (1, 2, 3, 5, 10, 20, 39, 40):
    SCENARIOS.under(f"rows_{_n}", partial(_few, n=_n))


@SCENARIOS
def one_feature(arm: Any) -> dict[str, Any]:
    def of(rows: Any) -> Any:
        return xgb.DMatrix(rows.X[:, :1], rows.y, nthread=1)

    return run(arm, train=of(TRAIN), valid=of(VALID), at=of(PROBE))


@SCENARIOS
def constant_columns(arm: Any) -> dict[str, Any]:
    train = xgb.DMatrix(TRAIN.X * 0, TRAIN.y, nthread=1)
    return run(arm, train=train)


@SCENARIOS
def one_class_of_negatives(arm: Any) -> dict[str, Any]:
    return run(arm, train=xgb.DMatrix(TRAIN.X, TRAIN.y * 0, nthread=1))


@SCENARIOS
def one_class_of_positives(arm: Any) -> dict[str, Any]:
    return run(arm, train=xgb.DMatrix(TRAIN.X, TRAIN.y * 0 + 1, nthread=1))
