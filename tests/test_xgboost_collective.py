"""Two workers of XGBoost's collective with rows that have little in common."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import ranks
from boosters import XGBoost
from oracles import in_log_odds
from ranks import PROBE, Part, part, whole, with_label
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost import FocalObjective, FocalXGBClassifier

METRICS = ["log_loss", "brier_score", "average_precision", "focal_loss"]
PARAMS = {
    "nthread": 1, "max_depth": 4, "tree_method": "hist", "eval_metric": ["logloss"],
    "verbosity": 0,
}  # fmt: skip
VALID = [part(900, 0.05, 7), part(300, 0.2, 8)]
NOBODY = Part(np.zeros((0, 5), np.float32), np.zeros(0, np.float32))
SHARDS = {
    **ranks.SHARDS,
    "no row": [NOBODY, part(2500, 0.1, 1)],
    "no weight": [
        part(500, 0.5, 0)._replace(weight=np.zeros(500, np.float32)),
        part(2500, 0.1, 1, weighted=True),
    ],
}


@pytest.fixture(scope="module")
def two():
    with ranks.ranks() as started:
        yield started


def start_of(booster):
    learner = booster.save_config().split('"base_score":"')[1]
    return float(learner.split('"')[0].strip("[]"))


def seen(booster, log):
    return {
        "start": start_of(booster),
        "margin": booster.predict(PROBE.matrix(), output_margin=True),
        "rounds": booster.num_boosted_rounds(),
        "log": {metric: list(values) for metric, values in log["train"].items()},
    }


def trained(rows, params, objective=None):
    data, log = rows.matrix(), {}
    watching = XGBoost.watching({"train": data}, log)
    return seen(
        XGBoost.train(data, 8, objective, {**PARAMS, **params}, **watching), log
    )


def focal(rows, alpha, gamma, link="logit"):
    return trained(rows, {}, FocalObjective(alpha, gamma, link))


def both_arms(rows, **params):
    return trained(rows, params), trained(rows, params, FocalObjective(None, 0.0))


def assert_alike(one, other, margin=1e-6):
    assert one["start"] == pytest.approx(other["start"], rel=1e-6)
    np.testing.assert_allclose(one["margin"], other["margin"], rtol=0, atol=margin)
    assert one["rounds"] == other["rounds"]
    for metric, values in one["log"].items():
        np.testing.assert_allclose(values, other["log"][metric], rtol=0, atol=1e-6)


@pytest.mark.parametrize("shards", SHARDS)
def test_without_focus_it_is_the_library(two, shards):
    for theirs, ours in two.run(both_arms, SHARDS[shards]):
        assert_alike(theirs, ours)


def test_class_weight_acts_on_the_rows_of_all(two):
    weighted = partial(both_arms, scale_pos_weight=7.0)
    for theirs, ours in two.run(weighted, SHARDS["prevalence"]):
        assert_alike(theirs, ours)


@pytest.mark.parametrize("shards", [one for one in SHARDS if one != "no weight"])
def test_two_workers_are_one_machine(two, shards):
    first, second = two.run(focal, SHARDS[shards], 0.25, 2.0)
    assert_alike(first, second, margin=0)
    # In one piece, as the parts' counts differ in no bit from the whole's.
    alone = focal(whole(SHARDS[shards]), 0.25, 2.0)
    assert first["start"] == alone["start"]
    assert_alike(first, alone, margin=1e-5)


def scored(rows, metrics):
    data, valid, log = rows[0].matrix(), rows[1].matrix(), {}
    watching = XGBoost.watching({"valid": valid}, log)
    objective = FocalObjective(0.25, 2.0)
    booster = XGBoost.train(data, 4, objective, PARAMS, metrics=metrics, **watching)
    margin = booster.predict(valid, output_margin=True)
    return {name: values[-1] for name, values in log["valid"].items()}, margin


def exact_focal_loss(y, margin, gamma, alpha):
    each = np.empty(y.size)
    for label in range(2):
        # Trees have few values, and each of them takes mpmath 10 ms.
        values, where = np.unique(margin[y == label], return_inverse=True)
        each[y == label] = in_log_odds("loss", label, values, gamma, alpha)[where]
    return each


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_are_those_of_all_rows(two, weighted):
    of = partial(part, weighted=weighted)
    parts, valid = (
        [of(3000, 0.01, 3), of(900, 0.2, 4)],
        [of(800, 0.3, 5), of(2000, 0.02, 6)],
    )
    pairs = list(zip(parts, valid, strict=True))
    (found, first), (other, second) = two.run(scored, pairs, METRICS)
    assert found == other
    rows, margin = whole(valid), np.concatenate([first, second])
    probability = FocalObjective(0.25, 2.0).posterior(margin)
    kwargs = {"sample_weight": rows.weight}
    expected = {
        "log_loss": log_loss(rows.y, probability, **kwargs),
        "brier_score": brier_score_loss(rows.y, probability, **kwargs),
        "average_precision": average_precision_score(rows.y, probability, **kwargs),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    each = exact_focal_loss(rows.y, margin, 2.0, 0.25)
    focal_loss = np.average(each, weights=rows.weight)
    assert found["focal_loss"] == pytest.approx(focal_loss, abs=1e-6)


def test_a_worker_may_have_no_row_to_evaluate(two):
    parts = [part(3000, 0.01, 3), part(900, 0.2, 4)]
    pairs = [(parts[0], NOBODY), (parts[1], VALID[1])]
    (found, _), (other, margin) = two.run(scored, pairs, METRICS)
    assert found == other
    probability = FocalObjective(0.25, 2.0).posterior(margin)
    expected = average_precision_score(VALID[1].y, probability)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-6)


def stopped(rows, metrics):
    watching = XGBoost.watching({"valid": rows[1].matrix()}, {}, stop=3)
    params = {**PARAMS, "eta": 1.0}
    booster = XGBoost.train(
        rows[0].matrix(), 60, FocalObjective(), params, metrics=metrics, **watching
    )
    margin = booster.predict(PROBE.matrix(), output_margin=True)
    return booster.best_iteration, booster.num_boosted_rounds(), margin


@pytest.mark.parametrize("metric", [[], "log_loss", "average_precision"])
def test_early_stopping_is_that_of_one_machine(two, metric):
    parts = SHARDS["prevalence"]
    pairs = list(zip(parts, VALID, strict=True))
    first, second = two.run(stopped, pairs, metric)
    assert first[:2] == second[:2]
    alone = stopped((whole(parts), whole(VALID)), metric)
    assert first[:2] == alone[:2]
    assert first[1] < 60
    np.testing.assert_allclose(first[2], alone[2], rtol=0, atol=1e-5)


def with_margin(rows, margin):
    return rows._replace(margin=np.full(len(rows.y), margin, np.float32))


@pytest.mark.parametrize("faulty", [0, 1])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: with_label(rows, 2.0), "y_true must contain only 0 and 1, got 2"),
        (
            lambda rows: with_margin(rows, np.inf),
            "raw_score must be finite numbers, got inf",
        ),
    ],
)
def test_a_fault_of_one_is_an_error_of_all(two, faulty, change, sentence):
    parts = list(SHARDS["prevalence"])
    if "raw_score" in sentence:
        parts = [with_margin(rows, 0.0) for rows in parts]
    parts[faulty] = change(parts[faulty])
    for found in two.run(focal, parts, 0.25, 2.0):
        assert found.startswith(f"XGBoostError: {sentence}")


def test_rows_without_weight_anywhere_are_an_error(two):
    parts = [rows._replace(weight=0 * rows.weight) for rows in SHARDS["weights"]]
    sentence = "dtrain must hold rows with a positive weight on some worker, got none"
    for found in two.run(focal, parts, 0.25, 2.0):
        assert found == f"XGBoostError: {sentence}"


def test_a_fault_in_an_evaluation_set_is_an_error_of_all(two):
    pairs = list(zip(SHARDS["prevalence"], VALID, strict=True))
    pairs[1] = (pairs[1][0], with_label(VALID[1], 0.5))
    for found in two.run(scored, pairs, ["average_precision"]):
        assert found == "XGBoostError: y_true must contain only 0 and 1, got 0.5"


@pytest.mark.filterwarnings("ignore:with link=:UserWarning")
def test_the_papers_margin_starts_at_the_prevalence_of_all(two):
    first, second = two.run(focal, SHARDS["prevalence"], 0.25, 2.0, "focal")
    assert first["start"] == second["start"]
    alone = focal(whole(SHARDS["prevalence"]), 0.25, 2.0, "focal")
    assert first["start"] == alone["start"]


def classified(rows, names):
    model = FocalXGBClassifier(
        focal_alpha="balanced", n_estimators=5, max_depth=3, n_jobs=1, verbosity=0
    )
    model.fit(rows.X, names[rows.y.astype(int)], sample_weight=rows.weight)
    return model.loss_.alpha, model.classes_.tolist(), model.predict_proba(PROBE.X)


@pytest.mark.parametrize("shards", ["prevalence", "weights", "no positive"])
def test_classifiers_balance_the_classes_of_all(two, shards):
    names = np.array(["no", "yes"])
    first, second = two.run(classified, SHARDS[shards], names)
    alone = classified(whole(SHARDS[shards]), names)
    assert first[:2] == second[:2]
    assert first[0] == pytest.approx(alone[0], rel=1e-7)
    assert first[1] == ["no", "yes"]
    np.testing.assert_allclose(first[2], alone[2], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(first[2], second[2])


def test_a_classifier_needs_the_lesser_label_everywhere(two):
    for found in two.run(classified, SHARDS["only positives"], np.arange(2)):
        assert found.startswith("XGBoostError: y must hold the lesser label on every")
