"""From a file to columns: what it is, its encoding, its separator and its header."""

from __future__ import annotations

import csv
import difflib
import io
import lzma
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    try:
        content = unpacked(_bytes_of(path), path)
        if content[:4] == b"PAR1":
            return _parquet(content, path, target), "Parquet"
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


def _bytes_of(path: Path) -> bytes:
    """Return what is in a file, a pipe or, for "-", on standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    if path.is_dir():
        raise InputError(f"DATA must be a file, got the folder '{path}'")
    if not path.exists():
        beside = (
            [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        )
        near = difflib.get_close_matches(path.name, beside, 1)
        meant = f": did you mean '{path.with_name(near[0])}'?" if near else ""
        raise InputError(f"DATA must be an existing file, got '{path}'{meant}")
    return path.read_bytes()


def _check_one(names: list[str], path: Path, target: str) -> None:
    """Raise for a second target: as a feature it would tell the first."""
    number = names.count(target)
    if number > 1:
        raise InputError(
            f"--target must be the name of one column of '{path}', got '{target}', the"
            f" name of {number}"
        )


def _parquet(content: bytes, path: Path, target: str) -> pd.DataFrame:
    import pyarrow

    try:
        return _stored(content, path, target)
    except pyarrow.ArrowException as error:
        # Not all of them are a ValueError.
        raise ValueError(error) from None


def _stored(content: bytes, path: Path, target: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet

    # Names that occur twice are no error here.
    stored = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    _check_one(stored.column_names, path, target)
    for place, name in enumerate(stored.column_names):
        # So some write text.
        if stored.schema.types[place] in (pyarrow.binary(), pyarrow.large_binary()):
            with suppress(pyarrow.ArrowInvalid):
                column = stored.column(place).cast(pyarrow.string())
                stored = stored.set_column(place, name, column)
    if len(set(stored.column_names)) < len(stored.column_names):
        stored = stored.rename_columns(_once(stored.column_names))
    frame: pd.DataFrame
    try:
        frame = stored.to_pandas()
    except (AttributeError, LookupError, TypeError, ValueError):
        # What pandas noted of its frame may be broken where the columns are not.
        frame = stored.to_pandas(ignore_metadata=True)
    # What was the index of a frame may be a column; its numbers are none.
    if not isinstance(frame.index, pd.RangeIndex) and frame.index.names != [None]:
        frame = frame.reset_index()
    return frame.rename(columns=str).reset_index(drop=True)


def _parsed(
    text: str, path: Path, target: str, form: Format, encoding: str
) -> tuple[pd.DataFrame, str]:
    text = text.replace("\r\n", "\n")
    found = _header(text, target, form.sep)
    options: dict[str, Any] = {"all_varchar": True, "sample_size": -1}
    if found is not None:
        skipped, sep, names = found
        _check_one(names, path, target)
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
    text = str(value)
    return "'" + text.replace("'", "''") + "'" if isinstance(value, str) else text


@contextmanager
def _written(text: str) -> Iterator[str]:
    """Yield the path of a file with the text in UTF-8."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        try:
            file.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(
                "the folder of temporary files must have room for DATA, got"
                f" '{folder}' ({line_of(error)})"
            ) from None
        yield str(file)


# A code with zeros in front is no number.
_NUMBER = r"^\s*[+-]?((0|[1-9]\d*)(\.\d*)?|0*\.\d+)([eE][+-]?\d+)?\s*$"


# This may be 1.234 or 1234, as the rest of the file says.
_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2}(\.\d{3})+\s*$"


def _typed(connection: Any, na: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of plain numbers as numbers, and the rest as text.

    What stands for a missing value is missing among numbers; of text the words of the
    user alone are.
    """
    described = connection.execute("DESCRIBE rows").fetchall()
    names = [name for name, *_ in described]
    own = ", ".join(_literal(word.strip().lower()) for word in na)
    numbers = _numbers(
        connection, ", ".join([*map(_literal, MISSING), *([own] * bool(own))])
    )
    cells = []
    for name in names:
        cell = f"trim({_identifier(name)})"
        if own:
            cell = f"CASE WHEN lower({cell}) NOT IN ({own}) THEN {cell} END"
        cells.append(f"TRY_CAST({cell} AS DOUBLE)" if name in numbers else cell)
    told = ", ".join(f"{cell} AS c{number}" for number, cell in enumerate(cells))
    frame: pd.DataFrame = connection.execute(f"SELECT {told} FROM rows").df()
    return frame.set_axis(_once([name.strip() for name in names]), axis=1)


def _numbers(connection: Any, missing: str) -> set[str]:
    """Return the names of the columns of plain numbers.

    All values stand below one another, as expressions of many columns take long.
    """
    rows = connection.execute(
        "SELECT name FROM (UNPIVOT rows ON COLUMNS(*) INTO NAME name VALUE v)"
        f" WHERE lower(trim(v)) NOT IN ({missing}) GROUP BY name"
        f" HAVING bool_and(regexp_matches(v, '{_NUMBER}'))"
        f" AND NOT bool_and(regexp_matches(v, '{_THOUSANDS}'))"
    ).fetchall()
    return {name for (name,) in rows}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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
