"""Files of all kinds, and one sentence for each that cannot be used."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from focal_boost.command._table import InputError, Table, flights_table, read_table
from focal_boost.datasets import load_flights

CSV = """\
id,age,place,member,gust,visit,died
1,30,north,True,,a,0
2,41.5,south,False,1.5,a,0
3,,,True,,b,1
4,62,north,False,2.5,c,0
"""


def _write(path: Path, text: str = CSV) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _target(folder: Path, values: list[Any], frame: bool = False) -> Table:
    """Read a table whose target has these values."""
    data = pd.DataFrame({"x": np.arange(len(values)), "y": values})
    if frame:
        pytest.importorskip("pyarrow", exc_type=ImportError)
        data.to_parquet(folder / "data.parquet")
        return read_table(folder / "data.parquet", "y")
    data.to_csv(folder / "data.csv", index=False)
    return read_table(folder / "data.csv", "y")


def _message(*arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_table(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_csv_becomes_features_target_and_groups(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path / "data.csv"), "died", "visit")
    assert table.name == "data.csv"
    assert list(table.features) == ["id", "age", "place", "member", "gust"]
    np.testing.assert_array_equal(table.target, [0, 0, 1, 0])
    assert table.target.dtype == np.int64
    assert (table.target_name, table.positive, table.negative) == ("died", "1", "0")
    assert table.groups is not None
    np.testing.assert_array_equal(table.groups, [0, 0, 1, 2])
    assert table.group_name == "visit"


def test_without_a_group_its_column_is_a_feature(tmp_path: Path) -> None:
    table = read_table(_write(tmp_path / "data.csv"), "died")
    assert "visit" in table.features
    assert table.groups is None
    assert table.group_name is None


def test_numbers_stay_and_missing_numbers_are_nan(tmp_path: Path) -> None:
    features = read_table(_write(tmp_path / "data.csv"), "died").features
    np.testing.assert_array_equal(features["id"], [1, 2, 3, 4])
    np.testing.assert_array_equal(features["age"], [30, 41.5, np.nan, 62])
    np.testing.assert_array_equal(features["gust"], [np.nan, 1.5, np.nan, 2.5])


def test_strings_and_booleans_become_categoricals(tmp_path: Path) -> None:
    features = read_table(_write(tmp_path / "data.csv"), "died").features
    assert list(features.select_dtypes("category")) == ["place", "member", "visit"]
    assert list(features["place"].cat.categories) == ["north", "south"]
    assert list(features["place"].cat.codes) == [0, 1, -1, 0]
    assert list(features["member"].cat.categories) == ["False", "True"]


def test_a_part_keeps_the_categories_of_the_whole(tmp_path: Path) -> None:
    features = read_table(_write(tmp_path / "data.csv"), "died").features
    part = features.iloc[[3]]
    assert list(part["place"].cat.categories) == ["north", "south"]


def test_booleans_with_gaps_are_categorical(tmp_path: Path) -> None:
    text = "a,y\nTrue,0\n,1\nFalse,0\n"
    column = read_table(_write(tmp_path / "data.csv", text), "y").features["a"]
    assert list(column.cat.codes) == [1, -1, 0]


def test_a_column_of_nothing_is_left_out(tmp_path: Path) -> None:
    text = "a,b,y\n,1,0\n,2,1\n"
    table = read_table(_write(tmp_path / "data.csv", text), "y")
    assert table.left_out == {"a": "it is empty"}


@pytest.mark.parametrize("name", ["data.csv.gz", "data.csv", "data"])
def test_gzip_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(CSV.encode()))
    plain = read_table(_write(tmp_path / "plain.txt"), "died")
    packed = read_table(tmp_path / name, "died")
    pd.testing.assert_frame_equal(packed.features, plain.features)
    np.testing.assert_array_equal(packed.target, plain.target)


def test_parquet_is_the_same_as_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    plain = read_table(_write(tmp_path / "data.csv"), "died", "visit")
    pd.read_csv(tmp_path / "data.csv").to_parquet(tmp_path / "data.pq")
    stored = read_table(tmp_path / "data.pq", "died", "visit")
    pd.testing.assert_frame_equal(
        stored.features, plain.features, check_dtype=False, check_categorical=False
    )
    np.testing.assert_array_equal(stored.target, plain.target)
    assert stored.groups is not None
    assert plain.groups is not None
    np.testing.assert_array_equal(stored.groups, plain.groups)


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
    table = _target(tmp_path, column, frame=True)  # type: ignore[arg-type]
    assert (table.positive, table.negative) == ("a", "b")


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
        ([1, 0, None], "must have no missing values, got 1: leave such rows out"),
        (
            ["yes", None, None],
            "must have no missing values, got 2: leave such rows out",
        ),
    ],
)
def test_wrong_targets(tmp_path: Path, values: list[Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        _target(tmp_path, values)
    assert str(caught.value) == f"the target 'y' {message}"


@pytest.mark.parametrize(
    ("target", "group", "message"),
    [
        (
            "dead",
            None,
            "--target must be one of the 7 columns of '{path}' "
            "(id, age, place, member, gust, visit, died), got 'dead':"
            " did you mean 'died'?",
        ),
        (
            "died",
            "ward",
            "--group must be one of the 7 columns of '{path}' "
            "(id, age, place, member, gust, visit, died), got 'ward'",
        ),
        ("died", "died", "--group must not be the target, got 'died'"),
        (
            "died",
            "place",
            "the group 'place' must have no missing values, got 1: leave such rows out",
        ),
    ],
)
def test_wrong_columns(
    tmp_path: Path, target: str, group: str | None, message: str
) -> None:
    path = _write(tmp_path / "data.csv")
    assert _message(path, target, group) == message.format(path=path)


def test_of_many_columns_some_are_named(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(30))
    path = _write(tmp_path / "data.csv", f"{names}\n{names}\n")
    assert _message(path, "y") == (
        f"--target must be one of the 30 columns of '{path}' "
        "(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …), got 'y'"
    )


@pytest.mark.parametrize(
    ("text", "group", "got"),
    [("y\n0\n1\n", None, "y"), ("g,y\n0,0\n1,1\n", "g", "g, y")],
)
def test_a_file_without_features(
    tmp_path: Path, text: str, group: str | None, got: str
) -> None:
    assert _message(_write(tmp_path / "data.csv", text), "y", group) == (
        f"DATA must have a column besides the target and the group, got only {got}"
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_texts_with_nul(tmp_path: Path, kind: str) -> None:
    """XGBoost and LightGBM would take it for the end of the text."""
    frame = pd.DataFrame({"a": ["b\0", "b", "c"], "y": [0, 1, 1]})
    path = tmp_path / "data"
    if kind == "csv":
        frame.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow", exc_type=ImportError)
        frame.to_parquet(path)
    assert _message(path, "y") == (
        f"DATA must hold text without NUL, got one in '{path}': it is no CSV file,"
        " or has to be written again"
        if kind == "csv"
        else r"the column 'a' must hold text without NUL, got 'b\x00'"
    )


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.csv"
    assert _message(path, "y") == f"DATA must be an existing file, got '{path}'"


def test_a_file_without_rows(tmp_path: Path) -> None:
    path = _write(tmp_path / "data.csv", "a,y\n")
    assert _message(path, "y") == (
        f"DATA must have at least one row, got none in '{path}'"
    )


def test_unreadable_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", exc_type=ImportError)
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 and nothing more")
    start = f"DATA must be a readable CSV or Parquet file, got '{path}' ("
    assert _message(path, "y").startswith(start)


def test_the_flights_are_grouped_by_day() -> None:
    table, flights = flights_table(), load_flights()
    pd.testing.assert_frame_equal(table.features, flights.data)
    np.testing.assert_array_equal(table.target, flights.target)
    assert table.target.dtype == np.int64
    assert (table.target_name, table.positive) == ("cancelled", "1")
    assert table.group_name == "day"
    assert table.groups is not None
    np.testing.assert_array_equal(table.groups, flights.groups)
