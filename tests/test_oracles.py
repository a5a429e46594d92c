"""The oracles themselves: closed forms against mpmath's own differentiation."""

import mpmath
import numpy as np
import oracles
import pytest
from mpmath import mpf

POINTS = (-37.0, -2.79, -1e-8, 0.0, 0.3, 5.0, 20.0)


@pytest.mark.parametrize("gamma", [0.0, 0.25, 2.0, 3.7])
@pytest.mark.parametrize("t", POINTS)
@pytest.mark.parametrize(("order", "name"), [(1, "slope"), (2, "hessian")])
def test_closed_forms_are_derivatives_of_the_paper_loss(t, gamma, order, name):
    with mpmath.workdps(120):

        def loss(z):
            return oracles.focal_loss(oracles.sigmoid(z), mpf(gamma))

        numeric = mpmath.diff(loss, mpf(t), order)
        closed = getattr(oracles.exact(t, gamma), name)
        assert abs(closed / numeric - 1) < mpf(10) ** -40


@pytest.mark.parametrize("gamma", [0.25, 2.0, 3.7])
@pytest.mark.parametrize("t", POINTS)
def test_upper_curvature_is_the_positive_part_of_the_second_derivative(t, gamma):
    with mpmath.workdps(120):
        p = oracles.sigmoid(mpf(t))
        negative = gamma * p * (1 - p) * oracles.focal_loss(p, mpf(gamma))
        exact = oracles.exact(t, gamma)
        assert exact.curvature > 0
        assert abs((exact.hessian + negative) / exact.curvature - 1) < mpf(10) ** -40


@pytest.mark.parametrize("t", [-800.0, -745.0, 745.0, 800.0])
@pytest.mark.parametrize("gamma", [0.0, 2.0, 10.0])
def test_digits_suffice_at_the_ends_of_the_grid(t, gamma):
    with mpmath.workdps(3 * int(abs(t))):
        loss, slope, hessian, curvature = oracles.exact.__wrapped__(t, gamma)
    more = oracles.Exact(loss, slope, hessian, curvature)
    for name, value in oracles.exact(t, gamma)._asdict().items():
        assert abs(value / getattr(more, name) - 1) < mpf(10) ** -oracles.DIGITS


def test_posterior_minimises_the_expected_loss():
    alpha, gamma, z = 0.25, 2.0, -1.5
    (eta,) = oracles.exact_posterior([z], gamma, alpha)

    def expected_loss(margin):
        positive = oracles.class_weight(1, alpha) * oracles.exact(margin, gamma).loss
        negative = oracles.class_weight(0, alpha) * oracles.exact(-margin, gamma).loss
        return eta * positive + (1 - eta) * negative

    assert expected_loss(z) < min(expected_loss(z - 1e-6), expected_loss(z + 1e-6))


@pytest.mark.parametrize("gamma", [0.0, 0.25, 2.0])
@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("m", [-20.0, 0.0, 0.3, 5.0])
def test_log_odds_are_differentiated_through_the_root(m, y, gamma):
    odds = mpf(3)
    exact = oracles._in_log_odds(m, gamma, odds)

    def loss(at):
        shift = mpmath.log(odds)
        z = mpmath.findroot(
            lambda z: oracles._log_odds(z, mpf(gamma), shift) - at, exact.margin
        )
        return oracles.focal_loss(oracles.sigmoid((2 * y - 1) * z), mpf(gamma))

    with mpmath.workdps(120):
        assert abs(loss(mpf(m)) / exact.loss[y] - 1) < mpf(10) ** -40
        for order, value in ((1, exact.slope[y]), (2, exact.hessian[y])):
            numeric = mpmath.diff(loss, mpf(m), order)
            assert abs(value / numeric - 1) < mpf(10) ** -30
        # dz/dm squared, by which the curvature in the margin is carried over
        ratio = exact.slope[y] / oracles.exact((2 * y - 1) * exact.margin, gamma).slope
        curvature = oracles.exact((2 * y - 1) * exact.margin, gamma).curvature
        assert abs(exact.curvature[y] / (curvature * ratio**2) - 1) < mpf(10) ** -40


def test_log_odds_are_those_of_the_posterior():
    (z,) = oracles.margin_at_log_odds([-1.5], 2.0, 0.25)
    (eta,) = oracles.exact_posterior([z], 2.0, 0.25)
    assert np.log(eta / (1 - eta)) == pytest.approx(-1.5, rel=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_no_weight_is_larger_than_the_largest(alpha, gamma):
    at = np.linspace(-40, 40, 41)
    weight = oracles.in_log_odds("slope", 0, at, gamma, alpha)
    weight -= oracles.in_log_odds("slope", 1, at, gamma, alpha)
    assert 0.98 < weight.max() <= 1


def test_differences_have_order_four():
    x = np.array([0.3])
    for difference in (oracles.central_difference, oracles.second_difference):
        coarse, fine = (
            abs(difference(np.exp, x, h) - np.exp(x))[0] for h in (0.1, 0.05)
        )
        assert coarse / fine == pytest.approx(16, rel=0.05)


def test_relative_errors_sees_a_wrong_value_below_the_normal_range():
    expected = np.array([1.0, 0.0])
    assert oracles.relative_errors([1.0, 1e-309], expected).tolist() == [0, 0]
    assert oracles.relative_errors([1.0, 1e-300], expected)[1] == np.inf
    assert oracles.relative_errors([1.5, 0.0], expected)[0] == 0.5


@pytest.mark.parametrize("value", [1.0, 1.5, -1.999, 2.0**-126, 1e-40, 0.0])
def test_float32_ulps_counts_steps_between_neighbours(value):
    expected = np.float64(np.float32(value))
    up = np.nextafter(np.float32(value), np.float32(np.inf))
    assert oracles.float32_ulps(up, expected) == 1
    assert oracles.float32_ulps(np.float32(value), expected) == 0
