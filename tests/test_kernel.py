"""The CPU kernels through FocalObjective: float32 values, types, memory, extremes."""

import ctypes
import ctypes.util
import platform

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracles import ALPHAS, GAMMAS, MARGINS, float32_ulps

from focal_boost import FocalObjective
from focal_boost.links import LINKS

HESSIANS = ("upper", "exact")
EXACT_HESSIAN = {"upper": oracles.exact_curvature, "exact": oracles.exact_hessian}

every_gamma = pytest.mark.parametrize("gamma", GAMMAS)
both_labels = pytest.mark.parametrize("y", [0, 1])
both_links = pytest.mark.parametrize("link", LINKS)
both_hessians = pytest.mark.parametrize("hessian", HESSIANS)


def sample(n=301, seed=11):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    return labels, rng.normal(0, 5, n), rng.exponential(size=n)


def equal(pair, other):
    return all((a == b).all() for a, b in zip(pair, other, strict=True))


class TestExactValues:
    """The margin's kernel against mpmath; test_links.py has that of log-odds."""

    @both_labels
    @both_hessians
    @pytest.mark.parametrize("alpha", ALPHAS)
    @every_gamma
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_within_one_ulp_of_mpmath(self, kind, gamma, alpha, hessian, y):
        # Rounding the margin to float32 is the caller's: the exact value is at it.
        margin = np.unique(MARGINS.astype(kind))
        labels = np.full(margin.shape, y, np.float32)
        grad, hess = FocalObjective(alpha, gamma, "focal", hessian)(labels, margin)
        exact_grad = oracles.exact_gradient(y, margin, gamma, alpha)
        exact_hess = EXACT_HESSIAN[hessian](y, margin, gamma, alpha)
        assert float32_ulps(grad, exact_grad).max() <= 1
        assert float32_ulps(hess, exact_hess).max() <= 1

    @both_labels
    @both_hessians
    @every_gamma
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_weighted_within_one_ulp_of_mpmath(self, kind, gamma, hessian, y):
        margin = np.unique(MARGINS.astype(kind))
        labels = np.full(margin.shape, y, np.float32)
        weight = np.random.default_rng(2).exponential(size=margin.size).astype(kind)
        objective = FocalObjective(0.25, gamma, "focal", hessian)
        grad, hess = objective(labels, margin, weight)
        exact_grad = weight * oracles.exact_gradient(y, margin, gamma, 0.25)
        exact_hess = weight * EXACT_HESSIAN[hessian](y, margin, gamma, 0.25)
        assert float32_ulps(grad, exact_grad).max() <= 1
        assert float32_ulps(hess, exact_hess).max() <= 1

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
    @pytest.mark.parametrize("factor", [0.5, 2.0, 2.0**100, 2.0**-20])
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

    def test_ones_change_nothing(self):
        labels, raw_score, _ = sample()
        plain = FocalObjective()(labels, raw_score)
        assert equal(
            FocalObjective()(labels, raw_score, np.ones(raw_score.size)), plain
        )

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


class TestTypes:
    """Every way an array may come in gives the same numbers."""

    LABELS = pytest.mark.parametrize(
        "convert",
        [
            lambda y: y.astype(bool),
            lambda y: y.astype(np.int8),
            lambda y: y.astype(np.int64),
            lambda y: y.astype(np.uint8),
            lambda y: y.astype(np.float16),
            lambda y: y.astype(np.float64),
            lambda y: y.astype(">f4"),
            lambda y: y.astype(">i8"),
            lambda y: y[:, None],
            lambda y: y.astype(int).tolist(),
        ],
        ids=[
            *("bool", "int8", "int64", "uint8", "float16", "float64"),
            *("big-endian float32", "big-endian int64", "column", "list"),
        ],
    )
    MEMORY = pytest.mark.parametrize(
        "convert",
        [
            lambda a: np.repeat(a, 3)[::3],
            lambda a: a[::-1].copy()[::-1],
            lambda a: np.asfortranarray(np.c_[a, a])[:, 1],
            lambda a: np.c_[a, a][:, 1],
            lambda a: np.asfortranarray(a[:, None]),
            lambda a: a.astype(a.dtype.newbyteorder(">")),
        ],
        ids=["strided", "reversed", "fortran", "interleaved", "column", "big-endian"],
    )

    @LABELS
    def test_labels(self, convert):
        labels, raw_score, _ = sample()
        expected = FocalObjective()(labels, raw_score)
        assert equal(FocalObjective()(convert(labels), raw_score), expected)

    @MEMORY
    @both_links
    @both_hessians
    def test_memory_layout(self, convert, hessian, link):
        labels, raw_score, weight = sample()
        objective = FocalObjective(link=link, hessian=hessian)
        expected = objective(labels, raw_score, weight)
        actual = objective(convert(labels), convert(raw_score), weight)
        assert equal(actual, expected)
        assert equal(objective(labels, raw_score, convert(weight)), expected)

    def test_lists(self):
        labels, raw_score, weight = sample()
        expected = FocalObjective()(labels, raw_score, weight)
        lists = labels.astype(int).tolist(), raw_score.tolist(), weight.tolist()
        assert equal(FocalObjective()(*lists), expected)

    @both_links
    def test_read_only(self, link):
        labels, raw_score, weight = sample()
        objective = FocalObjective(link=link)
        expected = objective(labels, raw_score, weight)
        for array in (labels, raw_score, weight):
            array.flags.writeable = False
        assert equal(objective(labels, raw_score, weight), expected)

    @both_links
    @both_hessians
    @every_gamma
    def test_float32_raw_score_counts_as_the_number_it_is(self, gamma, hessian, link):
        labels, raw_score, _ = sample()
        narrow = raw_score.astype(np.float32)
        # With alpha None and gamma 0 they are XGBoost's: see TestSinglePrecision.
        objective = FocalObjective(0.25, gamma, link, hessian)
        expected = objective(labels, narrow.astype(np.float64))
        assert equal(objective(labels, narrow), expected)

    @pytest.mark.parametrize("kind", [np.float16, np.int64, np.int8])
    def test_other_raw_scores_are_converted(self, kind):
        labels, raw_score, _ = sample()
        other = raw_score.astype(kind)
        expected = FocalObjective()(labels, other.astype(np.float32))
        assert equal(FocalObjective()(labels, other), expected)

    @pytest.mark.parametrize("label", [1 + 1e-12, 1 - 1e-12, 1e-300, 5e-324, -1e-9])
    @pytest.mark.parametrize("kind", ["=f8", ">f8", np.longdouble])
    def test_label_near_a_class_is_not_rounded_to_it(self, kind, label):
        with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got"):
            FocalObjective()(np.array([0.0, label], kind), np.zeros(2))

    def test_large_integer_label_is_rejected(self):
        with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got"):
            FocalObjective()(np.array([0, 2**53 + 1]), np.zeros(2))

    def test_one_row(self):
        grad, hess = FocalObjective()([1], [0.0])
        assert (grad.shape, hess.shape) == ((1,), (1,))


class TestMemory:
    """What comes out is new, contiguous and finite; what goes in stays."""

    @both_links
    @both_hessians
    @pytest.mark.parametrize("gamma", [0.0, 2.0, 200.0])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_contiguous_float32(self, kind, gamma, hessian, link):
        labels, raw_score, _ = sample()
        objective = FocalObjective(0.25, gamma, link, hessian)
        for values in objective(labels, raw_score.astype(kind)):
            assert (values.dtype, values.shape) == (np.float32, raw_score.shape)
            assert values.flags.c_contiguous
            assert values.flags.owndata
            assert values.flags.writeable

    def test_shares_memory_with_nothing(self):
        labels, raw_score, weight = sample()
        narrow = raw_score.astype(np.float32), weight.astype(np.float32)
        first = FocalObjective()(labels, *narrow)
        kept = [values.copy() for values in first]
        second = FocalObjective()(labels, -narrow[0], narrow[1])
        every = [labels, *narrow, *first, *second]
        for i, a in enumerate(every):
            assert not any(np.shares_memory(a, b) for b in every[i + 1 :])
        assert equal(first, kept)

    def test_inputs_are_not_modified(self):
        inputs = sample()
        before = [values.copy() for values in inputs]
        FocalObjective()(*inputs)
        assert equal(inputs, before)


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
