"""The margins that a round begins with, in the memory that XGBoost writes them to."""

from __future__ import annotations

import ctypes
import json
from typing import Any

import numpy as np
from xgboost import core

_CONFIG = json.dumps(
    {
        "type": 1,
        "training": True,
        "iteration_begin": 0,
        "iteration_end": 0,
        "strict_shape": False,
    }
).encode()


def lent_margins(booster: Any, data: Any) -> Any:
    """Return ``predict(data, output_margin=True, training=True)`` without a copy.

    Parameters
    ----------
    booster : xgboost.Booster
    data : xgboost.DMatrix

    Returns
    -------
    margins : ndarray of float32, (n,) or (n, K), or None
        Until the booster's next call; None where there are no rows.
    """
    if not data.num_row():
        return None
    shape, dims = ctypes.POINTER(core.c_bst_ulong)(), core.c_bst_ulong()
    values = ctypes.POINTER(ctypes.c_float)()
    results = (ctypes.byref(one) for one in (shape, dims, values))
    core._check_call(
        core._LIB.XGBoosterPredictFromDMatrix(
            booster.handle, data.handle, _CONFIG, *results
        )
    )
    return np.ctypeslib.as_array(values, tuple(shape[: dims.value]))
