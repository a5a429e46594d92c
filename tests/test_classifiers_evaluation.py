"""Both classifiers: evaluation sets, metrics and early stopping."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from conftest import Sample, make_sample
from estimators import (
    best_of,
    both,
    fit_watched,
    logs_of,
    make,
    quiet,
    rounds,
    words,
)

from focal_boost import FocalMetric

pytestmark = quiet

METRICS = ["log_loss", "focal_loss", "brier_score", "average_precision"]
NEW_LIGHTGBM = tuple(int(part) for part in lgb.__version__.split(".")[:2]) >= (4, 7)


@pytest.fixture(scope="module")
def small() -> Sample:
    """Rows so few that more trees soon make things worse."""
    return make_sample(1_000, 0.2, seed=2)


def values_by_hand(
    library: Any, model: Any, metric: str, rows: Sample, weight: Any = None
) -> list[float]:
    """Return the metric of the margin after every round."""
    metric_of = FocalMetric(metric, model.loss_)
    count = len(logs_of(model)[0][metric])
    margins = (
        model.decision_function(rows.X, **rounds(library, k + 1)) for k in range(count)
    )
    return [metric_of(rows.y, margin, weight) for margin in margins]


@both
@pytest.mark.parametrize("metric", [None, *METRICS])
def test_log_is_the_metric_of_the_margin(
    library: Any, sample: Sample, validation: Sample, metric: str | None
) -> None:
    evals = [(validation.X, validation.y)]
    model = fit_watched(library, (sample.X, sample.y), evals, metric=metric)
    (log,) = logs_of(model)
    assert list(log) == [metric or "log_loss"]
    assert len(log[metric or "log_loss"]) == 10
    np.testing.assert_allclose(
        log[metric or "log_loss"],
        values_by_hand(library, model, metric or "log_loss", validation),
        rtol=0,
        atol=1e-10 if library.name == "xgboost" else 1e-14,
    )


@both
@pytest.mark.parametrize("metric", [None, *METRICS])
def test_early_stopping_goes_the_metrics_way(
    library: Any, small: Sample, validation: Sample, metric: str | None
) -> None:
    evals = [(validation.X, validation.y)]
    model = fit_watched(
        library, (small.X, small.y), evals, metric=metric, stop=4, n_estimators=200
    )
    name = metric or "log_loss"
    values = logs_of(model)[0][name]
    best = np.argmax(values) if metric == "average_precision" else np.argmin(values)
    trees, scores = best_of(library, model)
    assert trees == best + 1
    assert 1 < trees < 200
    assert scores[name] == pytest.approx(values[best], rel=1e-15)
    if library.name == "xgboost":
        assert len(values) == trees + 4
    # Predictions use the best trees only.
    np.testing.assert_array_equal(
        model.predict_proba(validation.X),
        model.predict_proba(validation.X, **rounds(library, trees)),
    )
    fewer = model.predict_proba(validation.X, **rounds(library, trees - 1))
    assert (model.predict_proba(validation.X) != fewer).any()


@both
def test_average_precision_that_falls_stops_at_once(library: Any) -> None:
    # Scored against the opposite labels, every tree that helps makes it worse.
    rows = make_sample(1_000, 0.3, seed=4)
    model = fit_watched(
        library,
        (rows.X, rows.y),
        [(rows.X, 1 - rows.y)],
        metric="average_precision",
        stop=3,
        n_estimators=50,
    )
    values = logs_of(model)[0]["average_precision"]
    trees, _ = best_of(library, model)
    assert trees == np.argmax(values) + 1 < 50 - 3
    assert np.argmin(values) > np.argmax(values)


@both
def test_several_sets_and_their_weights(
    library: Any, sample: Sample, validation: Sample
) -> None:
    sets = [validation[:900], validation[900:]]
    evals = [(rows.X, words(rows.y)) for rows in sets]
    weights = [rows.weight for rows in sets]
    model = fit_watched(library, (sample.X, words(sample.y)), evals, weights=weights)
    assert len(logs_of(model)) == 2
    for log, rows in zip(logs_of(model), sets, strict=True):
        expected = values_by_hand(library, model, "log_loss", rows, rows.weight)
        np.testing.assert_allclose(log["log_loss"], expected, rtol=0, atol=1e-10)
        unweighted = values_by_hand(library, model, "log_loss", rows)
        assert abs(np.subtract(log["log_loss"], unweighted)).max() > 1e-4


@both
@pytest.mark.parametrize(
    "encode",
    [
        words,
        lambda y: words(y).tolist(),
        lambda y: pd.Series(words(y), dtype="category"),
        lambda y: pd.Series(words(y), index=np.arange(len(y))[::-1]),
    ],
    ids=["text", "list", "categories", "series"],
)
def test_labels_of_sets_are_those_of_training(
    library: Any, sample: Sample, validation: Sample, encode: Any
) -> None:
    expected = fit_watched(
        library, (sample.X, sample.y), [(validation.X, validation.y)]
    )
    model = fit_watched(
        library, (sample.X, encode(sample.y)), [(validation.X, encode(validation.y))]
    )
    assert logs_of(model) == logs_of(expected)


@both
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("maybe", "eval_set labels must contain only the classes ['no', 'yes'],"
                  " got maybe"),
        (7, "eval_set labels must contain only the classes ['no', 'yes'], got 7"),
    ],
)  # fmt: skip
def test_unknown_labels_of_sets_are_named(
    library: Any, sample: Sample, validation: Sample, labels: Any, message: str
) -> None:
    unknown = np.full(len(validation.y), labels)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit_watched(library, (sample.X, words(sample.y)), [(validation.X, unknown)])


@both
def test_a_set_with_one_class_is_evaluated(
    library: Any, sample: Sample, validation: Sample
) -> None:
    rows = validation[validation.y == 0]
    model = fit_watched(library, (sample.X, sample.y), [(rows.X, rows.y)])
    np.testing.assert_allclose(
        logs_of(model)[0]["log_loss"],
        values_by_hand(library, model, "log_loss", rows),
        rtol=0,
        atol=1e-10,
    )


# Metrics beside ours


@both
@pytest.mark.parametrize("ours_first", [True, False])
def test_built_in_metrics_come_beside_ours(
    library: Any, sample: Sample, validation: Sample, ours_first: bool
) -> None:
    asked = ["log_loss", "auc"] if ours_first else ["auc", "log_loss"]
    train, evals = (sample.X, sample.y), [(validation.X, validation.y)]
    alone = [
        logs_of(fit_watched(library, train, evals, metric=one))[0]
        for one in ("log_loss", "auc")
    ]
    (log,) = logs_of(fit_watched(library, train, evals, metric=asked))
    assert log == {**alone[0], **alone[1]}
    assert asked == (["log_loss", "auc"] if ours_first else ["auc", "log_loss"])
    assert log["auc"][-1] > 0.8


@both
def test_the_callers_metric_gets_labels_and_margins(
    library: Any, sample: Sample, validation: Sample
) -> None:
    def mean_margin(y_true: Any, margin: Any) -> Any:
        assert set(y_true) == {0, 1}
        value = float(np.mean(margin))
        return value if library.name == "xgboost" else ("mean_margin", value, False)

    model = fit_watched(
        library,
        (sample.X, words(sample.y)),
        [(validation.X, words(validation.y))],
        metric=["auc", mean_margin],
    )
    (log,) = logs_of(model)
    assert sorted(log) == ["auc", "mean_margin"]
    expected = np.mean(model.decision_function(validation.X), dtype=np.float64)
    assert log["mean_margin"][-1] == pytest.approx(expected, abs=2e-6)


def test_lightgbm_takes_several_metrics_of_ours(
    sample: Sample, validation: Sample
) -> None:
    model = fit_watched(
        LightGBM, (sample.X, sample.y), [(validation.X, validation.y)], metric=METRICS
    )
    (log,) = logs_of(model)
    assert list(log) == METRICS
    for metric in METRICS:
        expected = values_by_hand(LightGBM, model, metric, validation)
        np.testing.assert_allclose(log[metric], expected, rtol=1e-12)


def test_xgboost_takes_one_metric_of_ours(sample: Sample) -> None:
    message = (
        "eval_metric must hold at most one metric that is not XGBoost's own,"
        " got ['log_loss', 'brier_score']"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(XGBoost, eval_metric=["log_loss", "auc", "brier_score"]).fit(
            sample.X, sample.y
        )


def test_metrics_that_misread_the_margin_are_named(
    sample: Sample, validation: Sample
) -> None:
    train, evals = (sample.X, sample.y), [(validation.X, validation.y)]
    with pytest.warns(UserWarning, match="'logloss' takes sigmoid"):
        fit_watched(XGBoost, train, evals, metric="logloss")
    message = (
        "eval_metric 'binary_logloss' would take the margin for a probability and is"
        ' left out; use "log_loss" or "brier_score" instead'
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$"):
        model = fit_watched(LightGBM, train, evals, metric=["binary_logloss", "auc"])
    assert list(logs_of(model)[0]) == ["auc"]


# XGBoost


def test_a_callback_may_watch_a_built_in_metric(
    small: Sample, validation: Sample
) -> None:
    stopping = xgb.callback.EarlyStopping(rounds=3, metric_name="auc", save_best=True)
    model = fit_watched(
        XGBoost,
        (small.X, small.y),
        [(validation.X, validation.y)],
        metric=["auc", "log_loss"],
        callbacks=[stopping],
        n_estimators=100,
    )
    (log,) = logs_of(model)
    assert model.best_iteration == np.argmax(log["auc"])
    assert model.best_score == max(log["auc"])
    assert model.get_booster().num_boosted_rounds() == model.best_iteration + 1


def test_a_fit_without_sets_forgets_the_log(sample: Sample, validation: Sample) -> None:
    model = fit_watched(XGBoost, (sample.X, sample.y), [(validation.X, validation.y)])
    assert len(logs_of(model)) == 1
    model.fit(sample.X, sample.y)
    assert logs_of(model) == []


# LightGBM


def test_lightgbm_knows_the_training_set_among_the_sets(
    small: Sample, validation: Sample
) -> None:
    X, y = small.X, words(small.y)
    model = fit_watched(
        LightGBM, (X, y), [(X, y), (validation.X, words(validation.y))],
        stop=3, n_estimators=100,
    )  # fmt: skip
    assert list(model.evals_result_) == ["training", "valid_1"]
    values = model.evals_result_["valid_1"]["log_loss"]
    assert model.best_iteration_ == np.argmin(values) + 1 < 97
    # The trees after the best are not kept.
    trees = model.best_iteration_
    training = values_by_hand(LightGBM, model, "log_loss", small)[:trees]
    log = model.evals_result_["training"]["log_loss"][:trees]
    np.testing.assert_allclose(log, training, rtol=1e-12)


def test_lightgbm_takes_one_pair_and_names(sample: Sample, validation: Sample) -> None:
    model = make(LightGBM).fit(
        sample.X,
        sample.y,
        eval_set=(validation.X, validation.y),
        eval_names=["held out"],
    )
    assert list(model.evals_result_) == ["held out"]


def test_class_weights_of_a_set_are_weights(sample: Sample, validation: Sample) -> None:
    model = make(LightGBM).fit(
        sample.X,
        words(sample.y),
        eval_set=[(validation.X, words(validation.y))],
        eval_class_weight=[{"no": 1, "yes": 3}],
    )
    weight = np.where(validation.y == 1, 3.0, 1.0)
    expected = values_by_hand(LightGBM, model, "log_loss", validation, weight)
    np.testing.assert_allclose(logs_of(model)[0]["log_loss"], expected, rtol=1e-12)


def test_initial_scores_of_a_set_replace_the_start(
    sample: Sample, validation: Sample
) -> None:
    start = 0.5 * validation.X[:, 0]
    model = make(LightGBM).fit(
        sample.X,
        sample.y,
        eval_set=[(validation.X, validation.y)],
        eval_init_score=[start],
    )
    best = model.loss_.initial_margin(sample.y)
    margin = model.decision_function(validation.X) - best + start
    expected = FocalMetric("log_loss", model.loss_)(validation.y, margin)
    assert logs_of(model)[0]["log_loss"][-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.skipif(not NEW_LIGHTGBM, reason="eval_X is new in LightGBM 4.7")
@pytest.mark.parametrize("several", [False, True])
def test_new_names_of_sets_are_the_old_ones(
    sample: Sample, validation: Sample, several: bool
) -> None:
    X, y = validation.X, words(validation.y)
    new = (
        {"eval_X": (X, X), "eval_y": (y, y)} if several else {"eval_X": X, "eval_y": y}
    )
    old = {"eval_set": [(X, y)] * (1 + several)}
    models = [
        make(LightGBM).fit(sample.X, words(sample.y), **one) for one in (new, old)
    ]
    assert logs_of(models[0]) == logs_of(models[1])
    assert len(logs_of(models[0])) == 1 + several


@pytest.mark.skipif(not NEW_LIGHTGBM, reason="eval_X is new in LightGBM 4.7")
@pytest.mark.parametrize(
    "names", [["eval_X"], ["eval_y"], ["eval_X", "eval_y", "eval_set"]]
)
def test_sets_that_do_not_match_are_named(sample: Sample, names: list[str]) -> None:
    values = {
        "eval_X": sample.X,
        "eval_y": sample.y,
        "eval_set": [(sample.X, sample.y)],
    }
    message = "eval_X and eval_y must be given together, without eval_set"
    with pytest.raises(ValueError, match=f"^{message}$"):
        make(LightGBM).fit(sample.X, sample.y, **{name: values[name] for name in names})
