"""Two machines of one LightGBM training with rows that have little in common."""

from __future__ import annotations

from functools import partial

import lightgbm as lgb
import numpy as np
import pytest
from boosters import LightGBM
from machines import machines
from ranks import PROBE, SHARDS, whole, with_label
from scipy.special import logit

from focal_boost import FocalLGBMClassifier, FocalObjective

PARAMS = {"verbosity": -1, "num_threads": 1, "metric": ["binary_logloss", "auc"]}


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


def of_library(network, rows, params=(), rounds=8, objective=None):
    log = {}
    data = lgb.Dataset(rows.X, rows.y, weight=rows.weight, params={"verbosity": -1})
    params = {**PARAMS, **network, **dict(params)}
    watching = LightGBM.watching({"training": data}, log)
    return seen(LightGBM.train(data, rounds, objective, params, **watching), log)


of_ours = partial(of_library, objective=FocalObjective(None, 0.0))
of_focused = partial(of_library, objective=FocalObjective(0.25, 2.0))


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
