"""Thresholds against scikit-learn's scores, and costs against known posteriors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from boosters import BOTH
from estimators import quiet
from matplotlib.figure import Figure
from populations import make_sample
from scipy.stats import binomtest
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    fbeta_score,
    precision_recall_curve,
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
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

SAMPLE = make_sample(1_000, 0.1, seed=21)
# Few digits, so that there are ties.
y, posterior, weight = SAMPLE.y, np.round(SAMPLE.posterior, 2), SAMPLE.weight
EVERY = np.append(np.unique(posterior), np.inf)


def choose(rule: Any, **kwargs: Any) -> Any:
    return choose_threshold(y, posterior, rule, **{"n_bootstrap": 20, **kwargs})


def alerts(threshold: float) -> Any:
    return (posterior >= threshold).astype(int)


# The choice, by brute force over all thresholds with scikit-learn's scores

weights = pytest.mark.parametrize("given", [None, weight], ids=["plain", "weighted"])


@weights
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_is_the_greatest(beta: float, given: Any) -> None:
    chosen = choose(FBeta(beta), sample_weight=given)
    scores = [
        fbeta_score(y, alerts(t), beta=beta, sample_weight=given, zero_division=0)
        for t in EVERY
    ]
    found = scores[list(EVERY).index(chosen.threshold)]
    assert found == pytest.approx(max(scores), rel=1e-12)


@weights
@pytest.mark.parametrize("recall", [0.3, 0.8, 1.0])
def test_recall_with_the_fewest_alerts(recall: float, given: Any) -> None:
    chosen = choose(RecallAtLeast(recall), sample_weight=given)
    reached = [
        t
        for t in EVERY
        if recall_score(y, alerts(t), sample_weight=given) >= recall - 1e-9
    ]
    assert chosen.threshold == max(reached)
    found = recall_score(y, alerts(chosen.threshold), sample_weight=given)
    assert chosen.recall.value == pytest.approx(found, rel=1e-12)


@weights
@pytest.mark.parametrize("precision", [0.2, 0.5])
def test_precision_with_the_most_positives(precision: float, given: Any) -> None:
    chosen = choose(PrecisionAtLeast(precision), sample_weight=given)
    found = [
        precision_score(y, alerts(t), sample_weight=given, zero_division=0)
        for t in EVERY
    ]
    reached = EVERY[np.array(found) >= precision]
    assert chosen.threshold == min(reached)
    at = precision_score(y, alerts(chosen.threshold), sample_weight=given)
    assert chosen.precision.value == pytest.approx(at, rel=1e-12)


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
    for rule in (FBeta(), RecallAtLeast(0.7), PrecisionAtLeast(0.3)):
        by_weight = choose(rule, sample_weight=times)
        by_rows = choose_threshold(
            np.repeat(y, times), np.repeat(posterior, times), rule, n_bootstrap=1
        )
        assert by_weight.threshold == by_rows.threshold
        assert by_weight.recall.value == pytest.approx(by_rows.recall.value)


def test_labels_of_text() -> None:
    named = np.where(y == 1, "yes", "no")
    assert choose_threshold(named, posterior, FBeta()) == choose_threshold(
        y, posterior, FBeta()
    )


# What the choice costs, where the posterior is known


def expected_cost(known: Any, called: Any, rule: Cost) -> float:
    """Return the mean cost of calling these rows positive."""
    each = (1 - known) * rule.false_positive, known * rule.false_negative
    return float(np.where(called, *each).mean())


@pytest.mark.parametrize("false_negative", [5.0, 20.0, 100.0])
def test_no_other_call_of_known_posteriors_is_cheaper(false_negative: float) -> None:
    rule = Cost(1.0, false_negative)
    _, labels, known = make_imbalanced(20_000, prevalence=0.02, seed=0)
    chosen = choose_threshold(labels, known, rule, n_bootstrap=1).threshold
    best = np.minimum(1 - known, known * false_negative).mean()
    found = expected_cost(known, known >= chosen, rule)
    assert found == pytest.approx(best, rel=1e-12)


@both
def test_expected_cost_is_near_the_best_possible(library: Any) -> None:
    X, labels, known = make_imbalanced(20_000, prevalence=0.02, seed=0)
    stopped = {"early_stopping_rounds": 20, "n_estimators": 300, "max_depth": 3}
    model = library.focal_classifier(**library.quiet_estimator, **stopped)
    seen = FoldEnsembleClassifier(model, cv=3).fit(X, labels).oof_posterior_
    for false_negative in (5.0, 20.0, 100.0):
        rule = Cost(1.0, false_negative)
        chosen = choose_threshold(labels, seen, rule, n_bootstrap=1).threshold
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
    wide, narrow = (choose(FBeta(), confidence=c, n_bootstrap=300) for c in (0.99, 0.5))
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    assert wide.low < wide.threshold < wide.high
    assert choose(FBeta()) == choose(FBeta())
    assert choose(FBeta(), random_state=1) != choose(FBeta())


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
    model = library.focal_classifier(n_estimators=10, **library.quiet_estimator)
    ensemble = FoldEnsembleClassifier(model, cv=3).fit(SAMPLE.X, y)
    chosen = choose_threshold(y, ensemble.oof_posterior_, FBeta())
    fixed = FixedThresholdClassifier(
        FrozenEstimator(ensemble), threshold=chosen.threshold
    ).fit(SAMPLE.X, y)
    called = ensemble.predict_proba(SAMPLE.X)[:, 1] >= chosen.threshold
    np.testing.assert_array_equal(fixed.predict(SAMPLE.X), called)
    assert called.sum() > ensemble.predict(SAMPLE.X).sum()


@both
def test_tuned_threshold_takes_our_classifiers(library: Any) -> None:
    model = library.focal_classifier(n_estimators=10, **library.quiet_estimator)
    tuned = TunedThresholdClassifierCV(model, scoring="f1", cv=3).fit(SAMPLE.X, y)
    plain = model.fit(SAMPLE.X, y)
    assert 0 < tuned.best_threshold_ < 0.5
    better, worse = (f1_score(y, one.predict(SAMPLE.X)) for one in (tuned, plain))
    assert better > worse


# The plot


def test_plot_is_scikit_learns_curve() -> None:
    chosen = choose(FBeta())
    ax = Figure().subplots()
    assert plot_thresholds(ax, y, posterior, chosen=chosen) is ax
    lines = {one.get_label(): one for one in ax.lines}
    precision, recall, thresholds = precision_recall_curve(y, posterior)
    for name, expected in (("recall", recall), ("precision", precision)):
        drawn = lines[name].get_ydata()
        # Ours begins with no alerts, and ends with all.
        np.testing.assert_allclose(drawn[1:][::-1], expected[:-1], rtol=1e-12)
    np.testing.assert_array_equal(lines["recall"].get_xdata()[:-1][::-1], thresholds)
    (line,) = (one for name, one in lines.items() if name.startswith("chosen"))
    assert set(line.get_xdata()) == {chosen.threshold}
    left, right = ax.get_xlim()
    assert left < chosen.low
    assert right == 1.0


def test_plot_of_costs_is_least_near_the_choice() -> None:
    figure = Figure()
    ax = figure.subplots()
    rule = Cost(1, 10)
    chosen = choose(rule, n_bootstrap=1)
    plot_thresholds(ax, y, posterior, chosen=chosen, sample_weight=None)
    (right,) = (one for one in figure.axes if one is not ax)
    (curve,) = right.lines
    at = curve.get_xdata()[np.argmin(curve.get_ydata())]
    assert at == pytest.approx(chosen.threshold, rel=0.5)
    labels = [text.get_text() for text in right.get_legend().get_texts()]
    assert labels == ["recall", "precision", "cost per row", "chosen, 0.0909"]
    other = Figure()
    plot_thresholds(other.subplots(), y, posterior, cost=rule)
    assert len(other.axes) == 2


# What is refused


@pytest.mark.parametrize(
    ("rule", "kwargs", "sentence"),
    [
        ("f1", {}, r"^rule must be a Rule as Cost\(1, 20\) is, got 'f1'$"),
        (FBeta(), {"n_bootstrap": 0}, "^n_bootstrap must be an integer >= 1, got 0$"),
        (FBeta(), {"confidence": 95}, r"^confidence must be a number in \(0, 1\), got"),
        (
            PrecisionAtLeast(1.0),
            {"sample_weight": np.where((y == 1) & (posterior > 0.1), 0.0, 1.0)},
            r"^precision must be at most 0\.\d+, the highest .*, got 1.0$",
        ),
    ],
)
def test_unsound_choices(rule: Any, kwargs: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        choose(rule, **kwargs)


def test_unsound_rows() -> None:
    with pytest.raises(ValueError, match=r"^posterior must lie in"):
        choose_threshold(y, np.where(y == 1, np.nan, posterior), FBeta())
    with pytest.raises(ValueError, match=r"^y_true must contain both classes"):
        choose_threshold(y * 0, posterior, FBeta())
    with pytest.raises(ValueError, match=r"^posterior must have the shape of y_true"):
        choose_threshold(y, posterior[:-1], FBeta())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Cost(1, math.inf), "^false_negative must be a finite number, got inf"),
        (lambda: Cost(0, 1), "^false_positive must cost more than true_negative, 0.0,"),
        (lambda: FBeta(0), "^beta must be a finite number > 0, got 0$"),
        (lambda: RecallAtLeast(80), r"^recall must be a number in \(0, 1\], got 80$"),
        (lambda: AlertsPerDayAtMost(5, 0), "^days must be a finite number > 0, got 0$"),
    ],
)
def test_unsound_rules(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_nothing_is_called_where_nothing_may_be() -> None:
    tied = np.full(len(y), 0.5)
    chosen = choose_threshold(y, tied, FalsePositiveRateAtMost(0.5), n_bootstrap=5)
    assert chosen.threshold == math.inf
    assert chosen.recall.value == 0
    assert math.isnan(chosen.precision.value)
    plot_thresholds(Figure().subplots(), y, tied, chosen=chosen)


def test_many_classes_are_refused_with_the_way_out() -> None:
    y, posterior = np.array(["ant", "bee", "cow"] * 9), np.linspace(0, 1, 27)
    with pytest.raises(ValueError, match="two classes for a threshold, got 3") as said:
        choose_threshold(y, posterior, Cost(1, 9))
    assert "y_true == 'cow'" in str(said.value)
    assert "\n" not in str(said.value)
    assert choose_threshold(y == "cow", posterior, Cost(1, 9)).threshold > 0
