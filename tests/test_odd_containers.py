"""Parquet's types, encodings, other formats and odd paths: right, or one sentence."""

from __future__ import annotations

import bz2
import datetime as dt
import decimal
import gzip
import io
import lzma
import os
import pickle
import sqlite3
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_files import TRUTH, N, table, zipped

from focal_boost.command._table import InputError, Table, read_table

pytest.importorskip("duckdb", reason="the command reads files with DuckDB")
pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")

_ROWS = range(N)
_START = dt.datetime(2021, 1, 15, tzinfo=dt.UTC)
_TIMES = [_START + dt.timedelta(days=9 * i, hours=i) for i in _ROWS]
_DAYS = np.array([18642 + 9 * i + i / 24 for i in _ROWS])
_THREE = np.array(["x", "y", "z"])[np.arange(N) % 3]
_GAPS = [None if i % 7 == 3 else float(i % 5) for i in _ROWS]
_ANSWERS = [i % 5 == 0 for i in _ROWS]


def read(folder: Path, content: bytes, target: str = "churn") -> Table:
    (folder / "data").write_bytes(content)
    return read_table(folder / "data", target)


def parquet(*further: Any) -> bytes:
    columns = {k: pa.array(TRUTH[k]) for k in ("age", "churn")}
    names, arrays = [*columns, *(["t"] * len(further))], [*columns.values(), *further]
    written = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, names), written)
    return written.getvalue()


# Of a column: its array, its kind, and its values or categories.
TYPES: dict[str, tuple[Any, str, Any]] = {
    "times of a zone": (
        pa.array(_TIMES, pa.timestamp("us", "Europe/Oslo")), "date", _DAYS
    ),
    "times": (pa.array([t.replace(tzinfo=None) for t in _TIMES]), "date", _DAYS),
    "days": (pa.array([t.date() for t in _TIMES]), "date", np.floor(_DAYS)),
    "durations": (
        pa.array([dt.timedelta(hours=i % 9) for i in _ROWS]), "number",
        3600.0 * (np.arange(N) % 9),
    ),
    "decimals": (
        pa.array([decimal.Decimal(i) / 4 for i in _ROWS], pa.decimal128(9, 2)),
        "number", np.arange(N) / 4,
    ),
    "gaps": (pa.array(_GAPS), "number", np.array(_GAPS, float)),
    "a dictionary": (pa.array(_THREE.tolist()).dictionary_encode(), "category", _THREE),
    "a dictionary of numbers": (
        pa.array([i % 3 for i in _ROWS]).dictionary_encode(), "number",
        np.arange(N) % 3.0,
    ),
    "large text": (pa.array(_THREE.tolist(), pa.large_string()), "category", _THREE),
    "text as bytes": (
        pa.array([one.encode() for one in _THREE]), "category", _THREE
    ),
    "text of numbers": (
        pa.array([f"{i},5" for i in _ROWS]), "number", np.arange(N) + 0.5
    ),
    "answers": (pa.array(_ANSWERS), "category", np.array(_ANSWERS).astype(str)),
}  # fmt: skip
LEFT_OUT: dict[str, tuple[Any, str]] = {
    "bytes": (pa.array([b"\xff\x00" * (i % 3 + 1) for i in _ROWS]), "lists or bytes"),
    "lists": (pa.array([[i] for i in _ROWS]), "lists or bytes"),
    "structs": (pa.array([{"a": i} for i in _ROWS]), "lists or bytes"),
    "nothing": (pa.nulls(N), "empty"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_parquet_is_read(name: str, tmp_path: Path) -> None:
    array, kind, truth = TYPES[name]
    found = read(tmp_path, parquet(array))
    assert found.kinds == {"age": "number", "t": kind}
    values = found.features["t"]
    if kind == "category":
        assert values.astype(str).tolist() == truth.tolist()
    else:
        np.testing.assert_allclose(values.to_numpy(float), truth, rtol=1e-9)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_type_of_parquet_is_left_out(name: str, tmp_path: Path) -> None:
    array, why = LEFT_OUT[name]
    found = read(tmp_path, parquet(array))
    assert found.kinds == {"age": "number"}
    assert why in found.left_out["t"]


def test_names_of_parquet_that_occur_twice(tmp_path: Path) -> None:
    found = read(tmp_path, parquet(pa.array(_GAPS), pa.array(_THREE)))
    assert found.kinds == {"age": "number", "t": "number", "t_2": "category"}
    with pytest.raises(InputError, match=r"^--target must be .*, the name of 2$"):
        read(tmp_path, parquet(pa.array(_GAPS), pa.array(_THREE)), "t")


def test_parquet_whose_note_for_pandas_is_broken(tmp_path: Path) -> None:
    written = io.BytesIO()
    whole = pq.read_table(io.BytesIO(parquet(pa.array(_GAPS))))
    note = {"pandas": '{"columns": [{"name": "age"}], "index_columns": []}'}
    pq.write_table(whole.replace_schema_metadata(note), written)
    found = read(tmp_path, written.getvalue())
    assert found.kinds == {"age": "number", "t": "number"}


def test_parquet_with_a_wrong_byte(tmp_path: Path) -> None:
    # Behind the columns is what they are: their types too.
    written, refused = io.BytesIO(), []
    columns = {"age": pa.array(range(6), pa.uint8()), "churn": [0, 1, 0, 1, 0, 1]}
    pq.write_table(pa.table(columns), written)
    content = written.getvalue()
    for place in range(len(content) - 100, len(content)):
        for mask in (13, 27, 42, 55, 117):
            changed = bytes([content[place] ^ mask])
            try:
                read(tmp_path, content[:place] + changed + content[place + 1 :])
            except InputError as error:
                refused.append(str(error))
    assert len(refused) > 100
    assert not [message for message in refused if "\n" in message]


_CYRILLIC = {"Oslo": "Осло", "Köln": "Кёльн", "Ghent": "Гент"}


@pytest.mark.parametrize(
    "encoding",
    ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-32-le", "utf-32-be", "utf-8"],
)
@pytest.mark.parametrize("letters", [{}, _CYRILLIC], ids=["Latin", "Cyrillic"])
def test_an_encoding(encoding: str, letters: dict[str, str], tmp_path: Path) -> None:
    text = table()
    for one, other in letters.items():
        text = text.replace(one, other)
    found = read(tmp_path, text.encode(encoding))
    cities = [letters.get(one, one) for one in TRUTH["city"]]
    assert found.features["city"].tolist() == cities
    assert found.features["age"].tolist() == TRUTH["age"].tolist()
    assert encoding in (f"{found.read_as} utf-8")


LINES = table().encode()
SAME = {
    "gzip": gzip.compress(LINES),
    "bz2": bz2.compress(LINES),
    "xz": lzma.compress(LINES),
    "line ends of two kinds": LINES.replace(b"\n", b"\r\n", 30),
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_the_same_rows_are_read(content: bytes, tmp_path: Path) -> None:
    features = read(tmp_path, content).features
    for name in ("age", "income"):
        assert features[name].tolist() == TRUTH[name].tolist()


def _sqlite(folder: Path) -> bytes:
    with sqlite3.connect(folder / "db") as connection:
        connection.execute("CREATE TABLE t (a, churn)")
    connection.close()
    return (folder / "db").read_bytes()


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("data.csv")
        member.size = len(LINES)
        archive.addfile(member, io.BytesIO(LINES))
    return packed.getvalue()


def _numpy() -> bytes:
    written = io.BytesIO()
    np.save(written, np.arange(9))
    return written.getvalue()


FOREIGN: dict[str, Any] = {
    "a pickle": lambda _: pickle.dumps([1, 2]),
    "a SQLite database": _sqlite,
    "a workbook": lambda _: zipped("xl/workbook.xml", "[Content_Types].xml"),
    "a workbook or another document": lambda _: zipped("mimetype", "content.xml"),
    "NumPy arrays": lambda _: zipped("a.npy", "b.npy"),
    "a NumPy array": lambda _: _numpy(),
    "a zstd archive": lambda _: b"\x28\xb5\x2f\xfd" + bytes(99),
    "a tar archive": lambda _: _tar(),
    "HTML": lambda _: b"<!DOCTYPE html><table><td>churn</table>",
    "JSON": lambda _: b'{"age": 1, "churn": 0}\n{"age": 2, "churn": 1}\n',
    "an ARFF file": lambda _: b"@RELATION x\n@attribute churn {0,1}\n@data\n0\n",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_another_format_is_named_with_the_way_out(what: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"got {what}") as caught:
        read(tmp_path, FOREIGN[what](tmp_path))
    said = str(caught.value)
    assert said.endswith(("CSV", "save its table as CSV or Parquet", "unpack it first"))
    assert "\n" not in said


def test_a_folder_and_a_name_that_is_nearly_one(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(table())
    with pytest.raises(InputError, match="must be a file, got the folder"):
        read_table(tmp_path, "churn")
    with pytest.raises(InputError, match=r"did you mean '.*customers\.csv'\?$"):
        read_table(tmp_path / "custmers.csv", "churn")
    with pytest.raises(InputError, match=r"must be an existing file, got '.*'$"):
        read_table(tmp_path / "nowhere" / "x.csv", "churn")


def test_standard_input(monkeypatch: Any) -> None:
    given = io.TextIOWrapper(io.BytesIO(LINES))
    monkeypatch.setattr(sys, "stdin", given)
    assert read_table("-", "churn").features["age"].tolist() == TRUTH["age"].tolist()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(table(),))
    writer.start()
    found = read_table(pipe, "churn")
    writer.join()
    assert found.features["age"].tolist() == TRUTH["age"].tolist()


def test_many_columns_are_read_as_few_are(tmp_path: Path) -> None:
    extra = {f"n{k}": [str((i * k) % 7) for i in _ROWS] for k in range(1, 300)}
    extra |= {f"t{k}": [f"v{i % 3}" for i in _ROWS] for k in range(40)}
    found = read(tmp_path, table(extra=extra).encode())
    kinds = [*found.kinds.values()]
    assert kinds.count("category") == 41
    varied = [k for k in range(1, 300) if k % 7]
    assert kinds.count("number") == len(varied) + 2
    for k in varied[::50]:
        assert found.features[f"n{k}"].tolist() == [(i * k) % 7 for i in _ROWS]
