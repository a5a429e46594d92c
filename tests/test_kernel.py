"""The CPU kernel through FocalObjective: float32 values, types, memory, extremes."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracles import ALPHAS, GAMMAS, MARGINS, float32_ulps

from focal_boost import FocalLoss, FocalObjective

HESSIANS = ("upper", "exact")
EXACT_HESSIAN = {"upper": oracles.exact_curvature, "exact": oracles.exact_hessian}

every_gamma = pytest.mark.parametrize("gamma", GAMMAS)
both_labels = pytest.mark.parametrize("y", [0, 1])
both_hessians = pytest.mark.parametrize("hessian", HESSIANS)


def sample(n=301, seed=11):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    return labels, rng.normal(0, 5, n), rng.exponential(size=n)


def equal(pair, other):
    return all((a == b).all() for a, b in zip(pair, other, strict=True))


class TestExactValues:
    """Gradient and Hessian against mpmath, in units of float32's last place."""

    @both_labels
    @both_hessians
    @pytest.mark.parametrize("alpha", ALPHAS)
    @every_gamma
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_within_one_ulp_of_mpmath(self, kind, gamma, alpha, hessian, y):
        # Rounding the margin to float32 is the caller's: the exact value is at it.
        margin = np.unique(MARGINS.astype(kind))
        labels = np.full(margin.shape, y, np.float32)
        grad, hess = FocalObjective(alpha, gamma, hessian)(labels, margin)
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
        grad, hess = FocalObjective(0.25, gamma, hessian)(labels, margin, weight)
        exact_grad = weight * oracles.exact_gradient(y, margin, gamma, 0.25)
        exact_hess = weight * EXACT_HESSIAN[hessian](y, margin, gamma, 0.25)
        assert float32_ulps(grad, exact_grad).max() <= 1
        assert float32_ulps(hess, exact_hess).max() <= 1

    @both_labels
    @every_gamma
    def test_upper_curvature_is_positive_where_float32_can_say_so(self, gamma, y):
        margin = np.linspace(-30, 30, 241) / (1 + gamma)
        _, hess = FocalObjective(0.25, gamma)(np.full(margin.shape, float(y)), margin)
        assert (hess > 0).all()


class TestWeights:
    """Weights multiply."""

    @both_hessians
    @pytest.mark.parametrize("factor", [0.5, 2.0, 2.0**100, 2.0**-20])
    def test_powers_of_two_multiply_exactly(self, factor, hessian):
        labels, margin, _ = sample()
        objective = FocalObjective(hessian=hessian)
        plain = objective(labels, margin)
        weighted = objective(labels, margin, np.full(margin.size, factor))
        assert equal(weighted, [factor * values for values in plain])

    def test_any_weight_multiplies(self):
        labels, margin, weight = sample()
        plain = FocalObjective()(labels, margin)
        weighted = FocalObjective()(labels, margin, weight)
        for values, single in zip(weighted, plain, strict=True):
            assert values == pytest.approx(weight * single, rel=2e-7, abs=0)

    def test_ones_change_nothing(self):
        labels, margin, _ = sample()
        plain = FocalObjective()(labels, margin)
        assert equal(FocalObjective()(labels, margin, np.ones(margin.size)), plain)

    @pytest.mark.parametrize("kind", [int, np.uint8, np.int32, np.float16, bool, list])
    def test_type_does_not_matter(self, kind):
        labels, margin, _ = sample()
        margin = margin.astype(np.float32)
        weight = np.arange(margin.size) % 2
        expected = FocalObjective()(labels, margin, weight.astype(np.float32))
        converted = weight.tolist() if kind is list else weight.astype(kind)
        assert equal(FocalObjective()(labels, margin, converted), expected)

    def test_weight_zero_gives_zero(self):
        grad, hess = FocalObjective()([0, 1, 1], [5.0, -5.0, 0.0], [0.0, 0.0, 1.0])
        assert grad[:2].tolist() == hess[:2].tolist() == [0, 0]
        assert grad[2] < 0 < hess[2]

    @every_gamma
    @both_hessians
    def test_largest_weights_stay_finite(self, hessian, gamma):
        margin = np.concatenate([MARGINS, MARGINS])
        labels = np.repeat(np.float32([0, 1]), MARGINS.size)
        objective = FocalObjective(None, gamma, hessian)
        result = objective(labels, margin, np.full(margin.size, 1.7e37))
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
        labels, margin, _ = sample()
        expected = FocalObjective()(labels, margin)
        assert equal(FocalObjective()(convert(labels), margin), expected)

    @MEMORY
    @both_hessians
    def test_memory_layout(self, convert, hessian):
        labels, margin, weight = sample()
        objective = FocalObjective(hessian=hessian)
        expected = objective(labels, margin, weight)
        actual = objective(convert(labels), convert(margin), weight)
        assert equal(actual, expected)
        assert equal(objective(labels, margin, convert(weight)), expected)

    def test_lists(self):
        labels, margin, weight = sample()
        expected = FocalObjective()(labels, margin, weight)
        lists = labels.astype(int).tolist(), margin.tolist(), weight.tolist()
        assert equal(FocalObjective()(*lists), expected)

    def test_read_only(self):
        labels, margin, weight = sample()
        expected = FocalObjective()(labels, margin, weight)
        for array in (labels, margin, weight):
            array.flags.writeable = False
        assert equal(FocalObjective()(labels, margin, weight), expected)

    def test_float32_margin_counts_as_the_number_it_is(self):
        labels, margin, _ = sample()
        narrow = margin.astype(np.float32)
        expected = FocalObjective()(labels, narrow.astype(np.float64))
        assert equal(FocalObjective()(labels, narrow), expected)

    @pytest.mark.parametrize("kind", [np.float16, np.int64, np.int8])
    def test_other_margins_are_converted(self, kind):
        labels, margin, _ = sample()
        other = margin.astype(kind)
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

    @both_hessians
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_contiguous_float32(self, kind, hessian):
        labels, margin, _ = sample()
        for values in FocalObjective(hessian=hessian)(labels, margin.astype(kind)):
            assert (values.dtype, values.shape) == (np.float32, margin.shape)
            assert values.flags.c_contiguous
            assert values.flags.owndata
            assert values.flags.writeable

    def test_shares_memory_with_nothing(self):
        labels, margin, weight = sample()
        narrow = margin.astype(np.float32), weight.astype(np.float32)
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
        FocalObjective().gradient_hessian(*inputs, offset=3.0)
        assert equal(inputs, before)


class TestOffset:
    """gradient_hessian at margin + offset."""

    @both_hessians
    @every_gamma
    @pytest.mark.parametrize("offset", [-6.9, 0.0, 1e-9, 2, 1e3])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_adds_in_float64(self, kind, offset, gamma, hessian):
        labels, margin, _ = sample()
        margin = margin.astype(kind)
        objective = FocalObjective(0.25, gamma, hessian)
        shifted = objective.gradient_hessian(labels, margin, offset=offset)
        assert equal(shifted, objective(labels, margin.astype(np.float64) + offset))

    def test_default_is_zero(self):
        labels, margin, weight = sample()
        expected = FocalObjective()(labels, margin, weight)
        actual = FocalObjective().gradient_hessian(labels, margin, weight)
        assert equal(actual, expected)

    def test_is_given_by_name(self):
        with pytest.raises(TypeError, match="positional argument"):
            FocalObjective().gradient_hessian([0, 1], [0.0, 1.0], None, 1.0)


class TestChunks:
    """A row's result does not depend on the rows around it."""

    @both_hessians
    @every_gamma
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 15, 64, 300])
    def test_slices_equal_the_whole(self, size, gamma, hessian):
        labels, margin, weight = sample(n=307)
        objective = FocalObjective(0.25, gamma, hessian)
        whole = objective(labels, margin, weight)
        cuts = range(size, margin.size, size)
        rows = zip(*(np.split(a, cuts) for a in (labels, margin, weight)), strict=True)
        parts = [objective(*row) for row in rows]
        joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
        assert equal(joined, whole)

    @pytest.mark.parametrize("row", [0, 5, 299, 300])
    @pytest.mark.parametrize("wrong", [(2.0, 0.0, 1.0), (1, np.nan, 1), (1, 0, -1)])
    def test_one_wrong_row_is_found_anywhere(self, row, wrong):
        arrays = sample()
        for values, bad in zip(arrays, wrong, strict=True):
            values[row] = bad
        with pytest.raises(ValueError, match=r"^(y_true|margin|sample_weight) must"):
            FocalObjective()(*arrays)


class TestProperties:
    """Random margins, among them the largest and smallest of float64."""

    finite = st.floats(allow_nan=False, allow_infinity=False)
    usual = st.floats(-50, 50)
    huge = st.sampled_from([1e308, -1e308, np.finfo(float).max, 5e-324, -5e-324, -0.0])
    margins = arrays(
        np.float64, st.integers(1, 40), elements=st.one_of(usual, huge, finite)
    )

    @given(
        margin=margins,
        gamma=st.one_of(st.sampled_from(GAMMAS), st.floats(0, 20)),
        alpha=st.one_of(st.none(), st.floats(0.001, 0.999)),
        hessian=st.sampled_from(HESSIANS),
        y=st.sampled_from([0.0, 1.0]),
    )
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    def test_finite_of_the_right_sign_and_equal_to_the_loss(
        self, margin, gamma, alpha, hessian, y
    ):
        labels = np.full(margin.shape, y, np.float32)
        grad, hess = FocalObjective(alpha, gamma, hessian)(labels, margin)
        assert np.isfinite([grad, hess]).all()
        assert ((1 - 2 * y) * grad >= 0).all()
        assert hessian == "exact" or (hess >= 0).all()
        focal = FocalLoss(alpha, gamma)
        assert float32_ulps(grad, focal.gradient(y, margin)).max() <= 1
        scale = np.maximum(focal.curvature(y, margin), 2.0**-126)
        wanted = (focal.curvature if hessian == "upper" else focal.hessian)(y, margin)
        # The exact Hessian is a difference of terms up to |t| times the curvature.
        reach = np.minimum(1 + np.abs(margin), 200)
        assert (np.abs(hess - wanted) <= 2.0**-23 * reach * scale).all()
