"""Links: the loss in log-odds against mpmath, and what must hold between its values."""

import numpy as np
import oracles
import pytest
from grids import (
    EXTREMES,
    PER_ROW,
    PROBABILITIES,
    both_hessians,
    both_labels,
    both_links,
    every_gamma,
    every_loss,
    in_logit,
)
from oracles import (
    GAMMAS,
    RAW_SCORES,
    central_difference,
    float32_ulps,
    in_log_odds,
    relative_errors,
    second_difference,
)
from scipy.special import expit, log_expit

from focal_boost import FocalLoss, FocalObjective
from focal_boost.links import LINKS, link_of

FINE = np.linspace(-60, 60, 4801)


def of_both(method, raw_score):
    """Return a function's values for y = 0 and y = 1."""
    return np.array([method(y, raw_score) for y in (0, 1)])


def exact_of_both(name, raw_score, gamma, alpha):
    return np.array([in_log_odds(name, y, raw_score, gamma, alpha) for y in (0, 1)])


class TestExactValues:
    """Log-odds against mpmath: the functions in float64, the kernels in float32."""

    @every_loss
    @pytest.mark.parametrize("name", PER_ROW)
    def test_functions_equal_mpmath(self, name, gamma, alpha):
        # The exact Hessian too: none of these raw scores is near its zero.
        actual = of_both(getattr(in_logit(alpha, gamma), name), RAW_SCORES)
        expected = exact_of_both(PER_ROW[name], RAW_SCORES, gamma, alpha)
        assert relative_errors(actual, expected).max() <= 2e-13

    @every_loss
    def test_margin_scale_and_weight_equal_mpmath(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        margin = oracles.margin_at_log_odds(RAW_SCORES, gamma, alpha)
        # Near z = 0 the digits are those of m less its shift.
        error = np.abs(link.margin(RAW_SCORES) - margin)
        assert (error <= 1e-15 * np.maximum(np.abs(margin), 1)).all()
        largest = float(oracles.largest_weight(gamma, alpha))
        assert link.scale == pytest.approx(largest, rel=1e-15, abs=0)
        negative, positive = exact_of_both("slope", RAW_SCORES, gamma, alpha)
        weight = negative - positive
        assert relative_errors(link.weight(RAW_SCORES), weight).max() <= 1e-13

    @every_loss
    @both_hessians
    def test_kernels_equal_mpmath(self, hessian, gamma, alpha):
        objective = FocalObjective(alpha, gamma, hessian=hessian)
        rows = [objective(np.full(RAW_SCORES.size, y), RAW_SCORES) for y in (0, 1)]
        grad, hess = np.array(rows).swapaxes(0, 1)
        slope = exact_of_both("slope", RAW_SCORES, gamma, alpha)
        assert float32_ulps(grad, slope).max() <= 1
        curvature = exact_of_both("curvature", RAW_SCORES, gamma, alpha)
        wanted = curvature
        if hessian == "exact":
            wanted = exact_of_both("hessian", RAW_SCORES, gamma, alpha)
        # What is below the least float32 is 0 there, and the exact Hessian is a
        # difference whose terms are as large as the curvature.
        scale = np.maximum(np.abs(wanted), curvature)
        assert (np.abs(hess - wanted) <= 1e-5 * scale + 2.0**-149).all()

    @both_hessians
    def test_log_loss_is_that_of_the_focal_link_to_the_bit(self, hessian):
        labels, raw_score = np.repeat([0, 1], FINE.size), np.tile(FINE, 2)
        rows = [
            np.array(FocalObjective(None, 0.0, link, hessian)(labels, raw_score))
            for link in LINKS
        ]
        assert (rows[0].view(np.int32) == rows[1].view(np.int32)).all()

    @both_labels
    @both_hessians
    def test_log_loss_is_the_logistic_functions_rounded(self, hessian, y):
        labels = np.full(RAW_SCORES.size, y)
        grad, hess = FocalObjective(None, 0.0, hessian=hessian)(labels, RAW_SCORES)
        exact = {
            name: in_log_odds(name, y, RAW_SCORES, 0.0, None)
            for name in ("slope", "hessian")
        }
        assert float32_ulps(grad, exact["slope"]).max() <= 0.5 + 1e-6
        assert float32_ulps(hess, exact["hessian"]).max() <= 0.5 + 1e-6


class TestDifferences:
    """The derivatives against order-4 differences of what the objective says it is."""

    @both_links
    @both_labels
    @every_loss
    def test_gradient_is_the_slope_of_the_value(self, gamma, alpha, y, link):
        objective = FocalObjective(alpha, gamma, link)
        at = np.linspace(-36, 36, 289)

        def value(raw_score):
            return objective.value(np.full(raw_score.size, y), raw_score)

        gradient = objective.values.gradient(y, at)
        numeric = central_difference(value, at)
        assert relative_errors(gradient, numeric).max() <= 2e-9

    @both_links
    @both_labels
    @every_loss
    def test_hessian_is_the_curvature_of_the_value(self, gamma, alpha, y, link):
        objective = FocalObjective(alpha, gamma, link)
        # Further on the wrong side the value is a line but for its last digits.
        at = objective.values.shift + (2 * y - 1) * np.linspace(-6, 36, 337)

        def value(raw_score):
            return objective.value(np.full(raw_score.size, y), raw_score)

        hessian = objective.values.hessian(y, at)
        scale = np.maximum(np.abs(hessian), objective.values.curvature(y, at))
        # In the margin the value falls like exp(-(1 + γ) t), in log-odds like exp(-t).
        h = 2.0**-6 if link == "logit" else 2.0**-5 / (1 + gamma)
        numeric = second_difference(value, at, h)
        assert relative_errors(hessian, numeric, scale).max() <= 1e-7

    @both_links
    @both_hessians
    def test_what_a_library_is_given_is_of_the_weighted_value(self, hessian, link):
        rng = np.random.default_rng(8)
        objective = FocalObjective(0.3, 1.7, link, hessian)
        labels, raw_score = rng.integers(0, 2, 200), rng.normal(0, 2, 200)
        weight = rng.exponential(size=200)
        grad, hess = objective(labels, raw_score, weight)

        def value(at):
            return objective.value(labels, at, weight)

        assert grad == pytest.approx(central_difference(value, raw_score), rel=1e-6)
        if hessian == "exact":
            numeric = second_difference(value, raw_score, 2.0**-6)
            assert hess == pytest.approx(numeric, rel=1e-4, abs=1e-6)


class TestIdentities:
    """What must hold between values, whatever the values are."""

    @both_labels
    def test_gamma_zero_is_cross_entropy(self, y):
        link, t = in_logit(None, 0.0), (2 * y - 1) * FINE
        assert link.scale == 1
        for actual, expected in [
            (link.value(y, FINE), -log_expit(t)),
            (link.gradient(y, FINE), -(2 * y - 1) * expit(-t)),
            (link.hessian(y, FINE), expit(t) * expit(-t)),
            (link.curvature(y, FINE), expit(t) * expit(-t)),
        ]:
            assert relative_errors(actual, expected).max() <= 1e-14

    @both_links
    @every_loss
    def test_expected_gradient_is_zero_at_the_posterior(self, gamma, alpha, link):
        objective, eta = FocalObjective(alpha, gamma, link), PROBABILITIES
        at = objective.raw_score(eta)
        up = eta * objective.values.gradient(1, at)
        down = (1 - eta) * objective.values.gradient(0, at)
        assert (down > 0).all()
        assert -up == pytest.approx(down, rel=1e-12, abs=0)

    @every_loss
    def test_gradient_is_log_losss_own_times_the_weight(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        weight = link.weight(FINE)
        for y in (0, 1):
            expected = (1 - 2 * y) * expit((1 - 2 * y) * FINE) * weight
            errors = relative_errors(link.gradient(y, FINE), expected)
            assert errors.max() <= 1e-13

    @every_loss
    def test_weight_tends_to_the_classes_weights(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        negative, positive = link.loss.class_weights
        limits = np.array([positive, negative]) / (1 + gamma)
        ends = link.scale * link.weight([-1e5, 1e5])
        assert ends == pytest.approx(limits, rel=1e-12, abs=0)

    @every_loss
    def test_scale_is_the_largest_weight(self, gamma, alpha):
        weight = in_logit(alpha, gamma).weight(np.append(FINE, EXTREMES))
        assert ((weight > 0) & (weight <= 1 + 1e-15)).all()
        assert weight.max() > 1 - 1e-5

    @every_loss
    def test_upper_curvature_is_positive(self, gamma, alpha):
        curvature = of_both(in_logit(alpha, gamma).curvature, FINE)
        assert (curvature > 0).all()

    @both_links
    @both_labels
    @pytest.mark.parametrize("name", PER_ROW)
    @pytest.mark.parametrize(
        ("gamma", "near"),
        [
            (0.0, 1e-10),
            *((g, g + 1e-10) for g in GAMMAS[1:]),
            *((g, g - 1e-10) for g in GAMMAS[1:]),
        ],
    )
    def test_continuous_in_gamma(self, name, gamma, near, y, link):
        values, others = (link_of(link, FocalLoss(0.25, g)) for g in (gamma, near))
        at = np.linspace(-40, 40, 161)
        value = getattr(values, name)(y, at)
        scale = np.maximum(np.abs(value), values.curvature(y, at))
        difference = getattr(others, name)(y, at) - value
        assert np.abs(difference / scale).max() <= 1e-7

    @both_hessians
    @pytest.mark.parametrize(
        ("gamma", "near"), [(0.0, 1e-10), (1.0, 1 - 1e-10), (2.0, 2 + 1e-10)]
    )
    def test_kernels_are_continuous_in_gamma(self, gamma, near, hessian):
        # Each of these pairs is computed by two different kernels.
        labels, at = np.arange(161) % 2, np.linspace(-40, 40, 161)
        grad, hess = FocalObjective(0.25, gamma, hessian=hessian)(labels, at)
        others = FocalObjective(0.25, near, hessian=hessian)(labels, at)
        assert float32_ulps(others[0], grad.astype(float)).max() <= 2
        _, curvature = FocalObjective(0.25, gamma)(labels, at)
        scale = np.maximum(np.abs(hess), curvature)
        assert (np.abs(others[1] - hess) <= 1e-5 * scale).all()

    @both_links
    @every_loss
    def test_finite_for_every_finite_raw_score(self, gamma, alpha, link):
        values = link_of(link, FocalLoss(alpha, gamma))
        for name in PER_ROW:
            assert np.isfinite(of_both(getattr(values, name), EXTREMES)).all()
        posterior = values.posterior(EXTREMES)
        assert ((posterior >= 0) & (posterior <= 1)).all()

    @both_links
    @both_hessians
    @every_gamma
    def test_kernels_are_finite_for_every_finite_raw_score(self, gamma, hessian, link):
        objective = FocalObjective(0.25, gamma, link, hessian)
        for y in (0, 1):
            rows = objective(np.full(EXTREMES.size, y), EXTREMES)
            assert np.isfinite(rows).all()
