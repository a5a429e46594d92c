"""Thresholds against scikit-learn's scores, and costs against known posteriors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from estimators import both, make, quiet
from matplotlib.figure import Figure
from populations import make_sample
from scipy.stats import binomtest
from sentences import says
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
    roc_curve,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)

from focal_boost import FoldEnsembleClassifier
from focal_boost.datasets import make_imbalanced
from focal_boost.plotting import plot_thresholds
from focal_boost.thresholds import (
    AlertsPerDayAtMost,
    Cost,
    FalsePositiveRateAtMost,
    FBeta,
    PrecisionAtLeast,
    RecallAtLeast,
    choose_threshold,
)

pytestmark = quiet

SAMPLE = make_sample(1_000, 0.1, seed=21)
# Few digits, so that there are ties.
y, posterior, weight = SAMPLE.y, np.round(SAMPLE.posterior, 2), SAMPLE.weight
EVERY = np.append(np.unique(posterior), np.inf)


F_1 = FBeta()


def choose(rule: Any, labels: Any = y, seen: Any = posterior, **kwargs: Any) -> Any:
    return choose_threshold(labels, seen, rule, **{"n_bootstrap": 20, **kwargs})


def alerts(threshold: float) -> Any:
    return (posterior >= threshold).astype(int)


# The choice, by brute force over all thresholds with scikit-learn's scores

weights = pytest.mark.parametrize("given", [None, weight], ids=["plain", "weighted"])


def scores(score: Any, given: Any, **kwargs: Any) -> Any:
    """Return a score of scikit-learn's at every threshold."""
    found = [score(y, alerts(t), sample_weight=given, **kwargs) for t in EVERY]
    return np.array(found)


@weights
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_is_the_greatest(beta: float, given: Any) -> None:
    chosen = choose(FBeta(beta), sample_weight=given)
    each = scores(fbeta_score, given, beta=beta, zero_division=0)
    assert each[chosen.threshold == EVERY] == pytest.approx(each.max(), rel=1e-12)


@weights
@pytest.mark.parametrize("recall", [0.3, 0.8, 1.0])
def test_recall_with_the_fewest_alerts(recall: float, given: Any) -> None:
    chosen = choose(RecallAtLeast(recall), sample_weight=given)
    each = scores(recall_score, given)
    assert chosen.threshold == EVERY[each >= recall - 1e-9].max()
    at = each[chosen.threshold == EVERY]
    assert chosen.recall.value == pytest.approx(at[0], rel=1e-12)


@weights
@pytest.mark.parametrize("precision", [0.2, 0.5])
def test_precision_with_the_most_positives(precision: float, given: Any) -> None:
    chosen = choose(PrecisionAtLeast(precision), sample_weight=given)
    each = scores(precision_score, given, zero_division=0)
    assert chosen.threshold == EVERY[each >= precision].min()
    at = each[chosen.threshold == EVERY]
    assert chosen.precision.value == pytest.approx(at[0], rel=1e-12)


@weights
@pytest.mark.parametrize("most", [0.01, 0.2])
def test_false_positive_rate(most: float, given: Any) -> None:
    chosen = choose(FalsePositiveRateAtMost(most), sample_weight=given)
    rate, _, thresholds = roc_curve(
        y, posterior, sample_weight=given, drop_intermediate=False
    )
    assert chosen.threshold == thresholds[rate <= most].min()
    at = rate[thresholds == chosen.threshold]
    assert chosen.false_positive_rate.value == pytest.approx(at[0], rel=1e-12)


def test_alerts_per_day() -> None:
    chosen = choose(AlertsPerDayAtMost(5, days=20))
    counts = np.array([alerts(t).sum() for t in EVERY])
    assert chosen.threshold == EVERY[counts <= 100].min()
    assert chosen.alert_rate.value == alerts(chosen.threshold).mean()
    # Each row stands for ten.
    tenth = choose(AlertsPerDayAtMost(50, 20), sample_weight=np.full(len(y), 10.0))
    assert tenth.threshold == chosen.threshold


def test_cost_is_that_of_the_confusion_matrix() -> None:
    rule = Cost(2.0, 30.0, true_positive=-5.0, true_negative=0.5)
    chosen = choose(rule, sample_weight=weight)
    assert chosen.threshold == pytest.approx(1.5 / (1.5 + 35.0), rel=1e-15)
    assert (chosen.low, chosen.high) == (chosen.threshold, chosen.threshold)
    (tn, fp), (fn, tp) = confusion_matrix(
        y, alerts(chosen.threshold), sample_weight=weight
    )
    total = 2.0 * fp + 30.0 * fn - 5.0 * tp + 0.5 * tn
    assert chosen.cost.value == pytest.approx(total / weight.sum(), rel=1e-6)


def test_weights_are_repeated_rows() -> None:
    times = np.random.default_rng(3).integers(0, 4, len(y))
    for rule in (F_1, RecallAtLeast(0.7), PrecisionAtLeast(0.3)):
        by_weight = choose(rule, sample_weight=times)
        by_rows = choose(rule, np.repeat(y, times), np.repeat(posterior, times))
        assert by_weight.threshold == by_rows.threshold
        assert by_weight.recall.value == pytest.approx(by_rows.recall.value)


def test_labels_of_text() -> None:
    assert choose(F_1, np.where(y == 1, "yes", "no")) == choose(F_1)


# What the choice costs, where the posterior is known


def expected_cost(known: Any, called: Any, rule: Cost) -> float:
    """Return the mean cost of calling these rows positive."""
    each = (1 - known) * rule.false_positive, known * rule.false_negative
    return float(np.where(called, *each).mean())


@both
def test_expected_cost_is_near_the_best_possible(library: Any) -> None:
    X, labels, known = make_imbalanced(20_000, prevalence=0.02, seed=0)
    stopped = {"early_stopping_rounds": 20, "n_estimators": 300, "max_depth": 3}
    ensemble = FoldEnsembleClassifier(make(library, **stopped), cv=3)
    seen = ensemble.fit(X, labels).oof_posterior_
    for false_negative in (5.0, 20.0, 100.0):
        rule = Cost(1.0, false_negative)
        chosen = choose(rule, labels, seen, n_bootstrap=1).threshold
        others = np.quantile(seen, np.linspace(0, 1, 1001))
        best = min(expected_cost(known, seen >= one, rule) for one in others)
        assert expected_cost(known, seen >= chosen, rule) <= 1.02 * best


# The intervals


def test_intervals_are_those_of_a_share() -> None:
    chosen = choose(Cost(1, 10), n_bootstrap=1_000)
    called = alerts(chosen.threshold)
    right = int((called * y).sum())
    for found, of in ((chosen.precision, called.sum()), (chosen.recall, y.sum())):
        known = binomtest(right, int(of)).proportion_ci(0.95, "wilson")
        assert found.value == pytest.approx(right / of)
        assert (found.low, found.high) == pytest.approx(known, abs=0.02)


def test_intervals_narrow_with_confidence_and_repeat_with_the_seed() -> None:
    wide, narrow = (choose(F_1, confidence=c, n_bootstrap=300) for c in (0.99, 0.5))
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    assert wide.low < wide.threshold < wide.high
    assert choose(F_1) == choose(F_1)
    assert choose(F_1, random_state=1) != choose(F_1)


def test_what_it_prints() -> None:
    lines = str(choose(Cost(1, 10))).splitlines()
    names = [line.split()[0] for line in lines]
    assert names == [
        "threshold", "recall", "precision", "false_positive_rate", "alert_rate", "cost"
    ]  # fmt: skip
    assert "(0.0909 to 0.0909)" in lines[0]


# In scikit-learn


@both
def test_fixed_threshold_takes_it(library: Any) -> None:
    ensemble = FoldEnsembleClassifier(make(library), cv=3).fit(SAMPLE.X, y)
    chosen = choose(F_1, seen=ensemble.oof_posterior_)
    fixed = FixedThresholdClassifier(
        FrozenEstimator(ensemble), threshold=chosen.threshold
    ).fit(SAMPLE.X, y)
    called = ensemble.predict_proba(SAMPLE.X)[:, 1] >= chosen.threshold
    np.testing.assert_array_equal(fixed.predict(SAMPLE.X), called)
    assert called.sum() > ensemble.predict(SAMPLE.X).sum()


@both
def test_tuned_threshold_takes_our_classifiers(library: Any) -> None:
    tuned = TunedThresholdClassifierCV(make(library), scoring="f1", cv=3)
    tuned.fit(SAMPLE.X, y)
    plain = make(library).fit(SAMPLE.X, y)
    assert 0 < tuned.best_threshold_ < 0.5
    better, worse = (f1_score(y, one.predict(SAMPLE.X)) for one in (tuned, plain))
    assert better > worse


# What is refused


TOO_PRECISE = np.where((y == 1) & (posterior > 0.1), 0.0, 1.0)
UNSOUND = {
    "rule must be a Rule as Cost(1, 20) is, got 'f1'": lambda: choose("f1"),
    "n_bootstrap must be an integer >= 1, got 0": lambda: choose(F_1, n_bootstrap=0),
    "confidence must be a number in (0, 1), got 95": lambda: choose(F_1, confidence=95),
    "precision must be at most 0.": lambda: choose(
        PrecisionAtLeast(1.0), sample_weight=TOO_PRECISE
    ),
    "posterior must lie in": lambda: choose(F_1, seen=np.where(y, np.nan, posterior)),
    "posterior must have the shape of y_true": lambda: choose(F_1, seen=posterior[:-1]),
    "y_true must contain both classes": lambda: choose(F_1, labels=y * 0),
    "false_negative must be a finite number, got inf": lambda: Cost(1, math.inf),
    "false_positive must cost more than true_negative, 0.0,": lambda: Cost(0, 1),
    "beta must be a finite number > 0, got 0": lambda: FBeta(0),
    "recall must be a number in (0, 1], got 80": lambda: RecallAtLeast(80),
    "days must be a finite number > 0, got 0": lambda: AlertsPerDayAtMost(5, 0),
}


@pytest.mark.parametrize("sentence", UNSOUND)
def test_what_is_unsound_is_refused(sentence: str) -> None:
    with says(sentence, end=""):
        UNSOUND[sentence]()


def test_nothing_is_called_where_nothing_may_be() -> None:
    tied = np.full(len(y), 0.5)
    chosen = choose(FalsePositiveRateAtMost(0.5), seen=tied)
    assert chosen.threshold == math.inf
    assert chosen.recall.value == 0
    assert math.isnan(chosen.precision.value)
    plot_thresholds(Figure().subplots(), y, tied, chosen=chosen)


def test_many_classes_are_refused_with_the_way_out() -> None:
    names, seen = np.array(["ant", "bee", "cow"] * 9), np.linspace(0, 1, 27)
    with says(
        "y_true must hold two classes for a threshold, got 3: take one of them against "
        "the rest, y_true == 'cow' with its column of the posterior"
    ):
        choose(Cost(1, 9), names, seen)
    assert choose(Cost(1, 9), names == "cow", seen).threshold > 0
