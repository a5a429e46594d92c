"""``FoldEnsembleClassifier`` against the same by hand with scikit-learn's splitters."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, fit_watched, make, posterior_of, quiet
from numpy.testing import assert_allclose, assert_array_equal
from populations import make_sample
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from tools import classes_of

from focal_boost import FoldEnsembleClassifier

pytestmark = quiet

SAMPLE = make_sample(600, 0.2, seed=11)
X, y, weight = SAMPLE.X, SAMPLE.y, SAMPLE.weight
NAMES = np.array(["ant", "bee", "cow"])
THREE = classes_of(SAMPLE)
STOPPING = {"early_stopping_rounds": 3, "learning_rate": 0.4, "n_estimators": 40}


def left_out(model: Any, X: Any, labels: Any, cv: Any, **given: Any) -> Any:
    """Return scikit-learn's posterior of left-out rows, of two classes the second's."""
    folds = {"cv": cv, "method": "predict_proba", **given}
    found = cross_val_predict(model, X, labels, **folds)
    return found[:, 1] if found.shape[1] == 2 else found


def rounds_of(library: Any, model: Any) -> int:
    if library is XGBoost:
        return int(model.best_iteration) + 1
    return int(model.best_iteration_)


@both
@pytest.mark.parametrize("own", [False, True], ids=["focal", "library"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("labels", [y, THREE], ids=["two", "three"])
def test_out_of_fold_posterior_is_cross_val_predicts(
    library: Any, own: bool, weighted: bool, labels: Any
) -> None:
    model = make(library)
    if own:
        model = library.classifier(n_estimators=10, **library.quiet_estimator)
    given = {"sample_weight": weight} if weighted else {}
    ensemble = FoldEnsembleClassifier(model, cv=4).fit(X, labels, **given)
    expected = left_out(model, X, labels, StratifiedKFold(4), params=given)
    assert_allclose(ensemble.oof_posterior_, expected, rtol=2e-6)


@both
def test_every_model_is_stopped_on_its_left_out_fold(library: Any) -> None:
    model = make(library, **STOPPING)
    ensemble = FoldEnsembleClassifier(model, cv=3).fit(X, y, weight)
    expected = np.empty(len(y))
    params = {k: v for k, v in STOPPING.items() if k != "early_stopping_rounds"}
    for train, test in StratifiedKFold(3).split(X, y):
        metric = "logloss" if library is XGBoost else "binary_logloss"
        fitted = fit_watched(
            library,
            (X[train], y[train]),
            [(X[test], y[test])],
            eval_metric=metric,
            stop=3,
            **params,
        )
        expected[test] = fitted.predict_proba(X[test])[:, 1]
    unweighted = FoldEnsembleClassifier(model, cv=3).fit(X, y)
    assert_allclose(unweighted.oof_posterior_, expected, rtol=1e-6)
    assert not np.allclose(ensemble.oof_posterior_, expected, rtol=1e-3)
    assert max(rounds_of(library, one) for one in ensemble.estimators_) < 40


@both
@pytest.mark.parametrize("labels", [y, NAMES[THREE]], ids=["two", "three"])
def test_prediction_is_of_the_mean_log_odds(library: Any, labels: Any) -> None:
    ensemble = FoldEnsembleClassifier(make(library), cv=3).fit(X, labels)
    mean = np.mean([one.decision_function(X) for one in ensemble.estimators_], axis=0)
    assert_allclose(ensemble.decision_function(X), mean, atol=1e-6)
    posterior = posterior_of(mean)
    assert_allclose(ensemble.predict_proba(X), posterior, rtol=1e-6)
    assert_allclose(ensemble.predict_proba(X).sum(axis=1), 1, rtol=1e-15)
    assert ensemble.classes_.tolist() == sorted(set(labels.tolist()))
    highest = ensemble.classes_[posterior.argmax(axis=1)]
    assert_array_equal(ensemble.predict(X), highest)
    assert ensemble.n_splits_ == len(ensemble.estimators_) == 3


@both
def test_groups(library: Any) -> None:
    groups = np.arange(len(y)) // 10
    model = make(library)
    ensemble = FoldEnsembleClassifier(model, cv=GroupKFold(3))
    ensemble.fit(X, y, groups=groups)
    expected = left_out(model, X, y, GroupKFold(3), groups=groups)
    assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    several = FoldEnsembleClassifier(model, cv=3).fit(X, y, groups=groups)
    assert several.n_splits_ == 3


@both
def test_labels_of_text(library: Any) -> None:
    model, named = make(library), np.where(y == 1, "yes", "no")
    ensemble = FoldEnsembleClassifier(model, cv=3).fit(X, named)
    expected = left_out(model, X, y, 3)
    assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    assert set(ensemble.predict(X)) == {"no", "yes"}


@both
def test_repeats_are_averaged(library: Any) -> None:
    drawn = {"subsample": 0.7}
    if library is LightGBM:
        drawn["subsample_freq"] = 1
    model = make(library, **drawn)
    twice = FoldEnsembleClassifier(model, cv=3, n_repeats=2, random_state=5).fit(X, y)
    assert len(twice.estimators_) == 6
    score = np.zeros(len(y))
    for seed in np.random.RandomState(5).randint(np.iinfo(np.int32).max, size=2):
        cv = StratifiedKFold(3, shuffle=True, random_state=seed)
        one = clone(model).set_params(random_state=int(seed))
        given = {"cv": cv, "method": "decision_function"}
        score += cross_val_predict(one, X, y, **given) / 2
    assert_allclose(twice.oof_posterior_, expit(score), rtol=1e-6)
    again = clone(twice).set_params(n_jobs=2).fit(X, y)
    assert_array_equal(again.oof_posterior_, twice.oof_posterior_)


@both
def test_repeats_of_a_splitter_with_weights_around_pipelines(library: Any) -> None:
    model = make_pipeline(StandardScaler(), make(library))
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1)
    folds = FoldEnsembleClassifier(model, cv=splitter).fit(X, NAMES[THREE], weight)
    total = np.zeros((len(y), 3))
    for train, test in splitter.split(X, THREE):
        name = f"{model.steps[-1][0]}__sample_weight"
        one = clone(model).fit(X[train], THREE[train], **{name: weight[train]})
        total[test] += one.decision_function(X[test])
    assert_allclose(folds.oof_posterior_, posterior_of(total / 2), rtol=1e-5)


def test_repeats_of_given_folds_and_rows_that_are_never_left_out() -> None:
    fold = np.arange(len(y)) % 3 - 1
    given = PredefinedSplit(fold)
    ensemble, listed = (
        FoldEnsembleClassifier(make(LightGBM), cv=cv, n_repeats=2).fit(X, y)
        for cv in (given, given.split())
    )
    assert len(ensemble.estimators_) == len(listed.estimators_) == 4
    assert_array_equal(np.isnan(ensemble.oof_posterior_), fold == -1)
    assert_array_equal(listed.oof_posterior_, ensemble.oof_posterior_)


@both
def test_pipelines_fit_their_transformers_inside_the_folds(library: Any) -> None:
    table = pd.DataFrame(X[:, :4], columns=list("abcd"))
    table["kind"] = np.where(X[:, 4] > 0.5, "u", "v")
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind"]),
        (StandardScaler(), list("abcd")),
    )
    model = make_pipeline(columns, make(library))
    ensemble = FoldEnsembleClassifier(model, cv=3).fit(table, y)
    expected = left_out(model, table, y, 3)
    assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    mean = np.mean([one.decision_function(table) for one in ensemble.estimators_], 0)
    assert_allclose(ensemble.decision_function(table), mean, atol=1e-6)
    stopped = make_pipeline(columns, make(library, **STOPPING))
    stopped = FoldEnsembleClassifier(stopped, cv=3).fit(table, y)
    assert max(rounds_of(library, one[-1]) for one in stopped.estimators_) < 40
    with pytest.raises(ValueError, match=r"^estimator must be .*, got a Pipeline$"):
        ensemble.merged()


def test_a_pipeline_of_one_step_and_other_classifiers() -> None:
    alone = make(LightGBM)
    ensemble = FoldEnsembleClassifier(make_pipeline(alone), cv=3).fit(X, y)
    plain = FoldEnsembleClassifier(alone, cv=3).fit(X, y)
    assert_array_equal(ensemble.oof_posterior_, plain.oof_posterior_)
    assert ensemble.merged().num_trees() == 30
    forest = RandomForestClassifier(20, random_state=0)
    other = FoldEnsembleClassifier(forest, cv=3).fit(X, y)
    expected = left_out(forest, X, y, 3)
    assert_allclose(other.oof_posterior_, expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"^estimator must be of XGBoost or LightGBM"):
        other.merged()


@both
def test_pickle_and_clone(library: Any) -> None:
    ensemble = FoldEnsembleClassifier(make(library), cv=3).fit(X, y)
    again = pickle.loads(pickle.dumps(ensemble))
    assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    assert not hasattr(clone(ensemble), "estimators_")


@both
def test_arguments_of_fit_reach_every_model(library: Any) -> None:
    given = {"xgboost": {"verbose": False}, "lightgbm": {"categorical_feature": [0]}}
    table = X.copy()
    table[:, 0] = np.clip(np.round(table[:, 0] + 3), 0, 6)
    ensemble = FoldEnsembleClassifier(make(library), cv=2)
    with pytest.raises(TypeError, match="unheard_of"):
        ensemble.fit(table, y, unheard_of=1)
    ensemble.fit(table, y, **given[library.name])
    if library is LightGBM:
        text = ensemble.estimators_[1].booster_.model_to_string()
        assert "[categorical_feature: 0]" in text


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks() -> None:
    ensemble = FoldEnsembleClassifier(make(LightGBM), cv=3)
    results = check_estimator(ensemble, on_fail=None, on_skip=None)
    failed = {one["check_name"] for one in results if one["status"] == "failed"}
    # Repeated rows fall into other folds than weights.
    assert failed <= {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    }


@pytest.mark.parametrize(
    ("params", "labels", "sentence"),
    [
        ({"cv": 200}, y, "^cv must be at most the .* rows with class '1', got 200$"),
        ({"cv": 200}, THREE, "^cv must be at most the .* rows with class '2', got 200"),
        ({"n_repeats": 0}, y, "^n_repeats must be an integer >= 1, got 0$"),
        ({}, y * 0, "^y must contain two classes, got 1 class: "),
        (
            {"cv": [(np.flatnonzero(y == 0), np.flatnonzero(y == 1))]},
            y,
            "^cv must leave both classes .*, got 1 in that of fold 0$",
        ),
        (
            {"cv": [(np.flatnonzero(THREE < 2)[2:], np.flatnonzero(THREE < 2)[:2])]},
            THREE,
            "^cv must leave all 3 classes",
        ),
        (
            {"estimator": make(LightGBM, positive_class="bee")},
            NAMES[THREE],
            "^positive_class must be None for more than two classes",
        ),
    ],
)
def test_what_cannot_be_is_said_before_training(
    params: Any, labels: Any, sentence: str
) -> None:
    ensemble = FoldEnsembleClassifier(**{"estimator": None, **params})
    with pytest.raises(ValueError, match=sentence) as caught:
        ensemble.fit(X, labels)
    assert "\n" not in str(caught.value)
