"""The data sets: read, cut to size, and split.

Categoricals are the ordinal numbers that the files hold. Weights are divided by their
mean, so that the libraries' defaults, sums of Hessians among them, mean the same on
every set. Exposure is not a weight and is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.study.records import Key
from benchmarks.study.splits import (
    Rows,
    equal_rows,
    fold_of_rows,
    rng_of,
    stratified_sample,
)
from focal_boost.datasets import load_flights

FLIGHTS, FRAUDS = "flights", "creditcard_fraud"
# Flights of one day share their weather: the day is the group, and no feature.
_DAY = ("yearday", "month", "day")
FOLDS = 5


@dataclass(frozen=True)
class DataSet:
    """Features, labels 0 and 1, groups, and what else there is per row."""

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    groups: Rows
    weight: NDArray[np.float64] | None = None
    is_test: NDArray[np.bool_] | None = None

    def __getitem__(self, rows: Any) -> DataSet:
        optional = (None if v is None else v[rows] for v in (self.weight, self.is_test))
        return DataSet(self.X[rows], self.y[rows], self.groups[rows], *optional)

    def joined(self, other: DataSet) -> DataSet:
        """Return these rows and those of another."""
        both = None
        if self.weight is not None and other.weight is not None:
            both = np.concatenate([self.weight, other.weight])
        pairs = ((self.X, other.X), (self.y, other.y), (self.groups, other.groups))
        return DataSet(*map(np.concatenate, pairs), both)


@dataclass(frozen=True)
class Size:
    """The greatest number of rows."""

    #: Of any set but the frauds; classes and official parts keep their shares.
    rows: int = 50_000
    #: Of the frauds, which keep all of their few positives; they are whole without.
    frauds: int | None = None
    #: A set has more rows where so many positives need them.
    positives: int = 0

    def sample(self, name: str, y: Any, strata: Rows, rng: np.random.Generator) -> Rows:
        """Return the numbers of the rows that are used."""
        if name != FRAUDS:
            needed = math.ceil(self.positives / np.mean(y))
            return stratified_sample(strata, max(self.rows, needed), rng)
        if self.frauds is None:
            return np.arange(strata.size)
        negative, positive = (np.flatnonzero(y == value) for value in (0, 1))
        number = min(negative.size, self.frauds - positive.size)
        kept = rng.choice(negative, number, replace=False)
        return np.sort(np.concatenate([kept, positive]))


@dataclass(frozen=True)
class Plan:
    """What decides a fit besides its key, and where data and fits are."""

    data: Path
    out: Path
    seed: int = 0
    size: Size = Size()


def binary_sets(folder: Path) -> dict[str, int]:
    """Return names and numbers of rows of the sets with two classes, by name."""
    found = {}
    for path in folder.glob("*.npz"):
        with np.load(path) as file:
            y = file["y"]
        if np.array_equal(np.unique(y), (0, 1)):
            found[path.stem] = int(y.size)
    if (folder / "flights.csv.gz").exists():
        found[FLIGHTS] = int(_flights().y.size)
    if not found:
        raise ValueError(f"--data must be a folder of binary sets, got {folder}")
    return dict(sorted(found.items()))


# Here and not in a command: what is cached in a main module no other process can load.
@cache
def load_set(folder: Path, name: str, size: Size, seed: int) -> DataSet:
    """Read a set and cut it to size."""
    whole = _flights() if name == FLIGHTS else _read(folder / f"{name}.npz")
    strata = whole.y if whole.is_test is None else 2 * whole.y + whole.is_test
    rng = rng_of(seed, name, "sample")
    return whole[size.sample(name, whole.y, strata, rng)]


def _read(path: Path) -> DataSet:
    with np.load(path) as file:
        X, y, names = file["X"], file["y"], list(file["feature_names"])
        weight = file.get("sample_weight")
        is_test = file.get("is_test")
    if weight is not None:
        weight = weight / np.mean(weight, dtype=np.float64)
    if _DAY[0] not in names:
        return DataSet(X, y, equal_rows(X), weight, is_test)
    day = X[:, names.index(_DAY[0])].astype(np.int64)
    kept = [i for i, feature in enumerate(names) if feature not in _DAY]
    return DataSet(np.ascontiguousarray(X[:, kept]), y, day, weight, is_test)


def _flights() -> DataSet:
    """Return the flights that ship with the package; the shared file is the same."""
    flights = load_flights()
    frame = flights.data.copy()
    for column in frame.select_dtypes("category"):
        frame[column] = frame[column].cat.codes
    X = np.ascontiguousarray(frame.to_numpy(np.float32))
    return DataSet(X, flights.target.to_numpy(np.int8), flights.groups)


@dataclass(frozen=True)
class Fold:
    """What is trained on, what stops the training, and what is measured."""

    train: DataSet
    valid: DataSet
    test: DataSet


def split(data: DataSet, name: str, repeat: int, fold: int, seed: int) -> Fold:
    """Return one of the five folds of a repetition.

    With an official split the test part is always that one, "fold" only numbers the
    inner splits, and rows for training that equal a test row are left out.
    """
    rng = rng_of(seed, name, repeat, "outer")
    if data.is_test is None:
        in_test = fold_of_rows(data.y, data.groups, FOLDS, rng) == fold
        rest = data[~in_test]
    else:
        in_test = data.is_test
        rest = data[~in_test & ~np.isin(data.groups, data.groups[in_test])]
    rng = rng_of(seed, name, repeat, fold, "inner")
    stops = fold_of_rows(rest.y, rest.groups, FOLDS, rng) == 0
    return Fold(rest[~stops], rest[stops], data[in_test])


def fold_of(key: Key, plan: Plan) -> Fold:
    """Return the fold that a fit is on."""
    data = load_set(plan.data, key.set, plan.size, plan.seed)
    return split(data, key.set, key.repeat, key.fold, plan.seed)
