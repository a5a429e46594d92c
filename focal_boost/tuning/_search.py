"""``FocalSearchCV``: a search with scikit-learn's interface."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from focal_boost._adapter.progress import progress
from focal_boost._validation import check_integer
from focal_boost.ensemble import LogOddsVotingClassifier
from focal_boost.ensemble._models import fit_weighted, last_step
from focal_boost.tuning._answers import OfBest
from focal_boost.tuning._ensemble import Kept
from focal_boost.tuning._folds import Folds
from focal_boost.tuning._objective import run
from focal_boost.tuning._pipeline import trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._pruner import FACTOR, Rungs
from focal_boost.tuning._results import cv_results, warn_of_equals
from focal_boost.tuning._study import (
    Source,
    clock,
    fingerprint_of,
    finished,
    open_study,
    pruner_of,
    sampler_of,
    search,
)


class FocalSearchCV(OfBest):
    """Choose alpha, gamma and the library's own parameters by cross-validation.

    Parameters
    ----------
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Holds everything that is not searched. A pipeline ends in such a classifier,
        and its other steps are fitted inside the folds. With early_stopping_rounds
        candidates are scored after every round, and the number of rounds is chosen
        too: where the mean score over folds is best before it has not improved for
        so many rounds.
    param_distributions : str, dict, list of dicts or callable, default "all"
        "focal" suggests alpha and gamma (the built-in loss, gamma 0, among them),
        "trees" what matters of the library's own parameters, "all" both. The trees'
        number is chosen by early stopping, after 30 rounds without a better score
        unless the estimator says otherwise. So is a dict of Optuna's distributions
        suggested from, or a callable ``(trial) → dict``. Lists of values are a grid,
        as for ``GridSearchCV``, and distributions of scipy are drawn from, as for
        ``RandomizedSearchCV``.
    n_candidates : int, optional
        How many candidates to try at most. By default all points of a grid, and 40
        suggestions where no `timeout` is given either.
    timeout : float, optional
        Seconds after which no candidate is begun, and the one in training is ended.
        The first is always trained to its end, and refitting comes on top.
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
    n_models : int, default 1
        How many candidates to fit in the end, at most. The best is joined by those
        that make the mean log-odds of the left-out rows score best, one after another,
        as far as that is better than with fewer.
    halving : bool, default True
        Whether to end a candidate after a few rounds if two thirds of those before it
        were better there. One that learns slowly may be missed.
    factor : float > 1, default 2.2
        Each rung has `factor` times the rounds of the one before.
    min_rounds : int, default 10
        Rounds of the first rung, at least. Where the learning rate is searched, those
        of a candidate with 0.3; another has √(0.3/rate) times as many at every rung.
    n_jobs : int, optional
        Folds to train at a time, in threads. Together with an estimator whose
        ``n_jobs`` is None the processors are shared among them.
    refit : bool, default True
        Whether to fit the best candidate on all rows.
    random_state : int, RandomState or None
        Of the candidates; that of the trainings is the estimator's.
    sampler, pruner : of Optuna, optional
        Who suggests, by default TPE, and who ends a candidate, by default successive
        halving.
    storage : str, Path or storage of Optuna, optional
        A file in which every candidate is kept as soon as it is known (SQLite; or
        what ``optuna.create_study`` takes), for a search of the same data, settings
        and random_state to go on from, and for Optuna's dashboard.
    verbose : bool, default False
        Whether to show a progress bar, or lines where there is no terminal.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        scikit-learn's keys, and "n_rounds", at which the candidate was ended, and
        "best_n_rounds", at which it was scored. A candidate that came further ranks
        before all that did not.
    best_estimator_ : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Fitted on all rows; only with `refit`. With `n_models` a
        :class:`~focal_boost.ensemble.LogOddsVotingClassifier`.
    chosen_ : ndarray of int
        The candidates that were refitted, in the order of their choice.
    study_ : optuna.Study
        All that Optuna knows.
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

    Examples
    --------
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> from focal_boost import FocalXGBClassifier
    >>> grid = {"focal_gamma": [0.0, 2.0]}
    >>> search = FocalSearchCV(FocalXGBClassifier(n_estimators=9), grid, cv=3).fit(X, y)
    >>> sorted(search.best_params_), search.n_splits_
    (['focal_gamma'], 3)
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any = "all",
        *,
        n_candidates: int | None = None,
        timeout: float | None = None,
        scoring: Any = "neg_log_loss",
        cv: Any = 5,
        n_models: int = 1,
        halving: bool = True,
        factor: float = FACTOR,
        min_rounds: int = 10,
        n_jobs: int | None = None,
        refit: bool = True,
        random_state: Any = None,
        sampler: Any = None,
        pruner: Any = None,
        storage: Any = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates
        self.timeout = timeout
        self.scoring = scoring
        self.cv = cv
        self.n_models = n_models
        self.halving = halving
        self.factor = factor
        self.min_rounds = min_rounds
        self.n_jobs = n_jobs
        self.refit = refit
        self.random_state = random_state
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
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
        rungs = Rungs(self.factor, self.min_rounds, halving=self.halving)
        check_integer(self.n_models, "n_models", 1)
        is_over = clock(self.timeout)
        source = Source.of(
            self.estimator,
            self.param_distributions,
            self.n_candidates,
            self.timeout,
            self.random_state,
        )
        problem = Problem.of(
            self.estimator, X, y, sample_weight, groups, self.cv, self.scoring
        )
        folds = Folds(problem, self.estimator, self.n_jobs)
        kept = Kept(folds, rungs.of, self.n_models)
        with (
            self._study(problem, source) as self.study_,
            progress(source.limit, wanted=self.verbose, of="candidates") as step,
        ):

            def train(trial: Any, number: int) -> float:
                candidate = source.candidate(trial, number)
                try:
                    ended = is_over if number else clock(None)
                    course = run(trial, candidate, folds, rungs.of(candidate), ended)
                finally:
                    step(1)
                kept.add(number, course)
                return course.mean

            sampler = sampler_of(self.sampler, self.random_state, source.first)
            search(self.study_, train, source.limit, is_over, sampler)
            self._keep(problem, source, kept)
        if self.refit:
            self._refit(X, y, sample_weight)
        return self

    def _study(self, problem: Problem, source: Source) -> Any:
        fingerprint = ""
        if self.storage is not None:
            settings = [self.halving, self.factor, self.min_rounds]
            fingerprint = fingerprint_of(problem, source, settings)
        pruner = pruner_of(self.pruner, self.halving)
        return open_study(self.storage, fingerprint, pruner)

    def _keep(self, problem: Problem, source: Source, kept: Kept) -> None:
        """Tell how the search went."""
        trials = finished(self.study_)
        candidates = [source.again(one, number) for number, one in enumerate(trials)]
        results = cv_results(trials, candidates)
        warn_of_equals(results)
        order = np.argsort(results["rank_test_score"], kind="stable")
        rounds = results["best_n_rounds"]
        complete = [one for one in order if trials[one].state.name == "COMPLETE"]
        self.__dict__.pop("best_estimator_", None)
        self.cv_results_ = results
        self.chosen_ = np.array(kept.chosen(complete, candidates, rounds))
        self.best_index_ = int(order[0])
        self.best_params_ = results["params"][self.best_index_]
        self.best_score_ = float(results["mean_test_score"][self.best_index_])
        self.best_n_estimators_ = int(rounds[self.best_index_])
        self.n_splits_ = len(problem.splits)
        self.classes_ = problem.target.classes

    def _refit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        started = time.perf_counter()
        models = [self._unfitted(number) for number in self.chosen_]
        if self.n_models == 1:
            best = fit_weighted(models[0], X, y, sample_weight)
        else:
            best = LogOddsVotingClassifier(models, n_jobs=self.n_jobs)
            best.fit(X, y, sample_weight)
        self.best_estimator_ = best
        self.refit_time_ = time.perf_counter() - started
        for name in ("n_features_in_", "feature_names_in_"):
            # A pipeline has what its first step has.
            if hasattr(best, name):
                setattr(self, name, getattr(best, name))

    def _unfitted(self, number: int) -> Any:
        params = self.cv_results_["params"][number]
        model = clone(self.estimator).set_params(**params)
        rounds = int(self.cv_results_["best_n_rounds"][number])
        trainable(model).with_rounds(last_step(model), rounds)
        return model
