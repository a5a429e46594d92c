"""What the libraries make impossible for an objective from Python still is so.

Each test stands for a row of the README's table: what LightGBM or XGBoost does, with
its own objective or with one that is handed in, and what this package does instead.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from law_arms import LIGHTGBM, Library, Ours
from law_data import TRAIN
from law_lightgbm_train import BAGGING
from law_see_lightgbm import dataset
from sklearn.metrics import log_loss

README = Path(__file__).parents[2] / "README.md"


def handed_in(raw_score: Any, data: Any) -> tuple[Any, Any]:
    """Return log loss's gradient and Hessian, as anybody would write them."""
    p = 1 / (1 + np.exp(-raw_score))
    return p - data.get_label(), p * (1 - p)


def of_python(params: dict[str, Any], rounds: int = 3, **kwargs: Any) -> Any:
    params = {**LIGHTGBM, "objective": handed_in, "verbosity": -1, **params}
    return lgb.train(params, dataset(TRAIN), rounds, **kwargs)


def trees(booster: Any) -> Any:
    return booster.predict(TRAIN.X, raw_score=True)


def random_forests(folder: Path, capture: Any) -> None:
    params = {"boosting": "rf", **BAGGING}
    assert Library(folder).lightgbm(params, dataset(TRAIN), 3).num_trees() == 3
    with pytest.raises(lgb.basic.LightGBMError):
        of_python(params)
    with pytest.raises(ValueError, match=r'^boosting must be "gbdt" or "dart"'):
        Ours(folder).lightgbm(params, dataset(TRAIN), 3)


def settings_of_the_objective(folder: Path, capture: Any) -> None:
    for params in (
        {"pos_bagging_fraction": 0.9, "neg_bagging_fraction": 0.2, "bagging_freq": 1},
        {"sigmoid": 2.0},
    ):
        own = [Library(folder).lightgbm(one, dataset(TRAIN), 3) for one in (params, {})]
        assert not np.allclose(trees(own[0]), trees(own[1]))
        assert np.array_equal(trees(of_python(params)), trees(of_python({})))
        with pytest.raises(ValueError, match=f"^{next(iter(params))} must be 1 with"):
            Ours(folder).lightgbm(params, dataset(TRAIN), 3)


def metrics_of_the_raw_score(folder: Path, capture: Any) -> None:
    row = next(line for line in README.read_text().splitlines() if "`huber`" in line)
    for name in re.findall(r"`(\w+)`", row):
        train, log = dataset(TRAIN), dict[str, Any]()
        # Of some LightGBM itself says that labels must be above 0.
        kinds, message = (ValueError, lgb.basic.LightGBMError), r"^metric must be|label"
        with pytest.raises(kinds, match=message):
            Ours(folder).lightgbm(
                {"metric": name, "verbosity": -1}, train, 1, valid_sets=[train]
            )
    params = {**LIGHTGBM, "objective": handed_in, "metric": "quantile", "alpha": 0.9}
    booster = lgb.train(
        {**params, "verbosity": -1}, train, 1, valid_sets=[train],
        callbacks=[lgb.record_evaluation(log)],
    )  # fmt: skip
    missing = TRAIN.y - trees(booster)
    expected = np.mean(np.where(missing >= 0, 0.9, -0.1) * missing)
    assert log["training"]["quantile"] == [pytest.approx(expected)]


def other_labels(folder: Path, capture: Any) -> None:
    between, above = np.where(TRAIN.y, 0.9, 0.2), TRAIN.y * 2
    own = Library(folder)
    assert own.xgboost({}, xgb.DMatrix(TRAIN.X, between), 2).num_boosted_rounds() == 2
    twice = own.lightgbm({"verbosity": -1}, lgb.Dataset(TRAIN.X, above), 2)
    once = own.lightgbm({"verbosity": -1}, dataset(TRAIN), 2)
    assert np.array_equal(trees(twice), trees(once))
    message = r"y_true must contain only 0 and 1, got (0\.2|0\.9|2)"
    with pytest.raises(xgb.core.XGBoostError, match=message):
        Ours(folder).xgboost({}, xgb.DMatrix(TRAIN.X, between), 2)
    with pytest.raises(ValueError, match=message):
        Ours(folder).lightgbm({"verbosity": -1}, lgb.Dataset(TRAIN.X, above), 2)


def lines_of_the_log(folder: Path, capture: Any) -> None:
    own, other = "Number of positive: 108", "Using self-defined objective function"
    Library(folder).lightgbm({"verbosity": 1}, dataset(TRAIN), 1)
    assert own in capture.readouterr().out
    for train in (of_python, Ours(folder).lightgbm):
        data = () if train is of_python else (dataset(TRAIN), 1)
        train({"verbosity": 1}, *data)
        printed = capture.readouterr().out
        assert other in printed
        assert own not in printed


def start_that_counts_twice(folder: Path, capture: Any) -> None:
    params = {"boost_from_average": False, "verbosity": -1}
    for arm, times in ((Library(folder), 2), (Ours(folder), 1)):
        train, log = dataset(TRAIN, TRAIN.X * 0), dict[str, Any]()
        booster = arm.lightgbm(
            params, train, 1, valid_sets=[train],
            callbacks=[lgb.record_evaluation(log)],
        )  # fmt: skip
        score = times * booster.predict(TRAIN.X, raw_score=True)
        expected = log_loss(TRAIN.y, 1 / (1 + np.exp(-score)))
        assert log["training"]["binary_logloss"] == [pytest.approx(expected)]


#: By how the table's row begins.
ROWS = {
    'LightGBM\'s `boosting="rf"`': random_forests,
    "LightGBM's `pos_bagging_fraction`": settings_of_the_objective,
    "LightGBM's metrics `huber`": metrics_of_the_raw_score,
    "labels other than 0 and 1": other_labels,
    "LightGBM's line \"Using self-defined": lines_of_the_log,
    "`boost_from_average=False` and no split": start_that_counts_twice,
}


@pytest.mark.parametrize("row", ROWS)
def test_still_is_so(row: str, tmp_path: Path, capfd: Any) -> None:
    ROWS[row](tmp_path, capfd)


def test_every_row_of_the_table_has_a_test() -> None:
    table = README.read_text().partition("make impossible")[2].partition("\n- ")[0]
    rows = [line[2:] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(ROWS) <= 6
    for row, begin in zip(rows, ROWS, strict=True):
        assert row.startswith(begin)
