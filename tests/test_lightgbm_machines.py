"""Two machines of one LightGBM training with rows that have little in common."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from machines import machines
from ranks import part, whole
from scipy.special import logit

import focal_boost.lightgbm as flgb
from focal_boost import FocalLGBMClassifier, FocalObjective

PARAMS = {"verbosity": -1, "num_threads": 1, "metric": ["binary_logloss", "auc"]}
PROBE = part(500, 0.1, 99)
SHARDS = {
    "prevalence": [part(6000, 0.001, 0), part(2500, 0.1, 1)],
    "weights": [part(3000, 0.01, 0, weighted=True), part(2500, 0.1, 1, weighted=True)],
    "no positive": [part(2000, 0, 0), part(2500, 0.1, 1)],
    "only positives": [
        part(100, 0, 0)._replace(y=np.ones(100, np.float32)),
        part(2500, 0.1, 1),
    ],
}


@pytest.fixture(scope="module")
def two():
    with machines() as started:
        yield started


def seen(booster, log):
    if booster._network:
        booster.free_network()
    return {
        "raw score": booster.predict(PROBE.X, raw_score=True),
        "trees": booster.num_trees(),
        "log": {metric: list(values) for metric, values in log["training"].items()},
    }


def trained(arm, network, rows, params=(), rounds=8):
    log = {}
    data = lgb.Dataset(rows.X, rows.y, weight=rows.weight, params={"verbosity": -1})
    params = {**PARAMS, **network, **dict(params)}
    recorded = [lgb.record_evaluation(log)]
    booster = arm(params, data, rounds, valid_sets=[data], callbacks=recorded)
    return seen(booster, log)


def built_in(params, *args, **kwargs):
    return lgb.train({**params, "objective": "binary"}, *args, **kwargs)


def focal(params, *args, **kwargs):
    objective = FocalObjective(None, 0.0)
    return flgb.train(params, *args, objective=objective, **kwargs)


def focused(params, *args, **kwargs):
    return flgb.train(params, *args, objective=FocalObjective(0.25, 2.0), **kwargs)


def of_library(network, rows, params=()):
    return trained(built_in, network, rows, params)


def of_ours(network, rows, params=()):
    return trained(focal, network, rows, params)


def of_focused(network, rows, params=(), rounds=8):
    return trained(focused, network, rows, params, rounds)


@pytest.mark.parametrize("shards", SHARDS)
@pytest.mark.parametrize("params", [{}, {"is_unbalance": True}], ids=["", "unbalance"])
def test_without_focus_it_is_the_library(two, shards, params):
    first = two.run(of_library, SHARDS[shards], params)
    second = two.run(of_ours, SHARDS[shards], params)
    for theirs, ours in zip(first, second, strict=True):
        assert theirs["trees"] == ours["trees"]
        np.testing.assert_allclose(
            theirs["raw score"], ours["raw score"], rtol=0, atol=1e-9
        )
        for metric, values in theirs["log"].items():
            # Leaves that differ in the last bit are ties with the start on top.
            within = 2e-3 if metric == "auc" else 1e-9
            np.testing.assert_allclose(values, ours["log"][metric], rtol=0, atol=within)


@pytest.mark.parametrize("shards", SHARDS)
def test_the_start_is_that_of_all_rows(two, shards):
    unsplit = {"min_data_in_leaf": 100_000}
    found = two.run(of_focused, SHARDS[shards], unsplit, 1)
    rows = whole(SHARDS[shards])
    start = logit(np.average(rows.y.astype(float), weights=rows.weight))
    for one in found:
        np.testing.assert_allclose(one["raw score"], start, rtol=1e-13)


def test_all_machines_return_one_model(two):
    first, second = two.run(of_focused, SHARDS["prevalence"])
    np.testing.assert_array_equal(first["raw score"], second["raw score"])
    assert first["trees"] == 8
    assert np.ptp(first["raw score"]) > 1


def with_label(rows, label):
    y = rows.y.copy()
    y[3] = label
    return rows._replace(y=y)


@pytest.mark.parametrize("faulty", [0, 1])
def test_a_fault_of_one_is_an_error_of_all(two, faulty):
    parts = list(SHARDS["prevalence"])
    parts[faulty] = with_label(parts[faulty], 2.0)
    found = two.run(of_focused, parts)
    assert found[faulty] == "ValueError: y_true must contain only 0 and 1, got 2.0"
    assert found[1 - faulty].startswith(
        "ValueError: y_true and sample_weight must be sound on all machines"
    )


def classified(network, rows, alpha=0.25):
    model = FocalLGBMClassifier(
        focal_alpha=alpha, n_estimators=5, n_jobs=1, verbosity=-1, **network
    )
    model.fit(rows.X, rows.y)
    model.booster_.free_network()
    return model.decision_function(PROBE.X)


def test_classifiers_train_as_train_does(two):
    first, second = two.run(classified, SHARDS["no positive"])
    expected = two.run(of_focused, SHARDS["no positive"], {}, 5)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, expected[0]["raw score"], rtol=0, atol=1e-9)


def test_what_a_classifier_cannot_know_of_other_machines_is_an_error():
    rows, network = SHARDS["only positives"][0], {"machines": "127.0.0.1:1,127.0.0.1:2"}
    model = FocalLGBMClassifier(focal_alpha="balanced", **network)
    with pytest.raises(ValueError, match="focal_alpha must be None or a number"):
        model.fit(rows.X, rows.y)
    with pytest.raises(ValueError, match="y must hold both labels, or 0 alone, on"):
        FocalLGBMClassifier(**network).fit(rows.X, rows.y)
