"""``choose_threshold``: the choice, how sure it is, and what it leads to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from focal_boost._validation import as_float, check_integer, shown
from focal_boost.thresholds._outcomes import Outcomes, Ranked
from focal_boost.thresholds._rules import Cost, PrecisionAtLeast, Rule


class Estimate(NamedTuple):
    """A value, and its interval over samples of the rows.

    Examples
    --------
    >>> Estimate(0.5, 0.4, 0.6).low
    0.4
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Threshold:
    """A threshold, and what is to be expected of it.

    Attributes
    ----------
    threshold : float
        Rows with this posterior or more are called positive. For
        ``sklearn.model_selection.FixedThresholdClassifier(model, threshold=)``.
    low, high : float
        Interval of the thresholds that the rule chooses of samples of the rows.
    rule : Rule
        What it was chosen by.
    confidence : float
        Of all intervals.
    recall, precision, false_positive_rate : Estimate
        At the threshold.
    alert_rate : Estimate
        Share of all rows that are called positive.
    cost : Estimate or None
        Mean cost of a row, where `rule` knows costs.

    Examples
    --------
    >>> from focal_boost.thresholds import Cost, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> chosen = choose_threshold(y, posterior, Cost(1, 4))
    >>> chosen.recall.value, chosen.precision.value
    (1.0, 0.5)
    """

    threshold: float
    low: float
    high: float
    rule: Rule
    confidence: float
    recall: Estimate
    precision: Estimate
    false_positive_rate: Estimate
    alert_rate: Estimate
    cost: Estimate | None = None

    def __str__(self) -> str:
        names = ("recall", "precision", "false_positive_rate", "alert_rate", "cost")
        told = {name: getattr(self, name) for name in names}
        lines = [f"{name:20}{one}" for name, one in told.items() if one is not None]
        chosen = Estimate(self.threshold, self.low, self.high)
        return "\n".join([f"{'threshold':20}{chosen}", *lines])


def choose_threshold(
    y_true: ArrayLike,
    posterior: ArrayLike,
    rule: Rule,
    *,
    sample_weight: ArrayLike | None = None,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    random_state: int | None = 0,
) -> Threshold:
    """Choose above which posterior a row is called positive.

    Parameters
    ----------
    y_true : array-like, (n,)
        Labels of two classes; the greater one is the positive class.
    posterior : array-like, (n,)
        P(positive) by models that have not seen the row: of a held-out part, or
        ``FoldEnsembleClassifier.oof_posterior_``. Of training rows it would promise
        far too much.
    rule : Rule
        :class:`Cost`, :class:`FBeta`, :class:`RecallAtLeast`,
        :class:`PrecisionAtLeast`, :class:`FalsePositiveRateAtMost` or
        :class:`AlertsPerDayAtMost`.
    sample_weight : array-like of finite numbers >= 0, (n,), optional
        Weights of the rows, in all sums.
    n_bootstrap : int, default 200
        Samples of the rows, drawn with replacement, for the intervals.
    confidence : float in (0, 1), default 0.95
        Of the intervals, between percentiles of the samples.
    random_state : int or None, default 0
        Seed of the samples.

    Returns
    -------
    Threshold

    Raises
    ------
    ValueError
        For labels of one class, posteriors outside [0, 1], bad weights, a precision
        that no threshold reaches, and unsound numbers.

    Notes
    -----
    The intervals take the rows for independent: with groups they are too narrow.

    Examples
    --------
    >>> from focal_boost.thresholds import RecallAtLeast
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, RecallAtLeast(0.9)).threshold
    0.4
    """
    if not hasattr(rule, "threshold"):
        raise ValueError(f"rule must be a Rule as Cost(1, 20) is, got {shown(rule)}")
    samples = check_integer(n_bootstrap, "n_bootstrap", 1)
    if not 0 < as_float(confidence) < 1:
        raise ValueError(
            f"confidence must be a number in (0, 1), got {shown(confidence)}"
        )
    ranked = Ranked(y_true, posterior, sample_weight)
    outcomes = ranked.outcomes()
    chosen = rule.threshold(outcomes)
    _check_reached(rule, outcomes, chosen)
    seen: list[float] = []
    told: list[dict[str, float]] = []
    for sample in ranked.resampled(samples, random_state):
        seen.append(rule.threshold(sample))
        told.append(figures_at(rule, sample, chosen))
    figures: dict[str, Any] = {
        name: Estimate(value, *_interval((one[name] for one in told), confidence))
        for name, value in figures_at(rule, outcomes, chosen).items()
    }
    edges = _interval(seen, confidence)
    return Threshold(chosen, *edges, rule, confidence, **figures)


def figures_at(rule: Rule, outcomes: Outcomes, threshold: float) -> dict[str, float]:
    at = outcomes.at(threshold)
    total = outcomes.positives + outcomes.negatives
    found = {
        "recall": float(outcomes.recall[at]),
        "precision": float(outcomes.precision[at]),
        "false_positive_rate": float(outcomes.false_positive_rate[at]),
        "alert_rate": float(outcomes.alerts[at] / total),
    }
    if isinstance(rule, Cost):
        found["cost"] = float(rule.per_row(outcomes)[at])
    return found


def _interval(values: Iterable[float], confidence: float) -> tuple[float, float]:
    """Return percentiles that are values themselves: some may be infinite."""
    known = np.array([one for one in values if not math.isnan(one)])
    if not known.size:
        return math.nan, math.nan
    edges = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(known, edges, method="nearest")
    return float(low), float(high)


def _check_reached(rule: Rule, outcomes: Outcomes, chosen: float) -> None:
    if isinstance(rule, PrecisionAtLeast) and math.isinf(chosen):
        best = np.nanmax(outcomes.precision)
        raise ValueError(
            f"precision must be at most {best:.3g}, the highest that a threshold"
            f" reaches here, got {rule.precision!r}"
        )
