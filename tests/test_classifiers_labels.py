"""Both classifiers on label matrices; several classes and labels in other tools."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import scipy.sparse as sp
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import (
    booster_of,
    both,
    fit_watched,
    logs_of,
    make,
    quiet,
    sets_of,
)
from scipy.special import expit
from several import NAMES, PLAIN, labels, sample
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import average_precision_score, get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score

from focal_boost import FocalLoss

pytestmark = quiet


class TestLabels:
    @both
    def test_predictions(self, library: Any) -> None:
        X, y = labels()
        model = make(library).fit(X, y)
        proba, log_odds = model.predict_proba(X), model.decision_function(X)
        assert proba.shape == log_odds.shape == y.shape
        assert proba == pytest.approx(expit(log_odds.astype(float)), rel=1e-6)
        predicted = model.predict(X)
        assert predicted.dtype == y.dtype
        assert (predicted == (proba > 0.5)).all()
        assert [one.tolist() for one in model.classes_] == [[0, 1]] * 3
        assert model.n_features_in_ == 5
        scorer = get_scorer("average_precision")
        own = average_precision_score(y, log_odds, average="macro")
        assert scorer(model, X, y) == pytest.approx(own, rel=1e-6)

    @both
    @pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, list], ids=str)
    def test_matrices_of_other_kinds(self, library: Any, kind: Any) -> None:
        X, y = labels()
        given = y.tolist() if kind is list else kind(y)
        expected = make(library).fit(X, y)
        model = make(library).fit(X, given)
        assert (model.decision_function(X) == expected.decision_function(X)).all()
        assert (model.predict(X) == expected.predict(X)).all()

    def test_xgboost_is_its_own_classifier_at_gamma_0(self) -> None:
        X, y = labels()
        own = xgb.XGBClassifier(n_estimators=10, **XGBoost.quiet_estimator)
        own.fit(X, y, eval_set=[(X, y)], verbose=False)
        model = make(XGBoost, **PLAIN).fit(X, y, eval_set=[(X, y)], verbose=False)
        assert model.predict_proba(X) == pytest.approx(own.predict_proba(X), rel=2e-6)
        assert (model.predict(X) == own.predict(X)).all()
        (found,), (expected,) = logs_of(model), logs_of(own)
        assert found == {k: pytest.approx(v, rel=2e-6) for k, v in expected.items()}

    def test_lightgbm_labels_stop_by_themselves(self) -> None:
        (X, y), (X_test, y_test) = labels(), labels(seed=8)
        params = {"early_stopping_round": 3, "n_estimators": 100, "learning_rate": 0.4}
        given = sets_of(LightGBM, [(X_test, y_test)])
        model = make(LightGBM, **params).fit(X, y, **given)
        rounds = [one.best_iteration_ for one in model.estimators_]
        assert len(set(rounds)) > 1
        stopped = [lgb.early_stopping(3, verbose=False)]
        del params["early_stopping_round"]
        again = make(LightGBM, **params).fit(X, y, callbacks=stopped, **given)
        assert [one.best_iteration_ for one in again.estimators_] == rounds
        assert (again.predict_proba(X) == model.predict_proba(X)).all()

    def test_lightgbm_labels_train_on_several_threads(self, capfd: Any) -> None:
        X, y = labels()
        dart = {"boosting_type": "dart", "n_estimators": 5}
        one = make(LightGBM, **dart).fit(X, y)
        many = make(LightGBM, **dart).set_params(n_jobs=3).fit(X, y)
        assert (one.predict_proba(X) == many.predict_proba(X)).all()
        assert "ERROR" not in capfd.readouterr().err

    def test_lightgbm_labels_have_no_one_booster(self, tmp_path: Path) -> None:
        X, y = labels()
        model = make(LightGBM).fit(X, y)
        assert len(model.estimators_) == 3
        for name in ("booster_", "best_iteration_", "feature_importances_"):
            assert not hasattr(model, name)
        with pytest.raises(ValueError, match=r"^estimators_ must be saved one by one"):
            model.save_model(tmp_path / "model.txt")
        model.fit(X, y[:, 0])
        assert not hasattr(model, "estimators_")
        assert model.booster_.num_trees() == 10
        assert model.predict_proba(X).shape == (len(y), 2)


class TestTools:
    @both
    @pytest.mark.parametrize("rows", [sample, labels], ids=["classes", "labels"])
    def test_copies(self, library: Any, rows: Any) -> None:
        X, y = rows()
        model = make(library, focal_alpha=0.4).fit(X, y)
        copy = pickle.loads(pickle.dumps(model))
        again = clone(model)
        assert not hasattr(again, "loss_")
        again.fit(X, y)
        for one in (copy, again):
            assert (one.predict_proba(X) == model.predict_proba(X)).all()
            assert (one.predict(X) == model.predict(X)).all()

    @both
    @pytest.mark.parametrize("rows", [sample, labels], ids=["classes", "labels"])
    def test_files(self, library: Any, rows: Any, tmp_path: Path) -> None:
        X, y = rows()
        if library is LightGBM and rows is labels:
            pytest.skip("a booster per label")
        y = NAMES[y] if rows is sample else y
        model, file = make(library, focal_gamma=1.5).fit(X, y), tmp_path / "model.json"
        model.save_model(file)
        loaded = library.focal_classifier()
        loaded.load_model(file)
        assert loaded.focal_objective_ == model.focal_objective_
        assert loaded.loss_ == model.loss_
        for of in ("decision_function", "predict_proba", "predict"):
            found, expected = (getattr(one, of)(X) for one in (loaded, model))
            assert (found == expected).all()
            assert found.dtype.kind == expected.dtype.kind
        plain = library.probability(
            type(booster_of(library, model))(model_file=file), X
        )
        posterior = library.probability(booster_of(library, model), X)
        assert (plain == posterior).all()
        assert posterior == pytest.approx(expit(model.decision_function(X)), rel=1e-5)

    @both
    def test_scikit_learn_chooses_and_calibrates(self, library: Any) -> None:
        X, y = sample()
        grid = {"focal_gamma": [0.0, 2.0], "focal_alpha": [None, 0.4]}
        search = GridSearchCV(make(library), grid, scoring="neg_log_loss", cv=2)
        search.fit(X, NAMES[y])
        scores = search.cv_results_["mean_test_score"]
        assert len(set(scores)) == 4
        assert search.best_score_ == max(scores)
        calibrated = CalibratedClassifierCV(make(library), cv=2).fit(X, NAMES[y])
        assert calibrated.classes_.tolist() == NAMES.tolist()
        assert calibrated.score(X, NAMES[y]) > 0.6
        assert (cross_val_score(make(library), *labels(), cv=2) > 0.3).all()

    @both
    def test_two_classes_after_four(self, library: Any) -> None:
        X, y = sample()
        model = make(library).fit(X, y).fit(X, y > 1)
        fresh = make(library).fit(X, y > 1)
        assert model.classes_.tolist() == [False, True]
        assert model.loss_ == FocalLoss()
        assert (model.predict_proba(X) == fresh.predict_proba(X)).all()
        assert model.decision_function(X).shape == y.shape


SEVERAL = "positive_class must be None for more than two classes, and for labels, got 1"
BAD: dict[str, tuple[Any, Any, Any, str]] = {
    "alphas": (sample, {"focal_alpha": [0.2, 0.3]}, None,
               "focal_alpha must have one value per class, 4, got 2"),
    "gammas": (sample, {"focal_gamma": [0.2, 0.3, 1.0]}, None,
               "focal_gamma must have one value per class, 4, got 3"),
    "an alpha": (sample, {"focal_alpha": 1.5}, None,
                 "focal_alpha must be None or a number in"),
    "a word": (sample, {"focal_alpha": "even"}, None, 'focal_alpha must be None, "bal'),
    "a positive class": (sample, {"positive_class": 1}, None, SEVERAL),
    "a positive label": (labels, {"positive_class": 1}, None, SEVERAL),
    "alphas of labels": (labels, {"focal_alpha": [0.2, 0.3]}, None,
                         ".*one value per (class|label), 3, got 2"),
    "other classes in a set": (sample, {}, lambda y: y + 1,
                               "(eval_set labels|y_true|y|eval_y) (must )?contains? "),
    "fewer labels in a set": (labels, {}, lambda y: y[:, :2],
                              ".* must have 3 columns, as y has, got shape"),
}  # fmt: skip


@both
@pytest.mark.parametrize(("rows", "params", "of_set", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(
    library: Any, rows: Any, params: Any, of_set: Any, message: str
) -> None:
    X, y = rows(100)
    sets = [(X, of_set(y))] if of_set else [(X, y)]
    with pytest.raises(ValueError, match=f"^{message}"):
        fit_watched(library, (X, y), sets, **params)
