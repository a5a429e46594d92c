"""``FoldEnsembleClassifier`` against the same by hand with scikit-learn's splitters."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import fit_watched, quiet
from populations import make_sample
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from focal_boost import FoldEnsembleClassifier

pytestmark = quiet
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

SAMPLE = make_sample(600, 0.2, seed=11)
X, y, weight = SAMPLE.X, SAMPLE.y, SAMPLE.weight
STOPPING = {"early_stopping_rounds": 3, "learning_rate": 0.4, "n_estimators": 40}


def classifier(library: Any, *, own: bool = False, **params: Any) -> Any:
    kind = library.classifier if own else library.focal_classifier
    return kind(**{"n_estimators": 10, **library.quiet_estimator, **params})


def by_hand(model: Any, splits: Any, *, weighted: bool = False) -> Any:
    """Return the posterior of every left-out row, without early stopping."""
    found = np.full(len(y), np.nan)
    for train, test in splits:
        given = {"sample_weight": weight[train]} if weighted else {}
        fitted = clone(model).fit(X[train], y[train], **given)
        found[test] = fitted.predict_proba(X[test])[:, 1]
    return found


@both
@pytest.mark.parametrize("own", [False, True], ids=["focal", "library"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_out_of_fold_posterior_is_that_by_hand(
    library: Any, own: bool, weighted: bool
) -> None:
    model = classifier(library, own=own)
    given = {"sample_weight": weight} if weighted else {}
    ensemble = FoldEnsembleClassifier(model, cv=4).fit(X, y, **given)
    expected = by_hand(model, StratifiedKFold(4).split(X, y), weighted=weighted)
    np.testing.assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    assert log_loss(y, ensemble.oof_posterior_) == pytest.approx(
        log_loss(y, expected), rel=1e-7
    )


@both
def test_every_model_is_stopped_on_its_left_out_fold(library: Any) -> None:
    model = classifier(library, **STOPPING)
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
    np.testing.assert_allclose(unweighted.oof_posterior_, expected, rtol=1e-6)
    assert not np.allclose(ensemble.oof_posterior_, expected, rtol=1e-3)
    best = [rounds_of(library, one) for one in ensemble.estimators_]
    assert max(best) < 40


def rounds_of(library: Any, model: Any) -> int:
    if library is XGBoost:
        return int(model.best_iteration) + 1
    return int(model.best_iteration_)


@both
def test_prediction_is_of_the_mean_log_odds(library: Any) -> None:
    ensemble = FoldEnsembleClassifier(classifier(library), cv=3).fit(X, y)
    mean = np.mean([one.decision_function(X) for one in ensemble.estimators_], axis=0)
    np.testing.assert_allclose(ensemble.decision_function(X), mean, atol=1e-6)
    posterior = ensemble.predict_proba(X)
    np.testing.assert_allclose(posterior[:, 1], expit(mean), rtol=1e-6)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_array_equal(ensemble.predict(X), (mean > 0).astype(int))
    assert ensemble.n_splits_ == len(ensemble.estimators_) == 3


@both
def test_groups_and_labels_of_text(library: Any) -> None:
    groups = np.arange(len(y)) // 10
    named = np.where(y == 1, "yes", "no")
    model = classifier(library)
    ensemble = FoldEnsembleClassifier(model, cv=GroupKFold(3))
    ensemble.fit(X, named, groups=groups)
    expected = by_hand(model, GroupKFold(3).split(X, y, groups))
    np.testing.assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    assert ensemble.classes_.tolist() == ["no", "yes"]
    assert set(ensemble.predict(X)) == {"no", "yes"}
    several = FoldEnsembleClassifier(model, cv=3).fit(X, y, groups=groups)
    assert several.n_splits_ == 3


@both
def test_repeats_are_averaged(library: Any) -> None:
    model = classifier(library, subsample=0.7, subsample_freq=1)
    if library is XGBoost:
        model = classifier(library, subsample=0.7)
    twice = FoldEnsembleClassifier(model, cv=3, n_repeats=2, random_state=5).fit(X, y)
    assert len(twice.estimators_) == 6
    score = np.zeros(len(y))
    for seed in np.random.RandomState(5).randint(np.iinfo(np.int32).max, size=2):
        splits = StratifiedKFold(3, shuffle=True, random_state=seed).split(X, y)
        for train, test in splits:
            one = clone(model).set_params(random_state=int(seed))
            fitted = one.fit(X[train], y[train])
            score[test] += fitted.decision_function(X[test]) / 2
    np.testing.assert_allclose(twice.oof_posterior_, expit(score), rtol=1e-6)
    again = clone(twice).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(again.oof_posterior_, twice.oof_posterior_)


def test_repeats_of_given_folds_and_rows_that_are_never_left_out() -> None:
    fold = np.arange(len(y)) % 3 - 1
    model = classifier(LightGBM)
    ensemble = FoldEnsembleClassifier(model, cv=PredefinedSplit(fold), n_repeats=2)
    ensemble.fit(X, y)
    assert len(ensemble.estimators_) == 4
    np.testing.assert_array_equal(np.isnan(ensemble.oof_posterior_), fold == -1)
    splits = PredefinedSplit(fold).split()
    listed = FoldEnsembleClassifier(model, cv=splits, n_repeats=2).fit(X, y)
    assert len(listed.estimators_) == 4
    np.testing.assert_array_equal(listed.oof_posterior_, ensemble.oof_posterior_)


@both
def test_pipelines_fit_their_transformers_inside_the_folds(library: Any) -> None:
    table = pd.DataFrame(X[:, :4], columns=list("abcd"))
    table["kind"] = np.where(X[:, 4] > 0.5, "u", "v")
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind"]),
        (StandardScaler(), list("abcd")),
    )
    model = make_pipeline(columns, classifier(library))
    ensemble = FoldEnsembleClassifier(model, cv=3).fit(table, y)
    expected = cross_val_predict(model, table, y, cv=3, method="predict_proba")[:, 1]
    np.testing.assert_allclose(ensemble.oof_posterior_, expected, rtol=1e-6)
    mean = np.mean([one.decision_function(table) for one in ensemble.estimators_], 0)
    np.testing.assert_allclose(ensemble.decision_function(table), mean, atol=1e-6)
    stopped = make_pipeline(columns, classifier(library, **STOPPING))
    stopped = FoldEnsembleClassifier(stopped, cv=3).fit(table, y)
    assert max(rounds_of(library, one[-1]) for one in stopped.estimators_) < 40
    with pytest.raises(ValueError, match=r"^estimator must be .*, got a Pipeline$"):
        ensemble.merged()


def test_a_pipeline_of_one_step_and_other_classifiers() -> None:
    alone = classifier(LightGBM)
    ensemble = FoldEnsembleClassifier(make_pipeline(alone), cv=3).fit(X, y)
    plain = FoldEnsembleClassifier(alone, cv=3).fit(X, y)
    np.testing.assert_array_equal(ensemble.oof_posterior_, plain.oof_posterior_)
    assert ensemble.merged().num_trees() == 30
    forest = RandomForestClassifier(20, random_state=0)
    other = FoldEnsembleClassifier(forest, cv=3).fit(X, y)
    expected = cross_val_predict(forest, X, y, cv=3, method="predict_proba")[:, 1]
    np.testing.assert_allclose(other.oof_posterior_, expected, atol=1e-12)
    with pytest.raises(ValueError, match=r"^estimator must be of XGBoost or LightGBM"):
        other.merged()


_PLAIN = """
import sys
sys.modules["focal_boost"] = None
import numpy as np
import {library} as lib
X = np.load("X.npy")
X = lib.DMatrix(X) if lib.__name__ == "xgboost" else X
np.save("found.npy", lib.Booster(model_file="model.txt").predict(X))
"""


@both
def test_merged_in_a_process_without_us(library: Any, tmp_path: Path) -> None:
    model = classifier(library, **STOPPING)
    ensemble = FoldEnsembleClassifier(model, cv=3, n_repeats=2).fit(X, y)
    name = "model.json" if library is XGBoost else "model.txt"
    ensemble.merged().save_model(tmp_path / name)
    np.save(tmp_path / "X.npy", X)
    code = _PLAIN.format(library=library.name).replace("model.txt", name)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "found.npy")
    expected = ensemble.predict_proba(X)[:, 1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@both
def test_pickle_and_clone(library: Any) -> None:
    ensemble = FoldEnsembleClassifier(classifier(library), cv=3).fit(X, y)
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba(X), ensemble.predict_proba(X))
    assert not hasattr(clone(ensemble), "estimators_")


@both
def test_arguments_of_fit_reach_every_model(library: Any) -> None:
    model = classifier(library)
    name = {"xgboost": "verbose", "lightgbm": "categorical_feature"}[library.name]
    value: Any = False if library is XGBoost else [0]
    table = X.copy()
    table[:, 0] = np.clip(np.round(table[:, 0] + 3), 0, 6)
    ensemble = FoldEnsembleClassifier(model, cv=2).fit(table, y, **{name: value})
    with pytest.raises(TypeError, match="unheard_of"):
        FoldEnsembleClassifier(model, cv=2).fit(table, y, unheard_of=1)
    if library is LightGBM:
        text = ensemble.estimators_[1].booster_.model_to_string()
        assert "[categorical_feature: 0]" in text


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks() -> None:
    ensemble = FoldEnsembleClassifier(classifier(LightGBM), cv=3)
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
        ({"n_repeats": 0}, y, "^n_repeats must be an integer >= 1, got 0$"),
        ({}, y * 0, "^y must contain two classes, got 1 class: "),
        (
            {"cv": [(np.flatnonzero(y == 0), np.flatnonzero(y == 1))]},
            y,
            "^cv must leave both classes .*, got 1 in that of fold 0$",
        ),
    ],
)
def test_what_cannot_be_is_said_before_training(
    params: Any, labels: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        FoldEnsembleClassifier(None, **params).fit(X, labels)
