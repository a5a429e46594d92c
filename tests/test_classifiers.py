"""Both classifiers: predictions and labels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from conftest import Sample
from estimators import booster_of, both, make, quiet, rounds, words
from sklearn.exceptions import NotFittedError

pytestmark = quiet


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


# Predictions


@both
@pytest.mark.parametrize(
    "params",
    [{}, {"focal_alpha": None, "focal_gamma": 0}, {"focal_alpha": 0.9}],
    ids=["default", "log loss", "alpha 0.9"],
)
def test_probabilities_are_the_posterior_of_the_margin(
    library: Any, sample: Sample, validation: Sample, params: dict[str, Any]
) -> None:
    model = make(library, **params).fit(sample.X, sample.y)
    margin, proba = (
        getattr(model, of)(validation.X)
        for of in ("decision_function", "predict_proba")
    )
    eta = model.loss_.posterior(margin)
    np.testing.assert_array_equal(proba, np.column_stack([1 - eta, eta]))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-15)
    assert proba.dtype == np.float64
    assert 0 < eta.min() < 0.1 < eta.max() < 1


@both
def test_prediction_is_the_more_probable_label(
    library: Any, sample: Sample, validation: Sample
) -> None:
    model = make(library).fit(sample.X, words(sample.y))
    likelier = model.predict_proba(validation.X).argmax(axis=1)
    predicted = model.predict(validation.X)
    np.testing.assert_array_equal(predicted, model.classes_[likelier])
    assert set(predicted) == {"no", "yes"}
    right = np.mean(predicted == words(validation.y))
    assert model.score(validation.X, words(validation.y)) == right > 0.9


@both
def test_label_changes_at_the_margin_of_one_half(library: Any, sample: Sample) -> None:
    model = make(library, focal_alpha=0.9).fit(sample.X, sample.y)
    margin = model.decision_function(sample.X)
    threshold = float(model.loss_.margin(0.5))
    np.testing.assert_array_equal(model.predict(sample.X), margin > threshold)
    assert (model.predict(sample.X) != (margin > 0)).any()


@both
def test_decision_is_the_raw_margin_of_the_booster(
    library: Any, sample: Sample, validation: Sample
) -> None:
    model = make(library).fit(sample.X, sample.y)
    margin = model.decision_function(validation.X)
    assert margin.shape == validation.y.shape
    for raw in (
        library.margin(booster_of(library, model), validation.X),
        library.estimator_margin(model, validation.X),
    ):
        np.testing.assert_array_equal(margin, raw)


@both
@pytest.mark.parametrize("count", [1, 4])
def test_predictions_can_use_the_first_trees_only(
    library: Any, sample: Sample, count: int
) -> None:
    first = rounds(library, count)
    whole = make(library).fit(sample.X, sample.y)
    short = make(library, n_estimators=count).fit(sample.X, sample.y)
    for of in ("decision_function", "predict_proba", "predict"):
        expected = getattr(short, of)(sample.X)
        np.testing.assert_array_equal(getattr(whole, of)(sample.X, **first), expected)
    assert (
        whole.decision_function(sample.X) != short.decision_function(sample.X)
    ).any()


@both
@pytest.mark.parametrize("of", ["predict", "predict_proba", "decision_function"])
def test_nothing_is_predicted_before_fit(library: Any, sample: Sample, of: str) -> None:
    message = f"This {library.focal_classifier.__name__} instance is not fitted yet"
    with pytest.raises(NotFittedError, match=message):
        getattr(make(library), of)(sample.X)


@both
def test_there_are_no_classes_before_fit(library: Any) -> None:
    assert not hasattr(make(library), "classes_")
    with pytest.raises(NotFittedError):
        _ = make(library).classes_


# Labels

LABELS = {
    "text": (words, ["no", "yes"]),
    "booleans": (lambda y: y == 1, [False, True]),
    "signs": (lambda y: 2 * y - 1, [-1, 1]),
    "1 and 2": (lambda y: y + 1, [1, 2]),
    "floats": (lambda y: y * 3.0, [0.0, 3.0]),
    "small integers": (lambda y: y.astype(np.uint8), [0, 1]),
    "a list": (lambda y: y.tolist(), [0, 1]),
    "a list of text": (lambda y: words(y).tolist(), ["no", "yes"]),
    "objects": (lambda y: words(y).astype(object), ["no", "yes"]),
    "a series": (lambda y: pd.Series(y, index=np.arange(len(y))[::-1]), [0, 1]),
    "a series of text": (lambda y: pd.Series(words(y)), ["no", "yes"]),
    "a series of strings": (
        lambda y: pd.Series(words(y), dtype="string"),
        ["no", "yes"],
    ),
    "categories": (lambda y: pd.Series(words(y), dtype="category"), ["no", "yes"]),
    "ordered categories": (
        lambda y: pd.Series(pd.Categorical(words(y), ["yes", "no"], ordered=True)),
        ["no", "yes"],
    ),
}


@both
@pytest.mark.parametrize(("encode", "classes"), LABELS.values(), ids=LABELS)
def test_any_two_labels_train_the_same_model(
    library: Any, sample: Sample, encode: Any, classes: list[Any]
) -> None:
    rows = sample[:600]
    expected = make(library).fit(rows.X, rows.y)
    model = make(library).fit(rows.X, encode(rows.y))
    assert model.classes_.tolist() == classes
    assert model.n_classes_ == 2
    np.testing.assert_array_equal(
        model.decision_function(rows.X), expected.decision_function(rows.X)
    )
    np.testing.assert_array_equal(
        model.predict(rows.X), np.array(classes)[expected.predict(rows.X)]
    )


def with_one(y: Any, value: Any) -> Any:
    """Return labels with one of them replaced."""
    changed = np.array(y, dtype=None if isinstance(value, float) else object)
    changed = changed.astype(float) if isinstance(value, float) else changed
    changed[5] = value
    return changed


BAD_LABELS = {
    "one class": (lambda y: 0 * y, "y must contain two classes, got 1 class: [0]"),
    "three classes": (
        lambda y: np.arange(len(y)) % 3,
        "Only binary classification is supported. The type of the target is"
        " multiclass: y must contain two classes, got 3: [0, 1, 2]",
    ),
    "nan": (lambda y: with_one(y, np.nan), "y must not contain NaN or inf, got nan"),
    "inf": (lambda y: with_one(y, np.inf), "y must not contain NaN or inf, got inf"),
    "none among text": (
        lambda y: with_one(words(y).tolist(), None),
        "y must contain labels of one type and none missing, got NoneType and str",
    ),
    "nan among text": (
        lambda y: pd.Series(words(y).tolist(), dtype=object).where(y == 1, np.nan),
        "y must contain labels of one type and none missing, got float and str",
    ),
    "two types": (
        lambda y: with_one(words(y).tolist(), 7),
        "y must contain labels of one type and none missing, got int and str",
    ),
    "too few": (
        lambda y: y[:-1],
        "y must have one label per row of X, 200, got 199",
    ),
    "continuous": (
        lambda y: np.linspace(0, 1, len(y)),
        "Unknown label type: continuous. Maybe you are trying to fit a classifier,"
        " which expects discrete classes on a regression target with continuous"
        " values.",
    ),
    "two columns": (
        lambda y: np.column_stack([y, 1 - y]),
        "y should be a 1d array, got an array of shape (200, 2) instead.",
    ),
}


@both
@pytest.mark.parametrize(("spoil", "message"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_are_named(
    library: Any, sample: Sample, spoil: Any, message: str
) -> None:
    rows = sample[:200]
    with pytest.raises(ValueError, match=exactly(message)):
        make(library).fit(rows.X, spoil(rows.y))


# What the libraries' predict can do beside


def test_lightgbm_predicts_raw_things(sample: Sample) -> None:
    model = make(LightGBM).fit(sample.X, words(sample.y))
    margin = model.decision_function(sample.X)
    for of in (model.predict, model.predict_proba):
        np.testing.assert_array_equal(of(sample.X, raw_score=True), margin)
        assert of(sample.X, pred_leaf=True).shape == (len(sample.y), 10)
        shap = of(sample.X, pred_contrib=True)
        assert shap.shape == (len(sample.y), sample.X.shape[1] + 1)
        np.testing.assert_allclose(shap.sum(axis=1), margin, rtol=1e-10)
    leaves = model.predict(sample.X, pred_leaf=True, num_iteration=3)
    assert leaves.shape == (len(sample.y), 3)
    tail = model.decision_function(sample.X, start_iteration=4)
    head = model.decision_function(sample.X, num_iteration=4)
    np.testing.assert_allclose(head + tail, margin, rtol=1e-12)


def test_xgboost_predicts_margins_and_contributions(sample: Sample) -> None:
    model = make(XGBoost).fit(sample.X, words(sample.y))
    margin = model.decision_function(sample.X)
    np.testing.assert_array_equal(model.predict(sample.X, output_margin=True), margin)
    shap = model.get_booster().predict(xgb.DMatrix(sample.X), pred_contribs=True)
    np.testing.assert_allclose(shap.sum(axis=1), margin, rtol=0, atol=1e-5)
    base = np.full(len(sample.y), 0.75, np.float32)
    moved = model.decision_function(sample.X, base_margin=base)
    start = model.loss_.initial_margin(sample.y)
    np.testing.assert_allclose(moved - margin, 0.75 - start, rtol=1e-5)


@both
def test_the_estimators_booster_stands_alone(
    library: Any, sample: Sample, tmp_path: Any
) -> None:
    model = make(library).fit(sample.X, words(sample.y))
    file = str(tmp_path / "model.json")
    booster_of(library, model).save_model(file)
    module = {"xgboost": xgb, "lightgbm": lgb}[library.name]
    again = module.Booster(model_file=file)
    margin = model.decision_function(sample.X)
    np.testing.assert_array_equal(library.margin(again, sample.X), margin)
    np.testing.assert_allclose(
        library.probability(again, sample.X), 1 / (1 + np.exp(-margin)), rtol=1e-6
    )


@both
def test_features_are_told(library: Any, sample: Sample) -> None:
    names = [f"feature {i}".replace(" ", "_") for i in range(10)]
    frame = pd.DataFrame(sample.X, columns=names)
    model = make(library).fit(frame, sample.y)
    assert model.n_features_in_ == 10
    assert model.feature_names_in_.tolist() == names
    importance = model.feature_importances_
    assert importance.shape == (10,)
    # The labels depend on the first five features only.
    assert importance[:5].sum() > importance[5:].sum() > 0
