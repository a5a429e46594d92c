"""Both classifiers: predictions and labels."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimators import (
    booster_of,
    both,
    fit_watched,
    logs_of,
    make,
    quiet,
    rounds,
    words,
)
from populations import Sample
from scipy.special import expit
from sklearn.base import clone
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
def test_probabilities_are_the_posterior_of_the_log_odds(
    library: Any, sample: Sample, validation: Sample, params: dict[str, Any]
) -> None:
    model = make(library, **params).fit(sample.X, sample.y)
    raw_score = model.decision_function(validation.X)
    proba = model.predict_proba(validation.X)
    np.testing.assert_allclose(proba[:, 1], expit(raw_score.astype(float)), rtol=1e-6)
    np.testing.assert_array_equal(proba[:, 0], 1 - proba[:, 1])
    known = model.focal_objective_.posterior(raw_score)
    np.testing.assert_allclose(proba[:, 1], known, rtol=1e-6)
    assert proba.dtype == (np.float32 if library.name == "xgboost" else np.float64)
    assert 0 < proba[:, 1].min() < 0.1 < proba[:, 1].max() < 1
    np.testing.assert_array_equal(model.predict(validation.X), raw_score > 0)


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
def test_decision_is_the_raw_score_of_the_booster(
    library: Any, sample: Sample, validation: Sample
) -> None:
    model = make(library).fit(sample.X, sample.y)
    log_odds = model.decision_function(validation.X)
    assert log_odds.shape == validation.y.shape
    for raw in (
        library.raw_score(booster_of(library, model), validation.X),
        library.estimator_raw_score(model, validation.X),
    ):
        np.testing.assert_array_equal(log_odds, raw)


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
def test_nothing_is_known_before_fit(library: Any, sample: Sample) -> None:
    copy = clone(make(library, focal_alpha="balanced").fit(sample.X, sample.y))
    assert copy.focal_alpha == "balanced"
    for model in (make(library), copy):
        for name in ("classes_", "loss_", "focal_objective_"):
            assert not hasattr(model, name)
        for of in ("predict", "predict_proba", "decision_function"):
            with pytest.raises(NotFittedError, match="fit"):
                getattr(model, of)(sample.X)


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
    library: Any, sample: Sample, validation: Sample, encode: Any, classes: list[Any]
) -> None:
    rows, others = sample[:600], validation[:400]
    expected, model = (
        fit_watched(library, (rows.X, of(rows.y)), [(others.X, of(others.y))])
        for of in (np.array, encode)
    )
    assert model.classes_.tolist() == classes
    assert model.n_classes_ == 2
    np.testing.assert_array_equal(
        model.decision_function(rows.X), expected.decision_function(rows.X)
    )
    np.testing.assert_array_equal(
        model.predict(rows.X), np.array(classes)[expected.predict(rows.X)]
    )
    assert logs_of(model) == logs_of(expected)


def with_one(y: Any, value: Any) -> Any:
    """Return labels with one of them replaced."""
    changed = np.array(y, dtype=None if isinstance(value, float) else object)
    changed = changed.astype(float) if isinstance(value, float) else changed
    changed[5] = value
    return changed


BAD_LABELS = {
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
    "continuous": (
        lambda y: np.linspace(0, 1, len(y)),
        "Unknown label type: continuous. Maybe you are trying to fit a classifier,"
        " which expects discrete classes on a regression target with continuous"
        " values.",
    ),
    "two columns of other values": (
        lambda y: np.column_stack([y, 2 * y]),
        "y must hold only 0 and 1 where it has a column per label, got 2",
    ),
    "two columns of text": (
        lambda y: np.column_stack([words(y), words(y)]),
        "y must hold only 0 and 1 where it has a column per label, got 'no'",
    ),
    "a column of one value": (
        lambda y: np.column_stack([y, 0 * y]),
        "y must hold both 0 and 1 in every column, got 0 alone in column 1",
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


@both
@pytest.mark.parametrize("missing", ["the library", "scikit-learn"])
def test_a_missing_library_is_named(library: Any, missing: str) -> None:
    absent = library.name if missing == "the library" else "sklearn"
    code = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        "import focal_boost\n"
        f"try: focal_boost.{library.focal_classifier.__name__}\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    spelled = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}[library.name]
    assert out.stdout == (
        f"focal_boost.{library.name} needs {spelled} and scikit-learn:"
        f" pip install {library.name} scikit-learn\n"
    )
