"""60 rounds in one go are 20 rounds, a saved model, and 40 more: the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from checkpoints import LIBRARIES, VALID, train

# How far evaluations may lie apart, relative to their size.
CLOSE = {"xgboost": 0.0, "lightgbm": 1e-14}


@pytest.mark.parametrize(
    ("library", "params"),
    [
        ("xgboost", {}),
        ("xgboost", {"scale_pos_weight": 3.0, "max_depth": 3}),
        ("lightgbm", {}),
        ("lightgbm", {"is_unbalance": True, "num_leaves": 7}),
    ],
)
def test_the_same_bits(library, params, tmp_path):
    by, file = LIBRARIES[library], tmp_path / "model.ubj"
    through, log = train(library, 60, **params)
    first, log_first = train(library, 20, **params)
    first.save_model(file)
    second, log_second = train(library, 40, first=file, **params)
    found, expected = (by.raw_score(one, VALID.X) for one in (second, through))
    np.testing.assert_array_equal(found, expected)
    if library == "xgboost":
        assert second.num_boosted_rounds() == 60
        assert list(map(str, through.get_dump())) == list(map(str, second.get_dump()))
    else:
        assert second.num_trees() == through.num_trees() == 60
    for metric, values in log.items():
        both = [*log_first[metric], *log_second[metric]]
        np.testing.assert_allclose(values, both, rtol=CLOSE[library])
