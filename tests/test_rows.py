"""Rows on the host: labels and weights read once, gradients round by round."""

import math

import numpy as np
import pytest
from grids import both_hessians, both_links, equal, every_gamma

from focal_boost import FocalObjective
from focal_boost._rows import HostRows, Labels, device_of, rows_of

#: Kernels of the margin, of products, of any γ, and where there is none.
GAMMAS_OF_KERNELS = (0.0, 1.0, 1.7, 2.0, 200.0)
every_kernel = pytest.mark.parametrize("gamma", GAMMAS_OF_KERNELS)


def sample(n=2000, gamma=0.0, link="focal"):
    """Return labels and raw scores, of which log-odds grow with γ."""
    rng = np.random.default_rng(3)
    raw_score = rng.normal(-1, 2, n) * (1 + gamma if link == "logit" else 1)
    return (rng.random(n) < 0.2).astype(np.float32), raw_score.astype(np.float32)


def weights(n=2000):
    return np.random.default_rng(6).exponential(size=n)


def rows(objective, y, weight=None, **given):
    return HostRows(objective, Labels.of(y, weight), **given)


class TestLabels:
    """Converted to what the kernels are compiled for, once."""

    @pytest.mark.parametrize("kind", [bool, np.int64, np.float16, np.float32, object])
    def test_labels_are_bytes(self, kind):
        y, _ = sample()
        labels = Labels.of(y.astype(kind), None)
        assert labels.y_true.dtype == np.uint8
        assert (labels.y_true == y).all()
        assert labels.sample_weight is None

    @pytest.mark.parametrize(
        ("kind", "kept"),
        [(np.float32, np.float32), (np.float64, np.float64), (int, float)],
    )
    def test_weights_are_not_to_be_written(self, kind, kept):
        weight = np.arange(3).astype(kind)
        found = Labels.of([0, 1, 1], weight).sample_weight
        assert found.dtype == kept
        assert (found == weight).all()
        assert not found.flags.writeable

    def test_prevalence_is_weighted(self):
        assert Labels.of([0, 1, 1, 0, 0], None).prevalence == 0.4
        assert Labels.of([0, 1], [3.0, 1.0]).prevalence == 0.25
        assert Labels.of([1, 1], None).prevalence == 1

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_weight_of_each_class(self, kind):
        y, weight = sample()[0], weights().astype(kind)
        expected = [math.fsum(weight[y == label]) for label in (1, 0)]
        assert Labels.of(y, weight).of_classes == pytest.approx(expected, rel=1e-13)
        assert Labels.of(y, None).of_classes == ((y == 1).sum(), (y == 0).sum())


class TestBits:
    """The same bits as from the objective, however the arrays are kept."""

    @both_links
    @every_kernel
    @both_hessians
    @pytest.mark.parametrize("reuse", [False, True])
    def test_in_every_round(self, reuse, gamma, hessian, link):
        y, raw_score = sample(2000, gamma, link)
        objective = FocalObjective(0.25, gamma, link, hessian)
        expected = objective(y, raw_score, weights())
        training = rows(objective, y, weights(), reuse=reuse)
        for _ in range(2):
            found = training.gradient_hessian(raw_score.copy())
            assert equal(found, expected)

    @both_links
    @every_kernel
    @both_hessians
    @pytest.mark.parametrize("offset", [-6.9, 0.0, 1e-9, 2, 1e3])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_offset_adds_in_float64(self, kind, offset, gamma, hessian, link):
        y, raw_score = sample(301, gamma, link)
        raw_score = raw_score.astype(kind)
        objective = FocalObjective(None, gamma, link, hessian)
        if (kind, gamma, link, offset) == (np.float32, 0.0, "logit", 0.0):
            raw_score = raw_score.astype(np.float64)  # else XGBoost's own precision
        shifted = rows(objective, y).gradient_hessian(raw_score, offset)
        expected = objective(y, raw_score.astype(np.float64) + offset)
        assert equal(shifted, expected)

    @both_links
    @every_gamma
    def test_offset_and_alpha(self, gamma, link):
        # The classes' weights move log-odds, and both are added in one.
        y, raw_score = sample(301)
        objective = FocalObjective(0.01, gamma, link)
        grad, hess = rows(objective, y).gradient_hessian(raw_score, -6.9)
        at = raw_score.astype(np.float64) - 6.9
        assert grad == pytest.approx(objective.values.gradient(y, at), rel=1.2e-7)
        assert hess == pytest.approx(objective.values.curvature(y, at), rel=1e-5)

    @both_links
    @every_kernel
    @both_hessians
    @pytest.mark.parametrize("weight", [None, weights()])
    def test_weights_of_the_classes_are_weights_of_their_rows(
        self, weight, gamma, hessian, link
    ):
        y, raw_score = sample(2000, gamma, link)
        objective = FocalObjective(0.25, gamma, link, hessian)
        # Powers of 2, by which bits do not depend on who multiplies first.
        of_class = np.where(y == 1, 8.0, 0.5)
        together = of_class if weight is None else of_class * weight
        training = rows(objective, y, weight, class_weight=(0.5, 8.0))
        expected = objective(y, raw_score, together)
        assert (expected[0] != 0).mean() > 0.1
        assert equal(training.gradient_hessian(raw_score), expected)


class TestMemory:
    """Which arrays are written, and which are the same in every round."""

    @pytest.mark.parametrize("reuse", [False, True])
    def test_arrays_are_the_same_in_every_round_if_that_is_asked_for(self, reuse):
        y, raw_score = sample()
        training = rows(FocalObjective(), y, reuse=reuse)
        first = training.gradient_hessian(raw_score)
        second = training.gradient_hessian(raw_score + 1)
        for a, b in zip(first, second, strict=True):
            assert (a is b) is reuse
            assert np.shares_memory(a, b) is reuse

    @pytest.mark.parametrize("gamma", [2.0, 200.0])
    def test_inputs_are_not_modified(self, gamma):
        (y, raw_score), weight = sample(), weights()
        before = [one.copy() for one in (y, raw_score, weight)]
        rows(FocalObjective(gamma=gamma), y, weight).gradient_hessian(raw_score, 3.0)
        assert equal((y, raw_score, weight), before)


class TestErrors:
    """A wrong raw score is named wherever it is."""

    @pytest.mark.parametrize("gamma", [0.0, 2.0, 200.0])
    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("row", [0, 511, 700, 1999])
    def test_wherever_it_is(self, row, wrong, gamma):
        y, raw_score = sample()
        raw_score[row] = wrong
        training = rows(FocalObjective(gamma=gamma), y)
        text = f"^raw_score must be finite numbers, got {wrong}$"
        with pytest.raises(ValueError, match=text):
            training.gradient_hessian(raw_score)

    def test_another_length(self):
        y, raw_score = sample()
        text = r"^raw_score must have the shape of y_true, \(2000,\), got \(1999,\)$"
        with pytest.raises(ValueError, match=text):
            rows(FocalObjective(), y).gradient_hessian(raw_score[1:])


class TestPlace:
    """The host, unless raw scores or the objective are on a device."""

    @pytest.mark.parametrize("device", [None, "cpu"])
    def test_host(self, device):
        y, raw_score = sample()
        objective = FocalObjective(device=device)
        found = rows_of(objective, y, weights(), raw_score, class_weight=(1.0, 2.0))
        assert type(found) is HostRows
        assert device_of(raw_score, device) is None
        expected = rows(objective, y, weights(), class_weight=(1.0, 2.0))
        assert equal(
            found.gradient_hessian(raw_score), expected.gradient_hessian(raw_score)
        )

    def test_device_that_the_objective_names(self):
        assert device_of(np.zeros(2), "cuda:1") == "cuda:1"
