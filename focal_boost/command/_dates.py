"""Dates as days, whatever they are written like."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# In this order: of two that fit, the first is taken, and said.
_DATES = (
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%d.%m.%y",
    "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d%b%Y",
    "%d-%m-%y", "%m-%d-%y", "%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%m/%Y",
    "%a %d %b %Y", "%a, %d %b %Y",
)  # fmt: skip
_OTHERS = (
    "%H:%M", "%H:%M:%S", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
_LOOKS = re.compile(
    r"\d.*[-/.:\s].*\d|\d{1,2}[a-z]{3}\d{4}|^[a-z]{3,9}[- ]\d+$", re.IGNORECASE
)


def days_of(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return days since 1970 as float64, NaN for no date."""
    import pandas as pd

    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert(None)
    # Microseconds reach from before the first calendar to the year 9999.
    moments = values.to_numpy("datetime64[us]")
    days = (moments - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return pd.Series(np.where(np.isnat(moments), np.nan, days), values.index)


def dates_of(texts: list[str]) -> tuple[NDArray[np.float64], str] | None:
    """Return days since 1970, and how they are written, if nine of ten are dates."""
    seen = [one for one in texts[:200] if _LOOKS.search(one)]
    if len(seen) < 0.8 * min(len(texts), 200) or not seen:
        return None
    for form in _forms(seen):
        days = _parsed(texts, form)
        if np.mean(~np.isnan(days)) >= 0.9:
            return days, "ISO 8601" if form == "ISO8601" else form
    return None


def _forms(seen: list[str]) -> list[str]:
    """Return what fits nine of ten of some texts."""
    all_forms = [
        "ISO8601",
        *_OTHERS,
        *(day + time for day in _DATES for time in _TIMES),
    ]
    if all(re.fullmatch(r"\d+(\.\d+)?", one) for one in seen):
        return []
    share = {form: np.mean(~np.isnan(_parsed(seen, form))) for form in all_forms}
    fitting = [form for form in all_forms if share[form] >= 0.9]
    return sorted(fitting, key=lambda form: -share[form])


def _parsed(texts: list[str], form: str) -> NDArray[np.float64]:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pd.Series(
            pd.to_datetime(pd.Series(texts), format=form, errors="coerce", utc=True)
        )
    return np.asarray(days_of(found), np.float64)


def of_eight_digits(present: NDArray[np.float64]) -> bool:
    """Return whether all numbers are dates as 20210115 is."""
    import pandas as pd

    if present.min() < 19000101 or present.max() > 21001231:
        return False
    if (present != np.floor(present)).any() or len(np.unique(present)) < 2:
        return False
    days = pd.Series(np.unique(present)).astype(np.int64).astype(str)
    return bool(pd.to_datetime(days, format="%Y%m%d", errors="coerce").notna().all())
