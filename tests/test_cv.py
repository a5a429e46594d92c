"""``cv`` of both libraries: at γ = 0 and α None it is their own."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, lgb
from cv_runs import SAMPLE, SETTINGS, SPLIT, assert_same, run
from estimators import both, quiet

from focal_boost import FocalObjective

pytestmark = quiet

LOG_LOSS = FocalObjective(None, 0.0)
_NUMBER = re.compile(r"\d+\.\d+(?:e-?\d+)?")


def assert_same_text(first: Any, second: Any) -> None:
    """Assert that the lines are the same, but for the rounding of a last digit."""
    assert first.err == second.err
    assert _NUMBER.split(first.out) == _NUMBER.split(second.out)
    numbers = [list(map(float, _NUMBER.findall(one.out))) for one in (first, second)]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=1.01e-5, atol=1.01e-5)


def compare(library: Any, capfd: Any, params: Any, **kwargs: Any) -> Any:
    """Assert that nobody can tell ours at γ = 0 from the library's own."""
    found, printed = [], []
    for objective in (None, LOG_LOSS):
        given = {k: v() if callable(v) else v for k, v in kwargs.items()}
        found.append(run(library, params, objective, **given))
        printed.append(capfd.readouterr())
    boosters = [
        r.pop("cvbooster", None) if isinstance(r, dict) else None for r in found
    ]
    assert_same(library, *found)
    assert_same_text(*printed)
    if boosters[0] is not None:
        assert boosters[0].best_iteration == boosters[1].best_iteration
        scores = [one.predict(SAMPLE.X) for one in boosters]
        np.testing.assert_allclose(scores[0], scores[1], rtol=0, atol=1e-12)
    return found[1]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"subsample": 0.6, "colsample_bytree": 0.5, "seed": 3},
        {"scale_pos_weight": 5.0},
        {"base_score": 0.3},
        {"eval_metric": ["logloss", "auc"]},
        {"tree_method": "exact"},
        XGBoost.dart,
        [("max_depth", 2), ("eval_metric", "auc"), ("eval_metric", "error")],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "how",
    [
        {"verbose_eval": True, "nfold": 4, "seed": 7},
        {"stratified": True, "as_pandas": False, "verbose_eval": 3},
        {"folds": SPLIT, "early_stopping_rounds": 2, "num_boost_round": 30},
    ],
    ids=["folds", "stratified", "stopping"],
)
def test_xgboost_is_its_own(capfd: Any, params: Any, how: dict[str, Any]) -> None:
    if isinstance(params, list):
        params = [*params, ("objective", "binary:logistic"), ("nthread", 1)]
    compare(XGBoost, capfd, params, **how)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"bagging_fraction": 0.6, "bagging_freq": 1, "feature_fraction": 0.5},
        {"scale_pos_weight": 5.0},
        {"is_unbalance": True},
        {"boost_from_average": False},
        {"metric": ["auc", "binary_logloss"]},
        {"linear_tree": True},
        LightGBM.dart,
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "how",
    [
        {"nfold": 4, "seed": 7, "eval_train_metric": True},
        {"stratified": False, "shuffle": False, "metrics": ["binary_error", "auc"]},
        {"folds": SPLIT, "num_boost_round": 30, "callbacks": lambda: [
            lgb.early_stopping(2), lgb.log_evaluation(5, show_stdv=False)
        ]},
    ],
    ids=["folds", "in_order", "stopping"],
)  # fmt: skip
def test_lightgbm_is_its_own(capfd: Any, params: Any, how: dict[str, Any]) -> None:
    if "boosting" in params and "callbacks" in how:
        # LightGBM warns that it does not stop DART.
        how = {**how, "callbacks": lambda: [lgb.log_evaluation(5, show_stdv=False)]}
    compare(LightGBM, capfd, params, return_cvbooster=True, **how)


def labels_of(data: Any) -> Any:
    """Return the labels of a part, which LightGBM has made no set of yet."""
    return (data.construct() if isinstance(data, lgb.Dataset) else data).get_label()


@both
def test_preparation_sees_and_changes_the_parameters(library: Any, capfd: Any) -> None:
    seen: list[dict[str, Any]] = []

    def prepare(train: Any, test: Any, params: dict[str, Any]) -> Any:
        seen.append(dict(params))
        share = labels_of(train).mean()
        return train, test, {**params, "scale_pos_weight": (1 - share) / share}

    compare(library, capfd, {}, fpreproc=lambda: prepare)
    assert len(seen) % 2 == 0
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


@both
def test_metrics_of_the_caller_get_what_they_get(library: Any, capfd: Any) -> None:
    seen: list[Any] = []

    def share(preds: Any, data: Any) -> Any:
        seen.append(preds.copy())
        right = float(np.mean((preds > 0.5) == data.get_label()))
        return ("right", right, True) if library is LightGBM else ("right", right)

    compare(library, capfd, {}, **{library.metric: lambda: share})
    halves = np.concatenate(seen).reshape(2, -1)
    np.testing.assert_allclose(*halves, rtol=0, atol=library.tolerance)


def test_lightgbm_continues_a_model(capfd: Any) -> None:
    data = LightGBM.data(SAMPLE.X, SAMPLE.y)
    first = LightGBM.train(data, 3)
    compare(LightGBM, capfd, {}, init_model=first)


def test_callbacks_see_the_parameters_of_the_library() -> None:
    seen = []

    def look(env: Any) -> None:
        boosters = [dict(one.params) for one in env.model.boosters]
        seen.append((dict(env.params), boosters, env.model.current_iteration()))

    for objective in (None, LOG_LOSS):
        run(LightGBM, {}, objective, callbacks=[look])
    assert seen[:8] == seen[8:]


def test_lightgbm_boosters_go_on_training() -> None:
    pair = [
        run(LightGBM, {}, objective, return_cvbooster=True)["cvbooster"]
        for objective in (None, LOG_LOSS)
    ]
    for one in pair:
        one.update()
    scores = [np.array(one.predict(SAMPLE.X, raw_score=True)) for one in pair]
    np.testing.assert_allclose(scores[1], scores[0], rtol=0, atol=1e-12)
    text = pair[1].model_to_string()
    assert "focal" not in text
    again = lgb.CVBooster().model_from_string(text)
    np.testing.assert_allclose(again.predict(SAMPLE.X), pair[1].predict(SAMPLE.X))


@both
def test_the_data_stay_as_they_were(library: Any) -> None:
    data = library.data(SAMPLE.X, SAMPLE.y)
    library.ours.cv(SETTINGS[library], data, 2)
    kept = data.get_base_margin() if library is XGBoost else data.get_init_score()
    assert kept is None or not len(kept)
