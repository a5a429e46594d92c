"""Links as objects: posteriors, shapes, large gammas, and what is made of one once."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from grids import (
    PER_ROW,
    PROBABILITIES,
    both_hessians,
    both_links,
    every_gamma,
    every_loss,
    in_logit,
)
from oracles import central_difference, float32_ulps, relative_errors
from scipy.special import expit, logit

from focal_boost import FocalLoss, FocalObjective
from focal_boost._kernels.fit import LENGTH, fit
from focal_boost._kernels.known import Known
from focal_boost.links import LINKS, FocalLink, LogitLink, link_of

FINE = np.linspace(-60, 60, 4801)
NAMED = {one.__name__: one for one in (FocalLoss, FocalLink, LogitLink)}


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

    @every_loss
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
        assert copy.deepcopy(values) == eval(repr(values), NAMED) == values
        assert hash(values) == hash(same)
        assert values.name == link

    def test_others_differ(self):
        losses = FocalLoss(), FocalLoss(None), FocalLoss(gamma=1.0)
        values = [link_of(link, loss) for link in LINKS for loss in losses]
        assert all(a != b for a, b in itertools.combinations(values, 2))
