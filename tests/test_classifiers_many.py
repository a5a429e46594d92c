"""Both classifiers on three classes and more, and on label matrices."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import booster_of, both, fit_watched, logs_of, make, quiet
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import average_precision_score, get_scorer, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.class_weight import compute_sample_weight

from focal_boost import FocalLoss, MultiFocalMetric, MultiFocalObjective

pytestmark = quiet

K = 4
NAMES = np.array(["ant", "bee", "cat", "dog"])
PLAIN = {"focal_alpha": None, "focal_gamma": 0.0}
LIKELY = {
    "xgboost": ("mlogloss", "merror"),
    "lightgbm": ("multi_logloss", "multi_error"),
}


def sample(n: int = 600, seed: int = 3) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features and class numbers, the last class rare."""
    rng = np.random.default_rng(seed)
    y = rng.choice(K, n, p=[0.55, 0.3, 0.1, 0.05])
    X = rng.normal(size=(n, 5))
    X[:, 0] += y
    X[:, 1] -= y == 2
    return X, y


def labels(n: int = 600, seed: int = 5) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features and a matrix of three labels."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.4, 0.2, 0.06]).astype(np.int8)
    X = rng.normal(size=(n, 5))
    X[:, :3] += y
    return X, y


def one_hot(y: NDArray[Any]) -> NDArray[Any]:
    return (y[:, None] == np.arange(K)).astype(float)


class TestClasses:
    @both
    def test_predictions(self, library: Any) -> None:
        X, y = sample()
        model = make(library).fit(X, NAMES[y])
        log_odds, proba = model.decision_function(X), model.predict_proba(X)
        assert log_odds.shape == proba.shape == (len(y), K)
        posterior = model.focal_objective_.posterior(log_odds)
        assert posterior == pytest.approx(expit(log_odds.astype(float)), rel=1e-6)
        expected = posterior / posterior.sum(axis=1, keepdims=True)
        assert proba == pytest.approx(expected, rel=1e-6)
        assert proba.sum(axis=1) == pytest.approx(np.ones(len(y)), abs=1e-6)
        predicted = model.predict(X)
        assert (predicted == NAMES[proba.argmax(axis=1)]).all()
        assert model.score(X, NAMES[y]) == np.mean(predicted == NAMES[y]) > 0.7
        assert model.classes_.tolist() == NAMES.tolist()
        assert model.n_classes_ == K
        assert model.loss_ == (FocalLoss(),) * K

    @both
    def test_labels_may_be_anything(self, library: Any) -> None:
        X, y = sample()
        numbers = make(library).fit(X, y)
        for of_class in (
            NAMES,
            3 * np.arange(K) - 2,
            2.0 * np.arange(K),
            NAMES.astype(object),
        ):
            model = make(library).fit(X, of_class[y])
            assert (model.decision_function(X) == numbers.decision_function(X)).all()
            assert (model.predict(X) == of_class[numbers.predict(X)]).all()

    @both
    @pytest.mark.parametrize("gamma", [2.0, (0.0, 1.0, 2.0, 3.0)], ids=["one", "four"])
    def test_every_class_is_a_binary_classifier(self, library: Any, gamma: Any) -> None:
        X, y = sample()
        weight = np.random.default_rng(0).exponential(size=len(y))
        alpha = [0.25, None, 0.6, 0.75]
        # XGBoost before 3.1 has one start value for all classes.
        start = {"base_score": 0.3} if library is XGBoost else {}
        params = {"focal_alpha": alpha, "focal_gamma": gamma, **start}
        found = make(library, **params).fit(X, y, sample_weight=weight)
        log_odds = found.decision_function(X)
        for k in range(K):
            one = gamma if np.isscalar(gamma) else gamma[k]
            binary = make(library, focal_alpha=alpha[k], focal_gamma=one, **start)
            expected = binary.fit(X, y == k, sample_weight=weight).decision_function(X)
            tolerance = library.tolerance
            assert log_odds[:, k] == pytest.approx(
                expected, rel=tolerance, abs=tolerance
            )

    def test_lightgbm_is_multiclassova_at_gamma_0(self) -> None:
        X, y = sample()
        own = lgb.LGBMClassifier(
            objective="multiclassova", n_estimators=10, **LightGBM.quiet_estimator
        )
        for weight in (None, "balanced", {"ant": 1, "bee": 2, "cat": 3, "dog": 9}):
            of_class = {"class_weight": weight}
            own.set_params(**of_class).fit(X, NAMES[y])
            model = make(LightGBM, **PLAIN, **of_class).fit(X, NAMES[y])
            found = model.decision_function(X)
            expected = own.predict_proba(X, raw_score=True)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
            assert (model.predict(X) == own.predict(X)).all()
            assert model.objective_ == own.objective_ == "multiclassova"
            for kind in ("pred_leaf", "pred_contrib"):
                of_kind = own.predict(X, **{kind: True})
                assert model.predict(X, **{kind: True}) == pytest.approx(
                    of_kind, abs=1e-12
                )

    def test_xgboost_is_binary_logistic_of_several_outputs_at_gamma_0(self) -> None:
        X, y = sample()
        params = {"objective": "binary:logistic", "nthread": 1}
        own = xgb.train(params, xgb.DMatrix(X, one_hot(y)), 10)
        model = make(XGBoost, **PLAIN).fit(X, y)
        found = model.decision_function(X)
        expected = own.predict(xgb.DMatrix(X), output_margin=True)
        assert found == pytest.approx(expected, rel=2e-6, abs=2e-6)

    @both
    def test_alpha_is_balanced_per_class(self, library: Any) -> None:
        X, y = sample()
        weight = np.random.default_rng(0).exponential(size=len(y))
        model = make(library, focal_alpha="balanced").fit(X, y, sample_weight=weight)
        share = np.bincount(y, weight) / weight.sum()
        assert model.focal_objective_.alpha == pytest.approx(1 - share, rel=1e-6)

    @both
    def test_weights_of_classes_are_weights_of_rows(self, library: Any) -> None:
        X, y = sample()
        weight = compute_sample_weight("balanced", y)
        model = make(library).fit(X, y, sample_weight=weight)
        plain = make(library).fit(X, y).decision_function(X)
        assert (model.decision_function(X) != plain).any()
        if library is LightGBM:
            same = make(library, class_weight="balanced").fit(X, y)
            found = same.decision_function(X)
            assert found == pytest.approx(model.decision_function(X), rel=1e-9)

    def test_a_row_far_from_all_classes_has_probabilities(self) -> None:
        from focal_boost.multi_metrics import normalised

        found = normalised([[-1000.0, -1000.0, -1001.0], [800.0, 800.0, -800.0]])
        assert found[0] == pytest.approx(np.exp([0, 0, -1]) / (2 + np.exp(-1)))
        assert found[1].tolist() == [0.5, 0.5, 0.0]


class TestEvaluation:
    @both
    def test_metrics_are_of_what_predict_proba_returns(self, library: Any) -> None:
        (X, y), (X_test, y_test) = sample(), sample(seed=9)
        names = [*LIKELY[library.name], "log_loss", "average_precision"]
        names += ["average_precision_per_class", "log_loss_per_class"]
        evals = [(X_test, NAMES[y_test])]
        model = fit_watched(library, (X, NAMES[y]), evals, eval_metric=list(names))
        proba = model.predict_proba(X_test)
        log_odds = model.decision_function(X_test)
        posterior, truth = expit(log_odds.astype(float)), one_hot(y_test)
        each = [log_loss(truth[:, k], posterior[:, k]) for k in range(K)]
        precision = average_precision_score(truth, log_odds, average=None)
        expected = dict(zip(names, (log_loss(y_test, proba), 0.0), strict=False))
        expected[names[1]] = 1 - model.score(X_test, NAMES[y_test])
        expected |= {"log_loss": np.mean(each), "average_precision": precision.mean()}
        for k in range(K):
            expected |= {
                f"average_precision_{k}": precision[k],
                f"log_loss_{k}": each[k],
            }
        found = {name: values[-1] for name, values in logs_of(model)[0].items()}
        assert found == pytest.approx(expected, rel=1e-6)

    @both
    def test_the_default_metric_is_the_log_loss_of_classes(self, library: Any) -> None:
        (X, y), (X_test, y_test) = sample(), sample(seed=9)
        model = fit_watched(library, (X, y), [(X_test, y_test)])
        (log,) = logs_of(model)
        assert list(log) == [LIKELY[library.name][0]]
        own = log_loss(y_test, model.predict_proba(X_test))
        assert log[LIKELY[library.name][0]][-1] == pytest.approx(own, rel=1e-6)

    @both
    @pytest.mark.parametrize("metric", [None, "average_precision"])
    def test_early_stopping_finds_the_best_round(
        self, library: Any, metric: Any
    ) -> None:
        (X, y), (X_test, y_test) = sample(), sample(seed=9)
        given = {"eval_metric": metric, "stop": 3, "n_estimators": 80}
        if library is LightGBM and metric:
            given["metric"] = "None"
        model = fit_watched(
            library, (X, y), [(X_test, y_test)], learning_rate=0.4, **given
        )
        (values,) = list(logs_of(model)[0].values())[-1:]
        best = np.argmax(values) if metric else np.argmin(values)
        assert len(values) == best + 4 < 80
        first = (
            model.best_iteration if library is XGBoost else model.best_iteration_ - 1
        )
        assert first == best
        if not metric:
            own = log_loss(y_test, model.predict_proba(X_test))
            assert own == pytest.approx(values[best], rel=1e-6)

    @both
    def test_callables_get_numbers_and_probabilities(self, library: Any) -> None:
        seen = []

        def metric(y_true: Any, y_pred: Any) -> Any:
            seen.append((np.array(y_true), np.array(y_pred)))
            return ("mine", 0.5, False) if library is LightGBM else 0.5

        (X, y), (X_test, y_test) = sample(), sample(seed=9)
        model = fit_watched(library, (X, y), [(X_test, y_test)],
                            eval_metric=metric)  # fmt: skip
        numbers, proba = seen[-1]
        assert (numbers == y_test).all()
        assert proba == pytest.approx(model.predict_proba(X_test), rel=1e-6)

    def test_metric_of_one_class_per_row(self) -> None:
        metric = MultiFocalMetric("mlogloss", MultiFocalObjective())
        message = r"^y_true must have exactly one class in every row .* got 2$"
        with pytest.raises(ValueError, match=message):
            metric([[1, 1], [0, 1]], np.zeros((2, 2)))
        with pytest.raises(
            ValueError, match=r"^objective must be a MultiFocalObjective"
        ):
            MultiFocalMetric("log_loss", None)  # type: ignore[arg-type]

    def test_metrics_of_the_focal_link_are_of_the_posterior(self) -> None:
        y, raw_score = sample(50)[1], np.random.default_rng(1).normal(size=(50, K))
        objective = MultiFocalObjective(link="focal")
        posterior = objective.posterior(raw_score)
        own = log_loss(y, posterior / posterior.sum(axis=1, keepdims=True))
        assert MultiFocalMetric("mlogloss", objective)(y, raw_score) == pytest.approx(
            own
        )


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

    @both
    def test_every_label_is_a_binary_classifier(self, library: Any) -> None:
        X, y = labels()
        start = {"base_score": 0.3} if library is XGBoost else {}
        alpha, gamma = (0.3, None, 0.6), (1.0, 0.0, 2.0)
        several = {"focal_alpha": alpha, "focal_gamma": gamma}
        found = make(library, **several, **start).fit(X, y).decision_function(X)
        for k in range(3):
            one = {"focal_alpha": alpha[k], "focal_gamma": gamma[k], **start}
            expected = make(library, **one).fit(X, y[:, k]).decision_function(X)
            assert found[:, k] == pytest.approx(expected, rel=library.tolerance)

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
        given = {"eval_set": [(X_test, y_test)]}
        if hasattr(lgb.LGBMClassifier, "decision_function"):
            given = {"eval_X": (X_test,), "eval_y": (y_test,)}
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


BAD = {
    "alphas": (
        {"focal_alpha": [0.2, 0.3]},
        lambda y: y,
        "focal_alpha must have one value per class, 4, got 2",
    ),
    "gammas": (
        {"focal_gamma": [0.2, 0.3, 1.0]},
        lambda y: y,
        "focal_gamma must have one value per class, 4, got 3",
    ),
    "an alpha": (
        {"focal_alpha": 1.5},
        lambda y: y,
        "focal_alpha must be None or a number in",
    ),
    "a word": ({"focal_alpha": "even"}, lambda y: y, 'focal_alpha must be None, "bal'),
    "a positive class": (
        {"positive_class": 1},
        lambda y: y,
        "positive_class must be None for more than two classes, and for labels, got 1",
    ),
    "other labels in a set": (
        {},
        lambda y: y + 1,
        "(eval_set labels|y_true|y|eval_y) (must )?contains? ",
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize(("params", "of_set", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(
    library: Any, params: Any, of_set: Any, message: str
) -> None:
    X, y = sample(100)
    with pytest.raises(ValueError, match=f"^{message}"):
        fit_watched(library, (X, y), [(X, of_set(y))], **params)


@both
def test_sets_have_as_many_labels(library: Any) -> None:
    X, y = labels(100)
    with pytest.raises(ValueError, match=r" must have 3 columns, as y has, got shape"):
        fit_watched(library, (X, y), [(X, y[:, :2])])
    with pytest.raises(ValueError, match=r"^positive_class must be None for more"):
        make(library, positive_class=1).fit(X, y)
    with pytest.raises(ValueError, match=r"one value per (class|label), 3, got 2"):
        make(library, focal_alpha=[0.2, 0.3]).fit(X, y)
