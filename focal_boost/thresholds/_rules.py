"""By what a threshold is chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from focal_boost._validation import as_float, shown
from focal_boost.thresholds._outcomes import Outcomes


class Rule(Protocol):
    """Which of the outcomes is wanted.

    Examples
    --------
    >>> from focal_boost.thresholds import FBeta, Rule
    >>> rule: Rule = FBeta(2)
    >>> callable(rule.threshold)
    True
    """

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the threshold to take."""


@dataclass(frozen=True)
class Cost:
    """The least expected cost, in closed form of the costs alone (Elkan, 2001).

    A row is called positive where that costs less in the mean: from the posterior

        (false_positive − true_negative)
        ────────────────────────────────────────────────────────────
        (false_positive − true_negative) + (false_negative − true_positive)

    on. It needs no data, only posteriors that are right.

    Parameters
    ----------
    false_positive, false_negative : float
        Costs of an error, in any unit.
    true_positive, true_negative : float, default 0
        Costs of a right call; less than 0 is a gain.

    Examples
    --------
    >>> from focal_boost.thresholds import Cost
    >>> Cost(false_positive=1, false_negative=19).of_posterior
    0.05
    """

    false_positive: float
    false_negative: float
    true_positive: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not math.isfinite(as_float(value)):
                raise ValueError(f"{name} must be a finite number, got {shown(value)}")
        for wrong, right in (
            ("false_positive", "true_negative"),
            ("false_negative", "true_positive"),
        ):
            if not getattr(self, wrong) > getattr(self, right):
                raise ValueError(
                    f"{wrong} must cost more than {right}, {getattr(self, right)!r},"
                    f" got {getattr(self, wrong)!r}"
                )

    @property
    def of_posterior(self) -> float:
        """The posterior from which on a row is to be called positive."""
        of_positive = self.false_positive - self.true_negative
        return of_positive / (of_positive + self.false_negative - self.true_positive)

    def threshold(self, outcomes: Outcomes) -> float:  # noqa: ARG002 (needs no rows)
        """Return the closed form."""
        return self.of_posterior

    def per_row(
        self, outcomes: Outcomes
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return the mean cost of a row at every threshold."""
        found = outcomes
        total = (
            self.false_positive * found.false_positives
            + self.false_negative * (found.positives - found.true_positives)
            + self.true_positive * found.true_positives
            + self.true_negative * (found.negatives - found.false_positives)
        )
        return np.asarray(total / (found.positives + found.negatives))


@dataclass(frozen=True)
class FBeta:
    """The greatest F-beta score: precision and recall, recall `beta` times as heavy.

    Examples
    --------
    >>> from focal_boost.thresholds import FBeta, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, FBeta(1)).threshold
    0.4
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        _check_positive("beta", self.beta)

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the highest threshold of those with the greatest score."""
        squared = self.beta**2
        missed = outcomes.positives - outcomes.true_positives
        right = (1 + squared) * outcomes.true_positives
        score = right / (right + squared * missed + outcomes.false_positives)
        return float(outcomes.threshold[np.argmax(score)])


@dataclass(frozen=True)
class RecallAtLeast:
    """The fewest alerts with which so many of the positives are found.

    Examples
    --------
    >>> from focal_boost.thresholds import RecallAtLeast, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, RecallAtLeast(0.9)).threshold
    0.4
    """

    recall: float

    def __post_init__(self) -> None:
        _check_share("recall", self.recall)

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the highest threshold with that recall."""
        # Sums of weights need not reach their own total.
        enough = outcomes.recall >= self.recall * (1 - 1e-12)
        return float(outcomes.threshold[np.argmax(enough)])


@dataclass(frozen=True)
class PrecisionAtLeast:
    """The most positives of which so many of the alerts are right.

    Examples
    --------
    >>> from focal_boost.thresholds import PrecisionAtLeast, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, PrecisionAtLeast(0.9)).threshold
    0.9
    """

    precision: float

    def __post_init__(self) -> None:
        _check_share("precision", self.precision)

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the lowest threshold with that precision, infinity without one."""
        return _lowest(outcomes, outcomes.precision >= self.precision * (1 - 1e-12))


@dataclass(frozen=True)
class FalsePositiveRateAtMost:
    """The most positives with alerts for so many of the negatives at most.

    Examples
    --------
    >>> from focal_boost.thresholds import FalsePositiveRateAtMost, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, FalsePositiveRateAtMost(0.25)).threshold
    0.4
    """

    false_positive_rate: float

    def __post_init__(self) -> None:
        _check_share("false_positive_rate", self.false_positive_rate)

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the lowest threshold with that rate."""
        rate = outcomes.false_positive_rate
        return _lowest(outcomes, rate <= self.false_positive_rate * (1 + 1e-12))


@dataclass(frozen=True)
class AlertsPerDayAtMost:
    """The most positives with so many alerts per day in the mean.

    Parameters
    ----------
    alerts : float
        Alerts per day.
    days : float
        Days that the rows are of. Where rows have been left out, weights make up for
        them.

    Examples
    --------
    >>> from focal_boost.thresholds import AlertsPerDayAtMost, choose_threshold
    >>> y, posterior = [0, 0, 0, 1, 0, 1], [0.1, 0.1, 0.2, 0.4, 0.6, 0.9]
    >>> choose_threshold(y, posterior, AlertsPerDayAtMost(alerts=2, days=1)).threshold
    0.6
    """

    alerts: float
    days: float

    def __post_init__(self) -> None:
        _check_positive("alerts", self.alerts)
        _check_positive("days", self.days)

    def threshold(self, outcomes: Outcomes) -> float:
        """Return the lowest threshold with so few alerts."""
        most = self.alerts * self.days * (1 + 1e-12)
        return _lowest(outcomes, outcomes.alerts <= most)


def _lowest(
    outcomes: Outcomes, fits: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> float:
    """Return the lowest threshold that fits, infinity where none does."""
    found = np.flatnonzero(fits)
    return float(outcomes.threshold[found[-1]]) if found.size else math.inf


def _check_positive(name: str, value: object) -> None:
    if not 0 < as_float(value) < math.inf:
        raise ValueError(f"{name} must be a finite number > 0, got {shown(value)}")


def _check_share(name: str, value: object) -> None:
    if not 0 < as_float(value) <= 1:
        raise ValueError(f"{name} must be a number in (0, 1], got {shown(value)}")
