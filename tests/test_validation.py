"""Every bad argument is refused with its parameter, rule and value; the next is not."""

import math
import re

import numpy as np
import pytest

from focal_boost import FocalLoss, FocalMetric, FocalObjective

PER_ROW = ("loss", "gradient", "hessian", "curvature")
METRICS = ("focal_loss", "log_loss", "brier_score", "average_precision")
TOP = np.finfo(np.float64).max
NAN, INF = math.nan, math.inf


def says(sentence):
    """Expect a ValueError of exactly this sentence."""
    return pytest.raises(ValueError, match=f"^{re.escape(sentence)}$")


def per_row(name):
    return getattr(FocalLoss(), name)


def metric(name):
    return FocalMetric(name, FocalLoss())


# Everything that takes labels and margins, and everything that takes labels and
# weights, as functions of those two.
LABELS_AND_MARGIN = {
    **{f"FocalLoss.{name}": per_row(name) for name in PER_ROW},
    **{f"FocalMetric({name})": metric(name) for name in METRICS},
    "FocalObjective": FocalObjective(),
    "FocalObjective(exact)": FocalObjective(hessian="exact"),
    "gradient_hessian": FocalObjective().gradient_hessian,
}
LABELS_AND_WEIGHT = {
    "initial_margin": lambda y, w: FocalLoss().initial_margin(y, w),
    "balanced": lambda y, w: FocalLoss.balanced(y, sample_weight=w),
    "FocalObjective": lambda y, w: FocalObjective()(y, np.zeros(np.shape(y)), w),
    **{
        f"FocalMetric({name})": lambda y, w, name=name: metric(name)(
            y, np.zeros(np.shape(y)), w
        )
        for name in METRICS
    },
}
labels_and_margin = pytest.mark.parametrize(
    "call", LABELS_AND_MARGIN.values(), ids=LABELS_AND_MARGIN
)
labels_and_weight = pytest.mark.parametrize(
    "call", LABELS_AND_WEIGHT.values(), ids=LABELS_AND_WEIGHT
)
labels_only = pytest.mark.parametrize("name", ["initial_margin", "balanced"])
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
    @pytest.mark.parametrize(
        "alpha", [5e-324, 1e-9, 0.5, 1 - 2.0**-53, np.float32(0.5)]
    )
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


class TestMetricName:
    """One of four names, and a loss."""

    @pytest.mark.parametrize("name", ["", "logloss", "auc", None, ["log_loss"]])
    def test_refused(self, name):
        with says(f"metric must be one of {METRICS}, got {name!r}"):
            FocalMetric(name, FocalLoss())

    @pytest.mark.parametrize("name", METRICS)
    def test_accepted(self, name):
        assert FocalMetric(name, FocalLoss()).name == name

    def test_loss_must_be_a_focal_loss(self):
        with says(
            "loss must be a FocalLoss, got "
            "FocalObjective(alpha=0.25, gamma=2.0, hessian='upper')"
        ):
            FocalMetric("log_loss", FocalObjective())


class TestLabels:
    """0 and 1 and nothing else."""

    @labels_and_margin
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

    @labels_and_margin
    def test_minus_one_is_no_class(self, call):
        with pytest.raises(ValueError, match=r"^y_true must .* 0 and 1, got -1(\.0)?$"):
            call(np.array([-1, 1, 1]), np.zeros(3))

    @labels_and_margin
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
    def test_refused_without_margins(self, name, labels, shown):
        with says(f"y_true must contain only 0 and 1, got {shown}"):
            getattr(FocalLoss, name)(*([FocalLoss()][: name != "balanced"]), labels)

    @labels_and_margin
    def test_strings_refused(self, call):
        with says("y_true must be numbers, got 'no'"):
            call(["no", "yes"], np.zeros(2))

    @labels_and_weight
    def test_strings_refused_beside_weights(self, call):
        with says("y_true must be numbers, got 'no'"):
            call(["no", "yes"], np.ones(2))

    @labels_and_margin
    @pytest.mark.parametrize("kind", [bool, np.int8, np.uint64, np.float16, object])
    def test_zeros_and_ones_accepted(self, call, kind):
        assert np.isfinite(call(np.array([0, 1, 1]).astype(kind), np.zeros(3))).all()

    @labels_and_margin
    def test_negative_zero_is_zero(self, call):
        labels, margin = np.array([0.0, 1.0]), np.array([-1.0, 2.0])
        assert np.array_equal(call(np.array([-0.0, 1.0]), margin), call(labels, margin))


class TestMargin:
    """Finite numbers."""

    @labels_and_margin
    @pytest.mark.parametrize(
        ("wrong", "shown"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf")]
    )
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_refused(self, call, kind, wrong, shown):
        with says(f"margin must be finite numbers, got {shown}"):
            call(np.array([0, 1, 1]), np.array([0, wrong, 1], kind))

    @labels_and_margin
    def test_strings_refused(self, call):
        with says("margin must be numbers, got 'low'"):
            call([0, 1], ["low", "high"])

    @labels_and_margin
    @pytest.mark.parametrize("margin", [TOP, 1e308, 800.0, 5e-324])
    def test_accepted(self, call, margin):
        assert np.isfinite(call([0, 1], np.array([-margin, margin]))).all()

    @pytest.mark.parametrize("margin", [NAN, [0.0, NAN]])
    def test_posterior_refuses_nan(self, margin):
        with says("margin must be numbers, got nan"):
            FocalLoss().posterior(margin)

    def test_posterior_refuses_strings(self):
        with says("margin must be numbers, got 'low'"):
            FocalLoss().posterior(["low"])

    def test_posterior_accepts_infinity(self):
        assert FocalLoss().posterior([-INF, INF]).tolist() == [0, 1]


class TestPosterior:
    """Numbers in [0, 1]."""

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
    def test_refused(self, wrong, shown):
        with says(f"posterior must lie in [0, 1], got {shown}"):
            FocalLoss().margin([0.5, wrong])

    def test_scalar_refused(self):
        with says("posterior must lie in [0, 1], got 1.5"):
            FocalLoss().margin(1.5)

    @pytest.mark.parametrize("eta", [0, -0.0, 5e-324, 1 - 2.0**-53, 1, True])
    def test_accepted(self, eta):
        assert not np.isnan(FocalLoss().margin(eta))

    def test_strings_refused(self):
        with says("posterior must be numbers, got 'likely'"):
            FocalLoss().margin("likely")


class TestShapes:
    """One margin and one weight per label, and at least one row."""

    @labels_and_margin
    @pytest.mark.parametrize("rows", [1, 2, 4])
    def test_margins_of_another_length_refused(self, call, rows):
        with says(f"margin must have the shape of y_true, (3,), got ({rows},)"):
            call(np.array([0, 1, 1]), np.zeros(rows))

    @labels_and_weight
    @pytest.mark.parametrize("rows", [1, 2, 4])
    def test_weights_of_another_length_refused(self, call, rows):
        with says(f"sample_weight must have the shape of y_true, (3,), got ({rows},)"):
            call(np.array([0, 1, 1]), np.ones(rows))

    @labels_and_margin
    @pytest.mark.parametrize("empty", [[], np.zeros(0), np.zeros((0,), int)])
    def test_no_rows_refused(self, call, empty):
        with says("y_true must not be empty, got shape (0,)"):
            call(empty, np.zeros(0))

    @labels_and_margin
    def test_no_margins_refused(self, call):
        with says("margin must not be empty, got shape (0,)"):
            call([0, 1], [])

    @labels_only
    def test_no_labels_refused(self, name):
        with says("y_true must not be empty, got shape (0,)"):
            getattr(FocalLoss(), name)([])

    @pytest.mark.parametrize("name", ["posterior", "margin"])
    def test_link_of_nothing_refused(self, name):
        parameter = "margin" if name == "posterior" else "posterior"
        with says(f"{parameter} must not be empty, got shape (0, 2)"):
            getattr(FocalLoss(), name)(np.zeros((0, 2)))

    @pytest.mark.parametrize("name", ["y_true", "margin", "sample_weight"])
    def test_objective_refuses_more_than_one_column(self, name):
        rows = {"y_true": [0, 1], "margin": [0.0, 0.0], "sample_weight": [1.0, 1.0]}
        rows[name] = np.ones((2, 2))
        with says(f"{name} must have one value per row, got (2, 2)"):
            FocalObjective().gradient_hessian(**rows)

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
    """A margin that leaves the finite numbers with the offset is refused as one."""

    @pytest.mark.parametrize(
        ("margin", "offset"),
        [(0.0, NAN), (0.0, INF), (0.0, -INF), (1e308, 1e308), (-TOP, -TOP)],
    )
    @pytest.mark.parametrize("weight", [None, [1.0, 1.0]])
    def test_refused(self, margin, offset, weight):
        with pytest.raises(ValueError, match=r"^(margin|offset) must be"):
            FocalObjective().gradient_hessian(
                [0, 1], [margin, margin], weight, offset=offset
            )

    @pytest.mark.parametrize(("margin", "offset"), [(TOP, -TOP), (0.0, TOP)])
    def test_accepted(self, margin, offset):
        result = FocalObjective().gradient_hessian(
            [0, 1], [margin, margin], offset=offset
        )
        assert np.isfinite(result).all()


class TestOneClass:
    """A start value and a balance need both classes."""

    @labels_only
    @pytest.mark.parametrize("label", [0, 1])
    def test_refused(self, name, label):
        with says(
            f"y_true must contain both classes with positive weight, got only {label}"
        ):
            getattr(FocalLoss(), name)([label] * 3)

    @labels_only
    def test_a_class_without_weight_is_none(self, name):
        with pytest.raises(ValueError, match="both classes with positive weight"):
            getattr(FocalLoss(), name)([0, 0, 1], sample_weight=[1, 1, 0])

    @labels_only
    def test_one_row_of_each_is_enough(self, name):
        assert getattr(FocalLoss(), name)([0, 1]) is not None

    @labels_and_margin
    @pytest.mark.parametrize("label", [0, 1])
    def test_everything_else_takes_one_class(self, call, label):
        assert np.isfinite(call([label, label], [0.5, -0.5])).all()
