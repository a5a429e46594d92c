"""Both classifiers as estimators: parameters, copies, further fits."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from estimators import booster_of, both, fit_watched, logs_of, make, quiet, words
from populations import Sample
from sklearn.base import clone, is_classifier

pytestmark = quiet


def fitted(library: Any, rows: Sample, **params: Any) -> Any:
    return make(library, **params).fit(rows.X, words(rows.y))


# Parameters


@both
def test_parameters_are_the_parents_and_three_more(library: Any) -> None:
    ours, theirs = library.focal_classifier(), library.classifier()
    added = {"focal_alpha": 0.25, "focal_gamma": 2.0, "positive_class": None}
    expected = {**theirs.get_params(), **added}
    assert repr(sorted(ours.get_params().items())) == repr(sorted(expected.items()))


@both
@pytest.mark.parametrize(
    "params",
    [
        {"focal_alpha": "balanced", "focal_gamma": 0.5},
        {"focal_alpha": None, "learning_rate": 0.3, "max_depth": 2},
        {"max_bin": 31, "seed": 3},
    ],
    ids=["ours", "theirs", "keywords"],
)
def test_parameters_go_round(
    library: Any, sample: Sample, params: dict[str, Any]
) -> None:
    model = make(library, **params)
    assert model.get_params().items() >= params.items()
    assert repr(clone(model).get_params()) == repr(model.get_params())
    later = make(library).set_params(**params)
    assert later.get_params().items() >= params.items()
    fits = [one.fit(sample.X, sample.y) for one in (model, clone(model), later)]
    margins = [one.decision_function(sample.X) for one in fits]
    np.testing.assert_array_equal(margins[0], margins[1])
    np.testing.assert_array_equal(margins[0], margins[2])
    plain = fitted(library, sample).decision_function(sample.X)
    assert (margins[0] != plain).any()


@both
def test_repr_shows_what_differs(library: Any) -> None:
    name = library.focal_classifier.__name__
    text = repr(library.focal_classifier(focal_alpha=0.4, focal_gamma=1.0))
    assert text.startswith(f"{name}(")
    assert "focal_gamma=1.0" in text
    assert "focal_alpha=0.4" in text
    assert "focal" not in repr(library.focal_classifier())


@both
def test_it_is_a_classifier_of_many_classes_and_labels(library: Any) -> None:
    tags = make(library).__sklearn_tags__()
    assert is_classifier(make(library))
    assert tags.target_tags.required
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label


# Copies


@both
@pytest.mark.parametrize("way", ["pickle", "joblib"])
def test_copies_predict_the_same(
    library: Any, sample: Sample, tmp_path: Path, way: str
) -> None:
    model = fitted(library, sample, focal_alpha="balanced")
    if way == "pickle":
        copy = pickle.loads(pickle.dumps(model))
    else:
        joblib.dump(model, tmp_path / "model.joblib")
        copy = joblib.load(tmp_path / "model.joblib")
    assert copy.loss_ == model.loss_
    assert copy.classes_.tolist() == ["no", "yes"]
    assert repr(copy.get_params()) == repr(model.get_params())
    for of in ("predict_proba", "decision_function", "predict"):
        expected = getattr(model, of)(sample.X)
        np.testing.assert_array_equal(getattr(copy, of)(sample.X), expected)
    again = copy.fit(sample.X[:900], sample.y[:900]).decision_function(sample.X)
    fresh = make(library, focal_alpha="balanced").fit(sample.X[:900], sample.y[:900])
    np.testing.assert_array_equal(again, fresh.decision_function(sample.X))


# Fitting again


def same_predictions(one: Any, other: Any, X: Any) -> None:
    """Assert that two classifiers are the same to the last bit."""
    assert one.classes_.tolist() == other.classes_.tolist()
    assert one.loss_ == other.loss_
    assert one.focal_objective_ == other.focal_objective_
    for of in ("decision_function", "predict_proba", "predict"):
        np.testing.assert_array_equal(getattr(one, of)(X), getattr(other, of)(X))


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
def test_parameters_set_after_fit_change_the_next_fit_only(
    library: Any, sample: Sample, validation: Sample
) -> None:
    asked = {"eval_metric": "brier_score"} if library.name == "xgboost" else {}
    model = make(library, **asked).fit(sample.X, sample.y)
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
    joined = make(library, n_estimators=12)
    joined.fit(sample.X, words(sample.y), **{library.first: before[kind]})
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
