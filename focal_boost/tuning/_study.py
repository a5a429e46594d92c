"""The study of a search: where it is kept, who suggests, and how it goes on."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import optuna
from sklearn.utils import check_random_state

from focal_boost._validation import as_float, check_integer, shown
from focal_boost.tuning._objective import TOLD
from focal_boost.tuning._pipeline import trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._pruner import FINISHED, RungPruner
from focal_boost.tuning._space import Candidate, candidate_of, candidates_of
from focal_boost.tuning._spaces import Suggest, first_of, is_suggested, suggested

_NAME = "focal_boost"
# Where neither a number nor a time is given.
_CANDIDATES = 40
_SEEDS = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Source:
    """Where a search's candidates come from.

    Attributes
    ----------
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline
    limit : int or None
        How many there are at most.
    points : list of Candidate, or None
        All of them, where they are known before.
    suggest : callable or None
        What asks a trial for one, where they are not.
    first : list of dict
        Trials' parameters to begin with.
    """

    estimator: Any
    limit: int | None
    points: list[Candidate] | None = None
    suggest: Suggest | None = None
    first: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(
        cls,
        estimator: Any,
        space: Any,
        n_candidates: Any,
        timeout: Any,
        random_state: Any,
    ) -> Source:
        """Return a checked source."""
        if n_candidates is not None:
            check_integer(n_candidates, "n_candidates", 1)
        if not is_suggested(space):
            points = candidates_of(estimator, space, n_candidates, random_state)
            return cls(estimator, len(points), points)
        if n_candidates is None and timeout is None:
            n_candidates = _CANDIDATES
        suggest = suggested(space, estimator)
        first = tuple(first_of(space, estimator))
        return cls(estimator, n_candidates, None, suggest, first)

    def candidate(self, trial: Any, number: int) -> Candidate:
        """Return the candidate of a trial, by how many were finished before it."""
        if self.points is not None:
            return self.points[number]
        assert self.suggest is not None
        return candidate_of(self.estimator, self.suggest(trial), number)

    def again(self, trial: Any, number: int) -> Candidate:
        """Return the candidate of a trial that is over."""
        return self.candidate(optuna.trial.FixedTrial(trial.params), number)


@contextmanager
def open_study(storage: Any, fingerprint: str, pruner: Any) -> Iterator[Any]:
    """Return the study that is kept there, or a new one; close what was opened.

    Raises
    ------
    ValueError
        For a file that is no study's, and for the study of other data or settings.
    """
    kept = _storage(storage)
    try:
        with _silent():
            study = optuna.create_study(
                storage=kept,
                pruner=pruner,
                study_name=_NAME,
                direction="maximize",
                load_if_exists=True,
            )
        found = study.user_attrs.get(TOLD)
        if found is None:
            study.set_user_attr(TOLD, fingerprint)
        elif found != fingerprint:
            raise ValueError(
                "storage must belong to the same data, estimator, folds, scoring and"
                f" search space, got '{storage}' of others"
            )
        yield study
    finally:
        if kept is not storage:
            kept.remove_session()
            kept.engine.dispose()


def _storage(storage: Any) -> Any:
    """Return what Optuna takes for a storage; a plain path is a file of SQLite."""
    if storage is None or not isinstance(storage, str | Path) or "://" in str(storage):
        return storage
    path = Path(storage)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ValueError(
            f"storage must be a file in an existing folder, got '{storage}'"
        )
    # What SQLite's files begin with.
    if path.exists() and path.stat().st_size:
        with path.open("rb") as stream:
            if stream.read(16) != b"SQLite format 3\0":
                raise ValueError(
                    "storage must be a file that a search has written, or a new one,"
                    f" got '{storage}'"
                )
    return optuna.storages.RDBStorage(f"sqlite:///{path.absolute()}")


def finished(study: Any) -> list[Any]:
    """Return the trials that count, in their order."""
    return [
        one for one in study.get_trials(deepcopy=False, states=FINISHED)
        if TOLD in one.user_attrs
    ]  # fmt: skip


def search(
    study: Any,
    train: Callable[..., float],
    limit: int | None,
    is_over: Callable[[], bool],
    sampler: Callable[[int], Any],
) -> None:
    """Train candidates until there are so many, or no more time.

    Parameters
    ----------
    study : optuna.Study
    train : callable
        ``(trial, number=) → score``; raises ``TrialPruned`` for one that was ended.
    limit : int or None
        How many candidates in all.
    is_over : callable
        Whether there is no more time.
    sampler : callable
        ``(number) → sampler``: one that depends on nothing but the finished trials,
        so that a search that was interrupted goes on as if it had not been.
    """
    while True:
        number = len(finished(study))
        if (limit is not None and number >= limit) or (number and is_over()):
            return
        study.sampler = sampler(number)
        with _silent():
            study.optimize(partial(train, number=number), n_trials=1)


def sampler_of(
    given: Any, random_state: Any, first: Sequence[dict[str, Any]]
) -> Callable[[int], Any]:
    """Return the sampler by how many trials are finished.

    It is the given one, or TPE, of what is left open by the values to begin with.
    """
    if given is not None:
        return lambda _: given
    seed = int(check_random_state(random_state).randint(_SEEDS))
    samplers = optuna.samplers

    def of(number: int) -> Any:
        state = np.random.SeedSequence([seed, number]).generate_state(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # alpha and gamma are there only with focal loss: a group of their own. What
            # was killed stands in the study as if it ran, and must not count.
            sampler: Any = samplers.TPESampler(
                seed=int(state[0]), multivariate=True, group=True, constant_liar=False
            )
            if number < len(first):
                sampler = samplers.PartialFixedSampler(first[number], sampler)
            return sampler

    return of


def pruner_of(given: Any, halving: bool) -> Any:
    """Return the pruner: the given one, successive halving, or none."""
    if given is not None:
        return given
    return RungPruner() if halving else optuna.pruners.NopPruner()


def clock(timeout: Any) -> Callable[[], bool]:
    """Return what tells whether so many seconds, if any, are over."""
    if timeout is None:
        return lambda: False
    seconds = as_float(timeout)
    if not seconds > 0:
        raise ValueError(f"timeout must be None or a number > 0, got {shown(timeout)}")
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Optuna from telling of every study and trial."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def fingerprint_of(problem: Problem, source: Source, settings: Iterable[Any]) -> str:
    """Return what tells one search from another, as hexadecimal digits."""
    params = source.estimator.get_params()
    # The same search on other processors is the same.
    params = {name: value for name, value in params.items() if "n_jobs" not in name}
    points = [one.params for one in source.points or ()]
    libraries = [trainable(source.estimator).library, "focal-boost"]
    return str(
        joblib.hash([
            problem.X, problem.target.y_true, problem.target.classes, problem.splits,
            problem.sample_weight, _told(problem.scoring), params, points,
            *settings, *map(version, libraries),
        ])
    )  # fmt: skip


def _told(scoring: Any) -> str:
    """Return what a scoring is called, which must not change from run to run."""
    plain = isinstance(scoring, str) or hasattr(scoring, "_response_method")
    name = getattr(scoring, "__qualname__", type(scoring).__qualname__)
    return str(scoring) if plain else f"{scoring.__module__}.{name}"
