"""The twins of LightGBM's pointwise metrics."""

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
from focal_boost import FocalObjective
from focal_boost._rows import Labels
from focal_boost.lightgbm._metrics import TWINS, WITHOUT_TWIN

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
QUIET = {"verbosity": -1, "num_threads": 1}


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
        data = lgb.Dataset(sample.X, sample.y, weight=sample.weight)
        with pytest.raises(
            (ValueError, lgb.basic.LightGBMError), match=f"{message}|{theirs}"
        ):
            flgb.train({**QUIET, "metric": ["auc", name]}, data, 1)

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
