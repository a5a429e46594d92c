"""``FoldEnsembleClassifier``: the models of a cross-validation as one classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from focal_boost._adapter.estimator import positive_of
from focal_boost._adapter.progress import progress
from focal_boost._adapter.splits import Rows, rows_of, splits_of, with_rows
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight, check_integer
from focal_boost.ensemble._models import (
    Part,
    as_here,
    check_takes_weight,
    fit_model,
    last_step,
    log_odds,
    posterior_of,
)
from focal_boost.ensemble._voting import MeanLogOdds, check_several_classes

_SEEDS = np.iinfo(np.int32).max


class FoldEnsembleClassifier(MeanLogOdds):
    """One model per fold, each judged and stopped on the fold that it has not seen.

    Their mean log-odds are the prediction, and what every model says of its left-out
    fold is an honest posterior of all training rows: to choose a threshold by, to
    stack, to compare.

    Parameters
    ----------
    estimator : classifier
        A focal classifier, one of XGBoost's or LightGBM's own, or another one with
        ``predict_proba``; or a ``Pipeline`` that ends in one, whose transformers are
        fitted inside the folds. If it has early_stopping_rounds, every model is
        stopped on its left-out fold, by its own metric.
    cv : int, splitter or iterable of (train, test), default 5
        An integer is the number of stratified folds, of whole groups where `groups`
        are given to `fit`; the rest is as in scikit-learn.
    n_repeats : int, default 1
        How often all folds are trained, each time with another seed: an integer `cv`
        is shuffled by it, and it is the ``random_state`` of the models.
    random_state : int, RandomState or None
        Of those seeds. With one repeat and None the folds are not shuffled, and the
        estimator keeps its own.
    n_jobs : int, optional
        Models to train at a time, in threads.
    verbose : bool, default False
        Whether to show a progress bar, or lines where there is no terminal.

    Attributes
    ----------
    estimators_ : list
        The fitted models, one per fold, all folds of a repeat after another.
    oof_posterior_ : ndarray of float64, (n,)
        P(positive) of every training row by the models that have not seen it (of
        their mean log-odds); NaN where `cv` never leaves a row out. Positive is the
        classifier's ``positive_class``, or the second of ``classes_``. Of K > 2 classes
        that of each, (n, K), as from :meth:`predict_proba`.
    classes_ : ndarray, (K,)
        The labels, in order.
    n_splits_ : int
        Number of folds of one repeat.

    Notes
    -----
    The mean is one of k models on (k − 1)/k of the rows each, in place of one model on
    all rows. It takes k times as long to predict; :meth:`merged` is one booster.

    Early stopping chooses a number of rounds on the same fold that the out-of-fold
    posterior is of: that flatters it a little, as in every such ensemble.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : the same shape, with calibration.

    Examples
    --------
    >>> from focal_boost import FocalXGBClassifier
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> folds = FoldEnsembleClassifier(FocalXGBClassifier(n_estimators=9), cv=3)
    >>> folds = folds.fit(X, y)
    >>> len(folds.estimators_), folds.oof_posterior_.shape
    (3, (2000,))
    """

    def __init__(
        self,
        estimator: Any,
        *,
        cv: Any = 5,
        n_repeats: int = 1,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.cv = cv
        self.n_repeats = n_repeats
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> FoldEnsembleClassifier:
        """Fit one model per fold.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix, (n, d)
            Features.
        y : array-like, (n,)
            Labels of two classes or more.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights of the rows in training, and where a model is stopped.
        groups : array-like, (n,), optional
            Rows of one group stay on one side of every split.
        **fit_params
            Further arguments of the classifier's ``fit``, the same in every fold.

        Returns
        -------
        FoldEnsembleClassifier

        Raises
        ------
        ValueError
            Before any training: for bad labels or weights, fewer rows or groups of a
            class than folds, and a training part that lacks a class.
        """
        repeats = check_integer(self.n_repeats, "n_repeats", 1)
        check_takes_weight(self.estimator, sample_weight)
        rows = _Rows.of(X, y, sample_weight)
        positive_of(last_step(self.estimator), rows.target.classes)
        seeds, cv = self._seeds(repeats), self._cv()
        folds = [
            _Fold(train, test, seed)
            for seed in seeds
            for train, test in splits_of(rows.X, rows.target, groups, cv, seed)
        ]
        for number, fold in enumerate(folds):
            rows.check(fold, number)
        with progress(len(folds), wanted=self.verbose, of="models") as step:
            models = []
            for model in self._models(rows, folds, fit_params):
                models.append(model)
                step(1)
        self._keep(rows, folds, models, len(folds) // repeats)
        return self

    def _cv(self) -> Any:
        """Return the folds, which repeats go through again."""
        cv = self.cv
        if not hasattr(cv, "split") and hasattr(cv, "__iter__"):
            return list(cv)
        return cv

    def _seeds(self, repeats: int) -> list[int | None]:
        if repeats == 1 and self.random_state is None:
            return [None]
        drawn = check_random_state(self.random_state).randint(_SEEDS, size=repeats)
        return [int(seed) for seed in drawn]

    def _models(
        self, rows: _Rows, folds: list[_Fold], given: dict[str, Any]
    ) -> Iterator[Any]:
        """Yield the fitted model of every fold."""

        @as_here
        def one(fold: _Fold) -> Any:
            model = _seeded(clone(self.estimator), fold.seed)
            return fit_model(model, rows.part(fold.train), rows.part(fold.test), given)

        run = Parallel(self.n_jobs, prefer="threads", return_as="generator")
        found: Iterator[Any] = run(delayed(one)(fold) for fold in folds)
        return found

    def _keep(
        self, rows: _Rows, folds: list[_Fold], models: list[Any], n_splits: int
    ) -> None:
        n, k = len(rows.target.y_true), len(rows.target.classes)
        total, times = np.zeros((n, k) if k > 2 else n), np.zeros(n)
        for fold, model in zip(folds, models, strict=True):
            total[fold.test] += log_odds(model, rows.part(fold.test).X)
            times[fold.test] += 1
        with np.errstate(invalid="ignore"):
            found = posterior_of((total.T / times).T)
        positive = positive_of(last_step(self.estimator), rows.target.classes)
        self.oof_posterior_ = found if k > 2 else found[:, positive]
        self.estimators_ = models
        self.classes_ = rows.target.classes
        self.n_splits_ = n_splits
        self.n_features_in_ = rows.X.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        if hasattr(models[0], "feature_names_in_"):
            self.feature_names_in_ = models[0].feature_names_in_

    def _inner(self) -> Any:
        return self.estimator


class _Fold(NamedTuple):
    train: Rows
    test: Rows
    seed: int | None


class _Rows(NamedTuple):
    """Checked features, labels and weights."""

    X: Any
    target: Target
    sample_weight: NDArray[np.float64] | None

    @classmethod
    def of(cls, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> _Rows:
        X = with_rows(X)
        target = Target.of(y, many=True)
        check_several_classes(target.classes)
        target.check_rows(X)
        two = np.minimum(target.y_true, 1)
        _, weight = as_labels_and_weight(two, sample_weight)
        return cls(X, target, weight)

    def part(self, rows: Rows) -> Part:
        """Return some of the rows."""
        weight = self.sample_weight
        return Part(
            rows_of(self.X, rows),
            self.target.classes[self.target.y_true[rows]],
            None if weight is None else weight[rows],
        )

    def check(self, fold: _Fold, number: int) -> None:
        """Raise unless all classes can be learned in a fold."""
        rows, weight = fold.train, self.sample_weight
        counted = rows if weight is None else rows[weight[rows] > 0]
        present = len(np.unique(self.target.y_true[counted]))
        several = len(self.target.classes)
        if present < several:
            every = "both" if several == 2 else f"all {several}"
            raise ValueError(
                f"cv must leave {every} classes with positive weight in every training"
                f" part, got {present} in that of fold {number}"
            )


def _seeded(model: Any, seed: int | None) -> Any:
    """Return a model with that random_state, if it has one."""
    last = last_step(model)
    if seed is not None and "random_state" in last.get_params(deep=False):
        last.set_params(random_state=seed)
    return model
