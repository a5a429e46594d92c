"""``cv`` of both libraries: their own at γ = 0, and scikit-learn's metrics beyond."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import quiet
from populations import make_sample
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss
from sklearn.model_selection import GroupKFold, StratifiedKFold

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective

xgb, lgb = fxgb.xgb, flgb.lgb

pytestmark = quiet

SAMPLE = make_sample(400, 0.2, seed=4)
LOG_LOSS = FocalObjective(None, 0.0)
SPLIT = [*StratifiedKFold(3).split(SAMPLE.X, SAMPLE.y)]
SETTINGS: dict[Any, dict[str, Any]] = {
    XGBoost: {"nthread": 1, "max_depth": 3},
    LightGBM: {
        "num_threads": 1, "num_leaves": 7, "force_col_wise": True, "verbosity": -1
    },
}  # fmt: skip

_NUMBER = re.compile(r"\d+\.\d+(?:e-?\d+)?")

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)


def run(library: Any, params: Any, objective: Any = None, **kwargs: Any) -> Any:
    """Cross-validate with the library's own objective, or with focal loss."""
    name = {XGBoost: "binary:logistic", LightGBM: "binary"}[library]
    given = {"num_boost_round": 8, **kwargs}
    data = library.data(SAMPLE.X, SAMPLE.y, SAMPLE.weight)
    if isinstance(params, dict):
        params = {**SETTINGS[library], **params}
        if objective is None:
            params = {"objective": name, **params}
    own = xgb if library is XGBoost else lgb
    ours = fxgb if library is XGBoost else flgb
    if objective is None:
        return own.cv(params, data, **given)
    return ours.cv(params, data, objective=objective, **given)


def assert_same(library: Any, first: Any, second: Any) -> None:
    """Assert that two results have the same names, lengths and values."""
    assert type(first) is type(second)
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_allclose(
            second[name], first[name], rtol=0, atol=library.tolerance, err_msg=name
        )


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


# The law: at γ = 0 and α None it is the library's own


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


@both
def test_groups(library: Any, capfd: Any) -> None:
    groups = np.arange(len(SAMPLE.y)) // 8
    folds = [*GroupKFold(3).split(SAMPLE.X, SAMPLE.y, groups)]
    compare(library, capfd, {}, folds=folds)


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

    name = "feval" if library is LightGBM else "custom_metric"
    compare(library, capfd, {}, **{name: lambda: share})
    half = len(seen) // 2
    np.testing.assert_allclose(
        np.concatenate(seen[:half]),
        np.concatenate(seen[half:]),
        rtol=0,
        atol=library.tolerance,
    )


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
    cv = fxgb.cv if library is XGBoost else flgb.cv
    cv(SETTINGS[library], data, 2)
    kept = data.get_base_margin() if library is XGBoost else data.get_init_score()
    assert kept is None or not len(kept)


# Focal loss, and scikit-learn's metrics by hand


class Keep(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """A callback that keeps the folds."""

    def after_training(self, model: Any) -> Any:
        self.boosters = [fold.bst for fold in model.cvfolds]
        return model


def posteriors(library: Any, objective: FocalObjective, metrics: Any) -> Any:
    """Return the result and every fold's posterior of its left-out rows."""
    if library is XGBoost:
        keep = Keep()
        given = {"callbacks": [keep], "folds": SPLIT, "metrics": metrics}
        result = run(library, {}, objective, as_pandas=False, **given)
        boosters = keep.boosters
        assert {type(one) for one in boosters} == {xgb.Booster}
    else:
        given = {"folds": SPLIT, "metrics": metrics, "return_cvbooster": True}
        result = run(library, {}, objective, **given)
        boosters = result["cvbooster"].boosters
    found = [
        library.probability(one, SAMPLE.X[test])
        for one, (_, test) in zip(boosters, SPLIT, strict=True)
    ]
    return result, found


MEASURES: dict[str, Callable[..., float]] = {
    "log_loss": log_loss,
    "brier_score": brier_score_loss,
    "average_precision": average_precision_score,
}


@both
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_metrics_are_those_of_the_folds_boosters(library: Any, gamma: float) -> None:
    objective = FocalObjective(0.25, gamma)
    ours = [library_metric(library, name, objective) for name in MEASURES]
    result, found = posteriors(library, objective, ours)
    test = "test-{}-mean" if library is XGBoost else "valid {}-mean"
    for name, measure in MEASURES.items():
        each = [
            measure(SAMPLE.y[rows], p, sample_weight=SAMPLE.weight[rows])
            for (_, rows), p in zip(SPLIT, found, strict=True)
        ]
        assert result[test.format(name)][-1] == pytest.approx(np.mean(each), rel=2e-6)


def library_metric(library: Any, name: str, objective: FocalObjective) -> Any:
    ours = fxgb if library is XGBoost else flgb
    return ours.metric(name, objective)


@both
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_every_fold_starts_at_its_own_prevalence(library: Any, gamma: float) -> None:
    objective = FocalObjective(0.25, gamma)
    # With no split allowed the posterior stays where it starts.
    params = {
        XGBoost: {"gamma": 1e9, "eta": 1e-9},
        LightGBM: {"min_gain_to_split": 1e9, "learning_rate": 1e-9},
    }
    folds = [
        (np.arange(200), np.arange(200, 400)),
        (np.arange(150, 400), np.arange(150)),
    ]
    given = {"folds": folds, "num_boost_round": 1}
    expected = run(library, params[library], **given)
    found = run(library, params[library], objective, **given)
    assert_same(library, expected, found)
    if library is LightGBM:
        starts = [np.average(SAMPLE.y[k], weights=SAMPLE.weight[k]) for k, _ in folds]
        each = [
            log_loss(SAMPLE.y[k], np.full(len(k), p), sample_weight=SAMPLE.weight[k])
            for p, (_, k) in zip(starts, folds, strict=True)
        ]
        (value,) = found["valid binary_logloss-mean"]
        assert value == pytest.approx(np.mean(each), rel=1e-6)


@both
def test_our_metrics_come_after_the_librarys(library: Any) -> None:
    metrics = ["auc", "focal_loss"]
    result = run(library, {}, FocalObjective(0.25, 2.0), metrics=metrics)
    means = [name for name in result if name.endswith("mean") and "train" not in name]
    first = "test-" if library is XGBoost else "valid "
    assert means == [f"{first}{name}-mean" for name in metrics]


@both
def test_early_stopping_follows_our_metric(library: Any) -> None:
    objective = FocalObjective(0.25, 2.0)
    stop = {
        XGBoost: {"early_stopping_rounds": 3},
        LightGBM: {"callbacks": [lgb.early_stopping(3, verbose=False)]},
    }[library]
    metrics = [library_metric(library, "average_precision", objective)]
    given = {"metrics": metrics, "num_boost_round": 80}
    params = {"eta": 0.6, **({"metric": "None"} if library is LightGBM else {})}
    full = run(library, params, objective, **given)
    found = run(library, params, objective, **given, **stop)
    name = [one for one in full if one.endswith("average_precision-mean")][-1]
    scores = np.array(full[name])
    best = next(k for k in range(80) if (scores[k + 1 : k + 4] <= scores[k]).all())
    np.testing.assert_array_equal(found[name], scores[: best + 1])


# What is refused


@both
def test_an_objective_is_asked_for(library: Any) -> None:
    cv = fxgb.cv if library is XGBoost else flgb.cv
    data = library.data(SAMPLE.X, SAMPLE.y)
    with pytest.raises(ValueError, match="objective must be a FocalObjective, got 2"):
        cv({}, data, objective=2)
    with pytest.raises(ValueError, match=r"objective .*must be .*, got .regression.$"):
        cv({"objective": "regression"}, data)
    with (
        warnings.catch_warnings(),
        pytest.warns(UserWarning, match="focal") as caught,
    ):
        cv(
            SETTINGS[library],
            data,
            1,
            objective=FocalObjective.of(FocalLoss(), "focal"),
        )
    assert caught[0].filename == __file__


@both
def test_preparation_may_not_name_another_objective(library: Any) -> None:
    def prepare(train: Any, test: Any, params: dict[str, Any]) -> Any:
        return train, test, {**params, "objective": "regression"}

    with pytest.raises(ValueError, match=r"objective .*must be .*, got .regression.$"):
        run(library, {}, LOG_LOSS, fpreproc=prepare)
