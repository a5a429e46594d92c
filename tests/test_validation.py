"""Every bad parameter, posterior and offset is refused; the next is not."""

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
from sentences import says

from focal_boost import FocalLoss, FocalMetric, FocalObjective
from focal_boost._kernels.threads import check_threads
from focal_boost._rows import HostRows, Labels
from focal_boost._validation import as_float, check_integer
from focal_boost.links import LINKS, link_of

METRICS = ("focal_loss", "log_loss", "brier_score", "average_precision")
TOP = np.finfo(np.float64).max
NAN, INF = math.nan, math.inf
NOT_FINITE = (NAN, INF, -INF)

# What a parameter must be, with values that are not; and values that are.
ALPHA = (
    {
        "None or a number in (0, 1)": [
            *(0, 0.0, 1, 1.0, -5e-324, np.nextafter(1.0, 2).item(), -0.25),
            *(*NOT_FINITE, "0.25", "balanced", True, False, [0.25], 0.25j),
        ],
        "at least 1e-30": [5e-324, 1e-308, 9e-31],
    },
    [None, 1e-30, 1e-9, 0.5, 1 - 2.0**-53, np.float32(0.5)],
)
GAMMA = (
    {
        "a finite number >= 0": [
            *(-1.0, -1, -5e-324),
            *(*NOT_FINITE, "2", True, None, [2.0]),
        ],
        "at most 1e+09": [1e200, 1.1e9, 10**10],
    },
    [0, 0.0, 5e-324, 2, 1e3, np.float32(0.5)],
)
HESSIAN = (
    {"one of ('upper', 'exact')": ["", "Upper", "expected", None, 1, ("upper",)]},
    ["upper", "exact"],
)
LINK = (
    {"one of ('logit', 'focal')": ["", "Logit", "sigmoid", None, 1, ("logit",)]},
    LINKS,
)
NAME = {f"one of {METRICS}": ["", "logloss", "auc", None, ["log_loss"]]}, METRICS
FROM_3 = (
    {"an integer >= 3": [2, -3, 3.0, "3", True, None, np.True_, [3]]},
    [3, np.int64(3), np.uint8(3)],
)
THREADS = (
    {"an integer >= 1": [0, "0", -1, "-1", "1.0", "²", True, 1.0, 1.5, "many"]},
    [1, 2, np.int32(2), np.int64(1)],
)
# A parameter's name, and a call that takes one and tells what it has become.
PARAMETERS = {
    "FocalLoss-alpha": (ALPHA, lambda alpha: FocalLoss(alpha=alpha).alpha),
    "FocalLoss-gamma": (GAMMA, lambda gamma: FocalLoss(gamma=gamma).gamma),
    "balanced-gamma": (GAMMA, lambda g: FocalLoss.balanced([0, 1], gamma=g).gamma),
    "FocalObjective-alpha": (ALPHA, lambda alpha: FocalObjective(alpha).alpha),
    "FocalObjective-gamma": (GAMMA, lambda gamma: FocalObjective(0.25, gamma).gamma),
    "FocalObjective-hessian": (HESSIAN, lambda h: FocalObjective(hessian=h).hessian),
    "FocalObjective-link": (LINK, lambda link: FocalObjective(link=link).link),
    "FocalObjective-n_threads": (
        THREADS,
        lambda n: int(FocalObjective(n_threads=n).n_threads),
    ),
    "FocalMetric-metric": (NAME, lambda name: FocalMetric(name, FocalObjective()).name),
    "check_integer-rounds": (FROM_3, lambda rounds: check_integer(rounds, "rounds", 3)),
    "check_threads-n": (THREADS, lambda n: check_threads(n, "n")),
}


@pytest.mark.parametrize(
    ("take", "sentence", "value"),
    [
        pytest.param(
            take,
            f"{where.split('-')[1]} must be {rule}, got {value!r}",
            value,
            id=f"{where}-{value!r}",
        )
        for where, ((rules, _), take) in PARAMETERS.items()
        for rule, values in rules.items()
        for value in values
    ],
)
def test_refused(take, sentence, value):
    with says(sentence):
        take(value)


@pytest.mark.parametrize(
    ("take", "value"),
    [
        pytest.param(take, value, id=f"{where}-{value!r}")
        for where, ((_, values), take) in PARAMETERS.items()
        for value in values
    ],
)
def test_accepted_as_pythons_own(take, value):
    assert take(value) == value
    assert type(take(value)).__module__ == "builtins"


def test_threads_may_be_a_variables_text():
    assert check_threads("2", "n") == 2


def test_an_integer_may_be_negative():
    assert check_integer(-3, "rounds", -3) == -3


def test_a_metric_takes_a_focal_objective():
    with says(
        "objective must be a FocalObjective, got FocalLoss(alpha=0.25, gamma=2.0)"
    ):
        FocalMetric("log_loss", FocalLoss())


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
def test_numbers(value, number):
    assert as_float(value) == number
    assert type(as_float(value)) is float


@pytest.mark.parametrize(
    "value", [None, "1", True, np.True_, 1j, [1.0], np.ones(1), NAN]
)
def test_no_numbers(value):
    assert math.isnan(as_float(value))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("parameters", [(1e-30, 2.0), (1e-30, 1e9), (None, 1e9)])
def test_at_the_ends_all_is_finite(parameters, link):
    objective = FocalObjective(*parameters, link)
    raw_score = np.array([-700.0, -1.0, 0.0, 2.0, 700.0])
    for y in (0, 1):
        labels = np.full(5, y)
        assert np.isfinite(objective(labels, raw_score)).all()
        assert np.isfinite(objective.value(labels, raw_score)).all()
    posterior = objective.posterior(raw_score)
    assert ((posterior >= 0) & (posterior <= 1)).all()
    assert (np.diff(posterior) >= 0).all()


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
def test_messages_have_an_end(call):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - looked at below
        call()
    said = str(caught.value)
    assert " must be " in said
    assert ", got " in said
    assert len(said) < 220
    assert "\n" not in said


class TestMargin:
    """Numbers, and for the start of a training finite ones."""

    POSTERIORS = pytest.mark.parametrize(
        ("call", "name"),
        [
            (FocalLoss().posterior, "margin"),
            (FocalObjective().posterior, "raw_score"),
            (FocalObjective(link="focal").posterior, "raw_score"),
        ],
    )

    @POSTERIORS
    @pytest.mark.parametrize(
        ("wrong", "shown"), [(NAN, "nan"), ([0.0, NAN], "nan"), (["low"], "'low'")]
    )
    def test_posterior_refuses_what_is_no_number(self, call, name, wrong, shown):
        with says(f"{name} must be numbers, got {shown}"):
            call(wrong)

    @POSTERIORS
    def test_posterior_accepts_infinity(self, call, name):
        assert call([-INF, INF]).tolist() == [0, 1]

    @pytest.mark.parametrize("link", LINKS)
    @pytest.mark.parametrize("wrong", [NAN, INF])
    def test_margin_refuses_what_is_not_finite(self, link, wrong):
        with says(f"raw_score must be finite numbers, got {wrong}"):
            link_of(link, FocalLoss()).margin([0.0, wrong])

    def test_posterior_refuses_nothing(self):
        with says("margin must not be empty, got shape (0, 2)"):
            FocalLoss().posterior(np.zeros((0, 2)))


@pytest.mark.parametrize(
    "call",
    [
        FocalLoss().margin,
        FocalObjective().raw_score,
        FocalObjective(link="focal").raw_score,
    ],
    ids=["FocalLoss", "logit", "focal"],
)
class TestPosterior:
    """Numbers in [0, 1]."""

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            *(
                ([0.5, wrong], f"lie in [0, 1], got {wrong}")
                for wrong in (-5e-324, 1 + 2.0**-52, NAN, INF, -1.0)
            ),
            (1.5, "lie in [0, 1], got 1.5"),
            ("likely", "be numbers, got 'likely'"),
            (np.zeros((0, 2)), "not be empty, got shape (0, 2)"),
        ],
    )
    def test_refused(self, call, wrong, sentence):
        with says(f"posterior must {sentence}"):
            call(wrong)

    @pytest.mark.parametrize("eta", [0, -0.0, 5e-324, 1 - 2.0**-53, 1, True])
    def test_accepted(self, call, eta):
        assert not np.isnan(call(eta))


class TestOffset:
    """A finite number, even where its sum with a raw score is none."""

    @staticmethod
    def at(raw_score, offset, weight=None, **given):
        rows = HostRows(FocalObjective(**given), Labels.of([0, 1], weight))
        return rows.gradient_hessian([raw_score, raw_score], offset)

    @pytest.mark.parametrize("offset", NOT_FINITE)
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
