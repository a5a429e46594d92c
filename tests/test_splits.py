"""The splits that a comparison and a search make; their sentences are tested there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from focal_boost._adapter.splits import part_without_both_classes, stratified

RNG = np.random.default_rng(0)
Y = (RNG.random(120) < 0.3).astype(np.int64)
WORDS: dict[str, Any] = {"name": "parts", "classes": ("low", "high")}


@pytest.mark.parametrize("seed", [None, 0, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_parts_are_those_of_scikit_learn(seed: int | None, grouped: bool) -> None:
    groups = np.arange(120) // 5 if grouped else None
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    splitter = kind(4) if seed is None else kind(4, shuffle=True, random_state=seed)
    expected = list(splitter.split(np.zeros((120, 2)), Y, groups))
    splits = stratified(4, Y, groups, seed, **WORDS)
    for split, (train, test) in zip(splits, expected, strict=True):
        np.testing.assert_array_equal(split.train, train)
        np.testing.assert_array_equal(split.test, test)


@pytest.mark.parametrize(
    ("n_splits", "labels", "groups", "sentence"),
    [
        (1, [0, 1, 0, 1], None, "parts must be an integer >= 2, got 1"),
        (3, [0, 1, 0, 1, 0], None, "parts must be at most the 2 rows with high, got 3"),
        (3, [0, 1, 0, 1, 1], None, "parts must be at most the 2 rows with low, got 3"),
        (
            2,
            [0, 1, 0, 1],
            [0, 1, 0, 2],
            "parts must be at most the 1 groups with low, got 2",
        ),
    ],
)
def test_too_few_of_a_class(
    n_splits: int, labels: list[int], groups: list[int] | None, sentence: str
) -> None:
    of_rows = None if groups is None else np.array(groups)
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        stratified(n_splits, np.array(labels), of_rows, **WORDS)


def test_the_first_part_that_lacks_a_class() -> None:
    y = np.array([0, 1, 0, 1])
    both, low = np.array([0, 1, 2, 3]), np.array([0, 2])
    assert part_without_both_classes(y, [(both, both)]) is None
    assert part_without_both_classes(y, [(both, both), (both, low)]) == (1, "test", 1)
    assert part_without_both_classes(y, [(both[:0], low)]) == (0, "training", 0)


def test_rows_without_weight_are_not_counted() -> None:
    y, rows = np.array([0, 1, 0, 1]), np.arange(4)
    found = part_without_both_classes(y, [(rows, rows)], np.array([1.0, 0, 1, 0]))
    assert found == (0, "training", 1)
    weight = np.array([1.0, 0.5, 0, 0])
    assert part_without_both_classes(y, [(rows, rows)], weight) is None
