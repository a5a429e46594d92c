"""From a file to columns: what it is, its encoding, its separator and its header."""

from __future__ import annotations

import csv
import io
import lzma
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focal_boost.command._unpack import (
    UNREADABLE,
    InputError,
    decoded,
    line_of,
    unpacked,
)

if TYPE_CHECKING:
    import pandas as pd

#: What stands for a missing value, in any case.
MISSING = (
    "", "?", "na", "n/a", "n.a.", "#n/a", "#na", "nan", "<na>", "null", "(null)",
    "none", "nil", "\\n", "-", "--", "---", ".", "..", "#div/0!", "#value!", "#ref!",
)  # fmt: skip
_SEPARATORS = (",", ";", "\t", "|", ":")
# A header stands in the first lines, if there is one.
_FIRST_LINES = 50


@dataclass(frozen=True)
class Format:
    """What the user says of a file; None is to be found out."""

    sep: str | None = None
    decimal: str | None = None
    na: tuple[str, ...] = ()


def read_columns(path: Path, target: str, form: Format) -> tuple[pd.DataFrame, str]:
    """Return the columns of a file, and in a few words what it is.

    Numbers are numbers where they are written as Python does, all else is text, with
    None for what is missing.

    Raises
    ------
    InputError
        If it is no table.
    """
    if not path.is_file():
        raise InputError(f"DATA must be an existing file, got '{path}'")
    try:
        content = unpacked(path.read_bytes(), path)
        if content[:4] == b"PAR1":
            return _parquet(content), "Parquet"
        text, encoding = decoded(content, path)
        return _parsed(text, path, target, form, encoding)
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"DATA needs {error.name}, got '{path}': pip install {error.name}"
        ) from None
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{UNREADABLE}, got '{path}' ({line_of(error)})") from None


def _parquet(content: bytes) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet

    stored = pyarrow.parquet.read_table(io.BytesIO(content))
    if len(set(stored.column_names)) < len(stored.column_names):
        stored = stored.rename_columns(_once(stored.column_names))
    frame: pd.DataFrame = stored.to_pandas()
    # What was the index of a frame may be a column; its numbers are none.
    if not isinstance(frame.index, pd.RangeIndex) and frame.index.names != [None]:
        frame = frame.reset_index()
    return frame.rename(columns=str).reset_index(drop=True)


def _parsed(
    text: str, path: Path, target: str, form: Format, encoding: str
) -> tuple[pd.DataFrame, str]:
    found = _header(text, target, form.sep)
    options: dict[str, Any] = {"all_varchar": True, "sample_size": -1}
    if found is not None:
        skipped, sep, _ = found
        options |= {"sep": sep, "header": True}
        # Versions of DuckDB count lines to skip differently.
        text = "".join(text.splitlines(keepends=True)[skipped:])
    elif form.sep is not None:
        options["sep"] = form.sep
    frame = _by_duckdb(text, path, options, form.na)
    if frame.empty:
        raise InputError(f"DATA must have at least one row, got none in '{path}'")
    told = [] if encoding.startswith("utf-8") else [encoding]
    if found is not None and found[1] != ",":
        told.append(f"separated by {'a tab' if found[1] == chr(9) else repr(found[1])}")
    if found is not None and found[0]:
        told.append(f"{found[0]} lines above the header skipped")
    if found is not None and len(set(found[2])) < len(found[2]):
        told.append("names that occur twice have got numbers")
    return frame, ", ".join(["CSV", *told])


def _header(
    text: str, target: str, sep: str | None
) -> tuple[int, str, list[str]] | None:
    """Return the lines above the header, its separator and its names.

    It is the first line that names the target.
    """
    first = text[:1_000_000].splitlines()[:_FIRST_LINES]
    for skipped, line in enumerate(first):
        for one in _SEPARATORS if sep is None else (sep,):
            names = next(csv.reader([line], delimiter=one), [])
            if len(names) > 1 and target in _stripped(names):
                return skipped, one, _stripped(names)
    return None


def _stripped(names: list[str]) -> list[str]:
    return [name.strip().strip("'\"").strip() for name in names]


def _once(names: list[str]) -> list[str]:
    """Return the names, a second one of the same with a number behind."""
    found: list[str] = []
    for name in names:
        number = 2
        new = name
        while new in found:
            new, number = f"{name}_{number}", number + 1
        found.append(new)
    return found


def _by_duckdb(
    text: str, path: Path, options: dict[str, Any], na: tuple[str, ...]
) -> pd.DataFrame:
    import duckdb

    told = ", ".join(f"{name} = {_literal(value)}" for name, value in options.items())
    with _written(text) as file, duckdb.connect() as connection:
        try:
            # Statements alone: they are the same in all versions.
            source = f"read_csv({_literal(file)}, {told})"
            connection.execute(
                f"CREATE TABLE rows AS SELECT * FROM {source}"
            ).fetchall()
            return _typed(connection, na)
        except duckdb.Error as error:
            raise _wrong(text, path, options, error) from None


def _literal(value: Any) -> str:
    return (
        str(value)
        if not isinstance(value, str)
        else "'" + value.replace("'", "''") + "'"
    )


@contextmanager
def _written(text: str) -> Iterator[str]:
    """Yield the path of a file with the text in UTF-8."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        file.write_text(text, encoding="utf-8", newline="")
        yield str(file)


# A code with zeros in front is no number.
_NUMBER = r"^\s*[+-]?((0|[1-9]\d*)(\.\d*)?|0*\.\d+)([eE][+-]?\d+)?\s*$"


# Columns of one statement: its time grows with their square.
_AT_A_TIME = 50
# This may be 1.234 or 1234, as the rest of the file says.
_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2}(\.\d{3})+\s*$"


def _typed(connection: Any, na: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of plain numbers as numbers, and the rest as text."""
    import pandas as pd

    described = connection.execute("DESCRIBE rows").fetchall()
    names = [name for name, *_ in described]
    words = [*MISSING, *(word.strip().lower() for word in na)]
    missing = ", ".join(map(_literal, words))
    parts = [
        _typed_part(connection, names[start : start + _AT_A_TIME], missing)
        for start in range(0, len(names), _AT_A_TIME)
    ]
    frame = pd.concat(parts, axis=1)
    return frame.set_axis(_once([name.strip() for name in names]), axis=1)


def _typed_part(connection: Any, names: list[str], missing: str) -> pd.DataFrame:
    cells = []
    for number, name in enumerate(names):
        column = '"' + name.replace('"', '""') + '"'
        cells.append(
            f"CASE WHEN lower(trim({column})) NOT IN ({missing})"
            f" THEN trim({column}) END AS c{number}"
        )
    source = f"(SELECT {', '.join(cells)} FROM rows)"
    checks = (
        f"coalesce(bool_and(regexp_matches(c{number}, '{_NUMBER}')), false)"
        f" AND NOT bool_and(regexp_matches(c{number}, '{_THOUSANDS}'))"
        for number in range(len(cells))
    )
    (plain,) = connection.execute(
        f"SELECT {', '.join(checks)} FROM {source}"
    ).fetchall()
    columns = (
        f"TRY_CAST(c{number} AS DOUBLE) AS c{number}" if is_number else f"c{number}"
        for number, is_number in enumerate(plain)
    )
    found: pd.DataFrame = connection.execute(
        f"SELECT {', '.join(columns)} FROM {source}"
    ).df()
    return found


def _wrong(text: str, path: Path, options: dict[str, Any], error: Any) -> InputError:
    """Say which row has another number of columns, if that is what is wrong."""
    if "sep" in options:
        lines = text.splitlines()
        rows = csv.reader(lines, delimiter=options["sep"])
        wanted = len(next(rows))
        for row in rows:
            if row and len(row) != wanted and not row[0].startswith("#"):
                return InputError(
                    f"DATA must have {wanted} columns in every row, got {len(row)} in"
                    f" line {rows.line_num} from the header on of '{path}'"
                )
    return InputError(
        f"{UNREADABLE}, got '{path}' ({line_of(error).partition(' The search')[0]});"
        " --sep sets the separator"
    )
