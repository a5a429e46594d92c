"""What a column is: a number, a date, a category, or nothing to learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focal_boost._validation import shown
from focal_boost.command._dates import dates_of, days_of, of_eight_digits
from focal_boost.command._read import MISSING
from focal_boost.command._unpack import InputError

if TYPE_CHECKING:
    import pandas as pd

# Signs and units around a number, and what parts its thousands beside , and point.
_AROUND = re.compile(
    r"^(us\$|[$€£¥₹]|rs\.?|eur|usd|gbp|chf|kr\.?)|([$€£¥₹]|eur|usd|gbp|chf|kr\.?|zł)$",
    re.IGNORECASE,
)
_PARTS = re.compile("(?<=\\d)[ '\u2019\u00a0\u202f\u2009](?=\\d{3}(?!\\d))")
_EXPONENT = r"(e[+-]?\d+)?"
# Thousands begin with no zero: 0,125 has a decimal comma.
_POINT = re.compile(
    rf"[+-]?(?=[.]?\d)(\d*|[1-9]\d{{0,2}}(,\d{{2,3}})*,\d{{3}})(\.\d*)?{_EXPONENT}",
    re.IGNORECASE,
)
_COMMA = re.compile(
    rf"[+-]?(?=[,]?\d)(\d*|[1-9]\d{{0,2}}(\.\d{{3}})+)(,\d*)?{_EXPONENT}",
    re.IGNORECASE,
)
# A unit behind all numbers of a column.
_UNIT = re.compile(r"(?<=\d)\s*[^\W\d_]{1,4}\.?$")
_CODE = re.compile(r"0\d+")
_WORDS_OF_INFINITY = {"inf", "+inf", "-inf", "infinity", "-infinity", "∞"}
# With so many of the rows numbers, or dates, the rest is taken for missing.
_MOST = 0.9
# Below so many rows per value, and above so many values, texts are identifiers.
_ROWS_PER_TEXT, _FEW_TEXTS = 5, 20
_ID = re.compile(
    r"(^|[\W_])(id|uuid|guid|key|index|idx|nr|no|number|num|account|phone|ssn|iban)s?$"
    r"|[a-z0-9](Id|ID|Key|Nr|No|Number)$|^unnamed|^column0$|^$",
)
_SINGLE = float(np.finfo(np.float32).max)
_LEAST_SINGLE = float(np.finfo(np.float32).tiny)


class Column(NamedTuple):
    """A feature, its kind, and what has to be said of it.

    The values are None where the column is left out, and `said` says why.
    """

    values: pd.Series[Any] | None
    kind: str
    said: str = ""


@dataclass(frozen=True)
class Texts:
    """The different texts of a column, and which of them every row has, −1 for none."""

    code: NDArray[np.int64]
    text: list[str]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Texts:
        import pandas as pd

        # Of bytes the type of text would make text, or an error.
        present = column.dropna().map(str).astype(str).str.strip()
        present = present[~present.str.lower().isin(MISSING)]
        code, text = pd.factorize(present.reindex(column.index))
        kept = np.asarray(code, np.int64)
        return cls(kept, [*map(str, text)], np.bincount(kept[kept >= 0], minlength=1))

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a value per row of a value per text."""
        return np.append(values, np.nan)[self.code]

    def share(self, known: NDArray[np.bool_]) -> float:
        return float(self.count[known].sum() / self.count.sum())


def column_of(values: pd.Series[Any], name: str, decimal: str) -> Column:
    """Return what a column is; `decimal` is "." or ",", as in the rest of the file."""
    from pandas.api import types

    dtype = values.dtype
    if types.is_bool_dtype(dtype) and not types.is_object_dtype(dtype):
        values = values.astype(object)
    elif types.is_numeric_dtype(dtype):
        return _number(_plain(values), name)
    elif types.is_datetime64_any_dtype(dtype):
        return Column(days_of(values), "date")
    elif types.is_timedelta64_dtype(dtype):
        return _number(values.dt.total_seconds(), name)
    present = values.dropna()
    if any(
        isinstance(one, list | dict | set | tuple | bytes | np.ndarray)
        for one in present
    ):
        return Column(None, "out", "it holds lists or bytes")
    texts = Texts.of(values)
    if not texts.text:
        return Column(None, "out", "it is empty")
    for text in texts.text:
        # A library written in C takes it for the end of the text.
        if "\0" in text:
            raise InputError(
                f"the column '{name}' must hold text without NUL, got {shown(text)}"
            )
    return _text(texts, values.index, name, decimal)


def _plain(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return pandas' own nullable types as float64."""
    if isinstance(values.dtype, np.dtype):
        return values
    return values.astype("Float64").astype("float64")


def _text(texts: Texts, index: Any, name: str, decimal: str) -> Column:
    import pandas as pd

    dated = _days(texts)
    if dated is not None:
        days, said = dated
        return Column(pd.Series(days, index), "date", said)
    bare = _without_unit(texts.text)
    numbers = np.array([number_of(text, decimal) for text in bare])
    known = ~np.isnan(numbers)
    share = texts.share(known)
    codes = sum(_CODE.fullmatch(text) is not None for text in texts.text)
    if share >= _MOST and codes < 0.1 * len(texts.text):
        found = _number(pd.Series(texts.spread(numbers), index), name)
        strays = [one for one, is_number in zip(texts.text, known, strict=True)
                  if not is_number]  # fmt: skip
        told = [found.said] if found.said else []
        if strays:
            told.append(_as_missing(texts, ~known, strays))
        if any("," in one or re.search(r"\.\d{3}\.", one) for one in texts.text):
            told.append(f"decimal {'comma' if decimal == ',' else 'point'}")
        return found._replace(said="; ".join(told))
    return _category(texts, index, share)


def _without_unit(texts: list[str]) -> list[str]:
    """Return texts without the letters that all of them end in behind a number."""
    units = {found.group() if (found := _UNIT.search(one)) else "" for one in texts}
    if len(units) != 1 or units == {""} or len(texts) < 2:
        return texts
    return [_UNIT.sub("", one) for one in texts]


def _days(texts: Texts) -> tuple[NDArray[np.float64], str] | None:
    """Return days and what to say, if nearly all texts are dates."""
    found = dates_of(texts.text)
    if found is None:
        return None
    days, form = found
    known = ~np.isnan(days)
    if texts.share(known) < _MOST:
        return None
    strays = [one for one, good in zip(texts.text, known, strict=True) if not good]
    said = f"dates ({form})"
    if strays:
        said += "; " + _as_missing(texts, ~known, strays)
    return texts.spread(days), said


def _as_missing(texts: Texts, wrong: NDArray[np.bool_], strays: list[str]) -> str:
    rows = int(texts.count[wrong].sum())
    named = ", ".join(shown(one) for one in strays[:3])
    more = ", …" if len(strays) > 3 else ""
    return f"{rows} taken as missing: {named}{more}"


def _category(texts: Texts, index: Any, numbers: float) -> Column:
    import pandas as pd

    different, rows = len(texts.text), int(texts.count.sum())
    if different > _FEW_TEXTS and rows < _ROWS_PER_TEXT * different:
        return Column(
            None, "out", f"it has {different:,} different texts in {rows:,} rows"
        )
    if different == 1 and rows == len(index):
        return Column(None, "out", f"it is always {shown(texts.text[0])}")
    order = sorted(range(different), key=texts.text.__getitem__)
    place = np.empty(different + 1, np.int64)
    place[order], place[-1] = np.arange(different), -1
    names = [texts.text[one] for one in order]
    values = pd.Categorical.from_codes(place[texts.code], names)
    said = f"{different:,} categories" if different > 100 else ""
    if numbers > 0.1 and any(_CODE.fullmatch(one) for one in names):
        said = f"{different:,} codes with zeros in front, as categories"
    elif numbers > 0.1:
        said = f"as categories, though {numbers:.0%} of the values are numbers"
    return Column(pd.Series(values, index), "category", said)


def _number(values: pd.Series[Any], name: str) -> Column:
    """Return finite numbers that single precision can hold."""
    import pandas as pd

    found = values.to_numpy(np.float64, na_value=np.nan)
    said = ""
    infinite = int(np.isinf(found).sum())
    if infinite:
        found = np.where(np.isinf(found), np.nan, found)
        said = f"{infinite} infinite taken as missing"
        values = pd.Series(found, values.index)
    present = found[~np.isnan(found)]
    if not present.size:
        return Column(None, "out", "it is empty")
    if present.size == len(found) and present.min() == present.max():
        return Column(None, "out", f"it is always {present[0]:g}")
    if _identifies(present, name):
        return Column(
            None, "out", f"its {present.size:,} whole numbers number the rows"
        )
    if of_eight_digits(present):
        texts = values.astype("Int64").astype("string")
        days = days_of(pd.to_datetime(texts, format="%Y%m%d"))
        return Column(days, "date", "dates (year, month and day as eight digits)")
    largest = np.abs(present).max()
    if largest > _SINGLE or 0 < largest < _LEAST_SINGLE:
        # Trees need the order alone.
        values = values.rank(method="dense")
        said = "; ".join([*filter(None, [said]), "ranks, as float32 cannot hold it"])
    return Column(values, "number", said)


def _identifies(present: NDArray[np.float64], name: str) -> bool:
    """Return whether numbers are those of rows, not of what is in them."""
    if present.size <= _FEW_TEXTS or (present != np.floor(present)).any():
        return False
    different = len(np.unique(present))
    if different < 0.95 * present.size:
        return False
    runs = different == present.size and np.ptp(present) == different - 1
    return bool(runs or _ID.search(name) or 1e15 < np.abs(present).max() < 1e20)


def number_of(text: str, decimal: str) -> float:
    """Return what a text stands for, NaN if that is no number."""
    one = text.strip().replace("\u2212", "-")
    # So spreadsheets keep numbers as text.
    one = one.removeprefix("=").strip('"').removeprefix("'")
    if one.lower() in _WORDS_OF_INFINITY:
        return -np.inf if one.startswith("-") else np.inf
    sign = 1.0
    if one.startswith("(") and one.endswith(")"):
        sign, one = -1.0, one[1:-1]
    if one.endswith("-") and not one.startswith("-"):
        one = f"-{one[:-1]}"
    minus = "-" if one.startswith("-") else ""
    one = minus + _AROUND.sub("", one.removeprefix("-")).strip()
    scale = 0.01 if one.endswith("%") else 1.0
    one = _PARTS.sub("", one.removesuffix("%").strip())
    rule = _COMMA if decimal == "," else _POINT
    if not rule.fullmatch(one):
        return np.nan
    point = one.replace(".", "").replace(",", ".") if decimal == "," else one
    return sign * scale * float(point.replace(",", ""))


def decimal_of(columns: list[Texts]) -> str:
    """Return what columns of text say of the file: a decimal comma or a point."""
    for texts in columns:
        comma, point = (
            np.array([not np.isnan(number_of(text, sign)) for text in texts.text])
            for sign in (",", ".")
        )
        with_sign = np.array(["," in one or "." in one for one in texts.text])
        if texts.share(comma) >= _MOST and (comma & ~point & with_sign).any():
            return ","
    return "."
