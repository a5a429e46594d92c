"""Both classifiers inside scikit-learn's tools."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from estimators import both, fit_watched, logs_of, make, quiet, words
from populations import Sample
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import FocalLoss

pytestmark = quiet

FOLDS = StratifiedKFold(3)


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
def test_a_clone_is_not_fitted(library: Any, sample: Sample) -> None:
    model = clone(fitted(library, sample, focal_alpha="balanced"))
    assert model.focal_alpha == "balanced"
    assert not hasattr(model, "loss_")
    assert not hasattr(model, "classes_")


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


@both
def test_copies_keep_what_early_stopping_found(
    library: Any, sample: Sample, validation: Sample
) -> None:
    rows = sample[:600]
    model = fit_watched(
        library,
        (rows.X, rows.y),
        [(validation.X, validation.y)],
        eval_metric="average_precision",
        stop=3,
        n_estimators=80,
    )
    copy = pickle.loads(pickle.dumps(model))
    assert logs_of(copy) == logs_of(model)
    np.testing.assert_array_equal(
        copy.predict_proba(validation.X), model.predict_proba(validation.X)
    )


# Choosing and combining


@both
def test_grid_search_chooses_the_loss(library: Any, sample: Sample) -> None:
    grid = {"focal_alpha": [0.25, "balanced"], "focal_gamma": [0.0, 2.0]}
    search = GridSearchCV(
        make(library), grid, scoring="neg_log_loss", cv=FOLDS, n_jobs=2
    ).fit(sample.X, words(sample.y))
    scores = {
        (params["focal_alpha"], params["focal_gamma"]): score
        for params, score in zip(
            search.cv_results_["params"],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    }
    assert len(set(scores.values())) == 4
    assert search.best_score_ == max(scores.values())
    by_hand = cross_val_score(
        make(library, **search.best_params_),
        sample.X,
        words(sample.y),
        scoring="neg_log_loss",
        cv=FOLDS,
    )
    assert search.best_score_ == pytest.approx(by_hand.mean(), rel=1e-12)
    best = search.best_estimator_
    assert best.focal_gamma == search.best_params_["focal_gamma"] == best.loss_.gamma


@both
def test_pipeline_is_the_classifier_after_its_steps(
    library: Any, sample: Sample, validation: Sample
) -> None:
    pipeline = make_pipeline(StandardScaler(), make(library, focal_gamma=1.0))
    pipeline.fit(sample.X, words(sample.y))
    scaler = StandardScaler().fit(sample.X)
    model = make(library, focal_gamma=1.0)
    model.fit(scaler.transform(sample.X), words(sample.y))
    np.testing.assert_array_equal(
        pipeline.predict_proba(validation.X),
        model.predict_proba(scaler.transform(validation.X)),
    )
    assert pipeline.classes_.tolist() == ["no", "yes"]
    assert pipeline[-1].loss_ == FocalLoss(0.25, 1.0)


@both
def test_cross_validated_probabilities_are_those_of_the_folds(
    library: Any, sample: Sample
) -> None:
    proba = cross_val_predict(
        make(library), sample.X, words(sample.y), cv=FOLDS, method="predict_proba"
    )
    for train, test in FOLDS.split(sample.X, sample.y):
        model = fitted(library, sample[train])
        np.testing.assert_array_equal(proba[test], model.predict_proba(sample.X[test]))
    prevalence = np.full(len(sample.y), sample.y.mean())
    assert log_loss(sample.y, proba[:, 1]) < 0.85 * log_loss(sample.y, prevalence)


@both
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_of_a_fitted_model_keeps_its_order(
    library: Any, sample: Sample, validation: Sample, method: str
) -> None:
    model = fitted(library, sample)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method=method)
    calibrated.fit(validation.X, words(validation.y))
    proba = calibrated.predict_proba(sample.X)[:, 1]
    order = np.argsort(model.decision_function(sample.X), kind="stable")
    assert (np.diff(proba[order]) >= -1e-6).all()
    assert proba.mean() == pytest.approx(sample.y.mean(), abs=0.02)
    assert calibrated.classes_.tolist() == ["no", "yes"]


@both
def test_calibration_fits_the_classifier(library: Any, sample: Sample) -> None:
    calibrated = CalibratedClassifierCV(make(library), cv=FOLDS)
    calibrated.fit(sample.X, words(sample.y))
    assert len(calibrated.calibrated_classifiers_) == 3
    for one, (train, _) in zip(
        calibrated.calibrated_classifiers_,
        FOLDS.split(sample.X, sample.y),
        strict=True,
    ):
        np.testing.assert_array_equal(
            one.estimator.decision_function(sample.X),
            fitted(library, sample[train]).decision_function(sample.X),
        )


@both
@pytest.mark.parametrize("scoring", ["average_precision", "roc_auc", "neg_brier_score"])
def test_scorers_find_the_positive_class(
    library: Any, sample: Sample, validation: Sample, scoring: str
) -> None:
    # "no" comes first: a scorer that took it for the positive class would differ.
    model = fitted(library, sample)
    numbers = make(library).fit(sample.X, sample.y)
    scorer = get_scorer(scoring)
    score = scorer(numbers, validation.X, validation.y)
    if scoring == "roc_auc":
        assert scorer(model, validation.X, words(validation.y)) == score
    assert score > {"average_precision": 0.4, "roc_auc": 0.8}.get(scoring, -0.1)


# Weights on their way


@both
def test_weights_are_routed_through_a_pipeline(library: Any, sample: Sample) -> None:
    direct = make(library).fit(sample.X, sample.y, sample_weight=sample.weight)
    with config_context(enable_metadata_routing=True):
        step = make(library).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(step)
        pipeline.fit(sample.X, sample.y, sample_weight=sample.weight)
    margin = pipeline.decision_function(sample.X)
    np.testing.assert_array_equal(margin, direct.decision_function(sample.X))
    plain = make(library).fit(sample.X, sample.y)
    assert (margin != plain.decision_function(sample.X)).any()


@both
@pytest.mark.parametrize("asked", [True, False])
def test_weights_are_routed_through_a_search(
    library: Any, sample: Sample, asked: bool
) -> None:
    grid = {"focal_gamma": [1.0]}
    with config_context(enable_metadata_routing=True):
        model = make(library).set_fit_request(sample_weight=asked)
        scoring = get_scorer("roc_auc").set_score_request(sample_weight=asked)
        search = GridSearchCV(model, grid, cv=FOLDS, scoring=scoring)
        search.fit(
            sample.X, sample.y, **({"sample_weight": sample.weight} if asked else {})
        )
    weight = sample.weight if asked else None
    direct = make(library, focal_gamma=1.0).fit(
        sample.X, sample.y, sample_weight=weight
    )
    np.testing.assert_array_equal(
        search.best_estimator_.decision_function(sample.X),
        direct.decision_function(sample.X),
    )


@both
def test_weights_nobody_asked_for_are_refused(library: Any, sample: Sample) -> None:
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(make(library))
        with pytest.raises(ValueError, match=r"\[sample_weight\] are passed but"):
            pipeline.fit(sample.X, sample.y, sample_weight=sample.weight)


# Sparse data


@both
@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix])
def test_sparse_data_train_what_dense_data_do(
    library: Any, sample: Sample, kind: Any
) -> None:
    model = make(library).fit(kind(sample.X), words(sample.y))
    dense = fitted(library, sample)
    proba = model.predict_proba(sp.csr_matrix(sample.X))
    np.testing.assert_array_equal(proba, dense.predict_proba(sample.X))
    assert model.n_features_in_ == 10
