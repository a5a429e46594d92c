"""What is XGBoost's own: metrics, callbacks, start values, boosters that train."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from populations import Sample
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

import focal_boost.xgboost as fxgb
from focal_boost import FocalMetric, FocalObjective, FocalXGBClassifier
from focal_boost.xgboost._margins import lent_margins

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
PLAIN = FocalObjective(alpha=None, gamma=0.0)
QUIET = {"nthread": 1, "max_depth": 3}
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")
OF_SKLEARN = {
    "log_loss": log_loss,
    "brier_score": brier_score_loss,
    "average_precision": average_precision_score,
}


@pytest.fixture(scope="module")
def dtrain(sample: Sample) -> xgb.DMatrix:
    return xgb.DMatrix(sample.X, sample.y, weight=sample.weight)


@pytest.fixture(scope="module")
def dvalid(validation: Sample) -> xgb.DMatrix:
    return xgb.DMatrix(validation.X, validation.y, weight=validation.weight)


def by_hand(name: str, booster: Any, data: xgb.DMatrix, rounds: int) -> float:
    raw_score = booster.predict(data, output_margin=True, iteration_range=(0, rounds))
    metric = FocalMetric(name, FOCAL)
    return metric(data.get_label(), raw_score, data.get_weight())


def model_of(booster: Any) -> Any:
    return json.loads(bytes(booster.save_raw("json")))["learner"]


def start_of(booster: Any) -> float:
    return float(model_of(booster)["learner_model_param"]["base_score"].strip("[]"))


class TestOurMetrics:
    """What ``metrics`` adds, and early stopping by it."""

    def test_log_has_every_metric_of_every_set_in_full_precision(
        self, dtrain: xgb.DMatrix, dvalid: xgb.DMatrix
    ) -> None:
        log: dict[str, Any] = {}
        booster = fxgb.train(
            QUIET, dtrain, 5, objective=FOCAL, metrics=NAMES, verbose_eval=False,
            evals=[(dtrain, "train"), (dvalid, "valid")], evals_result=log,
        )  # fmt: skip
        assert list(log) == ["train", "valid"]
        for data, name in ((dtrain, "train"), (dvalid, "valid")):
            assert list(log[name]) == ["logloss", *NAMES]
            for metric in NAMES:
                expected = [by_hand(metric, booster, data, k) for k in range(1, 6)]
                assert log[name][metric] == pytest.approx(expected, rel=1e-6, abs=0)
                assert all(round(v, 6) != v for v in log[name][metric])

    @pytest.mark.parametrize("name", OF_SKLEARN)
    def test_they_are_scikit_learns_of_the_models_own_predictions(
        self, dtrain: xgb.DMatrix, dvalid: xgb.DMatrix, name: str
    ) -> None:
        log: dict[str, Any] = {}
        booster = fxgb.train(
            QUIET, dtrain, 8, metrics=name, evals=[(dvalid, "v")], evals_result=log,
            verbose_eval=False,
        )  # fmt: skip
        expected = OF_SKLEARN[name](
            dvalid.get_label(),
            booster.predict(dvalid),
            sample_weight=dvalid.get_weight(),
        )
        assert log["v"][name][-1] == pytest.approx(expected, rel=0, abs=1e-7)

    @pytest.mark.parametrize("metric", NAMES)
    @pytest.mark.parametrize("how", ["argument", "callback", "named"])
    def test_early_stopping_goes_the_metrics_way(
        self, dtrain: xgb.DMatrix, dvalid: xgb.DMatrix, metric: str, how: str
    ) -> None:
        log: dict[str, Any] = {}
        stopping: dict[str, Any] = {"early_stopping_rounds": 5}
        if how != "argument":
            name = metric if how == "named" else None
            callback = xgb.callback.EarlyStopping(rounds=5, metric_name=name)
            stopping = {"callbacks": [callback]}
        booster = fxgb.train(
            {**QUIET, "eta": 0.5}, dtrain, 200, objective=FOCAL,
            metrics=("focal_loss", metric), evals=[(dvalid, "valid")],
            evals_result=log, verbose_eval=False, **stopping,
        )  # fmt: skip
        values = np.array(log["valid"][metric])
        best = values.argmax() if metric == "average_precision" else values.argmin()
        assert booster.best_iteration == best
        assert booster.best_score == values[best]
        assert best + 1 < len(values) < 200

    def test_the_caller_may_say_the_other_way(self, dtrain: xgb.DMatrix) -> None:
        booster = fxgb.train(
            QUIET, dtrain, 9, metrics="average_precision", evals=[(dtrain, "t")],
            early_stopping_rounds=3, maximize=False, verbose_eval=False,
        )  # fmt: skip
        assert booster.best_iteration == 0

    def test_a_loss_below_six_decimals_does_not_stop_early(self) -> None:
        # Two values that separate the classes: the loss falls without end.
        y = np.repeat([0, 1], [3900, 100])
        data = xgb.DMatrix(y[:, None].astype(float), y)
        log: dict[str, Any] = {}
        fxgb.train(
            {**QUIET, "min_child_weight": 0, "lambda": 0, "eta": 0.1}, data, 120,
            metrics="focal_loss", evals=[(data, "v")], evals_result=log,
            early_stopping_rounds=1, verbose_eval=False,
        )  # fmt: skip
        values = log["v"]["focal_loss"]
        assert len(values) == 120
        # What "%f" would have left of them stood still long before the end.
        assert len({f"{value:f}" for value in values}) < 110

    def test_they_come_after_xgboosts_and_the_callers(
        self, dtrain: xgb.DMatrix
    ) -> None:
        log: dict[str, Any] = {}
        fxgb.train(
            {**QUIET, "eval_metric": "auc"}, dtrain, 2, evals=[(dtrain, "t")],
            custom_metric=lambda preds, data: ("mean", float(preds.mean())),
            metrics=["brier_score", "brier_score"], evals_result=log,
            verbose_eval=False,
        )  # fmt: skip
        assert list(log["t"]) == ["auc", "mean", "brier_score"]
        assert len(log["t"]["brier_score"]) == 2

    def test_nothing_is_added_unasked(self, dtrain: xgb.DMatrix) -> None:
        log: dict[str, Any] = {}
        fxgb.train(
            QUIET, dtrain, 1, evals=[(dtrain, "t")], evals_result=log,
            verbose_eval=False,
        )  # fmt: skip
        assert list(log["t"]) == ["logloss"]

    def test_they_are_printed(
        self, dtrain: xgb.DMatrix, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fxgb.train(QUIET, dtrain, 1, metrics="log_loss", evals=[(dtrain, "t")])
        (line,) = capsys.readouterr().out.splitlines()
        _, logloss, ours = line.split("\t")
        assert ours.replace("log_loss", "logloss") == logloss

    def test_unknown_names_are_refused(self, dtrain: xgb.DMatrix) -> None:
        with pytest.raises(ValueError, match=r"^metric must be one of .*'auc'$"):
            fxgb.train(QUIET, dtrain, 1, metrics="auc")


class TestMetricObject:
    """``metric`` for XGBoost's own functions."""

    @pytest.mark.parametrize("metric", NAMES)
    def test_it_serves_the_native_api(
        self, dtrain: xgb.DMatrix, dvalid: xgb.DMatrix, metric: str
    ) -> None:
        log: dict[str, Any] = {}
        booster = xgb.train(
            {**QUIET, "objective": "binary:logistic", "base_score": 0.2, "eta": 0.5,
             "disable_default_eval_metric": 1},
            dtrain, 60, obj=FOCAL, custom_metric=fxgb.metric(metric, FOCAL),
            evals=[(dvalid, "v")], evals_result=log, early_stopping_rounds=3,
            verbose_eval=False,
        )  # fmt: skip
        ((name, values),) = log["v"].items()
        highest = metric == "average_precision"
        assert name == ("aucpr_average_precision" if highest else metric)
        assert values[0] == pytest.approx(by_hand(metric, booster, dvalid, 1), abs=1e-6)
        best = np.argmax(values) if highest else np.argmin(values)
        assert booster.best_iteration == best < len(values) - 1

    @pytest.mark.parametrize("metric", ["log_loss", "average_precision"])
    def test_it_serves_the_sklearn_api(
        self, sample: Sample, validation: Sample, metric: str
    ) -> None:
        model = xgb.XGBClassifier(
            objective=FOCAL, eval_metric=fxgb.metric(metric, FOCAL), n_jobs=1,
            n_estimators=60, early_stopping_rounds=3, base_score=0.2,
            learning_rate=0.5,
        )  # fmt: skip
        model.fit(
            sample.X, sample.y, verbose=False, eval_set=[(validation.X, validation.y)]
        )
        log = model.evals_result()["validation_0"]
        values = next(v for name, v in log.items() if name.endswith(metric))
        best = np.argmax(values) if metric == "average_precision" else np.argmin(values)
        assert model.best_iteration == best < len(values) - 1

    def test_cv_reports_it(self, dtrain: xgb.DMatrix) -> None:
        result = xgb.cv(
            {**QUIET, "objective": "binary:logistic", "base_score": 0.2}, dtrain, 4,
            nfold=3, obj=FOCAL, custom_metric=fxgb.metric("log_loss", FOCAL), seed=0,
        )  # fmt: skip
        column = result["test-log_loss-mean"]
        assert len(column) == 4
        assert column.iloc[-1] < column.iloc[0]

    def test_train_takes_it_for_one_of_its_metrics(self, dtrain: xgb.DMatrix) -> None:
        log: dict[str, Any] = {}
        fxgb.train(
            QUIET, dtrain, 2, objective=FOCAL, metrics="log_loss", verbose_eval=False,
            custom_metric=fxgb.metric("average_precision", FOCAL),
            evals=[(dtrain, "t")], evals_result=log,
        )  # fmt: skip
        assert list(log["t"]) == ["logloss", "log_loss", "average_precision"]
        assert (
            round(log["t"]["average_precision"][0], 6)
            != (log["t"]["average_precision"][0])
        )


# How XGBoost begins, told by nothing but XGBoost.
STARTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "twice": {"scale_pos_weight": 2.0},
    "nearly_once": {"scale_pos_weight": 1 + 1e-7},
    "seven": {"scale_pos_weight": 7.0},
    "never": {"scale_pos_weight": 0.0},
    "given": {"base_score": 0.3},
    "given_as_half": {"base_score": 0.5},
    "dart": {"booster": "dart", "rate_drop": 0.5, "scale_pos_weight": 3.0},
    "updater": {"updater": "grow_colmaker,prune"},
    "random": {"subsample": 0.5, "colsample_bynode": 0.5, "seed": 7},
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
    @pytest.mark.parametrize("scale", [1.0, 3.0])
    def test_one_class(self, sample: Sample, label: int, scale: float) -> None:
        data = xgb.DMatrix(sample.X, np.full(sample.y.size, label))
        self.compare({**QUIET, "scale_pos_weight": scale}, data)

    @pytest.mark.parametrize("margin", [0.0, -1.5])
    def test_base_margin(self, sample: Sample, margin: float) -> None:
        given = np.full(sample.y.size, margin)
        self.compare(QUIET, xgb.DMatrix(sample.X, sample.y, base_margin=given))

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

    def test_the_focal_link_starts_at_its_own_optimum(
        self, dtrain: xgb.DMatrix
    ) -> None:
        objective = FocalObjective(link="focal")
        with pytest.warns(UserWarning, match='with link="focal" predict is'):
            booster = fxgb.train({**QUIET, "eta": 1e-9}, dtrain, 1, objective=objective)
        raw_score = booster.predict(dtrain, output_margin=True)
        start = objective.initial_score(dtrain.get_label(), dtrain.get_weight())
        np.testing.assert_allclose(raw_score, start, rtol=1e-5)

    def test_it_is_clamped_to_what_xgboost_accepts(self) -> None:
        data = xgb.DMatrix(np.zeros((3, 1)), [0, 0, 1], weight=[1e12, 1e12, 1e-3])
        booster = fxgb.train(QUIET, data, 1, objective=PLAIN)
        assert start_of(booster) == pytest.approx(
            1e-6 if VERSION >= (3, 0) else 0.1192, rel=1e-3
        )

    def test_a_continued_model_keeps_its_own(self, dtrain: xgb.DMatrix) -> None:
        first = fxgb.train({**QUIET, "base_score": 0.05}, dtrain, 3)
        second = fxgb.train(QUIET, dtrain, 2, xgb_model=first)
        np.testing.assert_array_equal(
            second.predict(dtrain, iteration_range=(0, 3)), first.predict(dtrain)
        )

    def test_an_empty_model_that_is_continued_gets_one(
        self, dtrain: xgb.DMatrix
    ) -> None:
        empty = fxgb.train(QUIET, dtrain, 0)
        booster = fxgb.train(QUIET, dtrain, 1, xgb_model=empty)
        assert start_of(booster) == start_of(fxgb.train(QUIET, dtrain, 1))


class Each(xgb.callback.TrainingCallback):
    """A callback that does one thing after every round."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what, self.seen = what, []

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.seen.append(self.what(model))
        return False


class TestTheBoosterThatTrains:
    """Nothing of it is left when the training is over, or is copied or saved."""

    def test_it_is_xgboosts_own_again(self, dtrain: xgb.DMatrix) -> None:
        each = Each(lambda model: model)
        booster = fxgb.train(QUIET, dtrain, 2, callbacks=[each])
        for one in (booster, *each.seen):
            assert type(one) is xgb.Booster
            assert not [name for name in vars(one) if "focal" in name]

    def test_margins_that_a_callback_asks_for_are_its_own(
        self, dtrain: xgb.DMatrix
    ) -> None:
        each = Each(lambda m: m.predict(dtrain, output_margin=True, training=True))
        booster = fxgb.train(QUIET, dtrain, 3, callbacks=[each])
        for rounds, kept in enumerate(each.seen, 1):
            of = booster.predict(
                dtrain, output_margin=True, iteration_range=(0, rounds)
            )
            np.testing.assert_allclose(kept, of, rtol=0, atol=2e-6)
            assert kept.flags.owndata

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

    def test_a_callback_that_evaluates_is_answered_as_by_xgboost(
        self, dtrain: xgb.DMatrix
    ) -> None:
        def mean(predicted: Any, _: xgb.DMatrix) -> tuple[str, float]:
            return "mean", round(float(np.mean(predicted)), 4)

        def evaluated(model: Any) -> tuple[str, str]:
            sets = [(dtrain, "train")]
            return model.eval_set(sets), model.eval_set(sets, 7, mean)

        ours, own = Each(evaluated), Each(evaluated)
        fxgb.train(QUIET, dtrain, 2, objective=PLAIN, callbacks=[ours])
        params = {**QUIET, "objective": "binary:logistic"}
        xgb.train(params, dtrain, 2, callbacks=[own])
        assert ours.seen == own.seen

    def test_a_metric_of_the_callers_may_change_the_labels(
        self, sample: Sample
    ) -> None:
        def turned(arm: Any, params: dict[str, Any]) -> Any:
            data = xgb.DMatrix(sample.X, sample.y)

            def turn(_: Any, of: xgb.DMatrix) -> tuple[str, float]:
                of.set_label(1 - of.get_label())
                return "turned", 0.0

            sets = {"evals": [(data, "train")], "verbose_eval": False}
            booster = arm(params, data, 3, custom_metric=turn, **sets)
            return booster.predict(data, output_margin=True)

        ours = turned(partial(fxgb.train, objective=PLAIN), QUIET)
        own = turned(xgb.train, {**QUIET, "objective": "binary:logistic"})
        np.testing.assert_allclose(ours, own, rtol=0, atol=2e-6)

    def test_an_error_leaves_xgboosts_own(self, dtrain: xgb.DMatrix) -> None:
        seen = []

        def fail(model: Any) -> None:
            seen.append(model)
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            fxgb.train(QUIET, dtrain, 2, callbacks=[Each(fail)])
        assert type(seen[0]) is xgb.Booster

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_a_pickle_of_mid_training_loads_without_this_package(
        self, dtrain: xgb.DMatrix, tmp_path: Path, protocol: int
    ) -> None:
        path = tmp_path / "model.pkl"
        each = Each(lambda model: path.write_bytes(pickle.dumps(model, protocol)))
        booster = fxgb.train(QUIET, dtrain, 2, callbacks=[each])
        code = (
            "import pickle, sys; sys.modules['focal_boost'] = None\n"
            f"model = pickle.load(open({str(path)!r}, 'rb'))\n"
            "print(type(model), model.num_boosted_rounds())"
        )
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert out.stdout == "<class 'xgboost.core.Booster'> 2\n"
        again = pickle.loads(path.read_bytes())
        np.testing.assert_array_equal(again.predict(dtrain), booster.predict(dtrain))

    def test_another_model_of_a_callback_trains_by_the_objective(
        self, dtrain: xgb.DMatrix
    ) -> None:
        class Replace(xgb.callback.TrainingCallback):
            def before_training(self, model: Any) -> Any:
                return model.copy()

        booster = fxgb.train(QUIET, dtrain, 3, callbacks=[Replace()])
        expected = fxgb.train(QUIET, dtrain, 3)
        np.testing.assert_array_equal(booster.predict(dtrain), expected.predict(dtrain))

    def test_trees_that_are_updated(self, dtrain: xgb.DMatrix) -> None:
        refresh = {**QUIET, "process_type": "update", "updater": "refresh"}
        boosters = []
        for train, objective in (
            (xgb.train, {}), (fxgb.train, {"objective": PLAIN}),
        ):  # fmt: skip
            params = {"objective": "binary:logistic"}
            first = train({**QUIET, **params}, dtrain, 3, **objective)
            # XGBoost warns of any updater that is named.
            with xgb.config_context(verbosity=0):
                again = {**refresh, **params}
                boosters.append(train(again, dtrain, 3, xgb_model=first, **objective))
        own, ours = (one.predict(dtrain, output_margin=True) for one in boosters)
        np.testing.assert_allclose(ours, own, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", [xgb.DMatrix, xgb.QuantileDMatrix])
@pytest.mark.parametrize("method", ["hist", "approx", "exact"])
def test_every_kind_of_data_and_tree(sample: Sample, kind: Any, method: str) -> None:
    if kind is xgb.QuantileDMatrix and method != "hist":
        pytest.skip("XGBoost has quantile matrices for hist only")
    booster = fxgb.train({**QUIET, "tree_method": method}, kind(sample.X, sample.y), 10)
    posterior = booster.predict(xgb.DMatrix(sample.X))
    assert posterior[sample.y == 1].mean() > 3 * posterior[sample.y == 0].mean()


class TestArguments:
    """What is refused, and where a warning points."""

    def test_obj_and_unknown_arguments(self, dtrain: xgb.DMatrix) -> None:
        with pytest.raises(ValueError, match="obj must be given as objective, got obj"):
            fxgb.train(QUIET, dtrain, 1, obj=FOCAL)
        with pytest.raises(TypeError, match="nonsense"):
            fxgb.train(QUIET, dtrain, 1, nonsense=1)

    @pytest.mark.parametrize("objective", [None, FOCAL.loss, "focal"])
    def test_other_objectives(self, dtrain: xgb.DMatrix, objective: Any) -> None:
        with pytest.raises(ValueError, match=r"^objective must be a FocalObj"):
            fxgb.train(QUIET, dtrain, 1, objective=objective)

    def test_other_objectives_of_xgboost(self, sample: Sample) -> None:
        message = (
            '^objective of XGBoost must be "binary:logistic" or absent,'
            " got 'binary:hinge'$"
        )
        data = xgb.DMatrix(sample.X, sample.y)
        with pytest.raises(ValueError, match=message):
            fxgb.train({**QUIET, "objective": "binary:hinge"}, data, 1)
        with pytest.raises(ValueError, match=message):
            FocalXGBClassifier(objective="binary:hinge").fit(sample.X, sample.y)

    @pytest.mark.parametrize("wrong", [0.5, 2.0, -1.0])
    def test_labels_other_than_0_and_1(self, sample: Sample, wrong: float) -> None:
        y = sample.y.astype(float)
        y[5] = wrong
        message = f"^y_true must contain only 0 and 1, got {wrong}$"
        with pytest.raises(ValueError, match=message):
            fxgb.train(QUIET, xgb.DMatrix(sample.X, y), 1)
        # Whoever catches XGBoost's errors catches this one.
        with pytest.raises(xgb.core.XGBoostError, match=message):
            fxgb.train(QUIET, xgb.DMatrix(sample.X, y), 1)

    def test_xgboosts_own_takes_labels_between_0_and_1(self, sample: Sample) -> None:
        data = xgb.DMatrix(sample.X, sample.y * 0.5)
        xgb.train({**QUIET, "objective": "binary:logistic"}, data, 1)

    def test_a_warning_is_about_the_callers_line(self, dtrain: xgb.DMatrix) -> None:
        with pytest.warns(UserWarning, match="link") as caught:
            fxgb.train(QUIET, dtrain, 1, objective=FocalObjective(link="focal"))
        assert [one.filename for one in caught] == [__file__]


@pytest.fixture
def random_state() -> Any:
    return np.random.RandomState(3)


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
            (None, ["logloss"]),
            ("log_loss", ["log_loss"]),
            (["brier_score", "auc"], ["auc", "brier_score"]),
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

    def test_a_random_state_is_drawn_from_once(
        self, sample: Sample, random_state: Any
    ) -> None:
        twin = np.random.RandomState(3)
        model = FocalXGBClassifier(random_state=random_state, n_estimators=1, n_jobs=1)
        own = xgb.XGBClassifier(random_state=twin, n_estimators=1, n_jobs=1)
        model.fit(sample.X, sample.y)
        own.fit(sample.X, sample.y)
        assert random_state.randint(1 << 30) == twin.randint(1 << 30)

    def test_the_model_bears_no_mark_but_in_its_file(
        self, sample: Sample, validation: Sample, tmp_path: Path
    ) -> None:
        model = fitted(sample, validation, n_estimators=2, focal_gamma=1.5)
        assert model.get_booster().attributes() == {}
        model.save_model(tmp_path / "model.ubj")
        assert model.get_booster().attributes() == {}
        mark = xgb.Booster(model_file=tmp_path / "model.ubj").attr("focal_boost")
        assert {
            "alpha": 0.25, "gamma": 1.5, "link": "logit", "classes": None,
        }.items() <= json.loads(mark or "").items()  # fmt: skip
        loaded = FocalXGBClassifier()
        loaded.load_model(tmp_path / "model.ubj")
        assert (
            loaded.focal_objective_
            == model.focal_objective_
            == FocalObjective(0.25, 1.5)
        )
        assert loaded.loss_ == model.loss_ == model.focal_objective_.loss
        assert loaded.get_booster().attributes() == {}

    def test_probabilities_are_sigma_of_the_log_odds(
        self, sample: Sample, validation: Sample
    ) -> None:
        model = fitted(sample, validation)
        proba, odds = (
            model.predict_proba(validation.X), model.decision_function(validation.X)
        )  # fmt: skip
        assert proba.dtype == odds.dtype == np.float32
        expected = 1 / (1 + np.exp(-odds.astype(float)))
        np.testing.assert_allclose(proba[:, 1], expected, rtol=0, atol=1e-7)
        np.testing.assert_array_equal(model.predict(validation.X), odds > 0)

    def test_a_callback_may_change_a_parameter(
        self, sample: Sample, validation: Sample
    ) -> None:
        class Weigh(xgb.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                model.set_param("scale_pos_weight", 1.0 + epoch)
                return False

        models = [
            kind(n_estimators=5, n_jobs=1, callbacks=[Weigh()], **params).fit(
                sample.X, sample.y
            )
            for kind, params in (
                (xgb.XGBClassifier, {}),
                (FocalXGBClassifier, {"focal_alpha": None, "focal_gamma": 0}),
            )
        ]
        own, ours = (one.predict(sample.X, output_margin=True) for one in models)
        np.testing.assert_allclose(ours, own, rtol=0, atol=2e-6)


@pytest.mark.parametrize("missing", ["xgboost", "sklearn"])
def test_missing_library_is_named(missing: str) -> None:
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "import focal_boost\n"
        "try: focal_boost.FocalXGBClassifier\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout == (
        "focal_boost.xgboost needs XGBoost and scikit-learn:"
        " pip install xgboost scikit-learn\n"
    )
