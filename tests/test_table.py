"""Files of all kinds, and one sentence for each that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sentences import says

from focal_boost.command._table import InputError, Table, flights_table, read_table
from focal_boost.datasets import load_flights

CSV = """\
id,age,place,member,gust,visit,died
1,30,north,True,,a,0
2,41.5,south,False,1.5,a,0
3,,,True,,b,1
4,62,north,False,2.5,c,0
"""


FEATURES = ["id", "age", "place", "member", "gust"]


def _read(folder: Path, text: str = CSV, *names: str) -> Table:
    (folder / "data.csv").write_text(text, encoding="utf-8")
    return read_table(folder / "data.csv", *(names or ["died"]))


def _target(folder: Path, values: Any, frame: bool = False) -> Table:
    """Read a table whose target has these values."""
    data = pd.DataFrame({"x": np.arange(len(values)), "y": values})
    if frame:
        pytest.importorskip("pyarrow", exc_type=ImportError)
        data.to_parquet(folder / "data.parquet")
        return read_table(folder / "data.parquet", "y")
    return _read(folder, data.to_csv(index=False), "y")


def test_a_csv_becomes_features_target_and_groups(tmp_path: Path) -> None:
    table = _read(tmp_path, CSV, "died", "visit")
    assert table.name == "data.csv"
    assert list(table.features) == FEATURES
    np.testing.assert_array_equal(table.target, [0, 0, 1, 0])
    assert table.target.dtype == np.int64
    assert (table.target_name, table.positive, table.negative) == ("died", "1", "0")
    np.testing.assert_array_equal(table.groups, [0, 0, 1, 2])
    assert table.group_name == "visit"


def test_without_a_group_its_column_is_a_feature(tmp_path: Path) -> None:
    table = _read(tmp_path)
    assert list(table.features) == [*FEATURES, "visit"]
    assert (table.groups, table.group_name) == (None, None)


def test_numbers_stay_and_texts_become_categories(tmp_path: Path) -> None:
    features = _read(tmp_path).features
    np.testing.assert_array_equal(features["id"], [1, 2, 3, 4])
    np.testing.assert_array_equal(features["age"], [30, 41.5, np.nan, 62])
    np.testing.assert_array_equal(features["gust"], [np.nan, 1.5, np.nan, 2.5])
    assert list(features.select_dtypes("category")) == ["place", "member", "visit"]
    assert list(features["place"].cat.codes) == [0, 1, -1, 0]
    assert list(features["member"].cat.categories) == ["False", "True"]
    # A part has those of the whole.
    assert list(features["place"].iloc[[3]].cat.categories) == ["north", "south"]


def test_booleans_with_gaps_are_categorical(tmp_path: Path) -> None:
    text = "a,y\nTrue,0\n,1\nFalse,0\n"
    assert list(_read(tmp_path, text, "y").features["a"].cat.codes) == [1, -1, 0]


def test_parquet_types_that_csv_has_not(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "single": np.array([1, 2, 3], dtype=np.float32),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "kind": pd.Categorical(["b", "a", None], categories=["b", "a", "c"]),
            "y": [True, False, False],
        },
        index=[5, 5, 5],
    )
    frame.to_parquet(tmp_path / "data.parquet")
    table = read_table(tmp_path / "data.parquet", "y")
    features = table.features
    assert features["whole"].dtype == np.float64
    np.testing.assert_array_equal(features["whole"], [1, np.nan, 3])
    assert features["single"].dtype == np.float32
    assert list(features["flag"].cat.codes) == [1, -1, 0]
    assert list(features["kind"].cat.categories) == ["a", "b"]
    assert list(features["kind"].cat.codes) == [1, 0, -1]
    assert (table.positive, table.negative) == ("True", "False")


@pytest.mark.parametrize(
    ("values", "positive", "negative", "labels"),
    [
        ([1, 1, 1, 0], "1", "0", [1, 1, 1, 0]),
        ([1.0, 1.0, 0.0], "1", "0", [1, 1, 0]),
        ([True, True, False], "True", "False", [1, 1, 0]),
        (["no", "yes", "no"], "yes", "no", [0, 1, 0]),
        (["yes", "yes", "no"], "no", "yes", [0, 0, 1]),
        (["b", "a"], "b", "a", [1, 0]),
        (["a", "b"], "b", "a", [0, 1]),
        ([1, 2, 2], "1", "2", [1, 0, 0]),
        ([-1, 1, 1], "-1", "1", [1, 0, 0]),
        ([0, 2, 2], "0", "2", [1, 0, 0]),
        (["true", "yes", "yes"], "true", "yes", [1, 0, 0]),
        ([1e19, 0.0, 0.0], "1e+19", "0.0", [1, 0, 0]),
    ],
)
def test_which_value_is_the_positive(
    tmp_path: Path, values: list[Any], positive: str, negative: str, labels: list[int]
) -> None:
    table = _target(tmp_path, values)
    assert (table.positive, table.negative) == (positive, negative)
    np.testing.assert_array_equal(table.target, labels)


@pytest.mark.parametrize("values", [["0", "1", "1"], ["false", "TRUE", "TRUE"]])
def test_zero_and_one_may_be_strings(tmp_path: Path, values: list[str]) -> None:
    table = _target(tmp_path, values, frame=True)
    assert (table.positive, table.negative) == (values[1], values[0])
    np.testing.assert_array_equal(table.target, [0, 1, 1])


def test_a_categorical_target_may_lack_one_of_its_values(tmp_path: Path) -> None:
    column = pd.Categorical(["a", "b", "b"], categories=["a", "b", "c"])
    table = _target(tmp_path, column, frame=True)
    assert (table.positive, table.negative) == ("a", "b")


_NO_GAPS = "must have no missing values, got"
_FEW = (
    "must have two different values, or up to 100 that are no fractions and occur twice"
    " on average"
)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 1], f"{_FEW}, got 1 (1) in 2 rows"),
        (["c", "a", "b", "c"], f"{_FEW}, got 3 (c, a, b) in 4 rows"),
        ([1, 2.5, 3] * 9, f"{_FEW}, got 3 (1.0, 2.5, 3.0) in 27 rows"),
        ([*range(101)] * 9, f"{_FEW}, got 101 (0, 1, 2, 3, 4, …) in 909 rows"),
        ([1, 0, None], f"{_NO_GAPS} 1: leave such rows out"),
        (["yes", None, None], f"{_NO_GAPS} 2: leave such rows out"),
    ],
)
def test_wrong_targets(tmp_path: Path, values: list[Any], message: str) -> None:
    with says(f"the target 'y' {message}", InputError):
        _target(tmp_path, values)


_ONE_OF_7 = (
    "must be one of the 7 columns of '{path}' (id, age, place, member, gust, visit, "
    "died), got"
)
_BESIDES = "DATA must have a column besides the target and the group, got only"
_MANY = ",".join(f"c{i}" for i in range(30))
_ONE_OF_MANY = (
    "must be one of the 30 columns of '{path}' "
    "(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …), got"
)


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        (CSV, "dead", f"--target {_ONE_OF_7} 'dead': did you mean 'died'?"),
        (CSV, "died ward", f"--group {_ONE_OF_7} 'ward'"),
        (CSV, "died died", "--group must not be the target, got 'died'"),
        (CSV, "died place", f"the group 'place' {_NO_GAPS} 1: leave such rows out"),
        (f"{_MANY}\n{_MANY}\n", "y", f"--target {_ONE_OF_MANY} 'y'"),
        ("y\n0\n1\n", "y", f"{_BESIDES} y"),
        ("g,y\n0,0\n1,1\n", "y g", f"{_BESIDES} g, y"),
        ("a,y\n", "y", "DATA must have at least one row, got none in '{path}'"),
    ],
)
def test_wrong_columns(tmp_path: Path, text: str, names: str, message: str) -> None:
    with says(message.format(path=tmp_path / "data.csv"), InputError):
        _read(tmp_path, text, *names.split())


def test_texts_with_nul(tmp_path: Path) -> None:
    """XGBoost and LightGBM would take it for the end of the text."""
    with says(
        f"DATA must hold text without NUL, got one in '{tmp_path / 'data.csv'}': it is "
        "no CSV file, or has to be written again",
        InputError,
    ):
        _read(tmp_path, "a,y\nb\0,0\nb,1\nc,1\n", "y")
    pytest.importorskip("pyarrow", exc_type=ImportError)
    frame = pd.DataFrame({"a": ["b\0", "b", "c"], "y": [0, 1, 1]})
    frame.to_parquet(tmp_path / "data.pq")
    with says(r"the column 'a' must hold text without NUL, got 'b\x00'", InputError):
        read_table(tmp_path / "data.pq", "y")


def test_unreadable_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 and nothing more")
    start = f"DATA must be a readable CSV or Parquet file, got '{path}' ("
    with says(start, InputError, end=""):
        read_table(path, "y")


def test_the_flights_are_grouped_by_day() -> None:
    table, flights = flights_table(), load_flights()
    pd.testing.assert_frame_equal(table.features, flights.data)
    np.testing.assert_array_equal(table.target, flights.target)
    assert table.target.dtype == np.int64
    assert (table.target_name, table.positive) == ("cancelled", "1")
    assert table.group_name == "day"
    np.testing.assert_array_equal(table.groups, flights.groups)
