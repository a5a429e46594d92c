"""Time per row of one competitor of the kernel, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import numpy as np
from competitors import ALPHA
from numpy_focal import numpy_focal, numpy_focal_float64

Call = Callable[[], object]
# Seconds and rounds of calls that one figure is of.
_SECONDS, _CALLS = 0.2, (3, 100)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return nanoseconds per row for all numbers of rows, types and gammas.

    "of_focal" is the kernel's time over that for the paper's margin, the median over
    pairs of calls.
    """
    return {"cells": list(_cells(task))}


def _cells(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    makers = _MAKERS[task["competitor"]]
    for rows, dtype in product(task["rows"], ("float32", "float64")):
        y, raw_score = _sample(rows, dtype)
        for gamma in task["gammas"]:
            times = _in_turn([make(y, raw_score, gamma) for _, make in makers])
            where = {"rows": rows, "dtype": dtype, "gamma": gamma}
            for (link, _), seconds in zip(makers, times, strict=True):
                ns = median(seconds) / rows * 1e9
                cell = {**where, "link": link, "ns_per_row": ns}
                if len(makers) > 1:
                    pairs = zip(seconds, times[-1], strict=True)
                    cell["of_focal"] = median(a / b for a, b in pairs)
                yield cell


def _sample(rows: int, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.1).astype(np.float32)
    raw_score = rng.normal(-2, 2, rows).astype(dtype)
    return y, raw_score


def _in_turn(calls: Sequence[Call]) -> list[list[float]]:
    """Return the seconds of each call, made in turn after one that is not counted."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    least, most = _CALLS
    while len(times[0]) < least or (
        sum(map(sum, times)) < _SECONDS * len(calls) and len(times[0]) < most
    ):
        for call, found in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            found.append(time.perf_counter() - start)
    return times


def _kernel(y: Any, raw_score: Any, gamma: float, *, link: str) -> Call:
    from focal_boost import FocalObjective
    from focal_boost._rows.host import HostRows, Labels, floats_of

    # At γ = 0 that of the built-in objective, which has no α.
    objective = FocalObjective(ALPHA if gamma else None, gamma, link)
    known, scores = objective.known(), floats_of(raw_score, "raw_score")
    assert known is not None
    labels = Labels.of(y, None)
    kernel = HostRows(objective, labels)._kernel_for(known, scores, 0.0)
    grad, hess = np.empty(len(y), np.float32), np.empty(len(y), np.float32)
    given = 0, 1, scores, labels.y_true, None, 0.0, known
    return lambda: kernel(*given, grad, hess)


def _objective(y: Any, raw_score: Any, gamma: float) -> Call:
    from focal_boost import FocalObjective

    objective = FocalObjective(ALPHA, gamma)
    return lambda: objective(y, raw_score)


def _numpy(y: Any, raw_score: Any, gamma: float) -> Call:
    return lambda: numpy_focal_float64(y, raw_score, ALPHA, gamma)


def _numpy_as_given(y: Any, raw_score: Any, gamma: float) -> Call:
    return lambda: numpy_focal(y, raw_score, ALPHA, gamma)


def _copy(y: Any, raw_score: Any, gamma: float) -> Call:
    target = np.empty((2, len(y)), np.float32)

    def copy() -> None:
        target[0], target[1] = raw_score, y

    return copy


#: What a competitor measures in turn: the link, and what makes the call.
_MAKERS: dict[str, tuple[tuple[str, Callable[..., Call]], ...]] = {
    "kernel": tuple((link, partial(_kernel, link=link)) for link in ("logit", "focal")),
    "objective": (("logit", _objective),),
    "numpy": (("focal", _numpy),),
    "numpy-as-given": (("focal", _numpy_as_given),),
    "copy": (("none", _copy),),
}
