"""FocalMetric: scikit-learn's figures on the posterior, and what they must obey."""

import copy
import dataclasses
import pickle
from functools import partial

import numpy as np
import pytest
from grids import both_links
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost import FocalMetric, FocalObjective
from focal_boost.metrics import focal_metrics

NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")
OBJECTIVES = (
    FocalObjective(),
    FocalObjective(None, 0.0),
    FocalObjective(0.9, 3.7),
    FocalObjective(link="focal"),
    FocalObjective(0.9, 3.7, link="focal"),
)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
every_name = pytest.mark.parametrize("name", NAMES)
close = partial(pytest.approx, rel=1e-12, abs=0)


def metric_of(name):
    return FocalMetric(name, FocalObjective())


def sample(n=400, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    raw_score = rng.normal(0, 2, n)
    if ties:
        raw_score = np.round(raw_score)
    return (rng.random(n) < 0.2).astype(int), raw_score


def weights(n=400, zeros=False):
    rng = np.random.default_rng(9)
    weight = rng.exponential(size=n)
    return np.where(rng.random(n) < 0.3, 0.0, weight) if zeros else weight


def of_the_negative_class(objective, raw_score):
    """Return P(y = 0): the posterior of the same loss with the classes exchanged."""
    alpha = None if objective.alpha is None else 1 - objective.alpha
    mirrored = FocalObjective(alpha, objective.gamma, objective.link)
    return mirrored.posterior(-raw_score)


def reference(name, objective, y, raw_score, weight=None):
    """Return the metric as scikit-learn and NumPy say it."""
    eta = objective.posterior(raw_score)
    match name:
        case "focal_loss":
            return np.average(objective.value(y, raw_score), weights=weight)
        case "log_loss":
            # Where eta is nearly 1 it has kept few digits of 1 − eta.
            both = np.column_stack([of_the_negative_class(objective, raw_score), eta])
            return log_loss(y, both, sample_weight=weight, labels=[0, 1])
        case "brier_score":
            return brier_score_loss(y, eta, sample_weight=weight)
        case _:
            return average_precision_score(y, eta, sample_weight=weight)


def first_two_of_both(n):
    y, raw_score = sample(n)
    return np.r_[0, 1, y[2:]], raw_score


ROWS = {
    "two": (np.array([0, 1]), np.array([0.3, -0.2])),
    "posteriors of 0 and 1": (
        np.array([0, 1, 1, 0, 1, 0]),
        np.array([-800, -800, 800, 800, 90, -1.0]),
    ),
    # Of any number of rows.
    **{str(n): first_two_of_both(n) for n in (3, 9, 513, 514, 515, 1027)},
}


class TestScikitLearn:
    """The same figures to 1e-12."""

    @every_objective
    @every_name
    @pytest.mark.parametrize("ties", [False, True])
    @pytest.mark.parametrize("weight", [None, weights(), weights(zeros=True)])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_equal(self, kind, weight, ties, name, objective):
        y, raw_score = sample(ties=ties)
        raw_score = raw_score.astype(kind)
        expected = reference(name, objective, y, raw_score, weight)
        actual = FocalMetric(name, objective)(y, raw_score, weight)
        assert actual == close(expected)

    @every_objective
    @every_name
    @pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
    def test_equal_on_other_rows(self, rows, name, objective):
        expected = reference(name, objective, *rows)
        assert FocalMetric(name, objective)(*rows) == close(expected)

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    @pytest.mark.parametrize("weight", [None, weights(3000), weights(3000, zeros=True)])
    @pytest.mark.parametrize("span", [(7, 14), (11, 60), (-260, -230), (-5, 5)])
    @pytest.mark.parametrize("gamma", [0.0, 2.0])
    @both_links
    def test_ranks_are_the_posteriors(self, link, gamma, span, weight, kind):
        # Posteriors that are rounded to equal ones tie, and no others.
        rng = np.random.default_rng(5)
        raw_score = rng.uniform(*span, 3000).astype(kind)
        if link == "logit":
            raw_score *= 3  # the log-odds of these margins for γ = 2
        y = rng.random(3000) < 0.3
        objective = FocalObjective(0.25, gamma, link)
        expected = reference("average_precision", objective, y, raw_score, weight)
        actual = FocalMetric("average_precision", objective)(y, raw_score, weight)
        assert actual == close(expected)

    @both_links
    def test_of_confident_mistakes_without_focus(self, link):
        # Where everybody computes it, a negative's probability is 1 − p, p rounded.
        raw_score, y = np.linspace(20, 40, 201), np.zeros(201, int)
        metric = FocalMetric("log_loss", FocalObjective(None, 0.0, link))
        actual = metric(y, raw_score)
        expected = log_loss(y, expit(raw_score), labels=[0, 1])
        assert actual == close(expected)

    def test_log_loss_of_a_row_ends_at_the_clip(self):
        metric = FocalMetric("log_loss", FocalObjective())
        assert metric([0, 0], [1e30, 1e30]) == close(52 * np.log(2))
        assert 0 <= metric([1, 0], [1e30, -1e30]) <= 2.0**-52


ORDER = np.random.default_rng(4).permutation(400)
SAME = {
    "bool": lambda y, z, w: (y.astype(bool), z, w),
    "int8": lambda y, z, w: (y.astype(np.int8), z, w),
    "float32": lambda y, z, w: (y.astype(np.float32), z, w),
    "lists": lambda y, z, w: (y.tolist(), z.tolist(), w.tolist()),
    "columns": lambda y, z, w: (y[:, None], z[:, None], w),
    "shuffled": lambda y, z, w: (y[ORDER], z[ORDER], w[ORDER]),
    **{
        f"weights times {factor}": lambda y, z, w, factor=factor: (y, z, factor * w)
        for factor in (1e-30, 3.0, 1e30)
    },
}


class TestEveryMetric:
    """Types, weights and shapes."""

    @every_name
    def test_is_a_float(self, name):
        assert type(metric_of(name)(*sample())) is float

    @every_name
    @pytest.mark.parametrize("empty", [[], np.zeros(0, np.float32), None])
    def test_empty_weights_mean_none(self, name, empty):
        metric, rows = metric_of(name), sample()
        assert metric(*rows, empty) == metric(*rows) == metric(*rows, sample_weight=[])

    @every_name
    @pytest.mark.parametrize("weight", [None, weights(100_001)])
    def test_bits_do_not_depend_on_the_threads(self, name, weight, monkeypatch):
        metric, rows, values = metric_of(name), sample(100_001), set()
        for threads in (1, 2, 3):
            monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", str(threads))
            values.add(metric(*rows, weight))
        assert len(values) == 1

    @every_name
    @pytest.mark.parametrize("change", SAME.values(), ids=SAME)
    def test_rows_in_another_guise_have_the_same_figure(self, change, name):
        rows, metric = (*sample(ties=True), weights()), metric_of(name)
        assert metric(*change(*rows)) == close(metric(*rows))

    @every_name
    def test_inputs_may_be_read_only_and_stay_as_they_are(self, name):
        y, raw_score = sample()
        rows = (y.astype(float), raw_score, weights())
        before = [values.copy() for values in rows]
        for values in rows:
            values.flags.writeable = False
        metric_of(name)(*rows)
        for values, copied in zip(rows, before, strict=True):
            assert (values == copied).all()

    @every_name
    @every_objective
    def test_finite_for_huge_raw_scores(self, objective, name):
        raw_score = np.array([1e308, -1e308, 1e308, -1e308]) / 4
        assert np.isfinite(FocalMetric(name, objective)([0, 0, 1, 1], raw_score))

    @pytest.mark.parametrize(
        ("name", "higher"), [*((n, False) for n in NAMES[:3]), (NAMES[3], True)]
    )
    def test_direction(self, name, higher):
        y, raw_score = sample()
        metric = metric_of(name)
        assert metric.higher_is_better is higher
        informed = metric(y, np.where(y == 1, 3.0, -3.0))
        assert (informed > metric(y, raw_score)) is higher


class TestProperScores:
    """The best raw score under a proper score of the posterior is the truth's."""

    @every_objective
    @pytest.mark.parametrize("name", ["focal_loss", "log_loss", "brier_score"])
    def test_best_constant_is_the_initial_score(self, name, objective):
        y, _ = sample()
        metric, best = FocalMetric(name, objective), objective.initial_score(y)

        def constant(z):
            return metric(y, np.full(y.size, z))

        assert constant(best) < min(constant(best - 1e-3), constant(best + 1e-3))


class TestValueObject:
    """Immutable, comparable, picklable."""

    @pytest.mark.parametrize("name", ["name", "objective", "other"])
    def test_frozen(self, name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(FocalMetric("log_loss", FocalObjective()), name, None)

    @every_name
    def test_equal_hash_repr_pickle(self, name):
        metric = FocalMetric(name, FocalObjective(0.5, 1.0))
        same = FocalMetric(name, FocalObjective(0.5, 1.0))
        assert metric == same == pickle.loads(pickle.dumps(metric))
        assert copy.deepcopy(metric) == eval(repr(metric)) == metric
        assert hash(metric) == hash(same)
        assert metric != metric_of(name)
        assert metric != FocalMetric(name, FocalObjective(0.5, 1.0, "focal"))
        assert metric != FocalMetric(NAMES[NAMES.index(name) - 1], metric.objective)


class TestFocalMetrics:
    """Metrics by their names."""

    def test_each_once_and_in_order(self):
        objective = FocalObjective()
        names = ("log_loss", "focal_loss", "log_loss")
        found = focal_metrics(names, objective)
        assert found == tuple(FocalMetric(name, objective) for name in names[:2])
        assert focal_metrics("brier_score", objective) == (
            FocalMetric("brier_score", objective),
        )
