"""Both classifiers on three classes and more: predictions and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import (
    best_of,
    both,
    fit_watched,
    logs_of,
    make,
    quiet,
)
from scipy.special import expit
from several import LIKELY, NAMES, PLAIN, START, K, labels, one_hot, sample
from sklearn.metrics import average_precision_score, log_loss
from sklearn.utils.class_weight import compute_sample_weight

from focal_boost import FocalLoss, MultiFocalMetric, MultiFocalObjective

pytestmark = quiet


@both
@pytest.mark.parametrize(
    ("rows", "gamma"),
    [(sample, 2.0), (sample, (0.0, 1.0, 2.0, 3.0)), (labels, (0.0, 1.0, 2.0))],
    ids=["classes", "classes of their own", "labels"],
)
def test_every_class_and_label_is_a_binary_classifier(
    library: Any, rows: Any, gamma: Any
) -> None:
    X, y = rows()
    columns = one_hot(y) if rows is sample else y
    given = {"sample_weight": np.random.default_rng(0).exponential(size=len(y))}
    alpha = [0.25, None, 0.6, 0.75][: columns.shape[1]]
    params = {"focal_alpha": alpha, "focal_gamma": gamma, **START[library]}
    found = make(library, **params).fit(X, y, **given).decision_function(X)
    for k, column in enumerate(columns.T.astype(int)):
        of_class = gamma if np.isscalar(gamma) else gamma[k]
        params |= {"focal_alpha": alpha[k], "focal_gamma": of_class}
        expected = make(library, **params).fit(X, column, **given).decision_function(X)
        close = {"rel": library.tolerance, "abs": library.tolerance}
        assert found[:, k] == pytest.approx(expected, **close)


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
        ((name, values),) = logs_of(model)[0].items()
        assert name == (metric or LIKELY[library.name][0])
        best = np.argmax(values) if metric else np.argmin(values)
        assert len(values) == best + 4 < 80
        assert best_of(library, model)[0] == best + 1
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
