"""Files as people have them: the same 60 rows, written in many ways."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

N = 60
_ROW = np.arange(N)
#: What every file holds, unless it says otherwise.
TRUTH: dict[str, Any] = {
    "age": 20.0 + _ROW % 37,
    "income": 1234.5 + 1000.25 * _ROW,
    "city": np.array(["Oslo", "Köln", "Ghent"])[_ROW % 3],
    "churn": (_ROW % 4 == 0).astype(int),
}
LESS = {"income": -TRUTH["income"]}
_DAYS = pd.date_range("2021-01-15", periods=N, freq="9D")
#: What dates are read as: days since 1970.
DAYS = 18642.0 + 9 * _ROW


@dataclass(frozen=True)
class Odd:
    """A file, the options that it needs, and what must be read of it."""

    content: bytes
    name: str = "data.csv"
    options: dict[str, Any] = field(default_factory=dict)
    target: str = "churn"
    #: Kind of every feature; a column that is left out has none.
    kinds: dict[str, str] = field(default_factory=dict)
    #: Numbers of a column, where they are not those of `TRUTH`.
    numbers: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    #: A part of the sentence, where the file cannot be used.
    refused: str | None = None
    positive: str | None = None
    rows: int = N
    #: A part of what must be said.
    said: str | None = None


Writer = Callable[[Any], str]
_PLAIN: dict[str, Writer] = {
    "age": lambda v: f"{v:g}", "income": lambda v: f"{v:.2f}",
    "city": str, "churn": str,
}  # fmt: skip
_KINDS = {"age": "number", "income": "number", "city": "category"}


def table(
    sep: str = ",",
    *,
    end: str = "\n",
    header: bool = True,
    before: str = "",
    tail: str = "",
    extra: dict[str, list[str]] | None = None,
    **writers: Writer,
) -> str:
    """Write the rows, with other writers for some columns, or further columns."""
    names = list(TRUTH)
    columns = [[{**_PLAIN, **writers}[n](v) for v in TRUTH[n]] for n in names]
    for name, values in (extra or {}).items():
        names.insert(0, name)
        columns.insert(0, values)
    lines = [sep.join(names)] if header else []
    lines += [sep.join(row) for row in zip(*columns, strict=True)]
    return before + end.join(line + tail for line in lines) + end


def odd(text: str | bytes, encoding: str = "utf-8", **expected: Any) -> Odd:
    content = text if isinstance(text, bytes) else text.encode(encoding)
    expected.setdefault("kinds", _KINDS)
    return Odd(content, **expected)


def beside(
    name: str, write: Callable[[int], str], kind: str | None = None, **expected: Any
) -> Odd:
    """Return the rows with a column more, which is read as this kind, or left out."""
    kinds = _KINDS if kind is None else {name: kind, **_KINDS}
    return odd(
        table(extra={name: [write(i) for i in range(N)]}), kinds=kinds, **expected
    )


def _thousands(comma: str, point: str) -> Writer:
    def write(value: float) -> str:
        return f"{value:,.2f}".translate(str.maketrans({",": comma, ".": point}))

    return write


def _quoted(writer: Writer) -> Writer:
    return lambda value: f'"{writer(value)}"'


def _gap(mark: str, every: int = 7) -> Writer:
    seen = iter(range(10**9))
    return lambda value: mark if next(seen) % every == 3 else f"{value:g}"


def zipped(*names: str) -> bytes:
    """Return an archive in which the rows have these names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, table())
    return packed.getvalue()


def _frame() -> pd.DataFrame:
    return pd.DataFrame(TRUTH)


def _parquet(frame: pd.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.to_parquet(packed)
    return packed.getvalue()


def _dated(form: str, **expected: Any) -> Odd:
    return beside("since", lambda i: _DAYS[i].strftime(form), "date", **expected)


_GAPS = {"age": int((_ROW % 7 == 3).sum())}
_DATED = {"since": "date", **_KINDS}
_LATE = 60_000


def _late_text() -> str:
    """Return over 1 MB of numbers with one word far below."""
    rows = [f"{i % 50}.25,{i % 7}.5,{int(i % 5 == 0)}" for i in range(_LATE)]
    rows[-3] = "unknown,1.5,0"
    padded = [f"{row},{'x' * (i % 2 + 8)}" for i, row in enumerate(rows)]
    return "\n".join(["dose,dial,churn,pad", *padded]) + "\n"


def cases() -> dict[str, Odd]:
    """Return all files by what is odd about them."""
    comma = _thousands("", ",")
    return {
        "plain": odd(table()),
        "semicolon": odd(table(";")),
        "tab": odd(table("\t"), name="data.tsv"),
        "pipe": odd(table("|"), name="data.txt"),
        "colon": odd(table(":"), options={"sep": ":"}),
        "windows line ends": odd(table(end="\r\n")),
        "old mac line ends": odd(table(end="\r")),
        "no last newline": odd(table().rstrip("\n")),
        "byte order mark": odd(table(), "utf-8-sig"),
        "utf-16": odd(table(), "utf-16"),
        "utf-16 without a mark": odd(table(), "utf-16-le"),
        "latin-1": odd(table(), "latin-1"),
        "latin-1, umlaut late": odd(
            table().replace("Köln", "Koln", 12), "latin-1", kinds=_KINDS
        ),
        "cp1252 euro": odd(table(";", income=lambda v: f"{v:.2f} €"), "cp1252"),
        "decimal comma": odd(table(";", income=comma)),
        "decimal comma, quoted": odd(table(income=_quoted(comma))),
        "decimal comma in tabs": odd(table("\t", income=comma)),
        "decimal comma by option": odd(
            table(";", income=comma), options={"decimal": ","}
        ),
        "thousands": odd(table(income=_quoted(_thousands(",", ".")))),
        "thousands of Germany": odd(table(";", income=_thousands(".", ","))),
        "thousands of Switzerland": odd(table(income=_thousands("'", "."))),
        "thousands by spaces": odd(table(";", income=_thousands(" ", ","))),
        "thousands by narrow spaces": odd(table(";", income=_thousands("\u202f", ","))),
        "percent": odd(
            table(age=lambda v: f"{v:g}%"), numbers={"age": TRUTH["age"] / 100}
        ),
        "dollars": odd(table(income=lambda v: f"${v:.2f}")),
        "euros behind": odd(table(";", income=lambda v: comma(v) + " EUR")),
        "negative in brackets": odd(table(income=lambda v: f"({v:.2f})"), numbers=LESS),
        "unicode minus": odd(table(income=lambda v: f"\u2212{v:.2f}"), numbers=LESS),
        "exponents": odd(table(income=lambda v: f"{v:.6e}")),
        "spaces around": odd(table(age=lambda v: f"  {v:g} ")),
        "all quoted": odd(table(**{n: _quoted(w) for n, w in _PLAIN.items()})),
        "single quotes": beside("note", lambda i: f"'a, {i % 2}b'", "category"),
        "quoted separator": beside("note", lambda i: f'"a, {i % 2}b"', "category"),
        "quoted newline": beside("note", lambda i: f'"a\n{i % 2}b"', "category"),
        "doubled quotes": beside("note", lambda i: f'"a ""{i % 2}b"""', "category"),
        "comment lines": odd(table(before="# exported\n# by hand\n")),
        "title lines": odd(table(before="Report of churn\n\n")),
        "empty lines": odd(table().replace("\n", "\n\n")),
        "empty lines at the end": odd(table() + "\n\n\n"),
        "trailing separator": odd(table(tail=",")),
        "trailing separator in rows": odd(
            table(header=False, tail=",", before="age,income,city,churn\n")
        ),
        "no header": odd(
            table(header=False), target="column3",
            kinds={"column0": "number", "column1": "number", "column2": "category"},
        ),
        "wrong-case target": odd(
            table(), target="Churn", refused="did you mean 'churn'?"
        ),
        "spaces in the header": odd(table().replace("age,", " age ,", 1)),
        "duplicate names": odd(
            table().replace("income", "age", 1),
            kinds={"age": "number", "age_1": "number", "city": "category"},
            numbers={"age_1": TRUTH["income"]}, said="names that occur twice",
        ),
        "two targets": odd(
            table().replace("income", "churn", 1),
            refused="--target must be the name of one column",
        ),
        "nameless index": beside("", str, said="column0"),
        "id numbers": beside("row_id", lambda i: str(10**6 + 79 * i), said="row_id"),
        "id texts": beside("who", lambda i: f"C{i * 7919 % 10007:05d}", said="who"),
        "uuid": beside("key", lambda i: f"{i * 7919:08x}-aa-bb", said="key"),
        "zip codes": beside("zip", lambda i: f"0{i % 4}123", "category"),
        "iso dates": _dated("%Y-%m-%d", said="date"),
        "iso times": _dated("%Y-%m-%dT%H:%M:%SZ"),
        "dates of Germany": _dated("%d.%m.%Y"),
        "dates of America": _dated("%m/%d/%Y"),
        "dates of Britain": _dated("%d/%m/%Y"),
        "dates in words": _dated("%d %b %Y"),
        "dates without dashes": _dated("%Y%m%d"),
        **{
            f"gaps as {mark}": odd(table(age=_gap(mark)), missing=_GAPS)
            for mark in ("?", "NA", "NULL", "-", "n/a", ".")
        },
        "-999 by option": odd(
            table(age=_gap("-999")), missing=_GAPS, options={"na": ["-999"]}
        ),
        "words by option": odd(
            table(age=_gap("gone")), missing=_GAPS, options={"na": ["gone"]}
        ),
        "a stray word": odd(
            table(age=_gap("unknown", 60)), missing={"age": 1}, said="unknown"
        ),
        "infinite": odd(table(age=_gap("inf", 60)), missing={"age": 1}, said="age"),
        "beyond float32": odd(
            table(age=lambda v: f"{v:g}e60"), numbers={"age": 1.0 + _ROW % 37},
            said="float32",
        ),
        "booleans": beside("in", lambda i: ("true", "false")[i % 3 % 2], "category"),
        "yes and no": odd(
            table(churn=lambda v: ("no", "yes")[v]), positive="yes",
        ),
        "the positive by option": odd(
            table(churn=lambda v: ("stay", "go")[1 - v]), positive="stay",
            options={"positive": "stay"},
        ),
        "target of T and F": odd(table(churn=lambda v: "FT"[v]), positive="T"),
        "a constant": beside("k", lambda _: "7", said="k"),
        "an empty column": beside("k", lambda _: "", said="k"),
        "gzip": odd(gzip.compress(table().encode()), name="data.csv.gz"),
        "zip": odd(zipped("data.csv"), name="data.zip"),
        "zip of two": odd(zipped("a.csv", "b.csv"), name="z.zip", refused="one file"),
        "parquet": odd(_parquet(_frame()), name="data.parquet"),
        "parquet with dates": odd(
            _parquet(_frame().assign(since=_DAYS)), name="data.parquet",
            kinds=_DATED,
        ),
        "parquet with lists": odd(
            _parquet(_frame().assign(k=[[1, 2]] * N)), name="data.parquet", said="k"
        ),
        "late text": odd(
            _late_text(), rows=_LATE, missing={"dose": 1}, said="unknown",
            kinds={"dose": "number", "dial": "number", "pad": "category"},
            numbers={},
        ),
        "one column": odd("churn\n" + "0\n1\n" * 30, refused="besides the target"),
        "empty": odd("", refused="must not be empty"),
        "only a header": odd("age,churn\n", refused="at least one row"),
        "nul": odd(table().replace("Oslo", "Os\0lo", 3), refused="NUL"),
        "nul at the end": odd(table() + "\0" * 9, refused="NUL"),
        "an image": odd(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, refused="DATA"),
        "an old workbook": odd(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999), name="d.xls",
            refused="save its sheet as CSV",
        ),
        "json": odd('[{"a": 1, "churn": 0}]', name="d.json", refused="DATA"),
        "a long row": odd(
            table().replace("Oslo,1\n", "Oslo,1,8,9\n", 1), refused="columns"
        ),
        "a short row": odd(table().replace(",Oslo,1\n", "\n", 1), refused="row"),
        "unclosed quote": odd(table().replace("Oslo", '"Oslo', 1)),
        "cut gzip": odd(gzip.compress(table().encode())[:-30], refused="DATA"),
        "a missing target": odd(
            table(churn=lambda v: str(v or "")), refused="missing"
        ),
        "a target of fractions": odd(
            table(churn=lambda v: str(v / 8)).replace("0.125", "0.5", 3),
            refused="two different values, or up to 100",
        ),
    }  # fmt: skip
