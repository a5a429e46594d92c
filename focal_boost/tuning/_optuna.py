"""An objective for Optuna that bins once and lets its pruners end a trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import ArrayLike

from focal_boost.tuning._checkpoint import Checkpoint
from focal_boost.tuning._ladder import FACTOR, Ladder, check_ladder
from focal_boost.tuning._pipeline import trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._race import Race
from focal_boost.tuning._space import candidate_of


def optuna_objective(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    space: Callable[[Any], Mapping[str, Any]] | None = None,
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
    the trial there.

    Parameters
    ----------
    estimator : FocalXGBClassifier or FocalLGBMClassifier
        Holds everything that is not searched.
    X : array-like, DataFrame or sparse matrix, (n, d)
        Features.
    y : array-like, (n,)
        Labels of two classes.
    space : callable, optional
        ``space(trial)`` returns the parameters to set on the estimator. By default it
        suggests focal_alpha and focal_gamma.
    scoring : str or callable
        As in :class:`FocalSearchCV`, and so are `cv`, `sample_weight`, `groups` and
        `n_jobs`.
    factor : float > 1, default 2.2
        Each report comes after `factor` times the rounds of the one before.
    min_rounds : int, default 10
        Rounds before the first report, at least.

    Returns
    -------
    callable
        ``objective(trial)``, for ``study.optimize``. The trial's user attribute
        "n_rounds" is the number of rounds of its score.

    Raises
    ------
    ImportError
        If Optuna is not installed.
    ValueError
        As :meth:`FocalSearchCV.fit`; and by the objective, for a study that
        minimises and for parameters that break a rule.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "optuna_objective needs Optuna: pip install optuna"
        ) from error
    trainable(estimator)
    ladder_settings = check_ladder(factor, min_rounds)
    problem = Problem.of(estimator, X, y, sample_weight, groups, cv, scoring)
    race = Race(problem, estimator, Checkpoint(None, ""), n_jobs, paused=True)
    suggest = default_space if space is None else space

    def objective(trial: Any) -> float:
        _check_direction(trial, optuna.study.StudyDirection.MAXIMIZE)
        candidate = candidate_of(estimator, suggest(trial), trial.number)
        track = race.track(candidate)
        ladder = Ladder.of(candidate.rounds, math.inf, *ladder_settings)
        try:
            for rung in range(ladder.rungs_below + 1):
                race.climb([track], ladder, rung)
                trial.report(track.mean, ladder.target(candidate, rung))
                if rung < ladder.rungs_below and trial.should_prune():
                    raise optuna.TrialPruned
        finally:
            race.drop([track])
        trial.set_user_attr("n_rounds", track.points[track.best])
        return track.mean

    return objective


def default_space(trial: Any) -> dict[str, Any]:
    """Suggest alpha and gamma."""
    return {
        "focal_alpha": trial.suggest_float("focal_alpha", 0.05, 0.95),
        "focal_gamma": trial.suggest_float("focal_gamma", 0.0, 4.0),
    }


def _check_direction(trial: Any, maximize: Any) -> None:
    study = getattr(trial, "study", None)
    if study is not None and study.direction != maximize:
        raise ValueError(
            'the study must have direction="maximize", because more of every scoring is'
            f" better, got {study.direction.name.lower()!r}"
        )
