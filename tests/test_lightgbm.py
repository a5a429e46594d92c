"""What is LightGBM's own: the start inside the model's text, metrics, boostings."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from conftest import Sample

import focal_boost.lightgbm as flgb
from focal_boost import FocalLoss, FocalMetric, FocalObjective

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
QUIET = {"verbosity": -1, "num_threads": 1}
NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")


def dataset(sample: Sample, **kwargs: Any) -> lgb.Dataset:
    return lgb.Dataset(
        sample.X, sample.y, weight=sample.weight, free_raw_data=False, **kwargs
    )


def margin_of(booster: Any, sample: Sample, **kwargs: Any) -> Any:
    return booster.predict(sample.X, raw_score=True, **kwargs)


def by_hand(name: str, booster: Any, sample: Sample, rounds: int) -> float:
    margin = margin_of(booster, sample, num_iteration=rounds)
    return FocalMetric(name, FOCAL.loss)(sample.y, margin, sample.weight)


def reference(sample: Sample, rounds: int, **params: Any) -> Any:
    """Return margins trained by LightGBM itself from an initial score."""
    start = FOCAL.loss.initial_margin(sample.y, sample.weight)
    data = dataset(sample, init_score=np.full(len(sample.y), start))
    settings = {
        **QUIET, "objective": FOCAL, "metric": "None", "max_delta_step": 5.0, **params
    }  # fmt: skip
    booster = lgb.train(settings, data, rounds)
    return margin_of(booster, sample) + start


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"linear_tree": True},
        {"data_sample_strategy": "goss"},
        {"bagging_fraction": 0.5, "bagging_freq": 1, "seed": 3},
        {"extra_trees": True, "path_smooth": 1.0},
        {"tree_learner": "serial", "max_depth": 1},
    ],
    ids=lambda p: next(iter(p), "default"),
)
def test_start_in_the_model_is_an_initial_score(
    sample: Sample, params: dict[str, Any]
) -> None:
    booster = flgb.train({**QUIET, **params}, dataset(sample), 12)
    np.testing.assert_allclose(
        margin_of(booster, sample), reference(sample, 12, **params), rtol=0, atol=1e-12
    )


def test_linear_trees_keep_the_start_where_values_are_missing(sample: Sample) -> None:
    params = {**QUIET, "linear_tree": True}
    booster = flgb.train(params, dataset(sample), 5)
    missing = np.full_like(sample.X, np.nan)
    start = FOCAL.loss.initial_margin(sample.y, sample.weight)
    data = dataset(sample, init_score=np.full(len(sample.y), start))
    plain = lgb.train(
        {**params, "objective": FOCAL, "metric": "None", "max_delta_step": 5}, data, 5
    )
    np.testing.assert_allclose(
        booster.predict(missing, raw_score=True),
        plain.predict(missing, raw_score=True) + start,
        rtol=1e-12,
    )


def test_dart_is_the_same_in_every_run() -> None:
    code = """
import numpy as np, lightgbm as lgb, focal_boost.lightgbm as flgb
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 5))
y = rng.random(2000) < 1 / (1 + np.exp(3 - 2 * X[:, 0]))
p = {"boosting": "dart", "drop_rate": 0.5, "verbosity": -1, "num_threads": 2}
for _ in range(4):
    m = flgb.train(p, lgb.Dataset(X, y.astype(int)), 30).predict(X, raw_score=True)
    print(m.tobytes().hex()[:2000])
"""
    runs: set[str] = set()
    for _ in range(4):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        runs |= set(out.split())
    assert len(runs) == 1
    assert len(runs.pop()) == 2000


def test_tree_text_stays_consistent(sample: Sample) -> None:
    booster = flgb.train(QUIET, dataset(sample), 4)
    text = booster.model_to_string()
    head, _, _ = text.partition("\n\n")
    sizes = next(s for s in head.splitlines() if s.startswith("tree_sizes="))
    starts = [text.index(f"Tree={k}\n") for k in range(4)] + [
        text.index("end of trees")
    ]
    assert [int(v) for v in sizes[11:].split()] == np.diff(starts).tolist()
    assert head.count("objective=binary sigmoid:1") == 1
    assert "[objective: binary]" in text
    assert "[objective: custom]" not in text
    contributions = booster.predict(sample.X[:50], pred_contrib=True)
    np.testing.assert_allclose(
        contributions.sum(axis=1), margin_of(booster, sample)[:50], rtol=1e-9
    )


def test_datasets_are_left_as_they_are(sample: Sample, validation: Sample) -> None:
    train, valid = dataset(sample), dataset(validation)
    first = flgb.train(QUIET, train, 3, valid_sets=[valid])
    assert train.get_init_score() is None
    assert valid.get_init_score() is None
    second = flgb.train(
        QUIET, train, 3, valid_sets=[valid], objective=FocalObjective(0.9, 1.0)
    )
    again = flgb.train(QUIET, train, 3, valid_sets=[valid])
    assert not np.array_equal(margin_of(first, sample), margin_of(second, sample))
    np.testing.assert_array_equal(margin_of(first, sample), margin_of(again, sample))


def test_a_dataset_that_was_continued_on_starts_afresh(sample: Sample) -> None:
    data = dataset(sample)
    first = flgb.train(QUIET, data, 3)
    flgb.train(QUIET, data, 2, init_model=first)
    again = flgb.train(QUIET, data, 3)
    np.testing.assert_array_equal(margin_of(again, sample), margin_of(first, sample))


def test_initial_score_is_the_callers_start(sample: Sample) -> None:
    score = np.full(len(sample.y), -1.5)
    data = dataset(sample, init_score=score)
    booster = flgb.train({**QUIET, "min_data_in_leaf": 10_000}, data, 1)
    step = margin_of(booster, sample)
    grad, hess = FOCAL(sample.y, score, sample.weight)
    expected = -grad.sum(dtype=float) / hess.sum(dtype=float)
    # LightGBM grows no tree here, and the model does not hold the caller's start.
    assert step == pytest.approx(0.0) or step == pytest.approx(0.1 * expected)


def test_log_has_every_metric_of_every_set(sample: Sample, validation: Sample) -> None:
    log: dict[str, Any] = {}
    train, valid = dataset(sample), dataset(validation)
    booster = flgb.train(
        QUIET, train, 5, valid_sets=[train, valid], valid_names=["train", "valid"],
        metrics=NAMES, callbacks=[lgb.record_evaluation(log)],
    )  # fmt: skip
    for data, name in ((sample, "train"), (validation, "valid")):
        assert list(log[name]) == list(NAMES)
        for metric in NAMES:
            expected = [by_hand(metric, booster, data, k) for k in range(1, 6)]
            assert log[name][metric] == pytest.approx(expected, rel=1e-6, abs=0)


@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.parametrize("native", [False, True], ids=["train", "lightgbm.train"])
def test_early_stopping_goes_the_metrics_way(
    sample: Sample, validation: Sample, metric: str, native: bool
) -> None:
    log: dict[str, Any] = {}
    settings: dict[str, Any] = {
        "valid_sets": [dataset(validation)],
        "callbacks": [
            lgb.record_evaluation(log), lgb.early_stopping(5, verbose=False)
        ],
    }  # fmt: skip
    if native:
        params = {**QUIET, "objective": FOCAL, "metric": "None"}
        feval = flgb.metric(metric, FOCAL.loss)
        booster = lgb.train(params, dataset(sample), 200, feval=feval, **settings)
    else:
        booster = flgb.train(QUIET, dataset(sample), 200, metrics=metric, **settings)
    values = np.array(log["valid_0"][metric])
    best = values.argmax() if metric == "average_precision" else values.argmin()
    assert booster.best_iteration == best + 1 < len(values) < 200
    assert booster.best_score["valid_0"][metric] == values[best]


def test_metric_object_serves_the_sklearn_api(
    sample: Sample, validation: Sample
) -> None:
    model = lgb.LGBMClassifier(
        objective=FOCAL, metric="None", n_estimators=4, verbosity=-1, n_jobs=1
    )
    current = {"eval_X": validation.X, "eval_y": validation.y}
    older = {"eval_set": [(validation.X, validation.y)]}
    known = "eval_X" in lgb.LGBMClassifier.fit.__code__.co_varnames
    model.fit(
        sample.X, sample.y, eval_sample_weight=[validation.weight],
        eval_metric=flgb.metric("log_loss", FOCAL.loss),
        **(current if known else older),
    )  # fmt: skip
    margin = margin_of(model.booster_, validation)
    expected = FocalMetric("log_loss", FOCAL.loss)(
        validation.y, margin, validation.weight
    )
    value = model.evals_result_["valid_0"]["log_loss"][-1]
    assert value == pytest.approx(expected, rel=1e-6)


def test_cv_reports_our_metric(sample: Sample) -> None:
    result = lgb.cv(
        {**QUIET, "objective": FOCAL, "metric": "None"}, dataset(sample), 4, nfold=3,
        feval=flgb.metric("log_loss", FOCAL.loss),
    )  # fmt: skip
    values = result["valid log_loss-mean"]
    assert len(values) == 4
    assert values[-1] < values[0]


def test_the_callers_metric_sees_the_start(sample: Sample) -> None:
    seen: list[float] = []

    def feval(preds: Any, data: Any) -> tuple[str, float, bool]:
        seen.append(float(preds.mean()))
        return "mean", seen[-1], False

    data = dataset(sample)
    booster = flgb.train(QUIET, data, 1, valid_sets=[data], feval=feval, metrics=())
    assert seen == [pytest.approx(margin_of(booster, sample).mean(), rel=1e-12)]


def test_rank_metrics_stay_and_misreading_ones_are_named(sample: Sample) -> None:
    log: dict[str, Any] = {}
    data = dataset(sample)
    with pytest.warns(UserWarning, match="metric 'binary_logloss' would take the mar"):
        flgb.train(
            {**QUIET, "metric": ["auc", "binary_logloss"]}, data, 1, valid_sets=[data],
            callbacks=[lgb.record_evaluation(log)],
        )  # fmt: skip
    assert list(log["training"]) == ["auc", "log_loss"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_unbalance", True),
        ("unbalance", True),
        ("scale_pos_weight", 3.0),
        ("pos_bagging_fraction", 0.5),
        ("neg_bagging_fraction", 0.5),
        ("boost_from_average", False),
        ("sigmoid", 2.0),
    ],
)
def test_ignored_parameters_are_named(sample: Sample, name: str, value: Any) -> None:
    with pytest.warns(UserWarning, match=f"^{name} is ignored by a custom objective"):
        flgb.train({**QUIET, name: value}, dataset(sample), 1)


@pytest.mark.parametrize("name", ["boosting", "boosting_type", "boost"])
def test_random_forests_are_refused(sample: Sample, name: str) -> None:
    message = r'boosting must be "gbdt" or "dart" .*, got "rf"'
    with pytest.raises(ValueError, match=message):
        flgb.train({**QUIET, name: "rf"}, dataset(sample), 1)


def test_keeping_the_training_booster_is_refused(sample: Sample) -> None:
    with pytest.raises(ValueError, match="keep_training_booster must be False"):
        flgb.train(QUIET, dataset(sample), 1, keep_training_booster=True)


def test_fewer_than_40_rows_train(sample: Sample) -> None:
    few = sample[np.r_[np.flatnonzero(sample.y == 1)[:10], np.arange(20)]]
    booster = flgb.train(QUIET, dataset(few), 3)
    assert np.isfinite(margin_of(booster, few)).all()


def test_a_constructed_dataset_without_raw_data_trains(sample: Sample) -> None:
    data = lgb.Dataset(sample.X, sample.y, params=QUIET).construct()
    booster = flgb.train(QUIET, data, 5)
    fresh = flgb.train(QUIET, lgb.Dataset(sample.X, sample.y), 5)
    np.testing.assert_array_equal(margin_of(booster, sample), margin_of(fresh, sample))


def test_step_is_bounded_unless_the_caller_says_otherwise(sample: Sample) -> None:
    data = dataset(sample)
    assert "[max_delta_step: 5]" in flgb.train(QUIET, data, 1).model_to_string()
    for name in ("max_delta_step", "max_tree_output", "max_leaf_output"):
        booster = flgb.train({**QUIET, name: 0}, dataset(sample), 1)
        assert "[max_delta_step: 0]" in booster.model_to_string()
    plain = flgb.train(QUIET, dataset(sample), 1, objective=FocalObjective(None, 0))
    assert "[max_delta_step: 0]" in plain.model_to_string()


def test_returned_booster_can_be_refitted(sample: Sample, validation: Sample) -> None:
    booster = flgb.train(QUIET, dataset(sample), 5)
    refitted = booster.refit(validation.X, validation.y)
    posterior = FocalLoss().posterior(margin_of(refitted, validation))
    assert posterior[validation.y == 1].mean() > posterior[validation.y == 0].mean()


@pytest.mark.parametrize("missing", ["lightgbm", "sklearn"])
def test_missing_library_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "import focal_boost\n"
        "try: focal_boost.FocalLGBMClassifier\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout == (
        "focal_boost.lightgbm needs LightGBM and scikit-learn:"
        ' pip install "focal-boost[lightgbm]"\n'
    )
