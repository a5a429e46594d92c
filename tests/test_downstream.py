"""Both classifiers inside scikit-learn's tools, beside their parents inside the same.

Without focusing and weight every tool must answer as for the parent; with both the
tools that cut at one half, or at log-odds 0, must cut where the posterior is one half.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from boosters import LightGBM
from estimators import OLD_LIGHTGBM, both, logs_of, make, quiet, sets_of, words
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from tools import (
    BOUNDARIES,
    INSPECTIONS,
    LOG_LOSS,
    MORE_INSPECTIONS,
    MORE_TOOLS,
    TOOLS,
    answers,
    classes_of,
    parent,
    skip_without_temperature,
)

from focal_boost import FocalObjective
from focal_boost.tuning import FocalSearchCV

if TYPE_CHECKING:
    from populations import Sample

pytestmark = quiet

ROWS = 700


@both
@pytest.mark.parametrize("name", {**TOOLS, **MORE_TOOLS})
def test_without_focusing_a_tool_answers_as_for_the_parent(
    library: Any, sample: Sample, validation: Sample, name: str
) -> None:
    skip_without_temperature(name)
    tool, labels = {**TOOLS, **MORE_TOOLS}[name]
    rows, others = sample[:ROWS], validation.X[:ROWS]
    ours, theirs = (
        answers(tool(model).fit(rows.X, labels(rows)), others)
        for model in (make(library, **LOG_LOSS), parent(library))
    )
    assert "predict" in theirs
    assert ours.keys() == theirs.keys()
    for answer, expected in theirs.items():
        # Calibrators and stacks are fitted to the scores, and their rounding.
        np.testing.assert_allclose(ours[answer], expected, rtol=0, atol=1e-5)


@both
@pytest.mark.parametrize("name", TOOLS)
def test_a_fitted_tool_is_pickled(library: Any, sample: Sample, name: str) -> None:
    skip_without_temperature(name)
    tool, labels = TOOLS[name]
    rows = sample[:ROWS]
    fitted = tool(make(library, n_estimators=3)).fit(rows.X, labels(rows))
    expected = answers(fitted, rows.X)
    found = answers(pickle.loads(pickle.dumps(fitted)), rows.X)
    assert found.keys() == expected.keys()
    for answer, value in expected.items():
        np.testing.assert_array_equal(found[answer], value)


@both
def test_categories_and_sets_come_through_a_pipeline(
    library: Any, sample: Sample, validation: Sample
) -> None:
    pd = pytest.importorskip("pandas", reason="frames need pandas")
    frames = []
    for rows in (sample[:ROWS], validation[:ROWS]):
        frame = pd.DataFrame(rows.X[:, :3], columns=list("abc"))
        code = np.digitize(rows.X[:, 3], [-1.0, 0.0, 1.0])
        frame["d"] = pd.Categorical.from_codes(code, categories=list("pqrs"))
        frames.append(frame)
    kept = {"enable_categorical": True} if library.name == "xgboost" else {}
    found = []
    for model in (make(library, **LOG_LOSS, **kept), parent(library, **kept)):
        columns = make_column_transformer(
            (StandardScaler(), list("abc")),
            ("passthrough", ["d"]),
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        held_out = columns.fit(frames[0]).transform(frames[1])
        sets = sets_of(library, [(held_out, validation.y[:ROWS])])
        if library.name == "xgboost":
            sets["verbose"] = False
        tool = Pipeline([("columns", columns), ("model", model)])
        given = {f"model__{name}": value for name, value in sets.items()}
        tool.fit(frames[0], sample.y[:ROWS], **given)
        ((_, values),) = logs_of(model)[0].items()
        found.append((tool.predict_proba(frames[1]), values))
    (ours, logged), (theirs, expected) = found
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)
    np.testing.assert_allclose(logged, expected, rtol=1e-6)


SEEN = {**INSPECTIONS, **MORE_INSPECTIONS, **BOUNDARIES}


@both
@pytest.mark.parametrize("name", SEEN)
def test_without_focusing_an_inspection_finds_what_it_finds_of_the_parent(
    library: Any, sample: Sample, name: str
) -> None:
    rows = sample[:ROWS]
    X = rows.X[:, :2] if name in BOUNDARIES else rows.X
    ours, theirs = (
        SEEN[name](model, X, rows)
        for model in (make(library, **LOG_LOSS), parent(library))
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)


@both
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_posteriors_hardly_need_a_temperature(
    library: Any, sample: Sample, validation: Sample, gamma: float
) -> None:
    skip_without_temperature("temperature")
    model = make(library, focal_gamma=gamma).fit(sample.X, sample.y)
    fitted, judged = validation[:1000], validation[1000:]
    tool = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
    tool.fit(fitted.X, fitted.y)
    plain, warm = (
        log_loss(judged.y, m.predict_proba(judged.X)[:, 1]) for m in (model, tool)
    )
    assert warm < 1.02 * plain


@both
@pytest.mark.parametrize("method", ["sigmoid", "temperature"])
def test_calibrators_read_the_log_odds(
    library: Any, sample: Sample, validation: Sample, method: str
) -> None:
    skip_without_temperature(method)
    model = make(library).fit(sample.X, sample.y)
    tool = CalibratedClassifierCV(FrozenEstimator(model), method=method)
    tool.fit(validation.X, validation.y)
    probability = tool.predict_proba(validation.X)[:, 1]
    # Both are affine in what they are given.
    log_odds, given = logit(probability), logit(model.predict_proba(validation.X)[:, 1])
    slope, offset = np.polyfit(given, log_odds, 1)
    np.testing.assert_allclose(log_odds, slope * given + offset, rtol=0, atol=1e-4)
    if method == "temperature":
        assert offset == pytest.approx(0, abs=1e-4)


@both
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_log_odds_are_those_of_the_posterior_to_both_ends(
    library: Any, sample: Sample, gamma: float
) -> None:
    model = make(library, n_estimators=80, learning_rate=1.0, focal_gamma=gamma)
    model.set_params(reg_lambda=0.01, min_child_weight=1e-9)
    certain = (sample.X[:, 0] > 0.5).astype(int)
    model.fit(sample.X, certain)
    log_odds, found = model.decision_function(sample.X), model.predict_proba(sample.X)
    assert log_odds.min() < -14
    assert log_odds.max() > 14
    eps = np.finfo(found.dtype).eps
    # XGBoost's exponential is float32's, and its logarithm's error that of z.
    expected = expit(log_odds.astype(np.float64))
    np.testing.assert_allclose(found[:, 1], expected, rtol=20 * eps, atol=0)
    np.testing.assert_allclose(found[:, 0], 1 - expected, rtol=0, atol=2 * eps)


@both
def test_a_threshold_on_the_log_odds_is_one_on_the_posterior(
    library: Any, sample: Sample, validation: Sample
) -> None:
    model = make(library).fit(sample.X, words(sample.y))
    probability = model.predict_proba(validation.X)[:, 1]
    for threshold in (0.5, 0.2):
        expected = words((probability >= threshold).astype(int))
        assert {"yes", "no"} == set(expected)
        for method, at in {
            "decision_function": logit(threshold), "predict_proba": threshold
        }.items():  # fmt: skip
            tool = FixedThresholdClassifier(
                FrozenEstimator(model), threshold=at, response_method=method
            ).fit(sample.X, words(sample.y))
            np.testing.assert_array_equal(tool.predict(validation.X), expected)


@both
def test_one_against_the_rest_cuts_where_the_posterior_is_one_half(
    library: Any, sample: Sample, validation: Sample
) -> None:
    classes = np.eye(3, dtype=int)[classes_of(sample)]
    tool = OneVsRestClassifier(make(library)).fit(sample.X, classes)
    probability = tool.predict_proba(validation.X)
    found = tool.predict(validation.X)
    np.testing.assert_array_equal(found, (probability > 0.5).astype(int))
    assert 0 < found[:, 2].sum() < len(found)


@both
def test_a_search_takes_an_arrow_table(library: Any, sample: Sample) -> None:
    arrow = pytest.importorskip("pyarrow", reason="Arrow tables need pyarrow")
    if library.name == "lightgbm" and OLD_LIGHTGBM:
        pytest.importorskip("cffi", reason="LightGBM 4.6 reads Arrow tables by cffi")
    rows = sample[:ROWS]
    table = arrow.table({f"x{i}": column for i, column in enumerate(rows.X.T)})
    space = {"focal_gamma": [0.5, 2.0]}
    given = {"cv": 2, "scoring": "neg_log_loss", "halving": False}
    of_table, of_array = (
        FocalSearchCV(make(library), space, **given).fit(X, rows.y)
        for X in (table, rows.X)
    )
    assert of_table.best_params_ == of_array.best_params_
    np.testing.assert_array_equal(
        of_table.cv_results_["mean_test_score"], of_array.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(
        of_table.predict_proba(table), of_array.predict_proba(rows.X)
    )


def test_a_round_can_be_taken_back(sample: Sample) -> None:
    data = LightGBM.data(sample.X, sample.y)
    kept, short = (
        LightGBM.train(data, n, FocalObjective(), keep_training_booster=True)
        for n in (5, 4)
    )
    kept.rollback_one_iter()
    assert kept.current_iteration() == 4
    np.testing.assert_allclose(
        kept.predict(sample.X), short.predict(sample.X), rtol=0, atol=1e-12
    )


@both
def test_boosters_evaluate_the_log_loss_of_their_posterior(
    library: Any, sample: Sample, validation: Sample
) -> None:
    kept = {} if library.name == "xgboost" else {"keep_training_booster": True}
    data = library.data(sample.X, sample.y)
    booster = library.train(data, 5, FocalObjective(), **kept)
    expected = log_loss(validation.y, library.probability(booster, validation.X))
    if library.name == "xgboost":
        told = booster.eval(library.data(validation.X, validation.y), "held out")
        name, value = told.split("\t")[1].rsplit(":", 1)
        assert name == "held out-logloss"
    else:
        held_out = data.create_valid(validation.X, validation.y)
        ((_, name, value, *_),) = booster.eval(held_out, "held out")
        assert name == "binary_logloss"
    assert float(value) == pytest.approx(expected, rel=1e-6)
