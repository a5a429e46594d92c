"""FocalMetric: scikit-learn's figures on the posterior, and what they must obey."""

import copy
import dataclasses
import pickle
from contextlib import suppress

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost import FocalMetric, FocalObjective
from focal_boost.links import LINKS
from focal_boost.metrics import focal_metrics, weight_from

NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")
OBJECTIVES = (
    FocalObjective(),
    FocalObjective(None, 0.0),
    FocalObjective(0.9, 3.7),
    FocalObjective(link="focal"),
    FocalObjective(0.9, 3.7, link="focal"),
)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
both_links = pytest.mark.parametrize("link", LINKS)
every_name = pytest.mark.parametrize("name", NAMES)


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
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @every_objective
    @every_name
    def test_equal_where_the_posterior_is_0_or_1(self, name, objective):
        y = np.array([0, 1, 1, 0, 1, 0])
        raw_score = np.array([-800, -800, 800, 800, 90, -1.0])
        expected = reference(name, objective, y, raw_score)
        actual = FocalMetric(name, objective)(y, raw_score)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @every_name
    def test_equal_on_two_rows(self, name):
        y, raw_score = np.array([0, 1]), np.array([0.3, -0.2])
        expected = reference(name, FocalObjective(), y, raw_score)
        actual = FocalMetric(name, FocalObjective())(y, raw_score)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

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
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @both_links
    def test_of_confident_mistakes_without_focus(self, link):
        # Where everybody computes it, a negative's probability is 1 − p, p rounded.
        raw_score, y = np.linspace(20, 40, 201), np.zeros(201, int)
        metric = FocalMetric("log_loss", FocalObjective(None, 0.0, link))
        actual = metric(y, raw_score)
        expected = log_loss(y, expit(raw_score), labels=[0, 1])
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    def test_log_loss_of_a_row_stays_between_the_clips(self):
        metric = FocalMetric("log_loss", FocalObjective())
        assert metric([0, 0], [1e30, 1e30]) == pytest.approx(52 * np.log(2), rel=1e-12)
        assert metric([1, 0], [1e30, -1e30]) == pytest.approx(2.0**-52, rel=1e-12)


class TestEveryMetric:
    """Types, weights and shapes."""

    @every_name
    def test_is_a_float(self, name):
        assert type(FocalMetric(name, FocalObjective())(*sample())) is float

    @every_name
    @pytest.mark.parametrize("empty", [[], np.zeros(0, np.float32), None])
    def test_empty_weights_mean_none(self, name, empty):
        metric, rows = FocalMetric(name, FocalObjective()), sample()
        assert metric(*rows, empty) == metric(*rows) == metric(*rows, sample_weight=[])

    @every_name
    def test_weights_count_as_repeated_rows(self, name):
        y, raw_score = sample(ties=True)
        counts = np.random.default_rng(2).integers(0, 4, y.size)
        metric = FocalMetric(name, FocalObjective())
        repeated = metric(np.repeat(y, counts), np.repeat(raw_score, counts))
        assert metric(y, raw_score, counts) == pytest.approx(repeated, rel=1e-12, abs=0)

    @every_name
    @pytest.mark.parametrize("factor", [1e-30, 3.0, 1e30])
    def test_scale_of_the_weights_does_not_matter(self, name, factor):
        metric, rows, weight = FocalMetric(name, FocalObjective()), sample(), weights()
        assert metric(*rows, factor * weight) == pytest.approx(
            metric(*rows, weight), rel=1e-12, abs=0
        )

    @every_name
    @pytest.mark.parametrize("weight", [None, weights(100_001)])
    def test_bits_do_not_depend_on_the_threads(self, name, weight, monkeypatch):
        metric, rows, values = (
            FocalMetric(name, FocalObjective()),
            sample(100_001),
            set(),
        )
        for threads in (1, 2, 3):
            monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", str(threads))
            values.add(metric(*rows, weight))
        assert len(values) == 1

    @every_name
    @pytest.mark.parametrize("n", [1, 7, 511, 512, 513, 1025])
    def test_mean_of_any_number_of_rows(self, name, n):
        y, raw_score = sample(n + 2)
        y[:2] = 0, 1
        expected = reference(name, FocalObjective(), y, raw_score)
        assert FocalMetric(name, FocalObjective())(y, raw_score) == pytest.approx(
            expected, rel=1e-12, abs=0
        )

    @every_name
    def test_order_of_the_rows_does_not_matter(self, name):
        y, raw_score = sample(ties=True)
        order = np.random.default_rng(4).permutation(y.size)
        metric, weight = FocalMetric(name, FocalObjective()), weights()
        shuffled = metric(y[order], raw_score[order], weight[order])
        assert shuffled == pytest.approx(metric(y, raw_score, weight), rel=1e-12, abs=0)

    @every_name
    @pytest.mark.parametrize("kind", [bool, np.int8, np.float32, list])
    def test_type_of_the_labels_does_not_matter(self, name, kind):
        y, raw_score = sample()
        metric = FocalMetric(name, FocalObjective())
        converted = y.tolist() if kind is list else y.astype(kind)
        assert metric(converted, raw_score) == metric(y, raw_score)

    @every_name
    def test_column_gives_no_other_number(self, name):
        y, raw_score = sample()
        metric = FocalMetric(name, FocalObjective())
        column = expected = metric(y, raw_score)
        with suppress(ValueError):  # refusing it is as good
            column = metric(y[:, None], raw_score[:, None])
        assert column == pytest.approx(expected, rel=1e-12, abs=0)

    @every_name
    def test_inputs_may_be_read_only_and_stay_as_they_are(self, name):
        y, raw_score = sample()
        rows = (y.astype(float), raw_score, weights())
        before = [values.copy() for values in rows]
        for values in rows:
            values.flags.writeable = False
        FocalMetric(name, FocalObjective())(*rows)
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
        metric = FocalMetric(name, FocalObjective())
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


class TestAveragePrecision:
    """The area under the step-wise precision-recall curve."""

    metric = FocalMetric("average_precision", FocalObjective())

    def test_by_hand(self):
        # precision 1/1 and 2/3 at the two positives
        expected = (1 + 2 / 3) / 2
        assert self.metric([0, 1, 0, 1], [0.1, 3.0, 1.0, 0.5]) == pytest.approx(
            expected
        )

    def test_constant_scores_give_the_prevalence(self):
        assert self.metric([0, 0, 0, 1], np.zeros(4)) == 0.25
        weighted = self.metric([0, 0, 0, 1], np.zeros(4), [1, 1, 1, 3])
        assert weighted == 0.5

    def test_perfect_ranking_gives_one(self):
        y, _ = sample()
        assert self.metric(y, y - 0.5) == 1

    def test_does_not_depend_on_the_objective(self):
        rows = sample()
        values = {FocalMetric("average_precision", one)(*rows) for one in OBJECTIVES}
        assert len(values) == 1

    @pytest.mark.parametrize("rank", [1, 2, 10, 400])
    def test_single_positive_gives_one_over_its_rank(self, rank):
        y = np.zeros(400)
        y[rank - 1] = 1
        actual = self.metric(y, -np.arange(400) / 100)
        assert actual == pytest.approx(1 / rank, rel=1e-15)

    def test_no_positives_give_zero_silently(self):
        y, raw_score = np.zeros(5, int), np.arange(5.0)
        with pytest.warns(UserWarning, match="No positive class found"):
            expected = average_precision_score(y, raw_score)
        assert self.metric(y, raw_score) == expected == 0

    def test_positives_without_weight_are_none(self):
        assert self.metric([0, 1, 0], [0.0, 1.0, 2.0], [1, 0, 1]) == 0

    def test_only_positives_give_one(self):
        assert self.metric([1, 1], [0.0, 3.0]) == 1

    def test_rows_without_weight_at_the_top_do_not_count(self):
        y, raw_score = [0, 1, 0, 1], [9.0, 1.0, 0.0, -1.0]
        assert self.metric(y, raw_score, [0, 1, 1, 1]) == pytest.approx(
            self.metric(y[1:], raw_score[1:]), rel=1e-15
        )


class TestWeightFrom:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("spread", [1e-3, 1.0, 20.0, 400.0])
    def test_is_the_weight_of_the_rows_at_or_above(self, spread, dtype):
        """Sums of whole numbers are exact in any order."""
        rng = np.random.default_rng(int(spread))
        ends = [0.0, 5e-324, 0.5, 1.0]
        for digits in (0, 2, 9):
            scores = np.round(rng.normal(0, spread, (2, 900)), digits)
            rank, known = FocalObjective().posterior(scores)
            thresholds = np.unique(known if digits else [*known, *ends])
            weight = rng.integers(0, 9, rank.size).astype(dtype)
            expected = [weight[rank >= one].sum() for one in thresholds]
            found = weight_from(rank, weight, thresholds)
            np.testing.assert_array_equal(found, expected)
            ones = weight_from(rank, None, thresholds)
            counts = weight_from(rank, np.ones_like(weight), thresholds)
            np.testing.assert_array_equal(ones, counts)

    def test_of_no_thresholds_there_is_none(self):
        assert weight_from(np.ones(2), np.ones(2), np.empty(0)).shape == (0,)


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
        assert metric != FocalMetric(name, FocalObjective())
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
