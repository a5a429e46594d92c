"""The arrays that the CPU kernels take and return through FocalObjective."""

import itertools

import numpy as np
import pytest
from grids import both_hessians, both_links, equal, every_gamma, sample

from focal_boost import FocalObjective


class TestTypes:
    """Every way an array may come in gives the same numbers."""

    LABELS = {  # noqa: RUF012
        "bool": lambda y: y.astype(bool),
        "int8": lambda y: y.astype(np.int8),
        "int64": lambda y: y.astype(np.int64),
        "uint8": lambda y: y.astype(np.uint8),
        "float16": lambda y: y.astype(np.float16),
        "float64": lambda y: y.astype(np.float64),
        "big-endian float32": lambda y: y.astype(">f4"),
        "big-endian int64": lambda y: y.astype(">i8"),
        "column": lambda y: y[:, None],
        "list": lambda y: y.astype(int).tolist(),
    }
    MEMORY = {  # noqa: RUF012
        "strided": lambda a: np.repeat(a, 3)[::3],
        "reversed": lambda a: a[::-1].copy()[::-1],
        "fortran": lambda a: np.asfortranarray(np.c_[a, a])[:, 1],
        "interleaved": lambda a: np.c_[a, a][:, 1],
        "column": lambda a: np.asfortranarray(a[:, None]),
        "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    }

    @pytest.mark.parametrize("convert", LABELS.values(), ids=LABELS)
    def test_labels(self, convert):
        labels, raw_score, _ = sample()
        expected = FocalObjective()(labels, raw_score)
        assert equal(FocalObjective()(convert(labels), raw_score), expected)

    @pytest.mark.parametrize("convert", MEMORY.values(), ids=MEMORY)
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

    @pytest.mark.parametrize(
        ("kind", "label"),
        [
            (int, 2**53 + 1),
            *itertools.product(
                ("=f8", ">f8", np.longdouble),
                (1 + 1e-12, 1 - 1e-12, 1e-300, 5e-324, -1e-9),
            ),
        ],
    )
    def test_label_near_a_class_is_not_rounded_to_it(self, kind, label):
        with pytest.raises(ValueError, match=r"^y_true must contain only 0 and 1, got"):
            FocalObjective()(np.array([0, label], kind), np.zeros(2))

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
