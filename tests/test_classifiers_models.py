"""Both classifiers: continued, saved, loaded and refitted models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import XGBoost, prevalence_start, xgb
from estimators import booster_of, both, fit_watched, logs_of, make, quiet, words
from populations import Sample
from sklearn.base import clone

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet


def same_predictions(one: Any, other: Any, X: Any) -> None:
    """Assert that two classifiers are the same to the last bit."""
    assert one.classes_.tolist() == other.classes_.tolist()
    assert one.loss_ == other.loss_
    assert one.focal_objective_ == other.focal_objective_
    for of in ("decision_function", "predict_proba", "predict"):
        np.testing.assert_array_equal(getattr(one, of)(X), getattr(other, of)(X))


# Fitting again


@both
def test_a_second_fit_is_a_fresh_one(
    library: Any, sample: Sample, validation: Sample
) -> None:
    params = {"focal_alpha": "balanced", "n_estimators": 30}
    first = (sample.X[:, :4], words(sample.y))
    evals = [(validation.X[:, :4], words(validation.y))]
    model = fit_watched(library, first, evals, stop=2, **params)
    assert len(logs_of(model)) == 1
    if library.name == "xgboost":
        model.set_params(early_stopping_rounds=None)
    model.fit(validation.X, validation.y, sample_weight=validation.weight)
    fresh = make(library, **params)
    fresh.fit(validation.X, validation.y, sample_weight=validation.weight)
    same_predictions(model, fresh, sample.X)
    assert model.n_features_in_ == 10
    if library.name == "lightgbm":
        # XGBClassifier keeps the log of the fit before.
        assert logs_of(model) == logs_of(fresh) == []


@both
@pytest.mark.parametrize("params", [{}, {"focal_alpha": "balanced", "n_estimators": 7}])
def test_fit_leaves_the_parameters_alone(
    library: Any, sample: Sample, validation: Sample, params: dict[str, Any]
) -> None:
    # Among them one that is no parameter of the constructor's.
    unseen = {"xgboost": {"seed": 3}, "lightgbm": {"max_bin": 63}}[library.name]
    model = make(library, **params, **unseen)
    kept = model.get_params()
    assert kept.items() >= unseen.items()
    model.fit(sample.X, sample.y)
    assert repr(model.get_params()) == repr(kept)


@both
def test_fit_leaves_its_arguments_alone(
    library: Any, sample: Sample, validation: Sample
) -> None:
    given = [sample.X, sample.y, sample.weight, validation.X, validation.y]
    kept = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    try:
        evals = [(validation.X, validation.y)]
        fit_watched(library, (sample.X, sample.y), evals, weights=[validation.weight])
        make(library).fit(sample.X, sample.y, sample_weight=sample.weight)
    finally:
        for array in given:
            array.flags.writeable = True
    for array, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(array, before)
    assert len(evals) == 1


@both
def test_parameters_set_after_fit_change_the_next_fit_only(
    library: Any, sample: Sample, validation: Sample
) -> None:
    params = {"eval_metric": "brier_score"} if library.name == "xgboost" else {}
    model = make(library, **params).fit(sample.X, sample.y)
    log_odds = model.decision_function(validation.X)
    loss = model.loss_
    params = {"focal_gamma": 0.5, "focal_alpha": None, "n_estimators": 4}
    if library.name == "xgboost":
        params |= {"eval_metric": ["auc", "log_loss"]}
    model.set_params(**params)
    assert model.loss_ == loss
    np.testing.assert_array_equal(model.decision_function(validation.X), log_odds)
    model.fit(sample.X, sample.y)
    same_predictions(model, make(library, **params).fit(sample.X, sample.y), sample.X)


# Dropout


def dart_of(library: Any) -> dict[str, Any]:
    """Return the parameters of dropout as the classifiers name them."""
    names = {"boosting": "boosting_type"}
    return {names.get(name, name): value for name, value in library.dart.items()}


@both
def test_dart_is_the_native_dart(library: Any, sample: Sample) -> None:
    data = library.data(sample.X, sample.y)
    booster = library.train(data, 15, FocalObjective(), dict(library.dart))
    model, again = (
        make(library, n_estimators=15, **dart_of(library)).fit(sample.X, sample.y)
        for _ in range(2)
    )
    log_odds = model.decision_function(sample.X)
    np.testing.assert_allclose(
        log_odds, library.raw_score(booster, sample.X), rtol=0, atol=library.tolerance
    )
    np.testing.assert_array_equal(log_odds, again.decision_function(sample.X))
    trees = make(library, n_estimators=15).fit(sample.X, sample.y)
    assert abs(log_odds - trees.decision_function(sample.X)).max() > 0.01


# Going on


@both
@pytest.mark.parametrize("kind", ["classifier", "booster", "file"])
def test_continuation_goes_on_where_it_stopped(
    library: Any, sample: Sample, tmp_path: Path, kind: str
) -> None:
    half = make(library, n_estimators=8).fit(sample.X, words(sample.y))
    file = str(tmp_path / "model.json")
    booster_of(library, half).save_model(file)
    before = {"classifier": half, "booster": booster_of(library, half), "file": file}
    key = {"xgboost": "xgb_model", "lightgbm": "init_model"}[library.name]
    joined = make(library, n_estimators=12)
    joined.fit(sample.X, words(sample.y), **{key: before[kind]})
    whole = make(library, n_estimators=20).fit(sample.X, words(sample.y))
    np.testing.assert_allclose(
        joined.decision_function(sample.X),
        whole.decision_function(sample.X),
        rtol=0,
        atol=0 if library.name == "xgboost" else 1e-12,
    )
    assert (
        half.decision_function(sample.X) != joined.decision_function(sample.X)
    ).any()


# The start value

# So small a step that the trees add nothing.
CONSTANT = {"n_estimators": 1, "learning_rate": 1e-12}


@both
def test_fit_starts_at_the_best_constant(library: Any, sample: Sample) -> None:
    model = make(library, **CONSTANT, **prevalence_start(library, sample))
    model.fit(sample.X, sample.y, sample_weight=sample.weight)
    expected = model.focal_objective_.initial_score(sample.y, sample.weight)
    np.testing.assert_allclose(model.decision_function(sample.X), expected, rtol=1e-6)
    prevalence = np.average(sample.y, weights=sample.weight)
    np.testing.assert_allclose(
        model.predict_proba(sample.X)[:, 1], prevalence, rtol=1e-5
    )


# Saved models

LABELS = {
    "text": words,
    "accents": lambda y: np.where(y == 1, "été", "hiver"),
    "integers": lambda y: 2 * y - 1,
    "booleans": lambda y: y == 1,
    "floats": lambda y: y + 1.0,
}


@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize("encode", LABELS.values(), ids=LABELS)
def test_xgboost_reloads_labels_loss_and_probabilities(
    sample: Sample, tmp_path: Path, encode: Any, ending: str
) -> None:
    model = make(XGBoost, focal_alpha="balanced", focal_gamma=1.5)
    model.fit(sample.X, encode(sample.y), sample_weight=sample.weight)
    file = tmp_path / f"model.{ending}"
    model.save_model(file)
    loaded = make(XGBoost)
    loaded.load_model(file)
    same_predictions(loaded, model, sample.X)
    assert loaded.classes_.dtype.kind == model.classes_.dtype.kind
    assert loaded.loss_.alpha == pytest.approx(
        1 - np.average(sample.y, weights=sample.weight)
    )


def test_xgboost_reloads_into_what_was_fitted(sample: Sample, tmp_path: Path) -> None:
    saved = make(XGBoost, focal_gamma=1.0).fit(sample.X, words(sample.y))
    saved.save_model(tmp_path / "model.json")
    other = make(XGBoost).fit(sample.X[:, :3], 1 - sample.y)
    other.load_model(tmp_path / "model.json")
    same_predictions(other, saved, sample.X)


def test_a_refit_after_loading_is_a_fit_with_what_was_loaded(
    sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    saved = make(XGBoost, focal_gamma=1.0).fit(sample.X, sample.y)
    saved.save_model(tmp_path / "model.json")
    loaded = make(XGBoost, n_estimators=5)
    parent = xgb.XGBClassifier(n_estimators=5, **XGBoost.quiet_estimator)
    for one in (loaded, parent):
        one.load_model(tmp_path / "model.json")
    np.testing.assert_array_equal(
        loaded.decision_function(sample.X), saved.decision_function(sample.X)
    )
    # The parameters become those of the parent, which reads a start value too.
    found = loaded.get_params()
    added = {"focal_alpha": 0.25, "focal_gamma": 2.0, "positive_class": None}
    kept = {**added, **parent.get_params()}
    assert repr(sorted(found.items())) == repr(sorted(kept.items()))
    fresh = clone(loaded).fit(validation.X, words(validation.y))
    loaded.fit(validation.X, words(validation.y))
    same_predictions(loaded, fresh, sample.X)
    assert loaded.loss_ == FocalLoss()


def test_early_stopping_survives_saving(
    sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    evals = [(validation.X, validation.y)]
    train = (sample.X[:500], sample.y[:500])
    model = fit_watched(XGBoost, train, evals, stop=3, n_estimators=100)
    model.save_model(tmp_path / "model.json")
    loaded = make(XGBoost)
    loaded.load_model(tmp_path / "model.json")
    same_predictions(loaded, model, sample.X)
    assert loaded.best_iteration == model.best_iteration < 97
    assert loaded.best_score == model.best_score
    assert 0 < model.best_score < 1


def test_a_native_model_is_read_with_the_estimators_loss(
    sample: Sample, tmp_path: Path
) -> None:
    data = xgb.DMatrix(sample.X, sample.y)
    booster = XGBoost.train(data, 10, FocalObjective(0.4, 1.0))
    booster.save_model(tmp_path / "model.json")
    loaded = make(XGBoost, focal_alpha=0.4, focal_gamma=1.0)
    loaded.load_model(tmp_path / "model.json")
    assert loaded.loss_ == FocalLoss(0.4, 1.0)
    assert loaded.classes_.tolist() == [0, 1]
    fitted = make(XGBoost, focal_alpha=0.4, focal_gamma=1.0).fit(sample.X, sample.y)
    same_predictions(loaded, fitted, sample.X)


def test_a_native_model_does_not_tell_a_balanced_loss(
    sample: Sample, tmp_path: Path
) -> None:
    data = xgb.DMatrix(sample.X, sample.y)
    XGBoost.train(data, 1, FocalObjective()).save_model(tmp_path / "model.json")
    message = "^alpha must be None or a number in .0, 1., got 'balanced'$"
    with pytest.raises(ValueError, match=message):
        make(XGBoost, focal_alpha="balanced").load_model(tmp_path / "model.json")


# Data


def frame_of(rows: Sample) -> pd.DataFrame:
    """Return columns with missing values and a category that tells the label."""
    frame = pd.DataFrame(rows.X[:, :4].copy(), columns=list("abcd"))
    frame.loc[::3, "a"] = np.nan
    told = np.where(rows.X[:, 4] > 0, np.where(rows.y == 1, "x", "y"), "z")
    frame["e"] = pd.Categorical(told, categories=["z", "y", "x", "unseen"])
    frame.loc[::50, "e"] = np.nan
    return frame


@both
def test_frames_with_categories_and_missing_values(
    library: Any, sample: Sample, validation: Sample
) -> None:
    params = {"enable_categorical": True} if library.name == "xgboost" else {}
    train, held_out = frame_of(sample), frame_of(validation)
    model = fit_watched(
        library,
        (train, pd.Series(words(sample.y), dtype="category")),
        [(held_out, words(validation.y))],
        **params,
    )
    assert model.feature_names_in_.tolist() == list("abcde")
    proba = model.predict_proba(held_out)[:, 1]
    assert proba[held_out["e"] == "x"].min() > proba[held_out["e"] == "y"].max()
    name = {"xgboost": "logloss", "lightgbm": "binary_logloss"}[library.name]
    assert logs_of(model)[0][name][-1] == pytest.approx(
        -np.log(np.where(validation.y == 1, proba, 1 - proba)).mean(), abs=1e-6
    )
