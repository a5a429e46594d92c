"""What is XGBoost's own: callbacks, start values, boosters that train."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from boosters import XGBoost
from populations import Sample
from sklearn.metrics import log_loss

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, FocalXGBClassifier
from focal_boost.xgboost._margins import lent_margins

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
PLAIN = FocalObjective(alpha=None, gamma=0.0)
QUIET = {"nthread": 1, "max_depth": 3}
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def dtrain(sample: Sample) -> xgb.DMatrix:
    return xgb.DMatrix(sample.X, sample.y, weight=sample.weight)


def model_of(booster: Any) -> Any:
    return json.loads(bytes(booster.save_raw("json")))["learner"]


def start_of(booster: Any) -> float:
    return float(model_of(booster)["learner_model_param"]["base_score"].strip("[]"))


# How XGBoost begins where it does otherwise than in the law's scenarios.
STARTS: dict[str, dict[str, Any]] = {
    "nearly_once": {"scale_pos_weight": 1 + 1e-7},
    "never": {"scale_pos_weight": 0.0},
    "dart": {"booster": "dart", "rate_drop": 0.5, "scale_pos_weight": 3.0},
    "updater": {"updater": "grow_colmaker,prune"},
}


@pytest.mark.filterwarnings("ignore:.*(updater|dart|DART)")
class TestStart:
    """The start value is what XGBoost's own objective would have estimated."""

    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    @pytest.mark.parametrize("name", STARTS)
    def test_it_is_xgboosts_own(
        self, sample: Sample, name: str, weighted: bool
    ) -> None:
        weight = sample.weight if weighted else None
        data = xgb.DMatrix(sample.X, sample.y, weight=weight)
        self.compare({**QUIET, **STARTS[name]}, data)

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class(self, sample: Sample, label: int) -> None:
        data = xgb.DMatrix(sample.X, np.full(sample.y.size, label))
        self.compare({**QUIET, "scale_pos_weight": 3.0}, data)

    @staticmethod
    def compare(params: dict[str, Any], data: xgb.DMatrix) -> None:
        own = xgb.train({**params, "objective": "binary:logistic"}, data, 3)
        ours = fxgb.train(params, data, 3, objective=PLAIN)
        assert start_of(ours) == pytest.approx(start_of(own), rel=1e-6, abs=1.1e-6)
        settings = [model_of(one)["learner_model_param"] for one in (own, ours)]
        for one in settings:
            del one["base_score"]
        assert settings[0] == settings[1]
        np.testing.assert_allclose(
            ours.predict(data, output_margin=True),
            own.predict(data, output_margin=True), rtol=2e-7, atol=2e-6,
        )  # fmt: skip

    def test_it_is_the_same_with_any_focus(self, dtrain: xgb.DMatrix) -> None:
        starts = {
            start_of(fxgb.train(QUIET, dtrain, 1, objective=FocalObjective(a, g)))
            for a, g in ((None, 0.0), (0.25, 2.0), (0.9, 1.0))
        }
        assert len(starts) == 1

    def test_it_is_clamped_to_what_xgboost_accepts(self) -> None:
        data = xgb.DMatrix(np.zeros((3, 1)), [0, 0, 1], weight=[1e12, 1e12, 1e-3])
        booster = fxgb.train(QUIET, data, 1, objective=PLAIN)
        assert start_of(booster) == pytest.approx(
            1e-6 if VERSION >= (3, 0) else 0.1192, rel=1e-3
        )

    def test_an_empty_model_that_is_continued_gets_one(
        self, dtrain: xgb.DMatrix
    ) -> None:
        empty = fxgb.train(QUIET, dtrain, 0)
        booster = fxgb.train(QUIET, dtrain, 1, xgb_model=empty)
        assert start_of(booster) == start_of(fxgb.train(QUIET, dtrain, 1))


class TestTheBoosterThatTrains:
    """Nothing of it is left when the training is over, or is copied or saved."""

    def test_margins_of_a_round_are_xgboosts_without_a_copy(
        self, dtrain: xgb.DMatrix
    ) -> None:
        booster = fxgb.train(QUIET, dtrain, 3)
        lent = lent_margins(booster, dtrain)
        # As in training, the memory is XGBoost's.
        assert not lent.flags.owndata
        kept = lent.copy()
        expected = booster.predict(dtrain, output_margin=True, training=True)
        np.testing.assert_array_equal(kept, expected)

    def test_a_pickle_of_mid_training_needs_no_package(
        self, dtrain: xgb.DMatrix
    ) -> None:
        texts: list[bytes] = []

        def keep(model: Any, _: int) -> None:
            protocols = range(pickle.HIGHEST_PROTOCOL + 1)
            texts[:] = [pickle.dumps(model, one) for one in protocols]

        booster = fxgb.train(QUIET, dtrain, 2, callbacks=[XGBoost.each(keep)])
        for text in texts:
            assert b"focal_boost" not in text
            again = pickle.loads(text)
            assert type(again) is xgb.Booster
            expected = booster.predict(dtrain)
            np.testing.assert_array_equal(again.predict(dtrain), expected)

    def test_another_model_of_a_callback_trains_by_the_objective(
        self, dtrain: xgb.DMatrix
    ) -> None:
        class Replace(xgb.callback.TrainingCallback):
            def before_training(self, model: Any) -> Any:
                return model.copy()

        booster = fxgb.train(QUIET, dtrain, 3, callbacks=[Replace()])
        expected = fxgb.train(QUIET, dtrain, 3)
        np.testing.assert_array_equal(booster.predict(dtrain), expected.predict(dtrain))


def test_obj_is_given_as_objective(dtrain: xgb.DMatrix) -> None:
    with pytest.raises(ValueError, match="obj must be given as objective, got obj"):
        fxgb.train(QUIET, dtrain, 1, obj=FOCAL)


def fitted(sample: Sample, validation: Sample, **params: Any) -> Any:
    settings = {"n_jobs": 1, "n_estimators": 30, "max_depth": 3, "learning_rate": 0.6}
    model = FocalXGBClassifier(**{**settings, **params})
    given = {"eval_set": [(validation.X, validation.y)]}
    return model.fit(sample.X, sample.y, **given)


class TestClassifier:
    """What the classifier adds to XGBClassifier."""

    @pytest.mark.parametrize(
        ("asked", "logged"),
        [
            (["auc", "focal_loss", "error", "log_loss"],
             ["auc", "error", "focal_loss", "log_loss"]),
            (fxgb.metric("average_precision", FOCAL), ["average_precision"]),
            ([log_loss, "brier_score"], ["logloss", "log_loss", "brier_score"]),
        ],
    )  # fmt: skip
    def test_metrics_of_ours_come_last(
        self, sample: Sample, validation: Sample, asked: Any, logged: list[str]
    ) -> None:
        model = fitted(sample, validation, n_estimators=2, eval_metric=asked)
        assert list(model.evals_result()["validation_0"]) == logged
        assert model.get_params()["eval_metric"] is asked
        if len(logged) < 4:
            # XGBoost itself cannot set a list of its metrics on a fitted model.
            model.set_params(learning_rate=0.1).predict(sample.X)

    @pytest.mark.parametrize("asked", ["average_precision", ["auc", "log_loss"]])
    @pytest.mark.parametrize("by_callback", [False, True])
    def test_early_stopping_goes_the_metrics_way(
        self, sample: Sample, validation: Sample, asked: Any, by_callback: bool,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        how: dict[str, Any] = {"early_stopping_rounds": 3}
        if by_callback:
            how = {"callbacks": [xgb.callback.EarlyStopping(rounds=3)]}
        model = fitted(sample, validation, eval_metric=asked, **how)
        values = list(model.evals_result()["validation_0"].values())[-1]
        best = np.argmax(values) if isinstance(asked, str) else np.argmin(values)
        assert model.best_iteration == best == len(values) - 4
        assert model.best_score == values[best]
        # The round that ends it is printed unless the caller's own callback ends it.
        lines = capsys.readouterr().out.splitlines()
        if VERSION >= (3, 2):
            # Before it callbacks ran in any order.
            assert len(lines) == len(values) - by_callback
        assert model.early_stopping_rounds == (None if by_callback else 3)

    def test_a_random_state_is_drawn_from_once(self, sample: Sample) -> None:
        drawn = []
        for kind in (xgb.XGBClassifier, FocalXGBClassifier):
            state = np.random.RandomState(3)
            kind(random_state=state, n_estimators=1, n_jobs=1).fit(sample.X, sample.y)
            drawn.append(state.randint(1 << 30))
        assert drawn[0] == drawn[1]

    def test_a_callback_may_change_a_parameter(self, sample: Sample) -> None:
        weigh = XGBoost.each(lambda m, k: m.set_param("scale_pos_weight", 1.0 + k))
        models = [
            kind(n_estimators=5, n_jobs=1, callbacks=[weigh], **params).fit(
                sample.X, sample.y
            )
            for kind, params in (
                (xgb.XGBClassifier, {}),
                (FocalXGBClassifier, {"focal_alpha": None, "focal_gamma": 0}),
            )
        ]
        own, ours = (one.predict(sample.X, output_margin=True) for one in models)
        np.testing.assert_allclose(ours, own, rtol=0, atol=2e-6)
