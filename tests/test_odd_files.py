"""Files as people have them: read right, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_files import DAYS, TRUTH, Odd, cases

from focal_boost.command._columns import number_of
from focal_boost.command._read import Format
from focal_boost.command._table import InputError, Table, read_table

pytest.importorskip("duckdb", reason="the command reads files with DuckDB")

CASES = cases()


def read(case: Odd, folder: Path) -> Table:
    path = folder / case.name
    path.write_bytes(case.content)
    given: dict[str, Any] = dict(case.options)
    form = Format(
        given.pop("sep", None), given.pop("decimal", None), tuple(given.pop("na", ()))
    )
    return read_table(path, case.target, form=form, **given)


def test_there_are_many() -> None:
    assert len(CASES) >= 90


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].refused])
def test_it_is_read_right(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    found = read(case, tmp_path)
    assert found.kinds == case.kinds
    assert len(found.features) == len(found.target) == case.rows
    for column, kind in found.kinds.items():
        values = found.features[column]
        assert values.isna().sum() == case.missing.get(column, 0)
        truth = case.numbers.get(column, TRUTH.get(column))
        if truth is not None and case.rows == len(truth):
            known = values.notna().to_numpy()
            given = values[known].to_numpy()
            if kind == "category":
                # A case may write a city in its own way, but not two as one.
                same = found.features[column].cat.codes.to_numpy()[known]
                pairs = set(zip(same, np.asarray(truth)[known], strict=True))
                assert len(pairs) == len(set(same)) >= 3
            else:
                np.testing.assert_allclose(given, truth[known], rtol=1e-6)
        if kind == "date" and case.rows == len(DAYS):
            np.testing.assert_allclose(values.to_numpy(float), DAYS, rtol=1e-9)
    if case.positive is None and case.rows == len(TRUTH["churn"]):
        np.testing.assert_array_equal(found.target, TRUTH["churn"])
    said = f"{found.read_as} {found.left_out} {found.said}"
    assert (case.said or "") in said
    assert case.positive in (None, found.positive)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].refused])
def test_it_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(CASES[name], tmp_path)
    assert str(CASES[name].refused) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("1,234.5", ".", 1234.5), ("1.234,5", ",", 1234.5), ("0,125", ",", 0.125),
        ("0,125", ".", np.nan), ("1 234,5", ",", 1234.5), ("12,34,567", ".", 1234567),
        ("(3.5)", ".", -3.5), ("7-", ".", -7.0), ("50 %", ".", 0.5), ("$2", ".", 2.0),
        ("-$2", ".", -2.0), ('="5"', ".", 5.0), ("'5", ".", 5.0), ("e61", ".", np.nan),
        (".5", ".", 0.5), ("1.2.3", ".", np.nan), ("", ".", np.nan),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(written: str, decimal: str, value: float) -> None:
    np.testing.assert_equal(number_of(written, decimal), value)
