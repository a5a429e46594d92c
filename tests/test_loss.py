"""FocalLoss: values and derivatives, the link, and what a value object promises."""

import copy
import dataclasses
import pickle

import mpmath
import numpy as np
import oracles
import pytest
from grids import EXTREMES, PROBABILITIES, both_labels, every_gamma, every_loss
from oracles import ALPHAS, MARGINS, relative_errors
from scipy.special import expit, log_expit

from focal_boost import FocalLoss

PER_ROW = ("loss", "gradient", "hessian", "curvature")


def sample(n=200, seed=3):
    rng = np.random.default_rng(seed)
    return (rng.random(n) < 0.3).astype(int), rng.normal(0, 3, n)


class TestExactValues:
    """Every method against mpmath on the whole grid."""

    @both_labels
    @every_loss
    @pytest.mark.parametrize("name", ["loss", "gradient", "curvature"])
    def test_equals_mpmath(self, name, gamma, alpha, y):
        actual = getattr(FocalLoss(alpha, gamma), name)(y, MARGINS)
        expected = getattr(oracles, f"exact_{name}")(y, MARGINS, gamma, alpha)
        assert relative_errors(actual, expected).max() <= 1e-13

    @both_labels
    @every_loss
    def test_hessian_equals_mpmath_on_the_scale_of_its_terms(self, gamma, alpha, y):
        actual = FocalLoss(alpha, gamma).hessian(y, MARGINS)
        expected = oracles.exact_hessian(y, MARGINS, gamma, alpha)
        # Its terms cancel where it crosses 0, and far below, the negative one is
        # hundreds of times the others.
        curvature = oracles.exact_curvature(y, MARGINS, gamma, alpha)
        scale = np.maximum(curvature, np.abs(expected))
        assert relative_errors(actual, expected, scale).max() <= 1e-13

    @every_loss
    def test_posterior_equals_mpmath(self, gamma, alpha):
        actual = FocalLoss(alpha, gamma).posterior(MARGINS)
        expected = oracles.exact_posterior(MARGINS, gamma, alpha)
        assert relative_errors(actual, expected).max() <= 1e-13


class TestIdentities:
    """What must hold between values, whatever the values are."""

    @both_labels
    def test_gamma_zero_is_cross_entropy(self, y):
        focal, t = FocalLoss(None, 0.0), (2 * y - 1) * MARGINS
        for actual, expected in [
            (focal.loss(y, MARGINS), -log_expit(t)),
            (focal.gradient(y, MARGINS), -(2 * y - 1) * expit(-t)),
            (focal.hessian(y, MARGINS), expit(t) * expit(-t)),
        ]:
            assert relative_errors(actual, expected).max() <= 1e-14

    @both_labels
    @every_gamma
    def test_finite_for_every_finite_margin(self, gamma, y):
        focal = FocalLoss(0.25, gamma)
        for name in PER_ROW:
            assert np.isfinite(getattr(focal, name)(y, EXTREMES)).all()
        posterior = focal.posterior(EXTREMES)
        assert ((posterior >= 0) & (posterior <= 1)).all()


class TestCurvature:
    """The upper curvature bounds the Hessian, and 0, from above."""

    @both_labels
    @every_loss
    def test_bounds_the_hessian(self, gamma, alpha, y):
        focal = FocalLoss(alpha, gamma)
        curvature, hessian = focal.curvature(y, MARGINS), focal.hessian(y, MARGINS)
        assert (curvature >= np.maximum(hessian, 0)).all()

    @both_labels
    @pytest.mark.parametrize("alpha", ALPHAS)
    def test_is_the_hessian_for_gamma_zero(self, alpha, y):
        focal = FocalLoss(alpha, 0.0)
        assert (focal.curvature(y, MARGINS) == focal.hessian(y, MARGINS)).all()

    @both_labels
    def test_hessian_changes_sign_where_the_paper_loss_does(self, y):
        with mpmath.workdps(oracles.DIGITS):
            root = mpmath.findroot(
                lambda t: oracles.exact(t, 2.0).hessian, (-3, -2), solver="anderson"
            )
        assert round(float(root), 2) == -2.79
        t = float(root) + np.array([-20, -1, -1e-9, 1e-9, 1, 20])
        hessian = FocalLoss(None, 2.0).hessian(y, (2 * y - 1) * t)
        assert (np.sign(hessian) == [-1, -1, -1, 1, 1, 1]).all()


class TestLink:
    """The posterior and its inverse."""

    @every_loss
    def test_posterior_increases_strictly(self, gamma, alpha):
        z = np.arange(-60, 2, 2.0**-6)
        assert (np.diff(FocalLoss(alpha, gamma).posterior(z)) > 0).all()

    @every_loss
    def test_posterior_inverts_margin(self, gamma, alpha):
        focal = FocalLoss(alpha, gamma)
        recovered = focal.posterior(focal.margin(PROBABILITIES))
        assert recovered == pytest.approx(PROBABILITIES, rel=1e-12, abs=0)

    @every_loss
    def test_margin_inverts_posterior(self, gamma, alpha):
        focal = FocalLoss(alpha, gamma)
        z = np.concatenate([np.linspace(-60, 1, 123), [-1e-300, 0.0, 1e-300, 1e-8]])
        eta = focal.posterior(z)
        # Near 1 the posterior has lost digits that no inverse can find again.
        allowed = 1e-13 * np.abs(z) + 4e-15 + 4e-16 / (1 - eta)
        assert (np.abs(focal.margin(eta) - z) <= allowed).all()

    @every_gamma
    def test_margin_of_certainty_is_infinite(self, gamma):
        assert FocalLoss(0.25, gamma).margin([0, 1]).tolist() == [-np.inf, np.inf]
        assert FocalLoss(0.25, gamma).posterior([-np.inf, np.inf]).tolist() == [0, 1]

    @every_gamma
    def test_margin_of_the_smallest_probability_is_finite(self, gamma):
        z = FocalLoss(0.25, gamma).margin([5e-324, 1 - 2.0**-53])
        assert np.isfinite(z).all()
        assert z[0] < -60 < 2 < z[1]


class TestBalanced:
    """α by inverse class frequency."""

    def test_alpha_is_the_share_of_negatives(self):
        focal = FocalLoss.balanced([0, 0, 0, 1], gamma=3.0)
        assert focal == FocalLoss(alpha=0.75, gamma=3.0)

    def test_default_gamma_is_two(self):
        assert FocalLoss.balanced([0, 1]) == FocalLoss(alpha=0.5, gamma=2.0)

    def test_weights_count_as_repeated_rows(self):
        y, _ = sample()
        counts = np.random.default_rng(7).integers(0, 4, y.size)
        weighted = FocalLoss.balanced(y, sample_weight=counts).alpha
        repeated = FocalLoss.balanced(np.repeat(y, counts)).alpha
        assert weighted == pytest.approx(repeated, rel=1e-15)

    def test_rare_positives_keep_the_digits_of_alpha(self):
        y = np.zeros(1_000_000)
        y[0] = 1
        assert FocalLoss.balanced(y).alpha == 1 - 1e-6
        assert FocalLoss.balanced(1 - y).alpha == 1e-6


class TestValueObject:
    """Immutable, comparable, picklable."""

    def test_defaults_are_those_of_the_paper(self):
        assert FocalLoss() == FocalLoss(alpha=0.25, gamma=2.0)

    @pytest.mark.parametrize("name", ["alpha", "gamma", "other"])
    def test_frozen(self, name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(FocalLoss(), name, 0.5)

    def test_equal_parameters_are_equal_and_hash_alike(self):
        same = FocalLoss(np.float64(0.25), 2)
        assert same == FocalLoss(0.25, 2.0)
        assert hash(same) == hash(FocalLoss(0.25, 2.0))
        assert {type(same.alpha), type(same.gamma)} == {float}

    @pytest.mark.parametrize(
        "other", [FocalLoss(None), FocalLoss(0.5), FocalLoss(gamma=0), "FocalLoss()"]
    )
    def test_other_parameters_differ(self, other):
        assert FocalLoss() != other

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickles(self, protocol):
        focal = FocalLoss(None, 3.7)
        assert pickle.loads(pickle.dumps(focal, protocol)) == focal

    def test_copies_and_replaces(self):
        focal = FocalLoss(0.3, 1.0)
        assert copy.deepcopy(focal) == copy.copy(focal) == focal
        assert dataclasses.replace(focal, gamma=2.0) == FocalLoss(0.3, 2.0)

    @pytest.mark.parametrize("alpha", ALPHAS)
    def test_repr_evaluates_to_an_equal_value(self, alpha):
        focal = FocalLoss(alpha, 0.1)
        assert eval(repr(focal)) == focal
        assert repr(FocalLoss()) == "FocalLoss(alpha=0.25, gamma=2.0)"

    @pytest.mark.parametrize(
        ("alpha", "weights"), [(None, (1.0, 1.0)), (0.25, (0.75, 0.25))]
    )
    def test_class_weights_are_negative_then_positive(self, alpha, weights):
        assert FocalLoss(alpha).class_weights == weights


class TestArrays:
    """Shapes and types in and out."""

    @pytest.mark.parametrize("name", PER_ROW)
    @pytest.mark.parametrize("shape", [(), (1,), (6,), (2, 3), (3, 2, 1)])
    def test_shape_is_kept(self, name, shape):
        z = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
        y = (z > 0).astype(int)
        result = getattr(FocalLoss(), name)(y, z)
        assert (result.shape, result.dtype) == (shape, np.float64)
        for index in np.ndindex(shape):
            alone = getattr(FocalLoss(), name)(y[index], z[index])
            assert result[index] == pytest.approx(alone, rel=1e-15)

    @pytest.mark.parametrize("shape", [(), (1,), (6,), (2, 3)])
    def test_link_keeps_the_shape(self, shape):
        z = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
        for result in (FocalLoss().posterior(z), FocalLoss().margin(np.abs(z))):
            assert (np.shape(result), result.dtype) == (shape, np.float64)

    @pytest.mark.parametrize("name", PER_ROW)
    def test_one_label_serves_every_margin(self, name):
        z = np.linspace(-3, 3, 7)
        method = getattr(FocalLoss(), name)
        assert (method(1, z) == method(np.ones(7), z)).all()

    @pytest.mark.parametrize("name", PER_ROW)
    @pytest.mark.parametrize(
        "convert",
        [
            list,
            tuple,
            lambda z: z.astype(np.float32),
            lambda z: z.astype(np.float16),
            lambda z: z.astype(int),
            lambda z: z.astype(">f8"),
            lambda z: np.asfortranarray(np.c_[z, z])[:, 0],
            lambda z: np.repeat(z, 2)[::2],
        ],
    )
    def test_type_of_the_margin_does_not_matter(self, name, convert):
        z = np.arange(-3.0, 4.0)
        y = np.array([0, 1, 1, 0, 1, 0, 1])
        result = getattr(FocalLoss(), name)(y, convert(z))
        assert result.dtype == np.float64
        assert (result == getattr(FocalLoss(), name)(y, z)).all()

    @pytest.mark.parametrize("kind", [bool, np.int8, np.uint8, np.int64, np.float32])
    def test_type_of_the_labels_does_not_matter(self, kind):
        y, z = sample()
        for name in PER_ROW:
            method = getattr(FocalLoss(), name)
            assert (method(y.astype(kind), z) == method(y.astype(float), z)).all()

    def test_inputs_may_be_read_only_and_stay_as_they_are(self):
        y, z = sample()
        y, z, eta = y.astype(float), z.copy(), expit(z)
        before = [a.copy() for a in (y, z, eta)]
        for array in (y, z, eta):
            array.flags.writeable = False
        focal = FocalLoss()
        for name in PER_ROW:
            assert not np.shares_memory(getattr(focal, name)(y, z), z)
        focal.posterior(z)
        focal.margin(eta)
        FocalLoss.balanced(y, sample_weight=eta)
        for array, copied in zip((y, z, eta), before, strict=True):
            assert (array == copied).all()
