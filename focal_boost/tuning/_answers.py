"""What a finished search answers, by its best estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from focal_boost._adapter.estimator import positive_of
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight, shown
from focal_boost.ensemble._models import last_step
from focal_boost.tuning._scoring import Judged, score


class OfBest(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier that answers as its ``best_estimator_``."""

    estimator: Any
    refit: bool
    scoring: Any
    classes_: NDArray[Any]

    def _best(self) -> Any:
        """Return the fitted estimator."""
        check_is_fitted(self, "cv_results_")
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(
                f"refit must be True for predictions, got {shown(self.refit)}"
            )
        return self.best_estimator_

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable label per row, (n,), by the best estimator."""
        return np.asarray(self._best().predict(X))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probabilities of the classes per row, (n, K)."""
        return np.asarray(self._best().predict_proba(X))

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the posterior's log-odds per row, (n,), or per class, (n, K)."""
        return np.asarray(self._best().decision_function(X))

    def score(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score that was searched for, of these rows; more is better.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix, (n, d)
            Features.
        y : array-like, (n,)
            Labels of the classes that were fitted.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            For other labels, and bad weights.
        """
        log_odds = self.decision_function(X)
        known = Target(np.arange(0), self.classes_)
        y_true = known.encode(y, "y")
        _, weight = as_labels_and_weight(np.minimum(y_true, 1), sample_weight)
        positive = positive_of(last_step(self.estimator), self.classes_)
        rows = Judged(X, y_true, self.classes_, weight, positive)
        return score(self.scoring, rows, log_odds)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.no_validation = inner.no_validation
        return tags
