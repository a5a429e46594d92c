"""XGBoost's `device` with a stand-in for CuPy, and labels that change on the way."""

from types import SimpleNamespace

import fake_cupy
import numpy as np
import pytest
import xgboost as xgb
from fake_cupy import falls_back_to_the_cpu

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, FocalXGBClassifier
from focal_boost.xgboost._binned import Binned, Training

ROUNDS = 8
QUIET = {"nthread": 1, "max_depth": 3}
# Coefficients of the default objective's polynomials.
FIT = len(FocalObjective().known().fit)


@pytest.fixture
def gradients(monkeypatch):
    """The types of all gradients that XGBoost was given."""
    return fake_cupy.take_gradients_home(monkeypatch)


@pytest.fixture
def data(sample):
    return xgb.DMatrix(sample.X, sample.y, weight=sample.weight)


def margin_of(booster, data):
    booster.set_param({"device": "cpu"})
    return booster.predict(data, output_margin=True)


def on_both(data, params=QUIET, device="cuda", **given):
    """Return the margins of boosters that were trained on the CPU and on a device."""
    return [
        margin_of(fxgb.train({**params, "device": one}, data, ROUNDS, **given), data)
        for one in ("cpu", device)
    ]


@falls_back_to_the_cpu
class TestTrain:
    @pytest.mark.parametrize("device", ["cuda", "cuda:1"])
    @pytest.mark.parametrize("gamma", [0.0, 2.0, 1.7, 5.0])
    def test_equals_the_cpu(self, cupy, gradients, data, gamma, device):
        objective = FocalObjective(0.25, gamma)
        expected, found = on_both(data, device=device, objective=objective)
        kinds = [np.ndarray] * 2 * ROUNDS + [fake_cupy.ndarray] * 2 * ROUNDS
        assert gradients == kinds
        assert found == pytest.approx(expected, rel=0, abs=1e-4)
        assert cupy.launches == [int(device.removeprefix("cuda:") == "1")] * ROUNDS

    def test_equals_the_cpu_in_the_papers_margin(self, cupy, gradients, data):
        objective = FocalObjective(0.25, 2.0, "focal")
        with pytest.warns(UserWarning, match='^with link="focal" predict is'):
            expected, found = on_both(data, objective=objective)
        assert found == pytest.approx(expected, rel=0, abs=1e-4)
        assert len(cupy.launches) == ROUNDS

    def test_equals_the_cpu_where_the_host_computes(self, cupy, gradients, sample):
        # So large a gamma leaves a gradient to scores far out alone.
        far = np.random.default_rng(0).uniform(-700, 700, sample.y.size)
        data = xgb.DMatrix(sample.X, sample.y, base_margin=far)
        objective = FocalObjective(0.25, 150.0)
        learned = []
        for device in ("cpu", "cuda"):
            params = {**QUIET, "device": device, "lambda": 0, "min_child_weight": 0}
            booster = fxgb.train(params, data, 2, objective=objective)
            learned.append(margin_of(booster, data) - far)
        assert np.ptp(learned[0]) > 1
        assert learned[1] == pytest.approx(learned[0], rel=1e-4, abs=1e-3)
        assert set(gradients[-2:]) == {fake_cupy.ndarray}
        assert cupy.launches == []

    def test_weights_of_the_positive_class_equal_the_cpus(self, cupy, gradients, data):
        expected, found = on_both(data, {**QUIET, "scale_pos_weight": 5.0})
        assert found == pytest.approx(expected, rel=0, abs=1e-4)
        plain = margin_of(fxgb.train(QUIET, data, ROUNDS), data)
        assert np.abs(found - plain).max() > 1

    @pytest.mark.parametrize("weighted", [True, False])
    def test_labels_go_up_once_and_raw_scores_every_round(
        self, cupy, gradients, sample, weighted
    ):
        weight = sample.weight if weighted else None
        data = xgb.DMatrix(sample.X, sample.y, weight=weight)
        fxgb.train({**QUIET, "device": "cuda"}, data, ROUNDS)
        rows = data.num_row()
        assert cupy.uploads == [rows] * (1 + weighted) + [FIT] + [rows] * ROUNDS
        assert cupy.downloads == cupy.copies == []

    def test_metrics_and_early_stopping_of_the_library_let_labels_stay(
        self, cupy, gradients, data
    ):
        fxgb.train(
            {**QUIET, "device": "cuda"}, data, ROUNDS, evals=[(data, "train")],
            metrics=("log_loss", "average_precision"), early_stopping_rounds=3,
            verbose_eval=False, callbacks=[xgb.callback.EvaluationMonitor(period=100)],
        )  # fmt: skip
        rows = data.num_row()
        assert cupy.uploads == [rows] * 2 + [FIT] + [rows] * ROUNDS

    def test_an_objective_on_the_cpu_needs_no_cupy(self, monkeypatch, data):
        error = ModuleNotFoundError("No module named 'cupy'", name="cupy")
        fake_cupy.without_cupy(monkeypatch, error)
        expected, found = on_both(data, objective=FocalObjective(device="cpu"))
        assert found == pytest.approx(expected, rel=0, abs=1e-6)

    def test_an_objective_of_one_device_serves_another(self, cupy, gradients, data):
        objective = FocalObjective(device="cuda:1")
        fxgb.train({**QUIET, "device": "cuda"}, data, 2, objective=objective)
        assert cupy.launches == [1, 1]

    def test_the_classifier_equals_the_cpu(self, cupy, gradients, sample):
        settings = {"n_estimators": ROUNDS, "n_jobs": 1}
        expected, there = (
            FocalXGBClassifier(**settings, device=device).fit(
                sample.X, sample.y, sample_weight=sample.weight
            )
            for device in ("cpu", "cuda")
        )
        assert len(cupy.launches) == ROUNDS
        rows = sample.y.size
        assert cupy.uploads == [rows] * 2 + [FIT] + [rows] * ROUNDS
        assert set(gradients[-2:]) == {fake_cupy.ndarray}
        there.set_params(device="cpu")
        posterior = expected.predict_proba(sample.X)
        assert there.predict_proba(sample.X) == pytest.approx(posterior, abs=1e-4)

    def test_a_search_equals_the_cpu(self, cupy, gradients, sample):
        given = {"X": sample.X, "y": sample.y, "y_true": sample.y}
        part = SimpleNamespace(**given, sample_weight=sample.weight)
        margins = []
        for device in ("cpu", "cuda"):
            model = FocalXGBClassifier(device=device, max_depth=3)
            training = Training(model, Binned(model, part, part, 1), 1, paused=True)
            training.advance(3)
            training.advance(ROUNDS)
            margins.append(training.raw_score())
        assert margins[1] == pytest.approx(margins[0], rel=0, abs=1e-4)
        rows = sample.y.size
        assert cupy.uploads == [rows] * 2 + [FIT] + [rows] * ROUNDS


@pytest.mark.parametrize("device", [None, "cpu"])
def test_xgboost_on_the_cpu_takes_no_device_gradients(device, data):
    message = (
        'device of the objective must be None or "cpu" where XGBoost trains on the'
        " CPU, got 'cuda'"
    )
    objective = FocalObjective(device="cuda")
    params = QUIET if device is None else {**QUIET, "device": device}
    with pytest.raises(ValueError, match=f"^{message}$"):
        fxgb.train(params, data, 2, objective=objective)


class Relabel(xgb.callback.TrainingCallback):
    """Sets other labels after the first round."""

    def __init__(self, data, labels):
        self.data, self.labels = data, labels

    def after_iteration(self, model, epoch, evals_log):
        if epoch == 0:
            self.data.set_label(self.labels)
        return False


def as_callback(data, labels):
    return {"callbacks": [Relabel(data, labels)]}


def as_metric(data, labels):
    def metric(posterior, evaluated):
        data.set_label(labels)
        return "zero", 0.0

    return {
        "custom_metric": metric, "evals": [(data, "train")], "verbose_eval": False,
    }  # fmt: skip


def as_learning_rate(data, labels):
    def learning_rate(epoch):
        if epoch == 0:
            data.set_label(labels)
        return 0.3

    return {"callbacks": [xgb.callback.LearningRateScheduler(learning_rate)]}


ON_BOTH = pytest.mark.parametrize("device", ["cpu", "cuda"])
RELABELLED = pytest.mark.parametrize("by", [as_callback, as_metric, as_learning_rate])


@falls_back_to_the_cpu
@ON_BOTH
@RELABELLED
class TestLabelsThatChange:
    """Code of the caller's between two rounds may set labels, and they are read."""

    def test_new_labels_are_trained_on(self, cupy, gradients, data, sample, by, device):
        labels = 1 - sample.y
        params = {**QUIET, "device": device, "base_score": 0.2}
        booster = fxgb.train(params, data, 4, metrics=(), **by(data, labels))
        expected = self.by_hand(sample, labels)
        data = xgb.DMatrix(sample.X)
        assert margin_of(booster, data) == pytest.approx(expected, rel=0, abs=1e-4)

    def test_unsound_labels_raise(self, cupy, gradients, data, sample, by, device):
        labels = np.where(np.arange(sample.y.size) == 7, 2, sample.y)
        params = {**QUIET, "device": device}
        with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got"):
            fxgb.train(params, data, 4, metrics=(), **by(data, labels))

    @staticmethod
    def by_hand(sample, labels):
        """Return the margins after one round on the old labels and three on others."""
        objective = FocalObjective()
        first = xgb.DMatrix(sample.X, sample.y, weight=sample.weight)
        params = {**QUIET, "objective": "binary:logistic", "base_score": 0.2}
        booster = xgb.Booster(params, [first])
        booster.update(first, 0, objective)
        first.set_label(labels)
        for round_ in range(1, 4):
            booster.update(first, round_, objective)
        return booster.predict(first, output_margin=True)
