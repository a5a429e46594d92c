"""Scenarios of ``lightgbm.train``: data and labels of every kind."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
from law_data import (
    PROBE,
    TRAIN,
    VALID,
    codes,
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


def _table(arm: Any, convert: Any, params: Any = None, **kwargs: Any) -> dict[str, Any]:
    train = dataset(TRAIN, convert(TRAIN.X), **kwargs)
    valid = dataset(VALID, convert(VALID.X), reference=train, **kwargs)
    return run(arm, params, train=train, valid=valid, X=convert(PROBE.X))


SCENARIOS.each(_table, {
    "missing": {"convert": with_holes},
    "missing_unused": {"convert": with_holes, "params": {"use_missing": False}},
    "missing_in_linear_trees": {
        "convert": with_holes, "params": {"linear_tree": True},
    },
    "categorical": {"convert": with_categories},
    "categorical_by_number": {"convert": codes, "categorical_feature": [0]},
    "sparse_rows": {"convert": sparse},
    "sparse_columns": {"convert": lambda X: sparse(X).tocsc()},
    "named_features": {"convert": named},
    "names_given": {"convert": np.float32, "feature_name": list("abcde")},
    "one_feature": {"convert": lambda X: X[:, :1]},
})  # fmt: skip


def _arrow(X: Any) -> Any:
    return pa.Table.from_pandas(named(X))


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


SCENARIOS.each(_few, {f"rows_{n}": {"n": n} for n in (1, 2, 3, 5, 10, 20, 39, 40)})


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


def _labelled(arm: Any, label: Any, params: Any = None) -> dict[str, Any]:
    return run(arm, params, train=lgb.Dataset(TRAIN.X, label))


SCENARIOS.each(_labelled, {
    "one_class_of_negatives": {"label": TRAIN.y * 0},
    "one_class_of_positives": {"label": TRAIN.y * 0 + 1},
    "one_class_unbalance": {"label": TRAIN.y * 0, "params": {"is_unbalance": True}},
    "labels_of_bool": {"label": TRAIN.y == 1},
})  # fmt: skip
