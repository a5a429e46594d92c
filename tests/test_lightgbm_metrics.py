"""Metrics inside LightGBM: ours, and the twins of its pointwise ones."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from estimators import OLD_LIGHTGBM
from populations import Sample
from scipy.special import expit
from sklearn import metrics

import focal_boost.lightgbm as flgb
from focal_boost import FocalMetric, FocalObjective
from focal_boost._rows import Labels
from focal_boost.lightgbm._metrics import TWINS, WITHOUT_TWIN

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
QUIET = {"verbosity": -1, "num_threads": 1}
NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")


def dataset(sample: Sample, **kwargs: Any) -> lgb.Dataset:
    return lgb.Dataset(
        sample.X, sample.y, weight=sample.weight, free_raw_data=False, **kwargs
    )


def by_hand(name: str, booster: Any, sample: Sample, rounds: int) -> float:
    raw_score = booster.predict(sample.X, raw_score=True, num_iteration=rounds)
    return FocalMetric(name, FOCAL)(sample.y, raw_score, sample.weight)


class TestTwins:
    """LightGBM's pointwise metrics of log-odds, as it says them of its own."""

    OF_SKLEARN: dict[str, Any] = {  # noqa: RUF012
        "binary_logloss": metrics.log_loss,
        "binary_error": lambda y, p, sample_weight: (
            1 - metrics.accuracy_score(y, p > 0.5, sample_weight=sample_weight)
        ),
        "cross_entropy": metrics.log_loss,
        # Less the entropy of the labels, which is 0.
        "kullback_leibler": metrics.log_loss,
        "l2": metrics.mean_squared_error,
        "rmse": metrics.root_mean_squared_error,
        "l1": metrics.mean_absolute_error,
        # LightGBM divides by no label below 1.
        "mape": metrics.mean_absolute_error,
    }

    def test_all_are_known(self) -> None:
        assert set(TWINS) == set(self.OF_SKLEARN)
        assert set(TWINS).isdisjoint(WITHOUT_TWIN)

    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    @pytest.mark.parametrize("name", OF_SKLEARN)
    def test_they_are_scikit_learns(
        self, sample: Sample, name: str, weighted: bool
    ) -> None:
        raw_score = np.random.default_rng(1).normal(-2, 3, len(sample.y))
        weight = sample.weight.astype(float) if weighted else None
        expected = self.OF_SKLEARN[name](
            sample.y, expit(raw_score), sample_weight=weight
        )
        found = TWINS[name](Labels.of(sample.y, weight), raw_score)
        assert found == pytest.approx(expected, rel=1e-12, abs=0)
        assert type(found) is float

    @pytest.mark.parametrize("name", OF_SKLEARN)
    @pytest.mark.parametrize("reach", [0.0, 1.0, 30.0, 36.0, 40.0, 700.0, 1e4])
    def test_they_are_lightgbms_at_any_scores(self, name: str, reach: float) -> None:
        rng = np.random.default_rng(2)
        y, raw_score = rng.integers(0, 2, 200), rng.uniform(-reach, reach, 200)
        raw_score[:2] = reach, -reach
        # LightGBM takes the logarithm of 1 − p, of which far out few digits are left.
        logarithm = TestTwins.OF_SKLEARN[name] is metrics.log_loss
        bound = 5e-4 if reach > 1 and logarithm else 1e-12
        expected = self.said(name, y, raw_score)
        found = TWINS[name](Labels.of(y, None), raw_score)
        assert found == pytest.approx(expected, rel=bound, abs=1e-300)

    @pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
    def test_a_half_is_no_event(self, steps: int) -> None:
        raw_score = np.full(4, 1.5 * 2.0**-53 + steps * 2.0**-105)
        wrong = self.OF_SKLEARN["binary_error"](
            [0, 0, 0, 1], expit(raw_score), sample_weight=None
        )
        assert TWINS["binary_error"](Labels.of([0, 0, 0, 1], None), raw_score) == wrong

    @pytest.mark.parametrize("name", WITHOUT_TWIN)
    def test_what_has_none_is_refused(self, sample: Sample, name: str) -> None:
        if name == "r2" and OLD_LIGHTGBM:
            pytest.skip("r2 is new in LightGBM 4.7")
        # LightGBM refuses some before: for labels of 0, and for want of classes.
        theirs = "Check failed: .label. > .0.|Multiclass objective and metrics don't"
        message = f"^metric must be one of a probability with focal loss, got '{name}'$"
        with pytest.raises(
            (ValueError, lgb.basic.LightGBMError), match=f"{message}|{theirs}"
        ):
            flgb.train({**QUIET, "metric": ["auc", name]}, dataset(sample), 1)

    @pytest.mark.parametrize("name", [*TWINS, "auc", "average_precision"])
    def test_they_are_still_needed(self, name: str) -> None:
        rng = np.random.default_rng(3)
        y, raw_score = rng.integers(0, 2, 200), rng.normal(0, 2, 200)
        found = [self.said(name, y, raw_score, of) for of in ("binary", FOCAL)]
        # Ranks are the same of raw scores and of probabilities.
        assert (found[0] == found[1]) == (name not in TWINS)

    @staticmethod
    def said(name: str, y: Any, raw_score: Any, objective: Any = "binary") -> float:
        """Return what LightGBM says of raw scores, under an objective."""
        # Leaves too large for a split: the scores stay those that the data begin with.
        params = {**QUIET, "min_data_in_leaf": 200, "feature_pre_filter": False}
        X = np.arange(200.0)[:, None]
        data = lgb.Dataset(X, y, init_score=raw_score, params=params)
        log: dict[str, Any] = {}
        lgb.train(
            {**params, "objective": objective, "metric": name}, data, 1,
            valid_sets=[data], callbacks=[lgb.record_evaluation(log)],
        )  # fmt: skip
        return float(log["training"][name][0])


class TestOurs:
    """``metrics`` of ``train``, and ``metric`` for LightGBM's own functions."""

    def test_log_has_every_metric_of_every_set(
        self, sample: Sample, validation: Sample
    ) -> None:
        log: dict[str, Any] = {}
        train, valid = dataset(sample), dataset(validation)
        booster = flgb.train(
            {**QUIET, "metric": "auc"}, train, 5, valid_sets=[train, valid],
            valid_names=["train", "valid"], metrics=[*NAMES, "log_loss"],
            feval=lambda preds, data: ("mean", float(preds.mean()), False),
            callbacks=[lgb.record_evaluation(log)],
        )  # fmt: skip
        for data, name in ((sample, "train"), (validation, "valid")):
            assert list(log[name]) == ["auc", "mean", *NAMES]
            for metric in NAMES:
                expected = [by_hand(metric, booster, data, k) for k in range(1, 6)]
                assert log[name][metric] == pytest.approx(expected, rel=1e-12, abs=0)

    def test_nothing_is_added_unasked(self, sample: Sample) -> None:
        for metrics_, named in (((), ["binary_logloss"]), ("log_loss", None)):
            log: dict[str, Any] = {}
            data = dataset(sample)
            flgb.train(
                QUIET, data, 1, valid_sets=[data], metrics=metrics_,
                callbacks=[lgb.record_evaluation(log)],
            )  # fmt: skip
            assert list(log["training"]) == (named or ["binary_logloss", "log_loss"])

    @pytest.mark.parametrize("metric", NAMES)
    @pytest.mark.parametrize("native", [False, True], ids=["train", "lightgbm.train"])
    def test_early_stopping_goes_the_metrics_way(
        self, sample: Sample, validation: Sample, metric: str, native: bool
    ) -> None:
        log: dict[str, Any] = {}
        stop = lgb.early_stopping(5, verbose=False)
        settings: dict[str, Any] = {
            "valid_sets": [dataset(validation)],
            "callbacks": [lgb.record_evaluation(log), stop],
        }
        params = {**QUIET, "metric": "None"}
        if native:
            params["objective"] = FOCAL
            feval = flgb.metric(metric, FOCAL)
            booster = lgb.train(params, dataset(sample), 200, feval=feval, **settings)
        else:
            data = dataset(sample)
            booster = flgb.train(params, data, 200, metrics=metric, **settings)
        values = np.array(log["valid_0"][metric])
        best = values.argmax() if metric == "average_precision" else values.argmin()
        assert booster.best_iteration == best + 1 < len(values) < 200
        assert booster.best_score["valid_0"][metric] == values[best]

    def test_metric_object_serves_the_sklearn_api(
        self, sample: Sample, validation: Sample
    ) -> None:
        model = lgb.LGBMClassifier(
            objective=FOCAL, metric="None", n_estimators=4, verbosity=-1, n_jobs=1
        )
        sets: dict[str, Any] = {"eval_X": validation.X, "eval_y": validation.y}
        if OLD_LIGHTGBM:
            sets = {"eval_set": [(validation.X, validation.y)]}
        model.fit(
            sample.X, sample.y, eval_sample_weight=[validation.weight],
            eval_metric=flgb.metric("log_loss", FOCAL), **sets,
        )  # fmt: skip
        raw_score = model.booster_.predict(validation.X, raw_score=True)
        expected = FocalMetric("log_loss", FOCAL)(
            validation.y, raw_score, validation.weight
        )
        value = model.evals_result_["valid_0"]["log_loss"][-1]
        assert value == pytest.approx(expected, rel=1e-6)

    def test_cv_reports_it(self, sample: Sample) -> None:
        result = lgb.cv(
            {**QUIET, "objective": FOCAL, "metric": "None"}, dataset(sample), 4,
            nfold=3, feval=flgb.metric("log_loss", FOCAL),
        )  # fmt: skip
        values = result["valid log_loss-mean"]
        assert len(values) == 4
        assert values[-1] < values[0]

    def test_train_takes_it_as_feval(self, sample: Sample) -> None:
        log: dict[str, Any] = {}
        data = dataset(sample)
        booster = flgb.train(
            QUIET, data, 2, valid_sets=[data], callbacks=[lgb.record_evaluation(log)],
            feval=[flgb.metric(name, FOCAL) for name in NAMES],
        )  # fmt: skip
        assert list(log["training"]) == ["binary_logloss", *NAMES]
        for name in NAMES:
            expected = by_hand(name, booster, sample, 2)
            assert log["training"][name][1] == pytest.approx(expected, rel=1e-12)

    def test_unknown_names_are_refused(self, sample: Sample) -> None:
        with pytest.raises(ValueError, match=r"^metric must be one of .*, got 'auc'$"):
            flgb.metric("auc", FOCAL)
        message = r"^objective must be a FocalObjective, got FocalLoss\("
        with pytest.raises(ValueError, match=message):
            flgb.metric("log_loss", FOCAL.loss)  # type: ignore[arg-type]
