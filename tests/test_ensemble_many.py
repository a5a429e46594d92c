"""Fold and voting ensembles of many classes, and their merged boosters, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import quiet
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FoldEnsembleClassifier
from focal_boost.ensemble import LogOddsVotingClassifier

pytestmark = quiet
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

X, numbers = make_classification(
    400, 8, n_informative=4, n_classes=3, weights=[0.7, 0.2], random_state=2
)
y = np.array(["ant", "bee", "cow"])[numbers]


def classifier(library: Any, *, own: bool = False, **params: Any) -> Any:
    kind = library.classifier if own else library.focal_classifier
    return kind(**{"n_estimators": 10, **library.quiet_estimator, **params})


def labels(library: Any, own: bool) -> Any:
    # XGBoost's own classifier takes numbers only.
    return numbers if own and library is XGBoost else y


def predicted(library: Any, booster: Any) -> Any:
    rows = fxgb.xgb.DMatrix(X) if library is XGBoost else X
    return booster.predict(rows)


@both
@pytest.mark.parametrize("own", [False, True], ids=["focal", "library"])
def test_out_of_fold_posterior_is_cross_val_predicts(library: Any, own: bool) -> None:
    model, target = classifier(library, own=own), labels(library, own)
    folds = FoldEnsembleClassifier(model, cv=4).fit(X, target)
    expected = cross_val_predict(
        model, X, target, cv=StratifiedKFold(4), method="predict_proba"
    )
    np.testing.assert_allclose(folds.oof_posterior_, expected, rtol=2e-6)
    assert log_loss(target, folds.oof_posterior_) == pytest.approx(
        log_loss(target, expected), rel=1e-6
    )
    assert folds.classes_.tolist() == sorted(set(target.tolist()))


@both
def test_the_mean_of_log_odds_is_normalised(library: Any) -> None:
    folds = FoldEnsembleClassifier(classifier(library), cv=3).fit(X, y)
    each = [one.decision_function(X) for one in folds.estimators_]
    mean = np.mean(each, axis=0)
    np.testing.assert_allclose(folds.decision_function(X), mean, atol=1e-6)
    p = expit(mean)
    expected = p / p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(folds.predict_proba(X), expected, atol=1e-6)
    assert (folds.predict(X) == folds.classes_[expected.argmax(axis=1)]).all()


@both
@pytest.mark.parametrize("stopped", [False, True], ids=["full", "stopped"])
def test_merged_is_one_booster(library: Any, stopped: bool) -> None:
    params = {"early_stopping_rounds": 2, "learning_rate": 0.6} if stopped else {}
    model = classifier(library, n_estimators=25, **params)
    folds = FoldEnsembleClassifier(model, cv=3).fit(X, y)
    merged = folds.merged()
    assert type(merged).__module__.startswith(library.name)
    expected = expit(folds.decision_function(X))
    np.testing.assert_allclose(predicted(library, merged), expected, atol=1e-6)
    if library is LightGBM:
        again = flgb.lgb.Booster(model_str=merged.model_to_string())
        np.testing.assert_array_equal(again.predict(X), merged.predict(X))


@both
def test_merged_dart(library: Any) -> None:
    params = dict(library.dart)
    if library is LightGBM:
        params.pop("verbosity", None)
    folds = FoldEnsembleClassifier(classifier(library, **params), cv=3).fit(X, y)
    expected = expit(folds.decision_function(X))
    np.testing.assert_allclose(predicted(library, folds.merged()), expected, atol=1e-6)


@both
def test_repeats_weights_and_pipelines(library: Any) -> None:
    weight = np.random.default_rng(0).exponential(size=len(y))
    model = make_pipeline(StandardScaler(), classifier(library))
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1)
    folds = FoldEnsembleClassifier(model, cv=splitter).fit(X, y, weight)
    total = np.zeros((len(y), 3))
    for train, test in splitter.split(X, y):
        name = f"{model.steps[-1][0]}__sample_weight"
        one = clone(model).fit(X[train], y[train], **{name: weight[train]})
        total[test] += one.decision_function(X[test])
    p = expit(total / 2)
    expected = p / p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(folds.oof_posterior_, expected, rtol=1e-5)


@both
def test_voting(library: Any) -> None:
    models = [classifier(library, focal_gamma=gamma) for gamma in (0.0, 2.0)]
    voting = LogOddsVotingClassifier(models).fit(X, y)
    each = [clone(one).fit(X, y).decision_function(X) for one in models]
    np.testing.assert_allclose(
        voting.decision_function(X), np.mean(each, axis=0), rtol=1e-6
    )
    expected = expit(voting.decision_function(X))
    np.testing.assert_allclose(predicted(library, voting.merged()), expected, atol=1e-6)


def test_a_forest_beside_focal_loss() -> None:
    forest = RandomForestClassifier(10, random_state=0)
    voting = LogOddsVotingClassifier([classifier(LightGBM), forest]).fit(X, y)
    focal, trees = voting.estimators_
    clipped = np.clip(trees.predict_proba(X), np.finfo(float).eps, 1 - 2e-16)
    mean = (focal.decision_function(X) + logit(clipped)) / 2
    np.testing.assert_allclose(voting.decision_function(X), mean, rtol=1e-6)


SENTENCES: dict[str, tuple[Any, str]] = {
    "a fold without a class": (
        lambda: FoldEnsembleClassifier(
            classifier(LightGBM),
            cv=[(np.flatnonzero(numbers < 2)[2:], np.flatnonzero(numbers < 2)[:2])],
        ).fit(X, y),
        "cv must (leave all 3 classes|keep)",
    ),
    "a positive class": (
        lambda: FoldEnsembleClassifier(classifier(LightGBM, positive_class="bee")).fit(
            X, y
        ),
        "positive_class must be None for more than two classes",
    ),
    "too few rows": (
        lambda: FoldEnsembleClassifier(classifier(LightGBM), cv=50).fit(X, y),
        "cv must be at most the .* rows with class 'cow', got 50",
    ),
    "one tree for all": (
        lambda: fxgb.merge(
            [
                classifier(XGBoost, multi_strategy="multi_output_tree")
                .fit(X, y)
                .get_booster()
            ]
        ),
        'tree for every label, got multi_strategy="multi_output_tree"',
    ),
    "softmax": (
        lambda: flgb.merge([classifier(LightGBM, own=True).fit(X, y).booster_]),
        'boosters must have the objective "binary" or "multiclassova", got "multi',
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_one_sentence(name: str) -> None:
    call, sentence = SENTENCES[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
