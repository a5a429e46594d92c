"""What a search is scored by: scores of the posterior, and scikit-learn's scorers.

A paused training has no fitted classifier, only the log-odds of its held-out rows. A
scorer is given a classifier that knows just these.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer
from sklearn.utils.metadata_routing import get_routing_for_object

from focal_boost._validation import brief, shown
from focal_boost.metrics import FocalMetric
from focal_boost.multi_metrics import normalised
from focal_boost.objective import FocalObjective

# The classifiers' raw scores are log-odds for every alpha and gamma.
_LOG_ODDS = FocalObjective(None, 0.0)

#: scikit-learn's names, our metrics, and the sign that makes more of it better.
SCORINGS = {
    "neg_log_loss": ("log_loss", -1.0),
    "neg_brier_score": ("brier_score", -1.0),
    "average_precision": ("average_precision", 1.0),
}
# Thresholds that a score of labels is taken at, at most, from the positives' log-odds.
_THRESHOLDS = 100


class Judged(NamedTuple):
    """Rows to be scored on.

    Features where the scoring reads them, labels as numbers, the classes, weights, and
    which class is positive.
    """

    X: Any
    y_true: NDArray[np.int64]
    classes: NDArray[Any]
    sample_weight: NDArray[np.float64] | None
    positive: int = 1


def check_scoring(scoring: Any) -> Any:
    """Return a name of `SCORINGS`, or a scorer; raise for what is neither.

    The focal loss is no score: it cannot be compared between different gamma.
    """
    try:
        if isinstance(scoring, str) and scoring in SCORINGS:
            return scoring
        if isinstance(scoring, str) or callable(scoring):
            return get_scorer(scoring)
    except ValueError:
        pass
    raise ValueError(
        f"scoring must be one of {tuple(SCORINGS)}, the name of one of scikit-learn's"
        f" scorers, or a scorer, got {shown(scoring)}"
    )


def check_scores(scoring: Any, rows: Judged) -> None:
    """Raise if a scorer fails on rows whose log-odds are made up."""
    if not reads_rows(scoring, rows.classes):
        return
    shape = np.shape(rows.y_true)
    if len(rows.classes) > 2:
        shape = *shape, len(rows.classes)
    try:
        value = score(scoring, rows, np.linspace(-1, 1, np.prod(shape)).reshape(shape))
    except Exception as error:
        raise ValueError(
            f"scoring must be a scorer of these labels, got {shown(scoring)}, which"
            f" fails: {brief(error)}"
        ) from error
    if not np.isfinite(value):
        raise ValueError(
            f"scoring must be a scorer of these labels, got {shown(scoring)}"
            f" with {value}"
        )


def reads_rows(scoring: Any, classes: NDArray[Any]) -> bool:
    """Return whether a score is scikit-learn's, which hands the features on."""
    ours = isinstance(scoring, str) and scoring in SCORINGS
    return not ours or len(classes) > 2


def score(scoring: Any, rows: Judged, log_odds: ArrayLike) -> float:
    """Return a score of log-odds, (n,) or (n, K); more is better."""
    many, named = len(rows.classes) > 2, isinstance(scoring, str)
    if named and not many and rows.positive == 0:
        # By its name a scorer is meant of the positive class, whatever it is called.
        rows = rows._replace(y_true=1 - rows.y_true, positive=1)
        log_odds = -np.asarray(log_odds)
    if not reads_rows(scoring, rows.classes):
        name, sign = SCORINGS[scoring]
        metric = FocalMetric(name, _LOG_ODDS)
        return sign * metric(rows.y_true, log_odds, rows.sample_weight)
    classes = np.arange(len(rows.classes)) if named else rows.classes
    scorer = get_scorer(scoring)
    y, given = classes[rows.y_true], {}
    if rows.sample_weight is not None and _takes_weights(scorer):
        given["sample_weight"] = rows.sample_weight
    known = np.asarray(log_odds, np.float64)

    def at(threshold: float) -> float:
        return float(scorer(_Known(known, classes, threshold), rows.X, y, **given))

    if many or getattr(scorer, "_response_method", None) != "predict":
        return at(0.0)
    return max(at(one) for one in _thresholds(known, rows.y_true))


def _thresholds(log_odds: NDArray[np.float64], y_true: NDArray[np.int64]) -> Any:
    """Return thresholds at positives, and infinity, which calls no row positive."""
    of_positives = np.unique(log_odds[y_true == 1])
    if len(of_positives) > _THRESHOLDS:
        shares = np.linspace(0, 1, _THRESHOLDS)
        of_positives = np.quantile(of_positives, shares, method="nearest")
    return [*of_positives, np.inf]


def _takes_weights(scorer: Any) -> bool:
    """Return whether a scorer wants weights: that it can take them, if it was not told.

    Routing has scikit-learn's scorers told, by ``set_score_request``.
    """
    if hasattr(scorer, "_response_method"):
        if get_config()["enable_metadata_routing"]:
            asked = get_routing_for_object(scorer).score.requests.get("sample_weight")
            if asked is False:
                return False
        scorer = scorer._score_func
    names = inspect.signature(scorer).parameters
    return "sample_weight" in names


class _Known(ClassifierMixin, BaseEstimator):
    """A classifier of rows whose log-odds are known."""

    def __init__(
        self, log_odds: NDArray[np.float64], classes: NDArray[Any], threshold: float
    ) -> None:
        self.log_odds = log_odds
        self.classes_ = classes
        self.threshold = threshold

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: ARG002 (known)
        return self.log_odds

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: ARG002
        if self.log_odds.ndim > 1:
            return normalised(self.log_odds)
        return np.column_stack([expit(-self.log_odds), expit(self.log_odds)])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ARG002
        if self.log_odds.ndim > 1:
            return np.asarray(self.classes_[self.log_odds.argmax(axis=1)])
        called = self.log_odds >= self.threshold
        return np.asarray(self.classes_[called.astype(int)])
