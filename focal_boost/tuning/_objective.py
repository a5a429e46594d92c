"""What Optuna's trials are: candidates that train, report and may be ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from numpy.typing import ArrayLike

from focal_boost.tuning._folds import Course, Folds
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._pruner import FACTOR, Rungs
from focal_boost.tuning._space import Candidate, candidate_of
from focal_boost.tuning._spaces import suggested

#: The user attribute of a trial that holds what is told of it.
TOLD = "focal_boost"


def optuna_objective(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    space: str | Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] = "focal",
    scoring: Any = "neg_log_loss",
    cv: Any = 5,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    factor: float = FACTOR,
    min_rounds: int = 10,
    n_jobs: int | None = None,
) -> Callable[[Any], float]:
    """Return an objective for ``optuna.create_study(direction="maximize")``.

    It bins the rows of every fold once, for all trials, and reports the mean score
    over folds after a growing number of rounds, so that the study's pruner can end
    the trial there. Several processes may share a study by its storage.

    Parameters
    ----------
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
        Holds everything that is not searched.
    X : array-like, DataFrame or sparse matrix, (n, d)
        Features.
    y : array-like, (n,)
        Labels of two classes.
    space : str, dict or callable, default "focal"
        "focal", "trees" or "all", a dict of Optuna's distributions, or a callable:
        ``space(trial)`` returns the parameters to set on the estimator.
    scoring : str or callable
        As in :class:`FocalSearchCV`, and so are `cv`, `sample_weight`, `groups` and
        `n_jobs`.
    factor : float > 1, default 2.2
        Each report comes after `factor` times the rounds of the one before.
    min_rounds : int, default 10
        Rounds before the first report, at least: more for small learning rates, as in
        :class:`FocalSearchCV`.

    Returns
    -------
    callable
        ``objective(trial)``, for ``study.optimize``. The trial's user attribute
        "focal_boost" is a dict: "scores" per fold, "n_rounds" that were trained,
        "best_n_rounds" that were scored, and "seconds" per fold.

    Raises
    ------
    ValueError
        As :meth:`FocalSearchCV.fit`; and by the objective, for a study that
        minimises and for parameters that break a rule.

    Examples
    --------
    >>> import optuna
    >>> from focal_boost import FocalXGBClassifier
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> study = optuna.create_study(direction="maximize")
    >>> model = FocalXGBClassifier(n_estimators=9)
    >>> study.optimize(optuna_objective(model, X, y, cv=3), n_trials=2)
    >>> len(study.trials), study.best_value < 0
    (2, True)
    """
    suggest = suggested(space, estimator)
    rungs = Rungs(factor, min_rounds)
    problem = Problem.of(estimator, X, y, sample_weight, groups, cv, scoring)
    folds = Folds(problem, estimator, n_jobs)

    def objective(trial: Any) -> float:
        _check_direction(trial)
        candidate = candidate_of(estimator, suggest(trial), trial.number)
        return run(trial, candidate, folds, rungs.of(candidate)).mean

    return objective


def run(
    trial: Any,
    candidate: Candidate,
    folds: Folds,
    rungs: Mapping[int, int],
    is_over: Callable[[], bool] = lambda: False,
) -> Course:
    """Train a candidate from rung to rung, and report.

    Parameters
    ----------
    trial : optuna.Trial
    candidate : Candidate
    folds : Folds
    rungs : dict
        Where to report, and after how many rounds it is there.
    is_over : callable
        Whether there is no more time.

    Returns
    -------
    Course
        Of a candidate that came to its end.

    Raises
    ------
    optuna.TrialPruned
        For one that did not.
    """
    course = Course(folds, candidate, paused=is_paused(candidate, rungs))
    try:
        for rung, target in rungs.items():
            while points := course.next_points(target):
                course.advance(points)
                if is_over() and not course.is_finished:
                    raise optuna.TrialPruned
            trial.report(course.mean, rung)
            if not course.is_finished and trial.should_prune():
                raise optuna.TrialPruned
    finally:
        if course.points:
            trial.set_user_attr(TOLD, course.summary())
    return course


def is_paused(candidate: Candidate, rungs: Mapping[int, int]) -> bool:
    """Return whether a candidate's trainings wait for others."""
    return candidate.patience is not None or len(rungs) > 1


def _check_direction(trial: Any) -> None:
    study = getattr(trial, "study", None)
    if study is not None and study.direction != optuna.study.StudyDirection.MAXIMIZE:
        raise ValueError(
            'the study must have direction="maximize", because more of every scoring is'
            f" better, got {study.direction.name.lower()!r}"
        )
