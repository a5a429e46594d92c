"""Metrics of this package in both ``train``, and in the libraries' own functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import both, quiet, rounds, sets_of
from populations import Sample

from focal_boost import FocalMetric, FocalObjective

pytestmark = quiet

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")
# What makes it a Python objective's training, without metrics of the library's.
OWN: dict[str, dict[str, Any]] = {
    "xgboost": {
        "objective": "binary:logistic", "base_score": 0.2, "eta": 0.5,
        "disable_default_eval_metric": 1,
    },
    "lightgbm": {"objective": FOCAL, "metric": "None"},
}  # fmt: skip
HANDED_IN: dict[str, Any] = {"xgboost": {"obj": FOCAL}, "lightgbm": {}}


def data_of(library: Any, rows: Sample) -> Any:
    return library.data(rows.X, rows.y, rows.weight)


def by_hand(library: Any, name: str, booster: Any, rows: Sample, count: int) -> float:
    raw_score = library.raw_score(booster, rows.X, **rounds(library, count))
    return FocalMetric(name, FOCAL)(rows.y, raw_score, rows.weight)


def object_of(library: Any, metric: str) -> dict[str, Any]:
    """Return the arguments of the library's own functions for loss and metric."""
    of = {library.metric: library.ours.metric(metric, FOCAL)}
    return {**HANDED_IN[library.name], **of}


def best_of(metric: str, values: Any) -> Any:
    return (np.argmax if metric == "average_precision" else np.argmin)(values)


@both
def test_log_has_every_metric_of_every_set_in_full_precision(
    library: Any, sample: Sample, validation: Sample
) -> None:
    def mean(preds: Any, data: Any) -> Any:
        value = "mean", float(preds.mean())
        return value if library is XGBoost else (*value, False)

    log: dict[str, Any] = {}
    rows_of = {"train": sample, "valid": validation}
    sets = {name: data_of(library, rows) for name, rows in rows_of.items()}
    booster = library.train(
        sets["train"], 5, FOCAL,
        {"eval_metric" if library is XGBoost else "metric": "auc"},
        metrics=[*NAMES, "log_loss"], **{library.metric: mean},
        **library.watching(sets, log),
    )  # fmt: skip
    assert list(log) == list(rows_of)
    for name, rows in rows_of.items():
        assert list(log[name]) == ["auc", "mean", *NAMES]
        for metric in NAMES:
            expected = [
                by_hand(library, metric, booster, rows, k + 1) for k in range(5)
            ]
            close = pytest.approx(expected, rel=library.tolerance, abs=0)
            assert log[name][metric] == close
            assert all(round(v, 6) != v for v in log[name][metric])


@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.parametrize(
    ("library", "callback"),
    [
        (XGBoost, None),
        (XGBoost, lambda _: xgb.callback.EarlyStopping(rounds=5)),
        (XGBoost, lambda of: xgb.callback.EarlyStopping(rounds=5, metric_name=of)),
        (LightGBM, None),
    ],
    ids=["xgboost", "callback", "named", "lightgbm"],
)
def test_early_stopping_goes_the_metrics_way(
    library: Any, callback: Any, metric: str, sample: Sample, validation: Sample
) -> None:
    log: dict[str, Any] = {}
    callbacks = [] if callback is None else [callback(metric)]
    sets = {"valid": data_of(library, validation)}
    # LightGBM would stop by either.
    params, metrics = (
        ({"eta": 0.5, "max_depth": 3}, ("focal_loss", metric))
        if library is XGBoost
        else ({"metric": "None"}, metric)
    )
    booster = library.train(
        data_of(library, sample), 200, FOCAL, params, metrics=metrics,
        **library.watching(sets, log, *callbacks, stop=None if callbacks else 5),
    )  # fmt: skip
    values = log["valid"][metric]
    best = best_of(metric, values)
    assert booster.best_iteration + (library is XGBoost) == best + 1
    score = booster.best_score
    assert values[best] == (score if library is XGBoost else score["valid"][metric])
    assert best + 1 < len(values) < 200


def test_xgboosts_caller_may_say_the_other_way(sample: Sample) -> None:
    data = data_of(XGBoost, sample)
    booster = XGBoost.train(
        data, 9, FOCAL, {"max_depth": 3}, metrics="average_precision", maximize=False,
        **XGBoost.watching({"t": data}, {}, stop=3),
    )  # fmt: skip
    assert booster.best_iteration == 0


def test_xgboosts_loss_below_six_decimals_does_not_stop_early() -> None:
    # Two values that separate the classes: the loss falls without end.
    y = np.repeat([0, 1], [3900, 100])
    data, log = xgb.DMatrix(y[:, None].astype(float), y), dict[str, Any]()
    XGBoost.train(
        data, 120, FOCAL, {"min_child_weight": 0, "lambda": 0, "eta": 0.1},
        metrics="focal_loss", **XGBoost.watching({"v": data}, log, stop=1),
    )  # fmt: skip
    values = log["v"]["focal_loss"]
    assert len(values) == 120
    # What "%f" would have left of them stood still long before the end.
    assert len({f"{value:f}" for value in values}) < 110


def test_xgboost_prints_them(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    data = data_of(XGBoost, sample)
    XGBoost.train(data, 1, FOCAL, metrics="log_loss", evals=[(data, "t")])
    (line,) = capsys.readouterr().out.splitlines()
    _, logloss, ours = line.split("\t")
    assert ours.replace("log_loss", "logloss") == logloss


# ``metric`` for the libraries' own functions


@both
@pytest.mark.parametrize("metric", NAMES)
def test_the_librarys_own_train_is_stopped_by_an_object(
    library: Any, metric: str, sample: Sample, validation: Sample
) -> None:
    log: dict[str, Any] = {}
    booster = library.own.train(
        {**library.quiet, **OWN[library.name]}, data_of(library, sample), 200,
        **object_of(library, metric),
        **library.watching({"v": data_of(library, validation)}, log, stop=5),
    )  # fmt: skip
    ((name, values),) = log["v"].items()
    # By a name that it knows XGBoost tells that more is better.
    highest = library is XGBoost and metric == "average_precision"
    assert name == ("aucpr_average_precision" if highest else metric)
    best = best_of(metric, values)
    assert booster.best_iteration + (library is XGBoost) == best + 1
    assert best + 1 < len(values) < 200
    if library is XGBoost:
        # LightGBM's scores lack the start that it does not find.
        expected = by_hand(library, metric, booster, validation, 1)
        assert values[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", ["log_loss", "average_precision"])
def test_xgboosts_own_classifier_is_stopped_by_an_object(
    sample: Sample, validation: Sample, metric: str
) -> None:
    model = xgb.XGBClassifier(
        objective=FOCAL, eval_metric=XGBoost.ours.metric(metric, FOCAL), n_jobs=1,
        n_estimators=60, early_stopping_rounds=3, base_score=0.2, learning_rate=0.5,
    )  # fmt: skip
    sets = [(validation.X, validation.y)]
    log = model.fit(sample.X, sample.y, verbose=False, eval_set=sets).evals_result()
    values = next(v for k, v in log["validation_0"].items() if k.endswith(metric))
    assert model.best_iteration == best_of(metric, values) < len(values) - 1


def test_lightgbms_own_classifier_takes_an_object(
    sample: Sample, validation: Sample
) -> None:
    model = lgb.LGBMClassifier(
        objective=FOCAL, metric="None", n_estimators=4, **LightGBM.quiet_estimator
    )
    model.fit(
        sample.X, sample.y, eval_sample_weight=[validation.weight],
        eval_metric=LightGBM.ours.metric("log_loss", FOCAL),
        **sets_of(LightGBM, [(validation.X, validation.y)]),
    )  # fmt: skip
    expected = by_hand(LightGBM, "log_loss", model.booster_, validation, 4)
    value = model.evals_result_["valid_0"]["log_loss"][-1]
    assert value == pytest.approx(expected, rel=1e-6)


@both
def test_the_librarys_own_cv_reports_an_object(library: Any, sample: Sample) -> None:
    result = library.own.cv(
        {**library.quiet, **OWN[library.name]}, data_of(library, sample), 4, nfold=3,
        **object_of(library, "log_loss"),
    )  # fmt: skip
    first = "test-" if library is XGBoost else "valid "
    values = [*result[f"{first}log_loss-mean"]]
    assert len(values) == 4
    assert values[-1] < values[0]


@both
def test_train_takes_an_object_for_one_of_its_metrics(
    library: Any, sample: Sample
) -> None:
    data, log = data_of(library, sample), dict[str, Any]()
    given = library.ours.metric("average_precision", FOCAL)
    booster = library.train(
        data, 2, FOCAL, metrics="log_loss",
        **{library.metric: given if library is XGBoost else [given]},
        **library.watching({"t": data}, log),
    )  # fmt: skip
    own = {"xgboost": "logloss", "lightgbm": "binary_logloss"}[library.name]
    assert sorted(log["t"]) == sorted([own, "log_loss", "average_precision"])
    for name in ("log_loss", "average_precision"):
        value = log["t"][name][0]
        expected = by_hand(library, name, booster, sample, 1)
        assert value == pytest.approx(expected, rel=library.tolerance)
        assert round(value, 6) != value


@both
def test_what_an_object_is_not_made_of_is_refused(library: Any) -> None:
    with pytest.raises(ValueError, match=r"^metric must be one of .*, got 'auc'$"):
        library.ours.metric("auc", FOCAL)
    with pytest.raises(ValueError, match=r"^objective must be a FocalObjective, got F"):
        library.ours.metric("log_loss", FOCAL.loss)
