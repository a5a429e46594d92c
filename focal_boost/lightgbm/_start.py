"""The start value, in the scores that LightGBM keeps from the beginning.

Its own objective adds the log-odds of the prevalence to all scores before the first
round. For a custom one only initial scores of the sets do that: they are set before the
engine makes the booster, which copies them, and are taken back when it has.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from contextlib import suppress
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import expit

from focal_boost._rows import Labels
from focal_boost.objective import FocalObjective

# LightGBM's bound of a prevalence that it takes the log-odds of, a float32.
_EPSILON = float(np.float32(1e-15))
_NO = ("false", "-", "0")


def best_constant(objective: FocalObjective, labels: Labels) -> float:
    """Return the raw score at the prevalence, as LightGBM bounds it."""
    prevalence = min(max(labels.prevalence, _EPSILON), 1 - _EPSILON)
    return float(objective.raw_score(prevalence))


def best_of_all(objective: FocalObjective, log_odds: float) -> float:
    """Return the raw score at a prevalence of which LightGBM has found the log-odds."""
    if objective.link == "logit":
        return log_odds
    return float(objective.raw_score(expit(log_odds)))


def log_start(objective: FocalObjective, start: float) -> None:
    """Say what LightGBM says of its own start value."""
    average = float(objective.posterior(start))
    log(f"[binary:BoostFromScore]: pavg={average:f} -> initscore={start:f}")
    if abs(start) > _EPSILON:
        log(f"Start training from score {start:f}")


def log(line: str, kind: str = "Info") -> None:
    """Print a line as LightGBM's C++ code does."""
    lgb.basic._log_info(f"[LightGBM] [{kind}] {line}")


def starts_from_average(params: dict[str, Any]) -> bool:
    """Return whether the parameters leave the start to LightGBM."""
    return str(params.get("boost_from_average", True)).lower() not in _NO


class StartScores:
    """Initial scores that are lent to sets while a booster is made of them."""

    def __init__(self) -> None:
        self._lent: dict[int, tuple[Any, Any]] = {}

    def lend(self, data: Any, start: Any) -> None:
        """Add the start value, or that of each class, to a set's scores, once."""
        if id(data) in self._lent:
            return
        own = field_of(data, "init_score")
        self._lent[id(data)] = data, own
        shape = len(field_of(data, "label")), *np.shape(start)
        if own is None:
            given = np.full(shape, start, np.float64)
        else:
            # Those of many classes may be given class after class.
            given = np.asarray(own, np.float64).reshape(shape, order="F") + start
        if _is_constructed(data):
            # Without a copy in Python beside LightGBM's own.
            data.set_field("init_score", given)
        else:
            data.set_init_score(given)

    def own(self, data: Any) -> None:
        """Note that a set's initial scores are only lent."""
        self._lent.setdefault(id(data), (data, None))

    def take_back(self) -> None:
        """Give the sets what they had."""
        for data, own in self._lent.values():
            data.init_score = own
            if own is None and _is_constructed(data):
                _give_back_pages(data)
                data.set_field("init_score", None)
            # What LightGBM refuses here it has refused before.
            with suppress(lgb.basic.LightGBMError):
                data.set_init_score(own)
        self._lent.clear()


def _give_back_pages(data: Any) -> None:
    """Give the system the memory of initial scores that are about to be cleared.

    LightGBM keeps it for as long as the set lives, 8 bytes a row. The scores are zeros
    then; where the system is not Linux they stay what they are.
    """
    size, kind = ctypes.c_int(0), ctypes.c_int(0)
    pointer = ctypes.c_void_p()
    found = (ctypes.byref(one) for one in (size, pointer, kind))
    lgb.basic._LIB.LGBM_DatasetGetField(data._handle, b"init_score", *found)
    page = mmap.PAGESIZE
    first = -(-(pointer.value or 0) // page) * page
    pages = ((pointer.value or 0) + 8 * size.value - first) // page
    if sys.platform == "linux" and pages > 0:
        address, length = ctypes.c_void_p(first), ctypes.c_size_t(pages * page)
        ctypes.CDLL(None).madvise(address, length, mmap.MADV_DONTNEED)


def labels_of(data: Any) -> Labels:
    """Return labels and weights of a set, which need not be constructed."""
    weight = field_of(data, "weight")
    if weight is not None:
        # As LightGBM will hold them.
        weight = np.asarray(weight, np.float32)
    return Labels.of(field_of(data, "label"), weight)


def has_labels(data: Any) -> bool:
    """Return whether it is a set with labels in memory, so that its rows are known."""
    return isinstance(data, lgb.Dataset) and field_of(data, "label") is not None


def field_of(data: Any, name: str) -> Any:
    """Return what a set holds, or was given and will hold."""
    return data.get_field(name) if _is_constructed(data) else getattr(data, name)


def _is_constructed(data: Any) -> bool:
    # Where that has failed the pointer is null, and num_data() would end the process.
    return bool(data._handle)
