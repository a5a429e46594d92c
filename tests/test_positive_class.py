"""``positive_class``: alpha is the weight of the class that is named, and no more."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import BOTH
from estimators import booster_of, fit_watched, logs_of, make, quiet
from populations import make_sample
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import FocalSearchCV, FoldEnsembleClassifier
from focal_boost.tuning import optuna_objective

pytestmark = quiet
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

SAMPLE = make_sample(600, 0.2, seed=4)
X, y = SAMPLE.X, SAMPLE.y
# In order the rare class is the first of these two, as 1 - y is.
NAMED = np.where(y == 1, "fraud", "legit")
# Mirrored gradients differ in the last bit of what is added up, and ties with it.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-6}


@both
@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("alpha", [0.25, 0.8, "balanced", None])
@pytest.mark.parametrize(("labels", "positive"), [(NAMED, "fraud"), (1 - y, 0)])
def test_it_is_the_training_with_labels_the_other_way_round(
    library: Any, labels: Any, positive: Any, alpha: Any, gamma: float
) -> None:
    loss = {"focal_alpha": alpha, "focal_gamma": gamma}
    expected = make(library, **loss).fit(X, y).predict_proba(X)[:, 1]
    model = make(library, **loss, positive_class=positive).fit(X, labels)
    assert model.classes_.tolist() == sorted({*labels.tolist()})
    assert model.classes_[0] == positive
    found = model.predict_proba(X)
    np.testing.assert_allclose(found[:, 0], expected, **TOLERANCE)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    raw = model.decision_function(X)
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(raw)), rtol=1e-5)
    decided = np.abs(raw) > 1e-6
    predicted = model.predict(X)[decided]
    assert (predicted == np.where(raw > 0, *model.classes_[::-1])[decided]).all()


@both
@pytest.mark.parametrize("positive", [None, 0, 1])
def test_at_gamma_0_without_alpha_it_is_the_librarys_own(
    library: Any, positive: Any
) -> None:
    params = {"focal_alpha": None, "focal_gamma": 0.0, "positive_class": positive}
    own = library.classifier(n_estimators=10, **library.quiet_estimator).fit(X, y)
    model = make(library, **params).fit(X, y)
    np.testing.assert_allclose(
        model.predict_proba(X), own.predict_proba(X), rtol=library.tolerance
    )
    metric = {"xgboost": "aucpr", "lightgbm": "average_precision"}[library.name]
    watched = fit_watched(library, (X, y), [(X, y)], eval_metric=metric, **params)
    params.pop("positive_class")
    plain = fit_watched(library, (X, y), [(X, y)], eval_metric=metric, **params)
    assert logs_of(watched) == logs_of(plain)


@both
def test_the_second_class_is_what_none_is(library: Any) -> None:
    one = make(library, focal_alpha=0.6).fit(X, NAMED)
    other = make(library, focal_alpha=0.6, positive_class="legit").fit(X, NAMED)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.loss_ == other.loss_


@both
def test_the_warning_of_a_majority_says_what_ends_it(library: Any) -> None:
    with pytest.warns(UserWarning, match=r"it is with positive_class='fraud'$"):
        make(library).fit(X, NAMED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(library, positive_class="fraud").fit(X, NAMED)
        make(library, positive_class="legit").fit(X, NAMED)


@both
def test_it_survives_clones_pickles_and_files(library: Any, tmp_path: Path) -> None:
    model = make(library, positive_class="fraud")
    assert clone(model).positive_class == "fraud"
    model.fit(X, NAMED)
    assert "positive_class" not in str(getattr(booster_of(library, model), "params", 0))
    pickled = pickle.loads(pickle.dumps(model))
    model.save_model(tmp_path / "model.json")
    loaded = make(library, positive_class="fraud")
    loaded.load_model(tmp_path / "model.json")
    for one in (pickled, loaded):
        assert one.positive_class == "fraud"
        assert one.focal_objective_ == model.focal_objective_
        np.testing.assert_array_equal(one.classes_, model.classes_)
        np.testing.assert_array_equal(one.predict_proba(X), model.predict_proba(X))
    refitted = loaded.fit(X, NAMED)
    np.testing.assert_array_equal(refitted.predict_proba(X), model.predict_proba(X))
    assert model.loss_.alpha == 0.75


@both
def test_a_plain_model_is_read_with_it(library: Any, tmp_path: Path) -> None:
    own = library.classifier(n_estimators=2, **library.quiet_estimator).fit(X, y)
    booster_of(library, own).save_model(tmp_path / "plain.json")
    model = make(library, positive_class=0)
    model.load_model(tmp_path / "plain.json")
    assert model.loss_.alpha == 0.75


@both
@pytest.mark.parametrize("scoring", ["f1", "average_precision", "neg_log_loss"])
def test_a_search_scores_the_class_that_is_named(library: Any, scoring: str) -> None:
    grid = {"focal_alpha": [0.25, 0.6]}
    settings = {"scoring": scoring, "cv": 3, "halving": False}
    expected = FocalSearchCV(make(library), grid, **settings).fit(X, y)
    model = make(library, positive_class="fraud")
    found = FocalSearchCV(model, grid, **settings).fit(X, NAMED)
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
        rtol=2e-3,
    )
    assert found.best_params_ == expected.best_params_
    assert found.best_estimator_.positive_class == "fraud"
    assert found.score(X, NAMED) == pytest.approx(expected.score(X, y), rel=2e-3)
    assert found.classes_.tolist() == ["fraud", "legit"]


@both
@pytest.mark.parametrize("piped", [False, True], ids=["alone", "pipeline"])
def test_out_of_fold_posteriors_are_of_the_class_that_is_named(
    library: Any, piped: bool
) -> None:
    def wrapped(model: Any) -> Any:
        model = make_pipeline(StandardScaler(), model) if piped else model
        return FoldEnsembleClassifier(model, cv=3)

    expected = wrapped(make(library)).fit(X, y)
    found = wrapped(make(library, positive_class="fraud")).fit(X, NAMED)
    np.testing.assert_allclose(
        found.oof_posterior_, expected.oof_posterior_, **TOLERANCE
    )
    np.testing.assert_allclose(
        found.predict_proba(X)[:, 0], expected.predict_proba(X)[:, 1], **TOLERANCE
    )


@both
@pytest.mark.parametrize("wrong", ["spam", 0, ["fraud"]])
def test_another_label_is_named(library: Any, wrong: Any) -> None:
    model = make(library, positive_class=wrong)
    sentence = r"^positive_class must be None or one of the classes \['fraud', 'legit'"
    for one in (model, FocalSearchCV(model, cv=2), FoldEnsembleClassifier(model, cv=2)):
        with pytest.raises(ValueError, match=sentence):
            one.fit(X, NAMED)


@both
def test_it_is_not_searched(library: Any) -> None:
    search = FocalSearchCV(make(library), {"positive_class": ["fraud"]}, cv=2)
    with pytest.raises(ValueError, match=r"^positive_class must be set on the"):
        search.fit(X, NAMED)


@both
def test_optuna_scores_the_class_that_is_named(library: Any) -> None:
    optuna = pytest.importorskip("optuna", reason="the objective needs Optuna")

    def value(labels: Any, **params: Any) -> float:
        objective = optuna_objective(
            make(library, **params), X, labels, cv=2, scoring="average_precision"
        )
        return float(
            objective(optuna.trial.FixedTrial({"loss": "focal loss", **_LOSS}))
        )

    assert value(NAMED, positive_class="fraud") == pytest.approx(value(y), rel=2e-3)


_LOSS = {"focal_alpha": 0.3, "focal_gamma": 1.0}
