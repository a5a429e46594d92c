"""Cross-validation of few rows in either library, for tests of ``cv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from boosters import LightGBM, XGBoost
from populations import make_sample
from sklearn.model_selection import StratifiedKFold

SAMPLE = make_sample(400, 0.2, seed=4)
SPLIT = [*StratifiedKFold(3).split(SAMPLE.X, SAMPLE.y)]
OWN: dict[Any, str] = {XGBoost: "binary:logistic", LightGBM: "binary"}
SETTINGS: dict[Any, dict[str, Any]] = {
    XGBoost: {"nthread": 1, "max_depth": 3},
    LightGBM: {
        "num_threads": 1, "num_leaves": 7, "force_col_wise": True, "verbosity": -1
    },
}  # fmt: skip


def run(library: Any, params: Any, objective: Any = None, **kwargs: Any) -> Any:
    """Cross-validate with the library's own objective, or with focal loss."""
    given = {"num_boost_round": 8, **kwargs}
    data = library.data(SAMPLE.X, SAMPLE.y, SAMPLE.weight)
    if isinstance(params, dict):
        params = {**SETTINGS[library], **params}
    if objective is None:
        if isinstance(params, dict):
            params["objective"] = OWN[library]
        return library.own.cv(params, data, **given)
    return library.ours.cv(params, data, objective=objective, **given)


def assert_same(library: Any, first: Any, second: Any) -> None:
    """Assert that two results have the same names, lengths and values."""
    assert type(first) is type(second)
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_allclose(
            second[name], first[name], rtol=0, atol=library.tolerance, err_msg=name
        )
