"""What the machines of one LightGBM training know together.

LightGBM lets Python send nothing through its network, but its own objective "binary"
begins at the log-odds of all machines' rows. A booster of four rows, whose weights are
two numbers, makes the ratio of any two sums of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import lightgbm as lgb
import numpy as np

T = TypeVar("T")

MACHINES = ("machines", "workers", "nodes")
# Nearer to 0 and 1 LightGBM does not let a share come.
_NOBODY = -34.0
_ROWS = np.arange(4.0).reshape(4, 1)


def names_machines(params: dict[str, Any]) -> bool:
    """Return whether the parameters have LightGBM train on several machines."""
    return any(params.get(name) is not None for name in MACHINES)


class Network:
    """The machines that a booster trains on.

    Parameters
    ----------
    booster : lightgbm.Booster
        Fresh: where it names machines, all of them make this object, and call its
        methods, in the same order.
    verbosity : int
        Of the training; the booster's own messages stay as they are.
    """

    def __init__(self, booster: Any, verbosity: int) -> None:
        self.is_distributed = bool(booster._network)
        self._verbosity = verbosity

    def log_odds(self, positive: float, negative: float) -> float:
        """Return log(Σ positive / Σ negative) over all machines, within ±34.5.

        Parameters
        ----------
        positive, negative : float
            This machine's, at least 0.
        """
        weight = np.asarray([*_halves(positive), *_halves(negative)], np.float32)
        params = {"verbosity": -1, "min_data_in_bin": 1, "num_threads": 1}
        data = lgb.Dataset(_ROWS, [1, 1, 0, 0], weight=weight, params=params)
        # With no split that is allowed the first tree is the start value.
        own = {"objective": "binary", "min_data_in_leaf": 5, "tree_learner": "serial"}
        booster = lgb.Booster({**params, **own}, data)
        booster.update()
        # LightGBM has one verbosity per thread, which any new data set sets.
        params["verbosity"] = self._verbosity
        lgb.Dataset(_ROWS, reference=data, params=params).construct()
        return float(booster.get_leaf_output(0, 0))

    def together(self, compute: Callable[[], T]) -> T:
        """Return what this machine computes, or raise on all if one of them fails.

        Raises
        ------
        ValueError
            This machine's own, or one that says that another machine has one.
        """
        if not self.is_distributed:
            return compute()
        try:
            found = compute()
        except ValueError:
            self.log_odds(1.0, 1.0)
            raise
        if self.log_odds(0.0, 1.0) > _NOBODY:
            raise ValueError(
                "y_true and sample_weight must be sound on all machines, and on another"
                " one they are not: its error says what is wrong there"
            )
        return found

    def ratio(self, numerator: float, denominator: float) -> float:
        """Return the ratio of two sums over all machines, 0 and inf at the ends."""
        if self.is_distributed:
            odds = self.log_odds(numerator, denominator)
            if abs(odds) < -_NOBODY:
                return math.exp(odds)
            numerator, denominator = float(odds > 0), float(odds < 0)
        return numerator / denominator if denominator else math.inf


def _halves(value: float) -> tuple[np.float32, np.float32]:
    """Return two float32 that are at least 0 and add up to a float64."""
    first = np.float32(value)
    if first > value:
        first = np.nextafter(first, np.float32(0))
    return first, np.float32(value - float(first))
