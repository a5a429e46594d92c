"""``FocalSearchCV``: a search with scikit-learn's interface."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from focal_boost._adapter.estimator import positive_of
from focal_boost._adapter.target import Target
from focal_boost._validation import as_labels_and_weight
from focal_boost.tuning._checkpoint import Checkpoint, fingerprint_of
from focal_boost.tuning._ladder import (
    FACTOR,
    KEEP,
    Ladder,
    check_keep,
    check_ladder,
    planned_rounds,
)
from focal_boost.tuning._pipeline import last_step, prefix_of, trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._progress import progress
from focal_boost.tuning._race import Race, Track, best_first, warn_of_equals
from focal_boost.tuning._results import cv_results
from focal_boost.tuning._scoring import Judged, score
from focal_boost.tuning._space import Candidate, candidates_of


class FocalSearchCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Choose alpha, gamma and the library's own parameters by cross-validation.

    Parameters
    ----------
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Holds everything that is not searched. A pipeline ends in such a classifier,
        and its other steps are fitted inside the folds. With early_stopping_rounds
        candidates are scored after every round, and the number of rounds is chosen
        too: where the mean score over folds is best before it has not improved for
        so many rounds.
    param_distributions : dict or list of dicts, optional
        Lists of values, as for ``GridSearchCV``, or distributions, as for
        ``RandomizedSearchCV``. By default `DEFAULT_SPACE`: alpha × gamma.
    n_candidates : int, optional
        How many candidates to draw. By default all points of the grid.
    scoring : str or callable, default "neg_log_loss"
        "neg_log_loss", "neg_brier_score" or "average_precision", or any other scorer
        of scikit-learn by its name or as a callable (estimator, X, y); of the
        held-out rows, with their weights, and by its name of the estimator's
        ``positive_class``. A scorer of labels ("f1") is taken at the
        threshold that is best on these: one half says little of rare events. The
        estimator that a callable is handed knows nothing but its predictions.
    cv : int, splitter or iterable of (train, test), default 5
        An integer is the number of stratified folds, of whole groups where `groups`
        are given to `fit`; the rest is as in scikit-learn.
    halving : bool, default True
        Whether to train all candidates for a few rounds only and go on with the most
        promising: by their mean score and what it has gained of late. A candidate that
        learns slowly may be missed. False trains all of them to the end.
    keep : float in (0, 1), default 1/3
        Share of the candidates that goes on to the next rung.
    factor : float > 1, default 2.2
        Each rung has `factor` times the rounds of the one before.
    min_rounds : int, default 10
        Rounds of the first rung, at least.
    n_jobs : int, optional
        Folds to train at a time, in threads. Together with an estimator whose
        ``n_jobs`` is None the processors are shared among them.
    refit : bool, default True
        Whether to fit the best candidate on all rows.
    random_state : int, RandomState or None
        Of the candidates that are drawn; that of the trainings is the estimator's.
    checkpoint : str or Path, optional
        A file in which every score is kept as soon as it is known. A search of the
        same data, estimator, folds and scoring takes from it what it can.
    verbose : bool, default False
        Whether to show a progress bar, or lines where there is no terminal.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        scikit-learn's keys, and "n_rounds", at which the candidate was ended, and
        "best_n_rounds", at which it was scored. A candidate that came further ranks
        before all that did not.
    best_estimator_ : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Fitted on all rows; only with `refit`.
    best_params_, best_score_, best_index_, best_n_estimators_
        Those of the candidate with rank 1, and its rounds.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds; only with `refit`.
    classes_ : ndarray, (2,)
        The two labels, in order.

    Notes
    -----
    The rows of a fold are binned once for all candidates that are binned alike, and a
    candidate that goes on is trained further, not again. Its scores are those of the
    estimator fitted on that fold, of its log-odds in float64. Only where XGBoost is
    older than 3.4 and draws rows or columns at random, a training that pauses draws
    others than one that does not (it is as if ``seed_per_iteration=True`` were set).
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any = None,
        *,
        n_candidates: int | None = None,
        scoring: Any = "neg_log_loss",
        cv: Any = 5,
        halving: bool = True,
        keep: float = KEEP,
        factor: float = FACTOR,
        min_rounds: int = 10,
        n_jobs: int | None = None,
        refit: bool = True,
        random_state: Any = None,
        checkpoint: Any = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates
        self.scoring = scoring
        self.cv = cv
        self.halving = halving
        self.keep = keep
        self.factor = factor
        self.min_rounds = min_rounds
        self.n_jobs = n_jobs
        self.refit = refit
        self.random_state = random_state
        self.checkpoint = checkpoint
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> FocalSearchCV:
        """Search, and fit the best candidate on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix, (n, d)
            Features.
        y : array-like, (n,)
            Labels of two classes, or of more.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Weights of the rows in training and in the scores.
        groups : array-like, (n,), optional
            Rows of one group stay on one side of every split.

        Returns
        -------
        FocalSearchCV

        Raises
        ------
        ValueError
            Before any training: for an invalid alpha, gamma or search space, an
            unknown scoring, bad labels or weights, fewer rows or groups of a class
            than folds, and a checkpoint of something else.
        """
        settings = (*check_ladder(self.factor, self.min_rounds), check_keep(self.keep))
        candidates = candidates_of(
            self.estimator,
            self.param_distributions,
            self.n_candidates,
            self.random_state,
        )
        problem = Problem.of(
            self.estimator, X, y, sample_weight, groups, self.cv, self.scoring
        )
        ladder = Ladder(FACTOR, 0)
        if self.halving:
            fewest = min(one.rounds for one in candidates)
            ladder = Ladder.of(fewest, len(candidates), *settings)
        tracks = self._race(problem, candidates, ladder)
        self._keep(problem, tracks)
        if self.refit:
            self._refit(X, y, sample_weight)
        return self

    def _race(
        self, problem: Problem, candidates: list[Candidate], ladder: Ladder
    ) -> list[Track]:
        patient = any(one.patience is not None for one in candidates)
        paused = patient or ladder.rungs_below > 0
        fingerprint = ""
        if self.checkpoint is not None:
            fingerprint = fingerprint_of(problem, self.estimator, [paused])
        checkpoint = Checkpoint(self.checkpoint, fingerprint)
        total = planned_rounds(candidates, ladder) * len(problem.splits)
        with progress(total, wanted=self.verbose) as step:
            race = Race(
                problem,
                self.estimator,
                checkpoint,
                self.n_jobs,
                paused=paused,
                step=step,
            )
            return race.run(candidates, ladder)

    def _keep(self, problem: Problem, tracks: list[Track]) -> None:
        """Tell how the search went."""
        warn_of_equals(tracks)
        best = best_first(tracks)[0]
        self.__dict__.pop("best_estimator_", None)
        self.cv_results_ = cv_results(tracks)
        self.best_index_ = best.candidate.number
        self.best_params_ = best.candidate.params
        self.best_score_ = best.mean
        self.best_n_estimators_ = best.points[best.best]
        self.n_splits_ = len(problem.splits)
        self.classes_ = problem.target.classes

    def _refit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        started = time.perf_counter()
        chosen = clone(self.estimator).set_params(**self.best_params_)
        chosen = trainable(chosen).with_rounds(chosen, self.best_n_estimators_)
        weight = {f"{prefix_of(chosen)}sample_weight": sample_weight}
        given = {} if sample_weight is None else weight
        self.best_estimator_ = chosen.fit(X, y, **given)
        self.refit_time_ = time.perf_counter() - started
        for name in ("n_features_in_", "feature_names_in_"):
            # A pipeline has what its first step has.
            if hasattr(chosen, name):
                setattr(self, name, getattr(chosen, name))

    def _best(self) -> Any:
        """Return the fitted estimator."""
        check_is_fitted(self, "cv_results_")
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(
                f"refit must be True for predictions, got {self.refit!r}"
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
