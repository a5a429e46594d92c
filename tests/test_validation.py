"""Every bad argument is refused with its parameter, rule and value; the next is not."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse

from focal_boost import FocalLoss, FocalMetric, FocalObjective
from focal_boost._kernels.threads import check_threads
from focal_boost._rows import HostRows, Labels
from focal_boost._validation import as_float, check_integer
from focal_boost.links import LINKS, link_of

METRICS = ("focal_loss", "log_loss", "brier_score", "average_precision")
TOP = np.finfo(np.float64).max
NAN, INF = math.nan, math.inf


def says(sentence):
    """Expect a ValueError of exactly this sentence."""
    return pytest.raises(ValueError, match=f"^{re.escape(sentence)}$")


def metric(name, link="logit"):
    return FocalMetric(name, FocalObjective(link=link))


def at_zero(call):
    """Return a function of labels and weights: the call at raw scores of 0."""
    return lambda y, w: call(y, np.zeros(np.shape(y)), w)


# Everything that takes labels and scores, with the scores' name, and everything that
# takes labels and weights, as functions of those two.
LABELS_AND_SCORE = {
    **{
        f"FocalLoss.{name}": (getattr(FocalLoss(), name), "margin")
        for name in ("loss", "gradient", "hessian", "curvature")
    },
    **{
        f"{link}.{name}": (getattr(link_of(link, FocalLoss()), name), "raw_score")
        for link in LINKS
        for name in ("value", "gradient", "hessian", "curvature")
    },
    **{
        f"FocalMetric({name}, {link})": (metric(name, link), "raw_score")
        for name in METRICS
        for link in LINKS
    },
    **{
        f"FocalObjective({link}, {hessian})": (
            FocalObjective(link=link, hessian=hessian),
            "raw_score",
        )
        for link in LINKS
        for hessian in ("upper", "exact")
    },
    **{
        f"value({link})": (FocalObjective(link=link).value, "raw_score")
        for link in LINKS
    },
    "FocalObjective(no kernel)": (FocalObjective(gamma=200.0), "raw_score"),
}
LABELS_AND_WEIGHT = {
    "initial_score": FocalObjective().initial_score,
    "balanced": lambda y, w: FocalLoss.balanced(y, sample_weight=w),
    "Labels": Labels.of,
    "FocalObjective": at_zero(FocalObjective()),
    "value": at_zero(FocalObjective().value),
    **{f"FocalMetric({name})": at_zero(metric(name)) for name in METRICS},
}
ONLY_LABELS = {
    "initial_score": FocalObjective().initial_score,
    "balanced": FocalLoss.balanced,
}
labels_and_score = pytest.mark.parametrize(
    ("call", "name"), LABELS_AND_SCORE.values(), ids=LABELS_AND_SCORE
)
labels_with_score = pytest.mark.parametrize(
    "call", [call for call, _ in LABELS_AND_SCORE.values()], ids=LABELS_AND_SCORE
)
labels_and_weight = pytest.mark.parametrize(
    "call", LABELS_AND_WEIGHT.values(), ids=LABELS_AND_WEIGHT
)
labels_only = pytest.mark.parametrize("call", ONLY_LABELS.values(), ids=ONLY_LABELS)
makers = pytest.mark.parametrize("make", [FocalLoss, FocalObjective])


class TestAlpha:
    """None or a number in (0, 1)."""

    @makers
    @pytest.mark.parametrize(
        ("alpha", "shown"),
        [
            (0, "0"),
            (0.0, "0.0"),
            (1, "1"),
            (1.0, "1.0"),
            (-5e-324, "-5e-324"),
            (np.nextafter(1.0, 2).item(), "1.0000000000000002"),
            (-0.25, "-0.25"),
            (NAN, "nan"),
            (INF, "inf"),
            (-INF, "-inf"),
            ("0.25", "'0.25'"),
            ("balanced", "'balanced'"),
            (True, "True"),
            (False, "False"),
            ([0.25], "[0.25]"),
            (0.25j, "0.25j"),
        ],
    )
    def test_refused(self, make, alpha, shown):
        with says(f"alpha must be None or a number in (0, 1), got {shown}"):
            make(alpha=alpha)

    @makers
    @pytest.mark.parametrize("alpha", [1e-30, 1e-9, 0.5, 1 - 2.0**-53, np.float32(0.5)])
    def test_accepted(self, make, alpha):
        assert make(alpha=alpha).alpha == alpha

    @makers
    def test_none_is_no_weighting(self, make):
        assert make(alpha=None).alpha is None


class TestGamma:
    """A finite number >= 0."""

    @makers
    @pytest.mark.parametrize(
        ("gamma", "shown"),
        [
            (-1.0, "-1.0"),
            (-1, "-1"),
            (-5e-324, "-5e-324"),
            (INF, "inf"),
            (-INF, "-inf"),
            (NAN, "nan"),
            ("2", "'2'"),
            (True, "True"),
            (None, "None"),
            ([2.0], "[2.0]"),
        ],
    )
    def test_refused(self, make, gamma, shown):
        with says(f"gamma must be a finite number >= 0, got {shown}"):
            make(gamma=gamma)

    @makers
    @pytest.mark.parametrize("gamma", [0, 0.0, 5e-324, 2, 1e3, np.float32(0.5)])
    def test_accepted(self, make, gamma):
        assert make(gamma=gamma).gamma == gamma

    def test_balanced_checks_it_too(self):
        with says("gamma must be a finite number >= 0, got -1.0"):
            FocalLoss.balanced([0, 1], gamma=-1.0)


class TestHessian:
    """One of two names."""

    @pytest.mark.parametrize("hessian", ["", "Upper", "expected", None, 1, ("upper",)])
    def test_refused(self, hessian):
        with says(f"hessian must be one of ('upper', 'exact'), got {hessian!r}"):
            FocalObjective(hessian=hessian)

    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_accepted(self, hessian):
        assert FocalObjective(hessian=hessian).hessian == hessian


class TestLink:
    """One of two names."""

    @pytest.mark.parametrize("link", ["", "Logit", "sigmoid", None, 1, ("logit",)])
    def test_refused(self, link):
        with says(f"link must be one of ('logit', 'focal'), got {link!r}"):
            FocalObjective(link=link)

    @pytest.mark.parametrize("link", LINKS)
    def test_accepted(self, link):
        assert FocalObjective(link=link).link == link


class TestNumbers:
    """What a number is and what an integer is, for every parameter."""

    @pytest.mark.parametrize(
        ("value", "number"),
        [
            (1, 1.0),
            (0.5, 0.5),
            (np.float32(0.5), 0.5),
            (np.int8(-3), -3.0),
            (Fraction(1, 4), 0.25),
            (-INF, -INF),
            (10**400, INF),
        ],
    )
    def test_numbers(self, value, number):
        assert as_float(value) == number
        assert type(as_float(value)) is float

    @pytest.mark.parametrize(
        "value", [None, "1", True, np.True_, 1j, [1.0], np.ones(1), NAN]
    )
    def test_no_numbers(self, value):
        assert math.isnan(as_float(value))

    @pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
    def test_integers(self, value):
        assert check_integer(value, "rounds", 3) == 3
        assert type(check_integer(value, "rounds", 3)) is int

    @pytest.mark.parametrize("value", [2, -3, 3.0, "3", True, None, np.True_, [3]])
    def test_no_integers(self, value):
        with says(f"rounds must be an integer >= 3, got {value!r}"):
            check_integer(value, "rounds", 3)
        assert check_integer(-3, "rounds", -3) == -3

    @pytest.mark.parametrize("value", [0, "0", "-1", "1.0", "²", True, 1.0])
    def test_no_number_of_threads(self, value):
        with says(f"n must be an integer >= 1, got {value!r}"):
            check_threads(value, "n")

    @pytest.mark.parametrize("value", [2, "2", np.int32(2)])
    def test_number_of_threads(self, value):
        assert check_threads(value, "n") == 2


class TestMetricName:
    """One of four names, and an objective."""

    @pytest.mark.parametrize("name", ["", "logloss", "auc", None, ["log_loss"]])
    def test_refused(self, name):
        with says(f"metric must be one of {METRICS}, got {name!r}"):
            FocalMetric(name, FocalObjective())

    @pytest.mark.parametrize("name", METRICS)
    def test_accepted(self, name):
        assert FocalMetric(name, FocalObjective()).name == name

    def test_objective_must_be_a_focal_objective(self):
        with says(
            "objective must be a FocalObjective, got FocalLoss(alpha=0.25, gamma=2.0)"
        ):
            FocalMetric("log_loss", FocalLoss())


class TestLabels:
    """0 and 1 and nothing else."""

    @labels_with_score
    @pytest.mark.parametrize(
        ("wrong", "shown"),
        [
            (2.0, "2.0"),
            (-1.0, "-1.0"),
            (0.5, "0.5"),
            (1 + 1e-12, "1.000000000001"),
            (-1e-300, "-1e-300"),
            (NAN, "nan"),
            (INF, "inf"),
        ],
    )
    def test_refused(self, call, wrong, shown):
        with says(f"y_true must contain only 0 and 1, got {shown}"):
            call(np.array([0.0, 1.0, wrong]), np.zeros(3))

    @labels_with_score
    def test_minus_one_is_no_class(self, call):
        with pytest.raises(ValueError, match=r"^y_true must .* 0 and 1, got -1(\.0)?$"):
            call(np.array([-1, 1, 1]), np.zeros(3))

    @labels_with_score
    @pytest.mark.parametrize("wrong", [2, -1, 255, 10**6])
    def test_integers_refused(self, call, wrong):
        shown = rf"^y_true must contain only 0 and 1, got {wrong}(\.0)?$"
        with pytest.raises(ValueError, match=shown):
            call(np.array([0, 1, wrong]), np.zeros(3))

    @labels_only
    @pytest.mark.parametrize(
        ("labels", "shown"),
        [
            ([-1, 1], "-1"),
            ([0, 1, 2], "2"),
            ([0.0, 1.0, 0.5], "0.5"),
            ([0, NAN], "nan"),
        ],
    )
    def test_refused_without_scores(self, call, labels, shown):
        with says(f"y_true must contain only 0 and 1, got {shown}"):
            call(labels)

    @labels_with_score
    def test_strings_refused(self, call):
        with says("y_true must be numbers, got 'no'"):
            call(["no", "yes"], np.zeros(2))

    @labels_and_weight
    def test_strings_refused_beside_weights(self, call):
        with says("y_true must be numbers, got 'no'"):
            call(["no", "yes"], np.ones(2))

    @labels_with_score
    @pytest.mark.parametrize("kind", [bool, np.int8, np.uint64, np.float16, object])
    def test_zeros_and_ones_accepted(self, call, kind):
        assert np.isfinite(call(np.array([0, 1, 1]).astype(kind), np.zeros(3))).all()

    @labels_with_score
    def test_negative_zero_is_zero(self, call):
        labels, scores = np.array([0.0, 1.0]), np.array([-1.0, 2.0])
        assert np.array_equal(call(np.array([-0.0, 1.0]), scores), call(labels, scores))


class TestScores:
    """Finite numbers."""

    @labels_and_score
    @pytest.mark.parametrize(
        ("wrong", "shown"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf")]
    )
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_refused(self, call, name, kind, wrong, shown):
        with says(f"{name} must be finite numbers, got {shown}"):
            call(np.array([0, 1, 1]), np.array([0, wrong, 1], kind))

    @labels_and_score
    def test_strings_refused(self, call, name):
        with says(f"{name} must be numbers, got 'low'"):
            call([0, 1], ["low", "high"])

    @labels_with_score
    @pytest.mark.parametrize("score", [TOP, 1e308, 800.0, 5e-324])
    def test_accepted(self, call, score):
        assert np.isfinite(call([0, 1], np.array([-score, score]))).all()

    POSTERIORS = pytest.mark.parametrize(
        ("call", "name"),
        [
            (FocalLoss().posterior, "margin"),
            (FocalObjective().posterior, "raw_score"),
            (FocalObjective(link="focal").posterior, "raw_score"),
        ],
    )

    @POSTERIORS
    @pytest.mark.parametrize("wrong", [NAN, [0.0, NAN]])
    def test_posterior_refuses_nan(self, call, name, wrong):
        with says(f"{name} must be numbers, got nan"):
            call(wrong)

    @POSTERIORS
    def test_posterior_refuses_strings(self, call, name):
        with says(f"{name} must be numbers, got 'low'"):
            call(["low"])

    @POSTERIORS
    def test_posterior_accepts_infinity(self, call, name):
        assert call([-INF, INF]).tolist() == [0, 1]

    @pytest.mark.parametrize("link", LINKS)
    @pytest.mark.parametrize("wrong", [NAN, INF])
    def test_margin_refuses_what_is_not_finite(self, link, wrong):
        with says(f"raw_score must be finite numbers, got {wrong}"):
            link_of(link, FocalLoss()).margin([0.0, wrong])


class TestPosterior:
    """Numbers in [0, 1]."""

    INVERSES = pytest.mark.parametrize(
        "call",
        [
            FocalLoss().margin,
            FocalObjective().raw_score,
            FocalObjective(link="focal").raw_score,
        ],
        ids=["FocalLoss", "logit", "focal"],
    )

    @INVERSES
    @pytest.mark.parametrize(
        ("wrong", "shown"),
        [
            (-5e-324, "-5e-324"),
            (1 + 2.0**-52, "1.0000000000000002"),
            (NAN, "nan"),
            (INF, "inf"),
            (-1, "-1.0"),
        ],
    )
    def test_refused(self, call, wrong, shown):
        with says(f"posterior must lie in [0, 1], got {shown}"):
            call([0.5, wrong])

    @INVERSES
    def test_scalar_refused(self, call):
        with says("posterior must lie in [0, 1], got 1.5"):
            call(1.5)

    @INVERSES
    @pytest.mark.parametrize("eta", [0, -0.0, 5e-324, 1 - 2.0**-53, 1, True])
    def test_accepted(self, call, eta):
        assert not np.isnan(call(eta))

    @INVERSES
    def test_strings_refused(self, call):
        with says("posterior must be numbers, got 'likely'"):
            call("likely")


class TestShapes:
    """One score and one weight per label, and at least one row."""

    @labels_and_score
    @pytest.mark.parametrize("rows", [1, 2, 4])
    def test_scores_of_another_length_refused(self, call, name, rows):
        with says(f"{name} must have the shape of y_true, (3,), got ({rows},)"):
            call(np.array([0, 1, 1]), np.zeros(rows))

    @labels_and_weight
    @pytest.mark.parametrize("rows", [1, 2, 4])
    def test_weights_of_another_length_refused(self, call, rows):
        with says(f"sample_weight must have the shape of y_true, (3,), got ({rows},)"):
            call(np.array([0, 1, 1]), np.ones(rows))

    @labels_with_score
    @pytest.mark.parametrize("empty", [[], np.zeros(0), np.zeros((0,), int)])
    def test_no_rows_refused(self, call, empty):
        with says("y_true must not be empty, got shape (0,)"):
            call(empty, np.zeros(0))

    @labels_and_score
    def test_no_scores_refused(self, call, name):
        with says(f"{name} must not be empty, got shape (0,)"):
            call([0, 1], [])

    @labels_only
    def test_no_labels_refused(self, call):
        with says("y_true must not be empty, got shape (0,)"):
            call([])

    @pytest.mark.parametrize("name", ["posterior", "margin"])
    def test_link_of_nothing_refused(self, name):
        parameter = "margin" if name == "posterior" else "posterior"
        with says(f"{parameter} must not be empty, got shape (0, 2)"):
            getattr(FocalLoss(), name)(np.zeros((0, 2)))

    @pytest.mark.parametrize("name", ["y_true", "raw_score", "sample_weight"])
    def test_objective_refuses_more_than_one_column(self, name):
        rows = {"y_true": [0, 1], "raw_score": [0.0, 0.0], "sample_weight": [1.0, 1.0]}
        rows[name] = np.ones((2, 2))
        with says(f"{name} must have one value per row, got (2, 2)"):
            FocalObjective()(*rows.values())

    def test_objective_refuses_scalars(self):
        with says("y_true must have one value per row, got ()"):
            FocalObjective()(1, 0.5)


class TestWeights:
    """Finite numbers >= 0, not all zero."""

    @labels_and_weight
    @pytest.mark.parametrize(
        ("wrong", "shown"),
        [
            (-1.0, "-1.0"),
            (-5e-324, "-5e-324"),
            (NAN, "nan"),
            (INF, "inf"),
            (-INF, "-inf"),
        ],
    )
    def test_refused(self, call, wrong, shown):
        with says(f"sample_weight must be finite numbers >= 0, got {shown}"):
            call(np.array([0, 1, 1]), np.array([1.0, 1.0, wrong]))

    @labels_and_weight
    @pytest.mark.parametrize("kind", [np.float32, np.float64, int])
    def test_all_zero_refused(self, call, kind):
        with says("sample_weight must not be all zero, got 3 zeros"):
            call(np.array([0, 1, 1]), np.zeros(3, kind))

    @labels_and_weight
    def test_strings_refused(self, call):
        with says("sample_weight must be numbers, got 'light'"):
            call([0, 1], ["light", "heavy"])

    @labels_and_weight
    @pytest.mark.parametrize(
        "weight", [[1, 0, 1], [1e-300, 5e-324, 1e-300], [1e37, 1, 1e37], [1, -0.0, 1]]
    )
    def test_accepted(self, call, weight):
        assert call(np.array([0, 1, 1]), np.array(weight)) is not None

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


class TestOffset:
    """A finite number, even where its sum with a raw score is none."""

    @staticmethod
    def at(raw_score, offset, weight=None, **given):
        rows = HostRows(FocalObjective(**given), Labels.of([0, 1], weight))
        return rows.gradient_hessian([raw_score, raw_score], offset)

    @pytest.mark.parametrize("offset", [NAN, INF, -INF])
    @pytest.mark.parametrize("weight", [None, [1.0, 1.0]])
    @pytest.mark.parametrize("gamma", [0.0, 2.0, 200.0])
    def test_refused(self, offset, weight, gamma):
        with says(f"offset must be finite numbers, got {offset}"):
            self.at(0.0, offset, weight, gamma=gamma)

    @pytest.mark.parametrize(
        ("raw_score", "offset"), [(TOP, -TOP), (0.0, TOP), (1e308, 1e308), (-TOP, -TOP)]
    )
    @pytest.mark.parametrize("gamma", [0.0, 2.0, 200.0])
    @pytest.mark.parametrize("link", LINKS)
    @pytest.mark.parametrize("hessian", ["upper", "exact"])
    def test_accepted(self, raw_score, offset, gamma, link, hessian):
        found = self.at(raw_score, offset, gamma=gamma, link=link, hessian=hessian)
        assert np.isfinite(found).all()


class TestOneClass:
    """A start value and a balance need both classes."""

    @labels_only
    @pytest.mark.parametrize("label", [0, 1])
    def test_refused(self, call, label):
        with says(
            f"y_true must contain both classes with positive weight, got only {label}"
        ):
            call([label] * 3)

    @labels_only
    def test_a_class_without_weight_is_none(self, call):
        with pytest.raises(ValueError, match="both classes with positive weight"):
            call([0, 0, 1], sample_weight=[1, 1, 0])

    @labels_only
    def test_one_row_of_each_is_enough(self, call):
        assert call([0, 1]) is not None

    @labels_with_score
    @pytest.mark.parametrize("label", [0, 1])
    def test_everything_else_takes_one_class(self, call, label):
        assert np.isfinite(call([label, label], [0.5, -0.5])).all()


class TestOddArguments:
    """What is right is accepted, and a message is one sentence whatever was given."""

    @makers
    @pytest.mark.parametrize("alpha", [5e-324, 1e-308, 9e-31])
    def test_alpha_has_a_least(self, make, alpha):
        with pytest.raises(
            ValueError, match=rf"^alpha must be at least 1e-30, got {alpha}$"
        ):
            make(alpha, 2.0)

    @makers
    @pytest.mark.parametrize("gamma", [1e200, 1.1e9, 10**10])
    def test_gamma_has_a_most(self, make, gamma):
        with pytest.raises(ValueError, match=r"^gamma must be at most 1e\+09, got 1"):
            make(0.25, gamma)

    @pytest.mark.parametrize("link", ["logit", "focal"])
    @pytest.mark.parametrize("parameters", [(1e-30, 2.0), (1e-30, 1e9), (None, 1e9)])
    def test_at_the_ends_all_is_finite(self, parameters, link):
        objective = FocalObjective(*parameters, link)
        raw_score = np.array([-700.0, -1.0, 0.0, 2.0, 700.0])
        for y in (0, 1):
            labels = np.full(5, y)
            assert np.isfinite(objective(labels, raw_score)).all()
            assert np.isfinite(objective.value(labels, raw_score)).all()
        posterior = objective.posterior(raw_score)
        assert ((posterior >= 0) & (posterior <= 1)).all()
        assert (np.diff(posterior) >= 0).all()

    @pytest.mark.parametrize("wrong", [0, 1, 2])
    def test_a_mask_is_not_lost(self, wrong):
        given = [[0, 1, 1], [0.0, 1.0, 2.0], [1.0, 1.0, 3.0]]
        given[wrong] = np.ma.masked_array(given[wrong], [0, 1, 1])
        name = ("y_true", "raw_score", "sample_weight")[wrong]
        message = rf"^{name} must have no masked values, got 2$"
        with pytest.raises(ValueError, match=message):
            FocalObjective()(*given)
        given[wrong] = np.ma.masked_array(given[wrong].data, False)
        assert np.isfinite(FocalObjective()(*given)).all()

    def test_sparse_weights_are_not_read_as_none(self):
        for weight in (np.zeros((3, 1)), np.ones((3, 1))):
            given = scipy.sparse.csr_matrix(weight)
            message = r"^sample_weight must be numbers, got"
            with pytest.raises(ValueError, match=message):
                FocalObjective()([0, 1, 1], [0.0, 1, 2], given)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: FocalObjective(0.25, "x" * 5000),
            lambda: FocalObjective(0.25, 10**5000),
            lambda: FocalObjective(list(range(3000)), 2.0),
            lambda: FocalObjective(link={"a": "x" * 3000}),
            lambda: FocalObjective(hessian="e" * 4000),
            lambda: FocalObjective(device="e\n" * 4000),
            lambda: FocalMetric("z" * 4000, FocalObjective()),
            lambda: FocalMetric("log_loss", "z" * 4000),
            lambda: FocalObjective()(["a" * 5000, "b"], [0.0, 1.0]),
            lambda: FocalObjective()([0, 10**5000], [0.0, 1.0]),
            lambda: FocalObjective()(scipy.sparse.eye(400), [0.0, 1.0]),
        ],
    )
    def test_messages_have_an_end(self, call):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - looked at below
            call()
        said = str(caught.value)
        assert " must be " in said
        assert ", got " in said
        assert len(said) < 220
        assert "\n" not in said

    def test_integer_weights_keep_their_digits(self):
        # Single precision would make an even number of them.
        weight = np.array([2**24 + 1, 2**31 - 1], np.int32)
        labels, raw_score = np.array([0, 1]), np.array([0.5, -0.5])
        found = FocalObjective(None, 0.0)(labels, raw_score, weight)
        expected = FocalObjective(None, 0.0)(labels, raw_score, weight.astype(float))
        assert all((a == b).all() for a, b in zip(found, expected, strict=True))
        prevalence = FocalObjective().initial_score(labels, weight)
        share = 2.0 * (2**30) - 1
        assert prevalence == pytest.approx(np.log(share / (2**24 + 1)), rel=1e-15)
