"""FocalMetric: scikit-learn's figures on the posterior, and what they must obey."""

import copy
import dataclasses
import pickle
from contextlib import suppress

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss

from focal_boost import FocalLoss, FocalMetric

NAMES = ("focal_loss", "log_loss", "brier_score", "average_precision")
LOSSES = (FocalLoss(), FocalLoss(None, 0.0), FocalLoss(0.9, 3.7))
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_name = pytest.mark.parametrize("name", NAMES)


def sample(n=400, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 2, n)
    if ties:
        margin = np.round(margin)
    return (rng.random(n) < 0.2).astype(int), margin


def weights(n=400, zeros=False):
    rng = np.random.default_rng(9)
    weight = rng.exponential(size=n)
    return np.where(rng.random(n) < 0.3, 0.0, weight) if zeros else weight


def of_the_negative_class(loss, margin):
    """Return P(y = 0): the posterior of the same loss with the classes exchanged."""
    alpha = None if loss.alpha is None else 1 - loss.alpha
    return FocalLoss(alpha, loss.gamma).posterior(-margin)


def reference(name, loss, y, margin, weight=None):
    """Return the metric as scikit-learn and NumPy say it."""
    eta = loss.posterior(margin)
    match name:
        case "focal_loss":
            return np.average(loss.loss(y, margin), weights=weight)
        case "log_loss":
            # Where eta is nearly 1 it has kept few digits of 1 − eta.
            both = np.column_stack([of_the_negative_class(loss, margin), eta])
            return log_loss(y, both, sample_weight=weight, labels=[0, 1])
        case "brier_score":
            return brier_score_loss(y, eta, sample_weight=weight)
        case _:
            return average_precision_score(y, eta, sample_weight=weight)


class TestScikitLearn:
    """The same figures to 1e-12."""

    @every_loss
    @every_name
    @pytest.mark.parametrize("ties", [False, True])
    @pytest.mark.parametrize("weight", [None, weights(), weights(zeros=True)])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_equal(self, kind, weight, ties, name, loss):
        y, margin = sample(ties=ties)
        margin = margin.astype(kind)
        expected = reference(name, loss, y, margin, weight)
        actual = FocalMetric(name, loss)(y, margin, weight)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @every_loss
    @every_name
    def test_equal_where_the_posterior_is_0_or_1(self, name, loss):
        y = np.array([0, 1, 1, 0, 1, 0])
        margin = np.array([-800, -800, 800, 800, 90, -1.0])
        expected = reference(name, loss, y, margin)
        actual = FocalMetric(name, loss)(y, margin)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @every_name
    def test_equal_on_two_rows(self, name):
        y, margin = np.array([0, 1]), np.array([0.3, -0.2])
        expected = reference(name, FocalLoss(), y, margin)
        actual = FocalMetric(name, FocalLoss())(y, margin)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    @pytest.mark.parametrize("weight", [None, weights(3000), weights(3000, zeros=True)])
    @pytest.mark.parametrize("span", [(7, 14), (11, 60), (-260, -230), (-5, 5)])
    @pytest.mark.parametrize("gamma", [0.0, 2.0])
    def test_ranks_are_the_posteriors(self, gamma, span, weight, kind):
        # Posteriors that are rounded to equal ones tie, and no others.
        rng = np.random.default_rng(5)
        margin = rng.uniform(*span, 3000).astype(kind)
        y = rng.random(3000) < 0.3
        loss = FocalLoss(0.25, gamma)
        expected = reference("average_precision", loss, y, margin, weight)
        actual = FocalMetric("average_precision", loss)(y, margin, weight)
        assert actual == pytest.approx(expected, rel=1e-12, abs=0)

    def test_log_loss_of_a_row_stays_between_the_clips(self):
        metric = FocalMetric("log_loss", FocalLoss())
        assert metric([0, 0], [1e30, 1e30]) == pytest.approx(52 * np.log(2), rel=1e-12)
        assert metric([1, 0], [1e30, -1e30]) == pytest.approx(2.0**-52, rel=1e-12)


class TestEveryMetric:
    """Types, weights and shapes."""

    @every_name
    def test_is_a_float(self, name):
        assert type(FocalMetric(name, FocalLoss())(*sample())) is float

    @every_name
    @pytest.mark.parametrize("empty", [[], np.zeros(0, np.float32), None])
    def test_empty_weights_mean_none(self, name, empty):
        metric, rows = FocalMetric(name, FocalLoss()), sample()
        assert metric(*rows, empty) == metric(*rows) == metric(*rows, sample_weight=[])

    @every_name
    def test_weights_count_as_repeated_rows(self, name):
        y, margin = sample(ties=True)
        counts = np.random.default_rng(2).integers(0, 4, y.size)
        metric = FocalMetric(name, FocalLoss())
        repeated = metric(np.repeat(y, counts), np.repeat(margin, counts))
        assert metric(y, margin, counts) == pytest.approx(repeated, rel=1e-12, abs=0)

    @every_name
    @pytest.mark.parametrize("factor", [1e-30, 3.0, 1e30])
    def test_scale_of_the_weights_does_not_matter(self, name, factor):
        metric, rows, weight = FocalMetric(name, FocalLoss()), sample(), weights()
        assert metric(*rows, factor * weight) == pytest.approx(
            metric(*rows, weight), rel=1e-12, abs=0
        )

    @every_name
    @pytest.mark.parametrize("weight", [None, weights(100_001)])
    def test_bits_do_not_depend_on_the_threads(self, name, weight, monkeypatch):
        metric, rows, values = FocalMetric(name, FocalLoss()), sample(100_001), set()
        for threads in (1, 2, 3):
            monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", str(threads))
            values.add(metric(*rows, weight))
        assert len(values) == 1

    @every_name
    @pytest.mark.parametrize("n", [1, 7, 511, 512, 513, 1025])
    def test_mean_of_any_number_of_rows(self, name, n):
        y, margin = sample(n + 2)
        y[:2] = 0, 1
        expected = reference(name, FocalLoss(), y, margin)
        assert FocalMetric(name, FocalLoss())(y, margin) == pytest.approx(
            expected, rel=1e-12, abs=0
        )

    @every_name
    def test_order_of_the_rows_does_not_matter(self, name):
        y, margin = sample(ties=True)
        order = np.random.default_rng(4).permutation(y.size)
        metric, weight = FocalMetric(name, FocalLoss()), weights()
        shuffled = metric(y[order], margin[order], weight[order])
        assert shuffled == pytest.approx(metric(y, margin, weight), rel=1e-12, abs=0)

    @every_name
    @pytest.mark.parametrize("kind", [bool, np.int8, np.float32, list])
    def test_type_of_the_labels_does_not_matter(self, name, kind):
        y, margin = sample()
        metric = FocalMetric(name, FocalLoss())
        converted = y.tolist() if kind is list else y.astype(kind)
        assert metric(converted, margin) == metric(y, margin)

    @every_name
    def test_column_gives_no_other_number(self, name):
        y, margin = sample()
        metric = FocalMetric(name, FocalLoss())
        column = expected = metric(y, margin)
        with suppress(ValueError):  # refusing it is as good
            column = metric(y[:, None], margin[:, None])
        assert column == pytest.approx(expected, rel=1e-12, abs=0)

    @every_name
    def test_inputs_may_be_read_only_and_stay_as_they_are(self, name):
        y, margin = sample()
        rows = (y.astype(float), margin, weights())
        before = [values.copy() for values in rows]
        for values in rows:
            values.flags.writeable = False
        FocalMetric(name, FocalLoss())(*rows)
        for values, copied in zip(rows, before, strict=True):
            assert (values == copied).all()

    @every_name
    def test_finite_for_huge_margins(self, name):
        margin = np.array([1e308, -1e308, 1e308, -1e308]) / 4
        assert np.isfinite(FocalMetric(name, FocalLoss())([0, 0, 1, 1], margin))

    @pytest.mark.parametrize(
        ("name", "higher"), [*((n, False) for n in NAMES[:3]), (NAMES[3], True)]
    )
    def test_direction(self, name, higher):
        y, margin = sample()
        metric = FocalMetric(name, FocalLoss())
        assert metric.higher_is_better is higher
        informed = metric(y, np.where(y == 1, 3.0, -3.0))
        assert (informed > metric(y, margin)) is higher


class TestProperScores:
    """The best margin under a proper score of the posterior is the truth's."""

    @every_loss
    @pytest.mark.parametrize("name", ["focal_loss", "log_loss", "brier_score"])
    def test_best_constant_is_the_initial_margin(self, name, loss):
        y, _ = sample()
        metric, best = FocalMetric(name, loss), loss.initial_margin(y)

        def constant(z):
            return metric(y, np.full(y.size, z))

        assert constant(best) < min(constant(best - 1e-3), constant(best + 1e-3))


class TestAveragePrecision:
    """The area under the step-wise precision-recall curve."""

    metric = FocalMetric("average_precision", FocalLoss())

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

    def test_does_not_depend_on_the_loss(self):
        y, margin = sample()
        values = {FocalMetric("average_precision", loss)(y, margin) for loss in LOSSES}
        assert len(values) == 1

    @pytest.mark.parametrize("rank", [1, 2, 10, 400])
    def test_single_positive_gives_one_over_its_rank(self, rank):
        y = np.zeros(400)
        y[rank - 1] = 1
        actual = self.metric(y, -np.arange(400) / 100)
        assert actual == pytest.approx(1 / rank, rel=1e-15)

    def test_no_positives_give_zero_silently(self):
        y, margin = np.zeros(5, int), np.arange(5.0)
        with pytest.warns(UserWarning, match="No positive class found"):
            expected = average_precision_score(y, margin)
        assert self.metric(y, margin) == expected == 0

    def test_positives_without_weight_are_none(self):
        assert self.metric([0, 1, 0], [0.0, 1.0, 2.0], [1, 0, 1]) == 0

    def test_only_positives_give_one(self):
        assert self.metric([1, 1], [0.0, 3.0]) == 1

    def test_rows_without_weight_at_the_top_do_not_count(self):
        y, margin = [0, 1, 0, 1], [9.0, 1.0, 0.0, -1.0]
        assert self.metric(y, margin, [0, 1, 1, 1]) == pytest.approx(
            self.metric(y[1:], margin[1:]), rel=1e-15
        )


class TestValueObject:
    """Immutable, comparable, picklable."""

    @pytest.mark.parametrize("name", ["name", "loss", "other"])
    def test_frozen(self, name):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(FocalMetric("log_loss", FocalLoss()), name, None)

    @every_name
    def test_equal_hash_repr_pickle(self, name):
        metric = FocalMetric(name, FocalLoss(0.5, 1.0))
        same = FocalMetric(name, FocalLoss(0.5, 1.0))
        assert metric == same == pickle.loads(pickle.dumps(metric))
        assert copy.deepcopy(metric) == eval(repr(metric)) == metric
        assert hash(metric) == hash(same)
        assert metric != FocalMetric(name, FocalLoss())
        assert metric != FocalMetric(NAMES[NAMES.index(name) - 1], metric.loss)
