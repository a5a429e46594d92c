"""From columns to features, target and groups."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focal_boost.command._columns import Texts, column_of, decimal_of
from focal_boost.command._read import Format, read_columns
from focal_boost.command._unpack import InputError
from focal_boost.datasets import load_flights

if TYPE_CHECKING:
    import pandas as pd

# A target of more values is no class.
_MOST_CLASSES = 100
_FRACTION = re.compile(r"[+-]?\d*\.\d*[1-9]\d*")
_ZERO_ONE = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


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
        1 for the positive class, else 0; of many classes their numbers.
    target_name, positive, negative : str
        The column of the target and its two values.
    classes : tuple of str
        The values of the target in order, if they are more than two.
    groups : ndarray of int64, shape (n,), or None
        Rows of one group stay together.
    group_name : str or None
        What a group is.
    read_as : str
        What the file is, in a few words; empty where nothing was read.
    kinds : dict of str to str
        "number", "date" or "category", by feature.
    left_out : dict of str to str
        Why a column is no feature.
    said : dict of str to str
        What else there is to know of a column.
    """

    name: str
    features: pd.DataFrame
    target: NDArray[np.int64]
    target_name: str
    positive: str
    negative: str
    groups: NDArray[np.int64] | None = None
    group_name: str | None = None
    classes: tuple[str, ...] = ()
    read_as: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)


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


def read_table(
    path: str | Path,
    target: str,
    group: str | None = None,
    *,
    drop: tuple[str, ...] = (),
    positive: str | None = None,
    form: Format | None = None,
) -> Table:
    """Read a CSV or Parquet file, packed or not.

    Parameters
    ----------
    path : str or Path
        The file; its content, not its name, says what it is.
    target : str
        The column to predict: two different values or more, none missing.
    group : str, optional
        The column of the groups, none missing. It is not a feature.
    drop : tuple of str
        Columns that are to be no features.
    positive : str, optional
        The value of the target that is the positive class; of more than two, against
        all others.
    form : Format, optional
        What is known of the file.

    Returns
    -------
    Table
        Dates are days since 1970. Texts are categoricals, whose categories are those
        of the whole file, so every part of it has the same ones.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit.
    """
    path, form = Path(path), form or Format()
    frame, read_as = read_columns(path, target, form)
    if frame.empty:
        raise InputError(f"DATA must have at least one row, got none in '{path}'")
    _check_columns(frame, path, target, group, drop)
    labels, names = _labels(frame[target], target, positive)
    numbers = None if group is None else _group_numbers(frame[group], group)
    used = {target, group, *drop}
    columns = {name: frame[name] for name in frame if name not in used}
    decimal = _decimal(columns, form)
    found = {name: column_of(one, name, decimal) for name, one in columns.items()}
    kept = {name: one for name, one in found.items() if one.values is not None}
    left_out = {n: one.said for n, one in found.items() if one.values is None}
    if not kept:
        raise InputError(
            "DATA must have a column to learn from besides the target and the group, "
            f"got {_some([f'{name} ({why})' for name, why in left_out.items()], 3)}"
        )
    return Table(
        name=path.name,
        features=_frame(kept),
        target=labels,
        target_name=target,
        positive=names[0],
        negative=names[1],
        classes=() if len(names) == 2 else names,
        groups=numbers,
        group_name=group,
        read_as=read_as,
        kinds={name: one.kind for name, one in kept.items()},
        left_out={**dict.fromkeys(drop, "--drop"), **left_out},
        said={name: one.said for name, one in kept.items() if one.said},
    )


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: one.values for name, one in columns.items()})


def _decimal(columns: dict[str, Any], form: Format) -> str:
    """Return the sign before decimals, as the columns of text have it."""
    if form.decimal is not None:
        return form.decimal
    texts = [
        Texts.of(column.iloc[:10_000])
        for column in columns.values()
        if column.dtype == object or str(column.dtype).startswith("str")
    ]
    return decimal_of([one for one in texts if one.text])


def _check_columns(
    frame: pd.DataFrame,
    path: Path,
    target: str,
    group: str | None,
    drop: tuple[str, ...],
) -> None:
    names = list(frame.columns)
    dropped = [("--drop", name) for name in drop]
    for option, name in (("--target", target), ("--group", group), *dropped):
        if name is not None and name not in names:
            raise InputError(
                f"{option} must be one of the {len(names)} columns of '{path}' "
                f"({_some(names)}), got '{name}'{_meant(name, names)}"
            )
    if target == group:
        raise InputError(f"--group must not be the target, got '{group}'")
    for name in drop:
        if name in (target, group):
            raise InputError(f"--drop must not be the target or group, got '{name}'")
    if set(names) <= {target, group or target, *drop}:
        raise InputError(
            "DATA must have a column besides the target and the group, "
            f"got only {_some(names)}"
        )


def _meant(name: str, names: list[str]) -> str:
    """Return a question for the column that was meant, if one is near."""
    folded = {one.casefold(): one for one in reversed(names)}
    near = difflib.get_close_matches(name.strip().casefold(), folded, 1, 0.75)
    if near:
        return f": did you mean '{folded[near[0]]}'?"
    if len(names) == 1:
        return "; --sep sets the separator"
    return ""


def _some(values: list[Any], most: int = 10) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return shown + (", …" if len(values) > most else "")


def _labels(
    column: pd.Series[Any], name: str, wanted: str | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the labels, and the positive and the negative value or all of many."""
    texts = Texts.of(_named(column))
    _check_complete(texts, f"the target '{name}'")
    _check_values(texts, name)
    many = len(texts.text) > 2
    if many and wanted is None:
        names = tuple(sorted(texts.text))
        place = np.array([names.index(one) for one in texts.text])
        return place[texts.code].astype(np.int64), names
    positive = _positive(texts) if wanted is None else _wanted(texts, wanted)
    labels = (texts.code == texts.text.index(positive)).astype(np.int64)
    others = "any other" if many else texts.text[1 - texts.text.index(positive)]
    return labels, (positive, others)


def _check_values(texts: Texts, name: str) -> None:
    """Raise unless they are the values of some classes."""
    several, rows = len(texts.text), int(texts.count.sum())
    fractions = any(_FRACTION.fullmatch(one) for one in texts.text)
    too_many = several > _MOST_CLASSES or 2 * several > rows or fractions
    if several < 2 or (several > 2 and too_many):
        raise InputError(
            f"the target '{name}' must have two different values, or up to"
            f" {_MOST_CLASSES} that are no fractions and occur twice on average,"
            f" got {several} ({_some(texts.text, 5)}) in {rows} rows"
        )


def _named(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return whole numbers without a point, as 1 and not 1.0."""
    whole = column.dtype.kind == "f" and not (column.dropna() % 1).any()
    if whole and column.abs().max() < 2**63:
        return column.astype("Int64").astype(object)
    return column.astype(object)


def _positive(texts: Texts) -> str:
    """Return the positive: 1 or true, else the rarer, of equals the last in order."""
    numbers = [_ZERO_ONE.get(text.lower()) for text in texts.text]
    if None not in numbers and sum(number or 0 for number in numbers) == 1:
        return texts.text[numbers.index(1)]
    last_first = sorted(range(2), key=texts.text.__getitem__, reverse=True)
    return texts.text[min(last_first, key=lambda one: texts.count[one])]


def _wanted(texts: Texts, wanted: str) -> str:
    for text in texts.text:
        if text.casefold() == wanted.strip().casefold():
            return text
    raise InputError(
        "--positive must be one of the values of the target "
        f"({_some(texts.text)}), got '{wanted}'"
    )


def _group_numbers(column: pd.Series[Any], name: str) -> NDArray[np.int64]:
    texts = Texts.of(column)
    _check_complete(texts, f"the group '{name}'")
    return texts.code


def _check_complete(texts: Texts, what: str) -> None:
    missing = int((texts.code < 0).sum())
    if missing:
        raise InputError(
            f"{what} must have no missing values, got {missing}: leave such rows out"
        )
