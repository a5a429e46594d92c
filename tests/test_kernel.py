"""The CPU kernels through FocalObjective: values of float32, weights, extremes."""

import ctypes
import ctypes.util
import platform

import numpy as np
import oracles
import pytest
from grids import (
    HESSIANS,
    both_hessians,
    both_labels,
    both_links,
    equal,
    every_gamma,
    every_loss,
    sample,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracles import GAMMAS, MARGINS, float32_ulps

from focal_boost import FocalObjective
from focal_boost.links import LINKS

EXACT_HESSIAN = {"upper": oracles.exact_curvature, "exact": oracles.exact_hessian}


class TestExactValues:
    """The margin's kernel against mpmath; test_links.py has that of log-odds."""

    @both_labels
    @both_hessians
    @every_loss
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_within_one_ulp_of_mpmath(self, kind, gamma, alpha, hessian, y):
        # Rounding the margin to float32 is the caller's: the exact value is at it.
        margin = np.unique(MARGINS.astype(kind))
        labels = np.full(margin.shape, y, np.float32)
        objective = FocalObjective(alpha, gamma, "focal", hessian)
        exact_grad = oracles.exact_gradient(y, margin, gamma, alpha)
        exact_hess = EXACT_HESSIAN[hessian](y, margin, gamma, alpha)
        some = np.random.default_rng(2).exponential(size=margin.size).astype(kind)
        for weight, rows in ((1, None), (some, some)):
            grad, hess = objective(labels, margin, rows)
            assert float32_ulps(grad, weight * exact_grad).max() <= 1
            assert float32_ulps(hess, weight * exact_hess).max() <= 1

    @both_links
    @both_labels
    @every_gamma
    def test_upper_curvature_is_positive_where_float32_can_say_so(self, gamma, y, link):
        raw_score = np.linspace(-30, 30, 241) / (1 if link == "logit" else 1 + gamma)
        labels = np.full(raw_score.shape, float(y))
        _, hess = FocalObjective(0.25, gamma, link)(labels, raw_score)
        assert (hess > 0).all()


class TestSinglePrecision:
    """Log loss at raw scores of single precision, as XGBoost's own objective rounds."""

    @staticmethod
    def exp(x):
        # XGBoost calls this function; NumPy's has another last digit.
        library = ctypes.CDLL(ctypes.util.find_library("m"))
        library.expf.restype, library.expf.argtypes = ctypes.c_float, [ctypes.c_float]
        return np.float32([library.expf(one) for one in x.tolist()])

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another expf")
    @both_hessians
    @both_labels
    @pytest.mark.parametrize("weighted", [False, True])
    def test_every_step_in_single_precision(self, weighted, y, hessian):
        rng = np.random.default_rng(3)
        raw_score = np.concatenate([rng.normal(0, 6, 20_000), MARGINS, [-1e38, 1e38]])
        raw_score, one = raw_score.astype(np.float32), np.float32(1)
        p = one / (self.exp(np.minimum(-raw_score, np.float32(88.7))) + one)
        weight = rng.exponential(size=p.size).astype(np.float32) if weighted else None
        labels, w = np.full(p.size, y), one if weight is None else weight
        objective = FocalObjective(None, 0.0, hessian=hessian)
        grad, hess = objective(labels, raw_score, weight)
        assert (grad == (p - np.float32(y)) * w).all()
        assert (hess == np.maximum(p * (one - p), np.float32(1e-16)) * w).all()

    def test_not_finite(self):
        with pytest.raises(ValueError, match=r"^raw_score must be finite"):
            FocalObjective(None, 0.0)([0, 1], np.float32([0, np.nan]))


class TestWeights:
    """Weights multiply."""

    @both_links
    @both_hessians
    @pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 2.0**100, 2.0**-20])
    def test_powers_of_two_multiply_exactly(self, factor, hessian, link):
        labels, raw_score, _ = sample()
        objective = FocalObjective(link=link, hessian=hessian)
        plain = objective(labels, raw_score)
        weighted = objective(labels, raw_score, np.full(raw_score.size, factor))
        assert equal(weighted, [factor * values for values in plain])

    @both_links
    def test_any_weight_multiplies(self, link):
        labels, raw_score, weight = sample()
        plain = FocalObjective(link=link)(labels, raw_score)
        weighted = FocalObjective(link=link)(labels, raw_score, weight)
        for values, single in zip(weighted, plain, strict=True):
            assert values == pytest.approx(weight * single, rel=2e-7, abs=0)

    @pytest.mark.parametrize("kind", [int, np.uint8, np.int32, np.float16, bool, list])
    def test_type_does_not_matter(self, kind):
        labels, raw_score, _ = sample()
        raw_score = raw_score.astype(np.float32)
        weight = np.arange(raw_score.size) % 2
        expected = FocalObjective()(labels, raw_score, weight.astype(np.float32))
        converted = weight.tolist() if kind is list else weight.astype(kind)
        assert equal(FocalObjective()(labels, raw_score, converted), expected)

    def test_weight_zero_gives_zero(self):
        grad, hess = FocalObjective()([0, 1, 1], [5.0, -5.0, 0.0], [0.0, 0.0, 1.0])
        assert grad[:2].tolist() == hess[:2].tolist() == [0, 0]
        assert grad[2] < 0 < hess[2]

    @both_links
    @every_gamma
    @both_hessians
    def test_largest_weights_stay_finite(self, hessian, gamma, link):
        raw_score = np.concatenate([MARGINS, MARGINS])
        labels = np.repeat(np.float32([0, 1]), MARGINS.size)
        objective = FocalObjective(None, gamma, link, hessian)
        result = objective(labels, raw_score, np.full(raw_score.size, 1.7e37))
        assert np.isfinite(result).all()


class TestChunks:
    """A row's result does not depend on the rows around it."""

    @both_links
    @both_hessians
    @every_gamma
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 15, 64, 300])
    def test_slices_equal_the_whole(self, size, gamma, hessian, link):
        labels, raw_score, weight = sample(n=307)
        objective = FocalObjective(0.25, gamma, link, hessian)
        whole = objective(labels, raw_score, weight)
        cuts = range(size, raw_score.size, size)
        rows = zip(
            *(np.split(a, cuts) for a in (labels, raw_score, weight)), strict=True
        )
        parts = [objective(*row) for row in rows]
        joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
        assert equal(joined, whole)

    @pytest.mark.parametrize("row", [0, 5, 299, 300])
    @pytest.mark.parametrize("wrong", [(2.0, 0.0, 1.0), (1, np.nan, 1), (1, 0, -1)])
    def test_one_wrong_row_is_found_anywhere(self, row, wrong):
        arrays = sample()
        for values, bad in zip(arrays, wrong, strict=True):
            values[row] = bad
        with pytest.raises(ValueError, match=r"^(y_true|raw_score|sample_weight) must"):
            FocalObjective()(*arrays)


class TestProperties:
    """Random raw scores, among them the largest and smallest of float64."""

    finite = st.floats(allow_nan=False, allow_infinity=False)
    usual = st.floats(-50, 50)
    huge = st.sampled_from([1e308, -1e308, np.finfo(float).max, 5e-324, -5e-324, -0.0])
    raw_scores = arrays(
        np.float64, st.integers(1, 40), elements=st.one_of(usual, huge, finite)
    )

    @given(
        raw_score=raw_scores,
        gamma=st.one_of(st.sampled_from(GAMMAS), st.floats(0, 20)),
        alpha=st.one_of(st.none(), st.floats(0.001, 0.999)),
        link=st.sampled_from(LINKS),
        hessian=st.sampled_from(HESSIANS),
        y=st.sampled_from([0.0, 1.0]),
    )
    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    def test_finite_of_the_right_sign_and_equal_to_the_link(
        self, raw_score, gamma, alpha, link, hessian, y
    ):
        labels = np.full(raw_score.shape, y, np.float32)
        objective = FocalObjective(alpha, gamma, link, hessian)
        grad, hess = objective(labels, raw_score)
        assert np.isfinite([grad, hess]).all()
        assert ((1 - 2 * y) * grad >= 0).all()
        assert hessian == "exact" or (hess >= 0).all()
        values = objective.values
        assert float32_ulps(grad, values.gradient(y, raw_score)).max() <= 1
        curvature, exact = (f(y, raw_score) for f in (values.curvature, values.hessian))
        wanted = curvature if hessian == "upper" else exact
        scale = np.maximum(curvature, 2.0**-126)
        # The exact Hessian is a difference of terms up to |t| times the curvature.
        reach = np.minimum(1 + np.abs(raw_score), 200)
        bound = 2.0**-23 * reach * scale
        if link == "logit":
            bound = 1e-5 * np.maximum(scale, np.abs(exact))
        assert (np.abs(hess - wanted) <= bound).all()
