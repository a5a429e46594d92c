"""Classifiers whose answer is the mean of their models' log-odds."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from focal_boost._adapter.target import Target
from focal_boost._validation import shown
from focal_boost.ensemble._models import (
    as_here,
    check_takes_weight,
    fit_weighted,
    log_odds,
    merged,
    posterior_of,
)


class MeanLogOdds(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """What fitted models, ``estimators_``, say together of their ``classes_``."""

    estimators_: list[Any]
    classes_: NDArray[Any]

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the mean of the models' log-odds per row, (n,).

        Of K > 2 classes, those of each against all others, (n, K).
        """
        check_is_fitted(self, "estimators_")
        each = [log_odds(model, X) for model in self.estimators_]
        return np.asarray(np.mean(each, axis=0), np.float64)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return P(negative) and P(positive) per row, (n, 2).

        Of K > 2 classes, the posteriors divided by their sum, (n, K).
        """
        return posterior_of(self.decision_function(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable label per row, (n,)."""
        score = self.decision_function(X)
        many = score.ndim == 2
        chosen = score.argmax(axis=1) if many else (score > 0).astype(int)
        return np.asarray(self.classes_[chosen])

    def merged(self) -> Any:
        """Return all models as one booster of their library.

        Returns
        -------
        xgboost.Booster or lightgbm.Booster
            Its plain ``predict`` is the posterior, where this package is not installed
            too; of K > 2 classes that of each against all others, (n, K). See
            :func:`focal_boost.xgboost.merge`, :func:`focal_boost.lightgbm.merge`.

        Raises
        ------
        ValueError
            For models of other libraries, and for pipelines with transformers.
        """
        check_is_fitted(self, "estimators_")
        return merged(self.estimators_)

    def _inner(self) -> Any:
        """Return the estimator whose tags are these."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner())
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.no_validation = inner.no_validation
        return tags


def check_several_classes(classes: NDArray[Any]) -> None:
    """Raise for a single class."""
    if len(classes) == 1:
        raise ValueError(f"y must contain two classes, got 1 class: {classes.tolist()}")


class LogOddsVotingClassifier(MeanLogOdds):
    """Several classifiers on the same rows, and the mean of their log-odds.

    scikit-learn's ``VotingClassifier`` takes the mean of probabilities, which no
    booster gives. Log-odds are what boosters add up: all models of one library are one
    booster of it, by :meth:`merged`.

    Parameters
    ----------
    estimators : list of classifiers
        Focal classifiers, XGBoost's or LightGBM's own, others with ``predict_proba``,
        or pipelines that end in one.
    n_jobs : int, optional
        Models to train at a time, in threads.

    Attributes
    ----------
    estimators_ : list
        The fitted models.
    classes_ : ndarray, (K,)
        The labels, in order; of two the second is the positive class.

    Examples
    --------
    >>> from focal_boost import FocalLGBMClassifier
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2000, 0.1, seed=0)
    >>> models = [
    ...     FocalLGBMClassifier(n_estimators=20, focal_gamma=gamma, verbosity=-1)
    ...     for gamma in (0.0, 2.0)
    ... ]
    >>> LogOddsVotingClassifier(models).fit(X, y).merged().num_trees()
    40
    """

    def __init__(self, estimators: list[Any], *, n_jobs: int | None = None) -> None:
        self.estimators = estimators
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> LogOddsVotingClassifier:
        """Fit all models.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix, (n, d)
            Features.
        y : array-like, (n,)
            Labels; of two classes the greater one is the positive class.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights.

        Returns
        -------
        LogOddsVotingClassifier

        Raises
        ------
        ValueError
            For no estimators, and for a single class.
        """
        if not isinstance(self.estimators, list | tuple) or not self.estimators:
            raise ValueError(
                f"estimators must be a non-empty list, got {shown(self.estimators)}"
            )
        for model in self.estimators:
            check_takes_weight(model, sample_weight)
        classes = Target.of(y, many=True).classes
        check_several_classes(classes)

        @as_here
        def one(model: Any) -> Any:
            return fit_weighted(clone(model), X, y, sample_weight)

        run = Parallel(self.n_jobs, prefer="threads")
        self.estimators_ = run(delayed(one)(model) for model in self.estimators)
        self.classes_ = classes
        self.__dict__.pop("feature_names_in_", None)
        for name in ("n_features_in_", "feature_names_in_"):
            # A pipeline has what its first step has.
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))
        return self

    def _inner(self) -> Any:
        return self.estimators[0]
