"""60 rounds in one go are 20 rounds, a saved model, and 40 more: the same bits."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from ranks import part

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

ROWS, VALID = part(3000, 0.05, 0, weighted=True), part(1000, 0.05, 1, weighted=True)
OBJECTIVE = FocalObjective(0.25, 2.0)


@pytest.mark.parametrize("params", [{}, {"scale_pos_weight": 3.0, "max_depth": 3}])
def test_xgboost(params, tmp_path):
    data, valid = ROWS.matrix(), VALID.matrix()
    params = {"nthread": 1, "eta": 0.1, **params}

    def train(rounds, **kwargs):
        log = {}
        booster = fxgb.train(
            params, data, rounds, objective=OBJECTIVE, metrics="focal_loss",
            evals=[(valid, "valid")], evals_result=log, verbose_eval=False, **kwargs,
        )  # fmt: skip
        return booster, log["valid"]

    through, log = train(60)
    first, log_first = train(20)
    first.save_model(tmp_path / "model.ubj")
    second, log_second = train(40, xgb_model=tmp_path / "model.ubj")
    assert second.num_boosted_rounds() == 60
    np.testing.assert_array_equal(
        through.predict(valid, output_margin=True),
        second.predict(valid, output_margin=True),
    )
    assert list(map(str, through.get_dump())) == list(map(str, second.get_dump()))
    for metric, values in log.items():
        assert values == log_first[metric] + log_second[metric]


@pytest.mark.parametrize("params", [{}, {"is_unbalance": True, "num_leaves": 7}])
def test_lightgbm(params, tmp_path):
    params = {"verbosity": -1, "num_threads": 1, **params}

    def train(rounds, **kwargs):
        data = lgb.Dataset(ROWS.X, ROWS.y, weight=ROWS.weight)
        valid = data.create_valid(VALID.X, VALID.y, weight=VALID.weight)
        log = {}
        booster = flgb.train(
            params, data, rounds, objective=OBJECTIVE, metrics="focal_loss",
            valid_sets=[valid], callbacks=[lgb.record_evaluation(log)], **kwargs,
        )  # fmt: skip
        return booster, log["valid_0"]

    through, log = train(60)
    first, log_first = train(20)
    first.save_model(tmp_path / "model.txt")
    second, log_second = train(40, init_model=tmp_path / "model.txt")
    assert second.num_trees() == through.num_trees() == 60
    np.testing.assert_array_equal(
        through.predict(VALID.X, raw_score=True),
        second.predict(VALID.X, raw_score=True),
    )
    for metric, values in log.items():
        both = [*log_first[metric], *log_second[metric]]
        np.testing.assert_allclose(values, both, rtol=1e-14)
