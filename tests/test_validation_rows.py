"""Every bad label, score and weight is refused; the next is not."""

import math
import re

import numpy as np
import pytest
import scipy.sparse
from sentences import says

from focal_boost import FocalLoss, FocalMetric, FocalObjective
from focal_boost._rows import Labels
from focal_boost.links import LINKS, link_of
from focal_boost.metrics import METRICS

TOP = np.finfo(np.float64).max
NAN, INF = math.nan, math.inf
Y = np.array([0, 1, 1])


def at_zero(call):
    """Return a function of labels and weights: the call at raw scores of 0."""
    return lambda y, w: call(y, np.zeros(np.shape(y)), w)


# Everything that takes labels and scores, labels and weights, or labels alone, as
# functions of two arguments.
LABELS_AND_MARGIN = {
    f"FocalLoss.{name}": getattr(FocalLoss(), name)
    for name in ("loss", "gradient", "hessian", "curvature")
}
LABELS_AND_RAW_SCORE = {
    **{
        f"{link}.{name}": getattr(link_of(link, FocalLoss()), name)
        for link in LINKS
        for name in ("value", "gradient", "hessian", "curvature")
    },
    **{
        f"FocalMetric({name}, {link})": FocalMetric(name, FocalObjective(link=link))
        for name in METRICS
        for link in LINKS
    },
    **{
        f"FocalObjective({link}, {hessian})": FocalObjective(link=link, hessian=hessian)
        for link in LINKS
        for hessian in ("upper", "exact")
    },
    **{f"value({link})": FocalObjective(link=link).value for link in LINKS},
    "FocalObjective(no kernel)": FocalObjective(gamma=200.0),
}
LABELS_AND_SCORE = {**LABELS_AND_MARGIN, **LABELS_AND_RAW_SCORE}
LABELS_AND_WEIGHT = {
    "initial_score beside weights": FocalObjective().initial_score,
    "balanced beside weights": lambda y, w: FocalLoss.balanced(y, sample_weight=w),
    "Labels": Labels.of,
    "FocalObjective": at_zero(FocalObjective()),
    "value": at_zero(FocalObjective().value),
    **{
        f"FocalMetric({name})": at_zero(FocalMetric(name, FocalObjective()))
        for name in METRICS
    },
}
ONLY_LABELS = {
    "initial_score": lambda y, _: FocalObjective().initial_score(y),
    "balanced": lambda y, _: FocalLoss.balanced(y),
}


def calls(named):
    return pytest.mark.parametrize("call", named.values(), ids=named)


labels_and_score = calls(LABELS_AND_SCORE)
labels_and_weight = calls(LABELS_AND_WEIGHT)
labels_only = calls(ONLY_LABELS)
labels = calls({**LABELS_AND_SCORE, **LABELS_AND_WEIGHT, **ONLY_LABELS})


class TestLabels:
    """0 and 1 and nothing else."""

    @labels
    @pytest.mark.parametrize(
        "wrong",
        [2.0, -1.0, 0.5, 1 + 1e-12, -1e-300, NAN, INF, 2, -1, 255, 10**6],
    )
    def test_refused(self, call, wrong):
        shown = rf"^y_true must contain only 0 and 1, got {re.escape(str(wrong))}"
        with pytest.raises(ValueError, match=rf"{shown}(\.0)?$"):
            call(np.array([0, 1, wrong]), np.ones(3))

    @labels
    def test_minus_one_is_no_class(self, call):
        with pytest.raises(ValueError, match=r"^y_true must .* 0 and 1, got -1(\.0)?$"):
            call(np.array([-1, 1, 1]), np.ones(3))

    @labels
    def test_strings_refused(self, call):
        with says("y_true must be numbers, got 'no'"):
            call(["no", "yes"], np.ones(2))

    @labels
    @pytest.mark.parametrize("empty", [[], np.zeros(0), np.zeros((0,), int)])
    def test_no_rows_refused(self, call, empty):
        with says("y_true must not be empty, got shape (0,)"):
            call(empty, np.zeros(0))

    @labels_and_score
    @pytest.mark.parametrize("kind", [bool, np.int8, np.uint64, np.float16, object])
    def test_zeros_and_ones_accepted(self, call, kind):
        assert np.isfinite(call(Y.astype(kind), np.zeros(3))).all()

    @labels_and_score
    def test_negative_zero_is_zero(self, call):
        given, scores = np.array([0.0, 1.0]), np.array([-1.0, 2.0])
        assert np.array_equal(call(np.array([-0.0, 1.0]), scores), call(given, scores))


class TestScores:
    """Finite numbers, one a label."""

    WRONG = (
        *(
            (np.array([0, wrong, 1], kind), f"be finite numbers, got {wrong}")
            for wrong in (NAN, INF, -INF)
            for kind in (np.float32, np.float64)
        ),
        (["low", "high", "low"], "be numbers, got 'low'"),
        *(
            (np.zeros(rows), f"have the shape of y_true, (3,), got ({rows},)")
            for rows in (1, 2, 4)
        ),
        ([], "not be empty, got shape (0,)"),
    )

    @pytest.mark.parametrize(("scores", "sentence"), WRONG)
    @pytest.mark.parametrize("where", LABELS_AND_SCORE)
    def test_refused(self, where, scores, sentence):
        name = "margin" if where in LABELS_AND_MARGIN else "raw_score"
        with says(f"{name} must {sentence}"):
            LABELS_AND_SCORE[where](Y, scores)

    @labels_and_score
    @pytest.mark.parametrize("score", [TOP, 1e308, 800.0, 5e-324])
    def test_accepted(self, call, score):
        assert np.isfinite(call([0, 1], np.array([-score, score]))).all()


class TestWeights:
    """Finite numbers >= 0, not all zero, one a label."""

    WRONG = (
        *(
            ([1.0, 1.0, wrong], f"be finite numbers >= 0, got {wrong}")
            for wrong in (-1.0, -5e-324, NAN, INF, -INF)
        ),
        *(
            (np.zeros(3, kind), "not be all zero, got 3 zeros")
            for kind in (np.float32, np.float64, int)
        ),
        (["light", "heavy", "light"], "be numbers, got 'light'"),
        *(
            (np.ones(rows), f"have the shape of y_true, (3,), got ({rows},)")
            for rows in (1, 2, 4)
        ),
    )

    @labels_and_weight
    @pytest.mark.parametrize(("weight", "sentence"), WRONG)
    def test_refused(self, call, weight, sentence):
        with says(f"sample_weight must {sentence}"):
            call(Y, weight)

    @labels_and_weight
    @pytest.mark.parametrize(
        "weight", [[1, 0, 1], [1e-300, 5e-324, 1e-300], [1e37, 1, 1e37], [1, -0.0, 1]]
    )
    def test_accepted(self, call, weight):
        assert call(Y, np.array(weight)) is not None

    @pytest.mark.parametrize("weight", [1.8e37, 1e300, TOP])
    def test_objective_refuses_what_would_overflow(self, weight):
        with says(
            "sample_weight must be at most 1.7e37 for the gradients to fit float32,"
            f" got {weight}"
        ):
            FocalObjective()([0, 1], [0.0, 0.0], [1.0, weight])

    def test_objective_accepts_the_largest(self):
        grad, hess = FocalObjective()([0, 1], [0.0, 0.0], [1.0, 1.7e37])
        assert np.isfinite([grad, hess]).all()

    def test_integers_keep_their_digits(self):
        # Single precision would make an even number of them.
        weight = np.array([2**24 + 1, 2**31 - 1], np.int32)
        objective = FocalObjective(None, 0.0)
        found = objective([0, 1], [0.5, -0.5], weight)
        expected = objective([0, 1], [0.5, -0.5], weight.astype(float))
        np.testing.assert_array_equal(found, expected)
        start = objective.initial_score([0, 1], weight)
        assert start == pytest.approx(np.log((2.0**31 - 1) / (2**24 + 1)), rel=1e-15)

    @pytest.mark.parametrize("weight", [np.zeros((3, 1)), np.ones((3, 1))])
    def test_sparse_ones_are_not_read_as_none(self, weight):
        with says("sample_weight must be numbers, got", end=""):
            FocalObjective()(Y, np.zeros(3), scipy.sparse.csr_matrix(weight))


class TestObjective:
    """What it says of each of its three arguments."""

    @pytest.mark.parametrize("name", ["y_true", "raw_score", "sample_weight"])
    def test_more_than_one_column_refused(self, name):
        rows = {"y_true": [0, 1], "raw_score": [0.0, 0.0], "sample_weight": [1.0, 1.0]}
        rows[name] = np.ones((2, 2))
        with says(f"{name} must have one value per row, got (2, 2)"):
            FocalObjective()(*rows.values())

    def test_scalars_refused(self):
        with says("y_true must have one value per row, got ()"):
            FocalObjective()(1, 0.5)

    @pytest.mark.parametrize("name", ["y_true", "raw_score", "sample_weight"])
    def test_a_mask_is_not_lost(self, name):
        rows = {"y_true": Y, "raw_score": [0.0, 1, 2], "sample_weight": [1.0, 1, 3]}
        values = rows[name]
        rows[name] = np.ma.masked_array(values, [0, 1, 1])
        with says(f"{name} must have no masked values, got 2"):
            FocalObjective()(*rows.values())
        rows[name] = np.ma.masked_array(values, False)
        assert np.isfinite(FocalObjective()(*rows.values())).all()


class TestOneClass:
    """A start value and a balance need both classes."""

    @labels_only
    @pytest.mark.parametrize("label", [0, 1])
    def test_refused(self, call, label):
        with says(
            f"y_true must contain both classes with positive weight, got only {label}"
        ):
            call([label] * 3, None)

    @pytest.mark.parametrize(
        "call", [FocalObjective().initial_score, FocalLoss.balanced]
    )
    def test_a_class_without_weight_is_none(self, call):
        with pytest.raises(ValueError, match="both classes with positive weight"):
            call([0, 0, 1], sample_weight=[1, 1, 0])

    @labels_only
    def test_one_row_of_each_is_enough(self, call):
        assert call([0, 1], None) is not None

    @labels_and_score
    @pytest.mark.parametrize("label", [0, 1])
    def test_everything_else_takes_one_class(self, call, label):
        assert np.isfinite(call([label, label], [0.5, -0.5])).all()
