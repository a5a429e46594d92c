"""Links: the loss in log-odds against mpmath, and what must hold between its values."""

import copy
import itertools
import pickle

import numpy as np
import oracles
import pytest
from oracles import (
    ALPHAS,
    GAMMAS,
    RAW_SCORES,
    central_difference,
    float32_ulps,
    in_log_odds,
    relative_errors,
    second_difference,
)
from scipy.special import expit, log_expit, logit

from focal_boost import FocalLoss, FocalObjective
from focal_boost._kernels.fit import LENGTH, fit
from focal_boost._kernels.known import Known
from focal_boost.links import LINKS, FocalLink, LogitLink, link_of

# Every function of a row, and the oracle's name of it.
PER_ROW = {
    "value": "loss",
    "gradient": "slope",
    "hessian": "hessian",
    "curvature": "curvature",
}
PROBABILITIES = np.array(
    [1e-300, 1e-100, 1e-20, 1e-6, 0.01, 0.25, 0.5, 0.7, 0.99, 1 - 1e-9, 1 - 2.0**-53]
)
#: Every binade of float64, both signs, and the largest numbers.
EXTREMES = np.concatenate(
    [
        s * np.append(2.0 ** np.arange(-1074, 1024), [1e3, 1e5, np.finfo(float).max])
        for s in (-1, 1)
    ]
)
FINE = np.linspace(-60, 60, 4801)

every_gamma = pytest.mark.parametrize("gamma", GAMMAS)
every_alpha = pytest.mark.parametrize("alpha", ALPHAS)
both_labels = pytest.mark.parametrize("y", [0, 1])
both_links = pytest.mark.parametrize("link", LINKS)
both_hessians = pytest.mark.parametrize("hessian", ["upper", "exact"])


def in_logit(alpha, gamma):
    return LogitLink(FocalLoss(alpha, gamma))


def mirrored(alpha):
    return None if alpha is None else 1 - alpha


def of_both(method, raw_score):
    """Return a function's values for y = 0 and y = 1."""
    return np.array([method(y, raw_score) for y in (0, 1)])


def exact_of_both(name, raw_score, gamma, alpha):
    return np.array([in_log_odds(name, y, raw_score, gamma, alpha) for y in (0, 1)])


class TestExactValues:
    """Log-odds against mpmath: the functions in float64, the kernels in float32."""

    @every_alpha
    @every_gamma
    @pytest.mark.parametrize("name", PER_ROW)
    def test_functions_equal_mpmath(self, name, gamma, alpha):
        # The exact Hessian too: none of these raw scores is near its zero.
        actual = of_both(getattr(in_logit(alpha, gamma), name), RAW_SCORES)
        expected = exact_of_both(PER_ROW[name], RAW_SCORES, gamma, alpha)
        assert relative_errors(actual, expected).max() <= 2e-13

    @every_alpha
    @every_gamma
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

    @every_alpha
    @every_gamma
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
    @every_alpha
    @every_gamma
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
    @every_alpha
    @every_gamma
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

    @both_labels
    @every_gamma
    def test_alpha_one_half_is_none(self, gamma, y):
        half, none = in_logit(0.5, gamma), in_logit(None, gamma)
        for name in PER_ROW:
            actual = getattr(half, name)(y, RAW_SCORES)
            expected = getattr(none, name)(y, RAW_SCORES)
            assert relative_errors(actual, expected).max() <= 1e-15

    @both_labels
    @every_alpha
    @every_gamma
    def test_swapping_the_classes_changes_nothing(self, gamma, alpha, y):
        link, swapped = in_logit(alpha, gamma), in_logit(mirrored(alpha), gamma)
        for name, sign in zip(PER_ROW, (1, -1, 1, 1), strict=True):
            actual = sign * getattr(swapped, name)(1 - y, -RAW_SCORES)
            expected = getattr(link, name)(y, RAW_SCORES)
            assert relative_errors(actual, expected).max() <= 2e-13

    @both_links
    @every_alpha
    @every_gamma
    def test_expected_gradient_is_zero_at_the_posterior(self, gamma, alpha, link):
        objective, eta = FocalObjective(alpha, gamma, link), PROBABILITIES
        at = objective.raw_score(eta)
        up = eta * objective.values.gradient(1, at)
        down = (1 - eta) * objective.values.gradient(0, at)
        assert (down > 0).all()
        assert -up == pytest.approx(down, rel=1e-12, abs=0)

    @every_alpha
    @every_gamma
    def test_gradient_is_log_losss_own_times_the_weight(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        weight = link.weight(FINE)
        for y in (0, 1):
            expected = (1 - 2 * y) * expit((1 - 2 * y) * FINE) * weight
            errors = relative_errors(link.gradient(y, FINE), expected)
            assert errors.max() <= 1e-13

    @every_alpha
    @every_gamma
    def test_weight_tends_to_the_classes_weights(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        negative, positive = link.loss.class_weights
        limits = np.array([positive, negative]) / (1 + gamma)
        ends = link.scale * link.weight([-1e5, 1e5])
        assert ends == pytest.approx(limits, rel=1e-12, abs=0)

    @every_alpha
    @every_gamma
    def test_scale_is_the_largest_weight(self, gamma, alpha):
        weight = in_logit(alpha, gamma).weight(np.append(FINE, EXTREMES))
        assert ((weight > 0) & (weight <= 1 + 1e-15)).all()
        assert weight.max() > 1 - 1e-5

    @every_alpha
    @every_gamma
    def test_upper_curvature_is_positive(self, gamma, alpha):
        curvature = of_both(in_logit(alpha, gamma).curvature, FINE)
        assert (curvature > 0).all()

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
    def test_continuous_in_gamma(self, name, gamma, near, y):
        link, neighbour = in_logit(0.25, gamma), in_logit(0.25, near)
        at = np.linspace(-40, 40, 161)
        value = getattr(link, name)(y, at)
        scale = np.maximum(np.abs(value), link.curvature(y, at))
        difference = getattr(neighbour, name)(y, at) - value
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
    @every_alpha
    @every_gamma
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


class TestPosterior:
    """The raw score is the log-odds of the posterior."""

    def test_is_the_logistic_function(self):
        link = in_logit(0.25, 2.0)
        assert relative_errors(link.posterior(FINE), expit(FINE)).max() <= 1e-15
        assert link.posterior([-np.inf, np.inf]).tolist() == [0, 1]

    def test_raw_score_is_the_logit(self):
        link = in_logit(0.25, 2.0)
        scores = link.raw_score(PROBABILITIES)
        assert scores == pytest.approx(logit(PROBABILITIES), rel=1e-14, abs=1e-15)
        assert link.raw_score([0, 1]).tolist() == [-np.inf, np.inf]

    @every_alpha
    @every_gamma
    def test_is_that_of_the_losss_margin(self, gamma, alpha):
        link = in_logit(alpha, gamma)
        at = np.linspace(-600, 30, 316)
        expected = link.loss.posterior(link.margin(at))
        assert relative_errors(link.posterior(at), expected).max() <= 1e-12

    @every_gamma
    def test_slope_is_that_of_the_log_odds_over_the_margin(self, gamma):
        link = in_logit(0.25, gamma)
        numeric = 1 / central_difference(link.margin, FINE)
        assert link.slope(FINE) == pytest.approx(numeric, rel=1e-9, abs=0)

    def test_focal_link_is_the_losss_own(self):
        loss, z = FocalLoss(0.3, 1.5), np.linspace(-9, 9, 37)
        link = FocalLink(loss)
        assert (link.margin(z) == z).all()
        assert (link.posterior(z) == loss.posterior(z)).all()
        assert (link.raw_score(expit(z)) == loss.margin(expit(z))).all()
        assert (link.value(1, z) == loss.loss(1, z)).all()
        for name in ("gradient", "hessian", "curvature"):
            assert (getattr(link, name)(1, z) == getattr(loss, name)(1, z)).all()

    @both_links
    @pytest.mark.parametrize("shape", [(), (1,), (6,), (2, 3)])
    def test_shapes_are_kept(self, link, shape):
        values = link_of(link, FocalLoss())
        at = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
        results = [getattr(values, name)(1, at) for name in PER_ROW]
        results += [values.margin(at), values.posterior(at), values.raw_score(abs(at))]
        assert {np.shape(one) for one in results} == {shape}
        assert {np.asarray(one).dtype for one in results} == {np.dtype(float)}

    @both_links
    def test_inputs_may_be_read_only_and_stay_as_they_are(self, link):
        values, at = link_of(link, FocalLoss()), FINE.copy()
        at.flags.writeable = False
        results = [getattr(values, name)(1, at) for name in PER_ROW]
        results += [values.margin(at), values.posterior(at)]
        assert (at == FINE).all()
        assert not any(np.shares_memory(one, at) for one in results)


class TestLargeGamma:
    """Where no polynomial is fine enough, the exact functions are called."""

    @staticmethod
    def boundary(hessian):
        """Return the last γ with a fit and the first without."""
        gammas = np.arange(60.0, 201.0)
        fits = [fit(float(gamma), exact=hessian == "exact") for gamma in gammas]
        first = next(k for k, one in enumerate(fits) if one is None)
        return gammas[first - 1], gammas[first]

    @both_hessians
    def test_both_sides_are_right(self, hessian):
        rng = np.random.default_rng(4)
        margin, labels = rng.normal(0, 10, 2000), rng.integers(0, 2, 2000)
        weight = rng.exponential(size=2000)
        for gamma in (20.0, 50.0, *self.boundary(hessian), 200.0):
            objective = FocalObjective(0.25, gamma, hessian=hessian)
            at = margin * (1 + gamma)  # far out γ z exp(-z) has yet to vanish
            grad, hess = objective(labels, at, weight)
            assert (grad.dtype, hess.dtype) == (np.float32, np.float32)
            exact = weight * objective.values.gradient(labels, at)
            assert float32_ulps(grad, exact).max() <= 1
            curvature = weight * objective.values.curvature(labels, at)
            wanted = curvature
            if hessian == "exact":
                wanted = weight * objective.values.hessian(labels, at)
            scale = np.maximum(np.abs(wanted), curvature)
            assert (np.abs(hess - wanted) <= 1e-5 * scale + 2.0**-149).all()

    @pytest.mark.parametrize("gamma", [1e3, 1e5, 1e8])
    def test_is_finite_and_silent_where_powers_of_one_half_are_zero(self, gamma):
        objective = FocalObjective(0.25, gamma)
        labels, at = np.array([0, 0, 1, 1]), np.array([-9.0, 9.0, -9.0, 9.0])
        assert np.isfinite(objective(labels, at)).all()
        assert objective.known() is None


class TestKnown:
    """What is made once for one objective, and is immutable."""

    @pytest.mark.parametrize("exact", [False, True])
    def test_a_fit_is_made_once(self, exact):
        found = fit(1.23, exact=exact)
        assert found is fit(1.23, exact=exact)
        assert type(found) is tuple
        assert {type(one) for one in found} == {float}
        assert len(found) == LENGTH

    def test_objectives_of_one_gamma_share_it(self):
        objectives = [FocalObjective(alpha, 1.7) for alpha in (None, 0.1, 0.9)]
        fits = [one.known().fit for one in objectives]
        assert all(one is fits[0] for one in fits)

    def test_is_a_tuple_of_numbers(self):
        known = FocalObjective(0.25, 2.0).known()
        assert type(known) is Known
        with pytest.raises(AttributeError):
            known.gamma = 1.0
        assert hash(known) == hash(FocalObjective(0.25, 2.0).known())

    def test_margins_and_log_loss_need_no_fit(self):
        assert FocalObjective(0.25, 2.0, "focal").known().fit == ()
        assert FocalObjective(0.25, 0.0).known().fit == ()

    def test_weights_of_the_classes_multiply(self):
        plain = FocalObjective(0.25, 2.0).known()
        weighted = FocalObjective(0.25, 2.0).known((3.0, 0.5))
        assert weighted.negative == 3 * plain.negative
        assert weighted.positive == plain.positive / 2
        assert weighted[2:] == plain[2:]


class TestValueObject:
    """Immutable, comparable, picklable."""

    @both_links
    def test_equal_hash_repr_pickle(self, link):
        values = link_of(link, FocalLoss(0.3, 1.5))
        same = link_of(link, FocalLoss(0.3, 1.5))
        assert values == same == pickle.loads(pickle.dumps(values))
        assert copy.deepcopy(values) == eval(repr(values)) == values
        assert hash(values) == hash(same)
        assert values.name == link

    def test_others_differ(self):
        losses = FocalLoss(), FocalLoss(None), FocalLoss(gamma=1.0)
        values = [link_of(link, loss) for link in LINKS for loss in losses]
        assert all(a != b for a, b in itertools.combinations(values, 2))
