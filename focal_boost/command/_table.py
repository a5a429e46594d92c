"""Reading a file into features, target and groups."""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focal_boost._validation import shown
from focal_boost.datasets import load_flights

if TYPE_CHECKING:
    import pandas as pd

_ZERO_ONE = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


class InputError(ValueError):
    """What the user gave cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Table:
    """A data set for a comparison.

    Attributes
    ----------
    name : str
        The name of the file, without its folder.
    features : pandas.DataFrame of shape (n, d)
        Numbers and categoricals.
    target : ndarray of int64, shape (n,)
        1 for the positive class, else 0.
    target_name, positive, negative : str
        The column of the target and its two values.
    groups : ndarray of int64, shape (n,), or None
        Rows of one group stay together.
    group_name : str or None
        What a group is.
    """

    name: str
    features: pd.DataFrame
    target: NDArray[np.int64]
    target_name: str
    positive: str
    negative: str
    groups: NDArray[np.int64] | None = None
    group_name: str | None = None


def flights_table() -> Table:
    """Return the flights that ship with the package, grouped by day."""
    flights = load_flights()
    return Table(
        name="flights",
        features=flights.data,
        target=np.asarray(flights.target, dtype=np.int64),
        target_name=str(flights.target.name),
        positive="1",
        negative="0",
        groups=flights.groups,
        group_name="day",
    )


def read_table(path: str | Path, target: str, group: str | None = None) -> Table:
    """Read a CSV (plain or gzip) or Parquet file.

    Parameters
    ----------
    path : str or Path
        The file; its content, not its name, says what it is.
    target : str
        The column to predict: two different values, none missing.
    group : str, optional
        The column of the groups, none missing. It is not a feature.

    Returns
    -------
    Table
        Strings and booleans become categoricals, whose categories are those of the
        whole file, so every part of it has the same ones.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit.
    """
    path = Path(path)
    frame = _read_frame(path)
    _check_columns(frame, path, target, group)
    labels, positive, negative = _binary(frame[target], target)
    return Table(
        name=path.name,
        features=_features(frame.drop(columns=[target, *([group] if group else [])])),
        target=labels,
        target_name=target,
        positive=positive,
        negative=negative,
        groups=None if group is None else _group_numbers(frame[group], group),
        group_name=group,
    )


def _read_frame(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"DATA must be an existing file, got '{path}'")
    try:
        frame = _parse(path)
    except InputError:
        raise
    except ImportError:
        raise InputError(
            f"DATA in Parquet needs pyarrow: pip install pyarrow, got '{path}'"
        ) from None
    except (OSError, EOFError, ValueError, zlib.error, Warning) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"DATA must be a readable CSV or Parquet file, got '{path}' ({reason})"
        ) from None
    if frame.empty:
        raise InputError(f"DATA must have at least one row, got none in '{path}'")
    return frame.rename(columns=str).reset_index(drop=True)


def _parse(path: Path) -> pd.DataFrame:
    import pandas as pd

    with path.open("rb") as stream:
        start = stream.read(4)
    if start == b"PAR1":
        return pd.read_parquet(path)
    with warnings.catch_warnings():
        # Rows longer than the header would lose their last values with a mere warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        zipped = start[:2] == b"\x1f\x8b"
        frame = pd.read_csv(
            path,
            compression="gzip" if zipped else None,
            index_col=False,
            low_memory=False,
        )
    _check_no_nul(path, gzip.open if zipped else open)
    return frame


def _check_no_nul(path: Path, opened: Any) -> None:
    """Raise for what some versions of pandas take for the end of a text."""
    with opened(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            if b"\0" in block:
                raise InputError(
                    f"DATA must hold text without NUL, got one in '{path}'"
                )


def _check_columns(
    frame: pd.DataFrame, path: Path, target: str, group: str | None
) -> None:
    names = list(frame.columns)
    for option, name in (("--target", target), ("--group", group)):
        if name is not None and name not in names:
            raise InputError(
                f"{option} must be one of the {len(names)} columns of '{path}' "
                f"({_some(names)}), got '{name}'"
            )
    if target == group:
        raise InputError(f"--group must not be the target, got '{group}'")
    if set(names) == {target, group or target}:
        raise InputError(
            "DATA must have a column besides the target and the group, "
            f"got only {_some(names)}"
        )


def _some(values: list[Any], most: int = 10) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return shown + (", …" if len(values) > most else "")


def _binary(column: pd.Series[Any], name: str) -> tuple[NDArray[np.int64], str, str]:
    """Return the labels and the names of the positive and the negative value."""
    _check_complete(column, f"the target '{name}'")
    values = list(column.unique())
    if len(values) != 2:
        raise InputError(
            f"the target '{name}' must have two different values, "
            f"got {len(values)} ({_some(values, 5)})"
        )
    # Of two equally frequent values the one that sorts last is taken.
    last_first = sorted(values, key=str, reverse=True)
    rarer_first = sorted(last_first, key=lambda value: int((column == value).sum()))
    positive, negative = _positive_first(rarer_first)
    labels = (column == positive).to_numpy(dtype=np.int64)
    return labels, str(positive), str(negative)


def _positive_first(values: list[Any]) -> list[Any]:
    """Put the positive first: 1 or True, else the rarer, which comes first already."""
    numbers = [_ZERO_ONE.get(str(value).lower()) for value in values]
    if None not in numbers and sum(number or 0 for number in numbers) == 1:
        return [values[numbers.index(1)], values[numbers.index(0)]]
    return values


def _group_numbers(column: pd.Series[Any], name: str) -> NDArray[np.int64]:
    import pandas as pd

    _check_complete(column, f"the group '{name}'")
    return np.asarray(pd.factorize(column)[0], np.int64)


def _check_complete(column: pd.Series[Any], what: str) -> None:
    missing = int(column.isna().sum())
    if missing:
        raise InputError(f"{what} must have no missing values, got {missing}")


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: _feature(frame[name], name) for name in frame})


def _feature(column: pd.Series[Any], name: Any) -> pd.Series[Any]:
    """Return numbers as they are and everything else as a categorical of strings."""
    import pandas as pd
    from pandas.api import types

    is_bool = types.is_bool_dtype(column.dtype)
    if types.is_numeric_dtype(column.dtype) and not is_bool:
        return _finite(column, name)
    present = column.dropna()
    kinds = {type(value) for value in present} - {str, bool, np.bool_}
    if kinds:
        kind = min(kind.__name__ for kind in kinds)
        raise InputError(
            f"the column '{name}' must hold numbers, strings or booleans, got {kind}"
        )
    if present.empty:
        return pd.Series(np.nan, index=column.index)
    texts = present.astype(str).reindex(column.index).astype("category")
    _check_texts(texts.cat.categories, name)
    return texts


def _check_texts(texts: Iterable[str], name: Any) -> None:
    """Raise for what a library written in C takes for the end of a text."""
    for text in texts:
        if "\0" in text:
            raise InputError(
                f"the column '{name}' must hold text without NUL, got {shown(text)}"
            )


def _finite(column: pd.Series[Any], name: Any) -> pd.Series[Any]:
    """Return finite numbers; pandas' own nullable types become float64."""
    if not isinstance(column.dtype, np.dtype):
        column = column.astype("Float64").astype("float64")
    if np.isinf(column).any():
        infinite = column[np.isinf(column)].iloc[0]
        raise InputError(
            f"the column '{name}' must hold finite or missing numbers, got {infinite}"
        )
    return column
