"""Both classifiers: evaluation sets, metrics and early stopping."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, lgb
from estimators import (
    OLD_LIGHTGBM,
    best_of,
    both,
    fit_watched,
    logs_of,
    make,
    quiet,
    rounds,
    sets_of,
    words,
)
from populations import Sample, make_sample

import focal_boost.lightgbm as flgb
from focal_boost import FocalLGBMClassifier, FocalMetric, FocalObjective

pytestmark = quiet

OURS = ["log_loss", "focal_loss", "brier_score", "average_precision"]
# The library's name of log loss, which it evaluates unasked.
OWN = {"xgboost": "logloss", "lightgbm": "binary_logloss"}
# Together with a metric of ours: nothing but it.
ONLY: dict[str, Any] = {"xgboost": {}, "lightgbm": {"metric": "None"}}
# XGBoost's raw scores are float32 and so are its sums.
CLOSE = {"xgboost": 1e-7, "lightgbm": 1e-14}


@pytest.fixture(scope="module")
def small() -> Sample:
    """Rows so few that more trees soon make things worse."""
    return make_sample(1_000, 0.2, seed=2)


def values_by_hand(
    library: Any, model: Any, metric: str, rows: Sample, weight: Any = None
) -> list[float]:
    """Return the metric of the raw score after every round."""
    name = "log_loss" if metric == OWN[library.name] else metric
    metric_of = FocalMetric(name, model.focal_objective_)
    count = len(logs_of(model)[0][metric])
    scores = (
        model.decision_function(rows.X, **rounds(library, k + 1)) for k in range(count)
    )
    return [metric_of(rows.y, raw_score, weight) for raw_score in scores]


@both
@pytest.mark.parametrize("metric", [None, *OURS])
def test_log_is_the_metric_of_the_raw_score(
    library: Any, sample: Sample, validation: Sample, metric: str | None
) -> None:
    model = fit_watched(
        library, (sample.X, sample.y), [(validation.X, validation.y)],
        eval_metric=metric, **(ONLY[library.name] if metric else {}),
    )  # fmt: skip
    (log,) = logs_of(model)
    ((name, values),) = log.items()
    assert name == (metric or OWN[library.name])
    assert len(values) == 10
    expected = values_by_hand(library, model, name, validation)
    np.testing.assert_allclose(values, expected, rtol=0, atol=CLOSE[library.name])


@both
@pytest.mark.parametrize("metric", [None, *OURS])
def test_early_stopping_goes_the_metrics_way(
    library: Any, small: Sample, validation: Sample, metric: str | None
) -> None:
    model = fit_watched(
        library, (small.X, small.y), [(validation.X, validation.y)], stop=4,
        n_estimators=200, eval_metric=metric,
        **(ONLY[library.name] if metric else {}),
    )  # fmt: skip
    name = metric or OWN[library.name]
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
def test_several_sets_and_their_weights(
    library: Any, sample: Sample, validation: Sample
) -> None:
    sets = [validation[:900], validation[900:]]
    model = fit_watched(
        library, (sample.X, words(sample.y)),
        [(rows.X, words(rows.y)) for rows in sets],
        weights=[rows.weight for rows in sets],
        eval_metric=[OWN[library.name], "log_loss"],
    )  # fmt: skip
    assert len(logs_of(model)) == 2
    for log, rows in zip(logs_of(model), sets, strict=True):
        assert list(log) == [OWN[library.name], "log_loss"]
        expected = values_by_hand(library, model, "log_loss", rows, rows.weight)
        for values in log.values():
            np.testing.assert_allclose(
                values, expected, rtol=0, atol=CLOSE[library.name]
            )
        unweighted = values_by_hand(library, model, "log_loss", rows)
        assert abs(np.subtract(log["log_loss"], unweighted)).max() > 1e-4


@both
@pytest.mark.parametrize("labels", ["maybe", 7])
def test_unknown_labels_of_sets_are_named(
    library: Any, sample: Sample, validation: Sample, labels: Any
) -> None:
    unknown = np.full(len(validation.y), labels)
    message = rf"must contain only the classes \['no', 'yes'\], got {labels}$"
    if library is LightGBM and OLD_LIGHTGBM:
        message = "y contains previously unseen labels"
    with pytest.raises(ValueError, match=message):
        fit_watched(library, (sample.X, words(sample.y)), [(validation.X, unknown)])


@both
def test_a_set_with_one_class_is_evaluated(
    library: Any, sample: Sample, validation: Sample
) -> None:
    rows = validation[validation.y == 0]
    model = fit_watched(library, (sample.X, sample.y), [(rows.X, rows.y)])
    name = OWN[library.name]
    expected = values_by_hand(library, model, name, rows)
    close = {"rtol": 0, "atol": CLOSE[library.name]}
    np.testing.assert_allclose(logs_of(model)[0][name], expected, **close)


# Metrics beside ours


@both
@pytest.mark.parametrize("ours_first", [True, False])
def test_ours_come_after_what_is_asked_for_beside(
    library: Any, sample: Sample, validation: Sample, ours_first: bool
) -> None:
    asked = ["brier_score", "auc"] if ours_first else ["auc", "brier_score"]
    kept = list(asked)
    train, evals = (sample.X, sample.y), [(validation.X, validation.y)]
    alone = [
        logs_of(fit_watched(library, train, evals, eval_metric=one))[0]
        for one in ("auc", "brier_score")
    ]
    (log,) = logs_of(fit_watched(library, train, evals, eval_metric=asked))
    assert log == {**alone[0], **alone[1]}
    # LightGBM adds its own of the objective, as always.
    own = [] if library.name == "xgboost" else [OWN[library.name]]
    assert list(log) == ["auc", *own, "brier_score"]
    assert asked == kept
    assert log["auc"][-1] > 0.8


@both
def test_the_callers_metric_gets_labels_and_probabilities(
    library: Any, sample: Sample, validation: Sample
) -> None:
    def mean(y_true: Any, y_pred: Any) -> Any:
        assert set(y_true) == {0, 1}
        value = float(np.mean(y_pred, dtype=float))
        return value if library.name == "xgboost" else ("mean", value, False)

    model = fit_watched(
        library,
        (sample.X, words(sample.y)),
        [(validation.X, words(validation.y))],
        eval_metric=["brier_score", mean] if library.name == "lightgbm" else mean,
    )
    values = logs_of(model)[0]["mean"]
    expected = [
        np.mean(model.predict_proba(validation.X, **rounds(library, k + 1))[:, 1])
        for k in range(len(values))
    ]
    # XGBoost keeps six decimals of them.
    np.testing.assert_allclose(values, expected, rtol=0, atol=6e-7)


def test_a_metric_object_stands_for_its_name(
    sample: Sample, validation: Sample
) -> None:
    # With the classifier's own objective, whatever it was made for.
    asked = [flgb.metric(name, FocalObjective(0.9, 5.0)) for name in OURS]
    train, evals = (sample.X, sample.y), [(validation.X, validation.y)]
    models = [
        fit_watched(LightGBM, train, evals, eval_metric=one, metric="None")
        for one in (asked, ["log_loss", "focal_loss", "brier_score"])
    ]
    logs = [logs_of(model)[0] for model in models]
    assert list(logs[0]) == OURS
    assert logs[0].items() >= logs[1].items()
    for name in OURS:
        expected = values_by_hand(LightGBM, models[0], name, validation)
        np.testing.assert_allclose(logs[0][name], expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:.*'eval_set' is deprecated")
@pytest.mark.parametrize("given", [words, lambda y: y.astype(object)])
def test_lightgbm_knows_the_training_set_among_the_sets(
    given: Any, small: Sample, validation: Sample
) -> None:
    X, y = small.X, given(small.y)
    # LightGBM knows it among these only.
    sets = [(X, y), (validation.X, given(validation.y))]
    model = make(LightGBM).fit(X, y, eval_set=sets)
    assert list(model.evals_result_) == ["training", "valid_1"]
    expected = values_by_hand(LightGBM, model, "binary_logloss", small)
    log = model.evals_result_["training"]["binary_logloss"]
    np.testing.assert_allclose(log, expected, rtol=1e-12)


@pytest.mark.parametrize("form", [list, dict])
def test_initial_scores_of_a_set_are_added_to_the_start(
    sample: Sample, validation: Sample, form: Any
) -> None:
    start = 0.5 * validation.X[:, 0]
    model = make(LightGBM).fit(
        sample.X,
        sample.y,
        eval_init_score=[start] if form is list else {0: start},
        **sets_of(LightGBM, [(validation.X, validation.y)]),
    )
    raw_score = model.decision_function(validation.X) + start
    expected = FocalMetric("log_loss", model.focal_objective_)(validation.y, raw_score)
    value = logs_of(model)[0]["binary_logloss"][-1]
    assert value == pytest.approx(expected, rel=1e-12)


def test_lightgbms_fit_warns_of_what_its_parent_warns_of(
    sample: Sample, validation: Sample
) -> None:
    column, seen = sample.y[:, None], []
    sets = sets_of(LightGBM, [(validation.X, validation.y)])
    for kind in (lgb.LGBMClassifier, FocalLGBMClassifier):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind(n_estimators=1, **LightGBM.quiet).fit(
                sample.X, column, eval_set=[(validation.X, validation.y)]
            )
            kind(n_estimators=1, **LightGBM.quiet).fit(sample.X, sample.y, **sets)
        seen.append([(w.category, str(w.message), w.filename) for w in caught])
    assert seen[0] == seen[1]
    assert len(seen[0]) >= 2
