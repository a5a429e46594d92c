"""What two observations differ in: numbers by a tolerance, all else exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|\bnan\b|\binf\b")
# Printed numbers have five decimals or six digits, and the last may go either way.
_PRINTED = 1.01e-5
# What says no more than where the rounding of the numbers beside it fell.
_UNSPOKEN = re.compile(
    r"0x[0-9a-f]+|tree_sizes=[\d ]*|\d+\.\d+ seconds|\[\d\d:\d\d:\d\d\]"
)


# A class that is called after another says its own name.
_OUR_NAMES = re.compile(r"\bFocal(?=(?:XGB|LGBM)Classifier)")


def spoken(text: str) -> str:
    """Return what a text says, whichever arm and run says it."""
    return _OUR_NAMES.sub("", _UNSPOKEN.sub("…", text))


@dataclass(frozen=True)
class Raised:
    """An error that a scenario expects, as the caller sees it."""

    kind: type
    text: str

    @classmethod
    def of(cls, error: Exception) -> Raised:
        # XGBoost adds the time and the addresses of its functions.
        text = str(error).partition("\nStack trace")[0]
        return cls(type(error), spoken(text).strip())

    @property
    def is_sentence(self) -> bool:
        return 0 < len(self.text) < 400 and "\n" not in self.text


@dataclass(frozen=True)
class Tolerance:
    """How far numbers may lie apart: `absolute` + `relative` × their size.

    `looser` holds pairs of a pattern of places and their own tolerance: numbers there
    are made of others (gains of sums, counts of weights) and round otherwise.
    """

    absolute: float
    relative: float = 0.0
    looser: tuple[tuple[str, Tolerance], ...] = ()

    def at(self, place: str) -> Tolerance:
        if "printed" in place or "warned" in place:
            return Tolerance(_PRINTED, _PRINTED)
        for pattern, tolerance in self.looser:
            if re.search(pattern, place):
                return tolerance
        return self

    def covers(self, first: Any, second: Any) -> Any:
        """Return where two numbers or arrays of them are as good as equal."""
        with np.errstate(invalid="ignore"):
            apart = np.abs(np.subtract(first, second, dtype=np.float64))
            bound = self.absolute + self.relative * np.abs(np.asarray(first, float))
            near = apart <= bound
        return near | np.equal(first, second) | (np.isnan(first) & np.isnan(second))


def differences(
    first: Any, second: Any, tolerance: Tolerance, place: str = ""
) -> Iterator[str]:
    """Yield a line for every place where `second` is not what `first` is there."""
    if type(first) is not type(second):
        yield (
            f"{place}: {type(first).__name__} {_short(first)}"
            f" and {type(second).__name__} {_short(second)}"
        )
        return
    for kinds, compare in _COMPARISONS:
        if isinstance(first, kinds):
            yield from compare(first, second, tolerance, place)
            return
    raise TypeError(f"{place} cannot be compared, got {type(first).__name__}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _errors(
    first: Raised, second: Raised, tolerance: Tolerance, place: str
) -> Iterator[str]:
    if not issubclass(second.kind, first.kind):
        yield (
            f"{place}: {first.kind.__name__} and {second.kind.__name__},"
            f" {_short(first.text)} and {_short(second.text)}"
        )
    elif first.text != second.text and not second.is_sentence:
        yield f"{place}: no sentence and not the library's text, {second.text!r}"


def _mappings(
    first: dict[Any, Any], second: dict[Any, Any], tolerance: Tolerance, place: str
) -> Iterator[str]:
    if list(first) != list(second):
        yield f"{place}: names {_short(list(first))} and {_short(list(second))}"
    for key, value in first.items():
        if key in second:
            inside = f"{place}.{key}" if place else str(key)
            yield from differences(value, second[key], tolerance, inside)


def _sequences(
    first: Any, second: Any, tolerance: Tolerance, place: str
) -> Iterator[str]:
    if len(first) != len(second):
        yield (
            f"{place}: {len(first)} and {len(second)} entries,"
            f" {_short(first)} and {_short(second)}"
        )
    for k, (one, other) in enumerate(zip(first, second, strict=False)):
        yield from differences(one, other, tolerance, f"{place}[{k}]")


def _arrays(first: Any, second: Any, tolerance: Tolerance, place: str) -> Iterator[str]:
    if (first.dtype, first.shape) != (second.dtype, second.shape):
        yield (
            f"{place}: {first.dtype} {first.shape} and {second.dtype} {second.shape}"
        )
    elif first.dtype.kind == "O":
        yield from differences(first.tolist(), second.tolist(), tolerance, place)
    elif first.dtype.kind == "f":
        near = tolerance.at(place).covers(first, second)
        if not np.all(near):
            worst = np.nanmax(np.abs(first - second)) if near.size else 0.0
            yield f"{place}: {np.sum(~near)} of {near.size} numbers, up to {worst:.3g}"
    elif not np.array_equal(first, second):
        yield f"{place}: {_short(first)} and {_short(second)}"


def _floats(first: Any, second: Any, tolerance: Tolerance, place: str) -> Iterator[str]:
    if not tolerance.at(place).covers(first, second):
        yield f"{place}: {first!r} and {second!r}"


def _others(first: Any, second: Any, tolerance: Tolerance, place: str) -> Iterator[str]:
    if first != second:
        yield f"{place}: {_short(first)} and {_short(second)}"


def _texts(first: str, second: str, tolerance: Tolerance, place: str) -> Iterator[str]:
    first, second = spoken(first), spoken(second)
    if first == second:
        return
    if _NUMBER.split(first) != _NUMBER.split(second):
        yield from _lines(first, second, place)
        return
    bound = tolerance.at(place)
    pairs = zip(_NUMBER.findall(first), _NUMBER.findall(second), strict=True)
    apart = [pair for pair in pairs if not _same_number(*pair, bound)]
    if apart:
        yield f"{place}: {len(apart)} numbers of a text, first {apart[0]}"


def _same_number(first: str, second: str, bound: Tolerance) -> bool:
    whole = first.lstrip("+-").isdigit() and second.lstrip("+-").isdigit()
    if first == second or whole:
        return first == second
    return bool(bound.covers(float(first), float(second)))


def _lines(first: str, second: str, place: str) -> Iterator[str]:
    """Yield the first line in which two texts differ by more than numbers."""
    pairs = zip(first.splitlines(), second.splitlines(), strict=False)
    for k, (one, other) in enumerate(pairs):
        if _NUMBER.split(one) != _NUMBER.split(other):
            yield f"{place}: line {k} is {_short(one)} and {_short(other)}"
            return
    yield (
        f"{place}: {len(first.splitlines())} and {len(second.splitlines())} lines,"
        f" {_short(first[-60:])} and {_short(second[-60:])}"
    )


_COMPARISONS: tuple[tuple[Any, Any], ...] = (
    (Raised, _errors),
    (dict, _mappings),
    ((list, tuple), _sequences),
    (np.ndarray, _arrays),
    (str, _texts),
    ((float, np.floating), _floats),
    ((Real, np.generic, bytes, type, type(None)), _others),
)
