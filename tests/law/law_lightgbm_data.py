"""Scenarios of ``lightgbm.train``: data and labels of every kind."""

from __future__ import annotations

import json
from functools import partial
from importlib.util import find_spec
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
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
from law_lightgbm_train import BAGGING
from law_see_lightgbm import dataset, run
from law_watch import Scenarios

SCENARIOS = Scenarios()


def _missing(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    train = dataset(TRAIN, with_holes(TRAIN.X))
    valid = dataset(VALID, with_holes(VALID.X), reference=train)
    return run(arm, params, train=train, valid=valid, X=with_holes(PROBE.X))


SCENARIOS.under("missing", partial(_missing, params={}))
SCENARIOS.under("missing_unused", partial(_missing, params={"use_missing": False}))
SCENARIOS.under("missing_in_linear_trees", partial(_missing, params={
    "linear_tree": True
}))  # fmt: skip


def _table(arm: Any, convert: Any, **kwargs: Any) -> dict[str, Any]:
    train = dataset(TRAIN, convert(TRAIN.X), **kwargs)
    valid = dataset(VALID, convert(VALID.X), reference=train, **kwargs)
    return run(arm, train=train, valid=valid, X=convert(PROBE.X))


def _codes(X: Any) -> Any:
    return np.column_stack([np.clip(np.round(X[:, 0] * 2 + 4), 0, 8), X[:, 1:]])


def _arrow(X: Any) -> Any:
    return pa.Table.from_pandas(named(X))


def _first(X: Any) -> Any:
    return X[:, :1]


SCENARIOS.under("categorical", partial(_table, convert=with_categories))
SCENARIOS.under(
    "categorical_by_number", partial(_table, convert=_codes, categorical_feature=[0])
)
SCENARIOS.under("sparse_rows", partial(_table, convert=sparse))
SCENARIOS.under("sparse_columns", partial(_table, convert=lambda X: sparse(X).tocsc()))
SCENARIOS.under("named_features", partial(_table, convert=named))
SCENARIOS.under("names_given", partial(_table, convert=np.float32, feature_name=[
    "a", "b", "c", "d", "e"
]))  # fmt: skip
SCENARIOS.under("one_feature", partial(_table, convert=_first))


# LightGBM reads Arrow's tables where cffi is installed.
@SCENARIOS.when(find_spec("cffi") is not None)
def arrow_table(arm: Any) -> dict[str, Any]:
    train = lgb.Dataset(
        _arrow(TRAIN.X), pa.array(TRAIN.y), weight=pa.array(TRAIN.weight)
    )
    return run(arm, train=train, valid=dataset(VALID, _arrow(VALID.X)))


class Batches(lgb.Sequence):
    """Training rows that are read in parts."""

    batch_size = 64

    def __getitem__(self, index: Any) -> Any:
        return TRAIN.X[index]

    def __len__(self) -> int:
        return len(TRAIN.y)


@SCENARIOS
def rows_in_batches(arm: Any) -> dict[str, Any]:
    return run(arm, train=lgb.Dataset(Batches(), TRAIN.y))


@SCENARIOS
def data_constructed_and_freed(arm: Any) -> dict[str, Any]:
    train = lgb.Dataset(TRAIN.X, TRAIN.y, params={"verbosity": -1}).construct()
    valid = train.create_valid(VALID.X, VALID.y).construct()
    return run(arm, train=train, valid=valid)


@SCENARIOS
def data_from_a_file(arm: Any) -> dict[str, Any]:
    path = arm.folder / "train.bin"
    dataset(TRAIN, weight=TRAIN.weight).save_binary(path)
    return run(arm, train=lgb.Dataset(path), valid_sets=None, valid_names=None)


@SCENARIOS
def data_from_a_text(arm: Any) -> dict[str, Any]:
    path = arm.folder / "train.csv"
    np.savetxt(path, np.column_stack([TRAIN.y, TRAIN.X]), "%.9g", delimiter=",")
    return run(arm, train=lgb.Dataset(path), valid_sets=None, valid_names=None)


@SCENARIOS
def subset_of_data(arm: Any) -> dict[str, Any]:
    whole = dataset(TRAIN, weight=TRAIN.weight).construct()
    train, valid = whole.subset(range(300)), whole.subset(range(300, 400))
    return run(arm, BAGGING, train=train, valid=valid)


@SCENARIOS
def forced_splits(arm: Any) -> dict[str, Any]:
    path = arm.folder.parent / "forced.json"
    path.write_text(json.dumps({"feature": 4, "threshold": 0.1}))
    return run(arm, {"forcedsplits_filename": str(path)})


def _few(arm: Any, n: int) -> dict[str, Any]:
    few = few_rows(n)
    train = dataset(few)
    return run(arm, train=train, valid_sets=[train], valid_names=["train"])


for _n in (1, 2, 3, 5, 10, 20, 39, 40):
    SCENARIOS.under(f"rows_{_n}", partial(_few, n=_n))


@SCENARIOS
def few_rows_in_small_leaves(arm: Any) -> dict[str, Any]:
    params = {"min_data_in_leaf": 1, "min_data_in_bin": 1}
    return run(arm, params, train=dataset(few_rows(20)))


@SCENARIOS
def constant_columns(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN, TRAIN.X * 0)
    return run(arm, train=train, valid=dataset(VALID, VALID.X * 0, reference=train))


@SCENARIOS
def leaves_too_large(arm: Any) -> dict[str, Any]:
    return run(arm, {"min_data_in_leaf": 300})


def _labelled(arm: Any, label: Any, params: dict[str, Any]) -> dict[str, Any]:
    return run(arm, params, train=lgb.Dataset(TRAIN.X, label))


for _name, _label, _params in [
    ("one_class_of_negatives", TRAIN.y * 0, {}),
    ("one_class_of_positives", TRAIN.y * 0 + 1, {}),
    ("one_class_unbalance", TRAIN.y * 0, {"is_unbalance": True}),
    ("labels_of_bool", TRAIN.y == 1, {}),
]:
    SCENARIOS.under(_name, partial(_labelled, label=_label, params=_params))
