"""The trainings that a comparison compares, in both libraries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focal_boost._table import InputError
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective

if TYPE_CHECKING:
    import pandas as pd

BUILT_IN, CLASS_WEIGHTS, FOCAL = METHODS = ("built-in", "class weights", "focal loss")

# Of the search inside a training part.
_INNER_FOLDS = 3


@dataclass(frozen=True)
class Settings:
    """What a comparison is run with; the defaults are those of the command."""

    boosters: tuple[str, ...] = ("xgboost", "lightgbm")
    folds: int = 5
    rounds: int = 100
    seed: int = 0
    threads: int | None = None
    objective: FocalObjective = field(default_factory=FocalObjective)
    tune: bool = False


class Part(NamedTuple):
    """The features, the labels and the groups of some rows."""

    features: pd.DataFrame
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None


class Prediction(NamedTuple):
    """The probabilities of the test rows, what they cost and what trained them.

    The seconds are those of the training, with the search for its loss, if any. The
    objective is None where it is the library's own.
    """

    posterior: NDArray[np.float64]
    seconds: float
    objective: FocalObjective | None = None


def train_and_predict(
    library: str, method: str, train: Part, test: pd.DataFrame, settings: Settings
) -> Prediction:
    """Train on one part and predict the other.

    All methods have the tree parameters that are the library's default, and the same
    number of rounds. The seconds hold the library's binning of the features, which it
    does at the start of every training.
    """
    run = {"xgboost": _xgboost, "lightgbm": _lightgbm}[library]
    objective, searching = None, 0.0
    if method == FOCAL:
        objective, searching = _timed(lambda: _objective(library, train, settings))
        settings = replace(settings, objective=objective)
    posterior, seconds = run(method, train, test, settings)
    posterior = np.asarray(posterior, dtype=np.float64)
    return Prediction(posterior, seconds + searching, objective)


def _objective(library: str, train: Part, settings: Settings) -> FocalObjective:
    """Return the objective of the settings, or the best one inside the training part.

    It is searched by log loss, over alpha and gamma, with the trees and rounds of the
    training that follows.
    """
    if not settings.tune:
        return settings.objective
    from focal_boost.tuning import FocalSearchCV

    search = FocalSearchCV(_classifier(library, settings), cv=_INNER_FOLDS, refit=False)
    try:
        search.fit(train.features, train.labels, groups=train.groups)
    except ValueError as error:
        raise InputError(
            f"--tune needs {_INNER_FOLDS} folds inside every training part: {error}"
        ) from None
    alpha, gamma = (search.best_params_[f"focal_{name}"] for name in ("alpha", "gamma"))
    if alpha == "balanced":
        return FocalObjective(FocalLoss.balanced(train.labels, gamma).alpha, gamma)
    return FocalObjective(alpha, gamma)


def _classifier(library: str, settings: Settings) -> Any:
    """Return an unfitted classifier that trains as :func:`train_and_predict` does."""
    shared: dict[str, Any] = {
        "n_estimators": settings.rounds,
        "random_state": settings.seed,
        "n_jobs": settings.threads,
    }
    if library == "xgboost":
        from focal_boost.xgboost import FocalXGBClassifier

        return FocalXGBClassifier(enable_categorical=True, **shared)
    from focal_boost.lightgbm import FocalLGBMClassifier

    return FocalLGBMClassifier(verbosity=-1, **shared)


def _xgboost(
    method: str, train: Part, test: pd.DataFrame, settings: Settings
) -> tuple[Any, float]:
    import focal_boost.xgboost as fxgb

    rows = fxgb.xgb.DMatrix(train.features, train.labels, enable_categorical=True)
    unseen = fxgb.xgb.DMatrix(test, enable_categorical=True)
    params: dict[str, Any] = {"seed": settings.seed}
    if settings.threads is not None:
        params["nthread"] = settings.threads
    if method == FOCAL:
        objective = settings.objective
        booster, seconds = _timed(
            lambda: fxgb.train(
                params, rows, settings.rounds, objective=objective, verbose_eval=False
            )
        )
        margin = booster.predict(unseen, output_margin=True)
        return objective.loss.posterior(margin), seconds
    params |= {"objective": "binary:logistic", **_class_weight(method, train.labels)}
    booster, seconds = _timed(lambda: fxgb.xgb.train(params, rows, settings.rounds))
    return booster.predict(unseen), seconds


def _lightgbm(
    method: str, train: Part, test: pd.DataFrame, settings: Settings
) -> tuple[Any, float]:
    import focal_boost.lightgbm as flgb

    rows = flgb.lgb.Dataset(train.features, train.labels, params={"verbose": -1})
    params: dict[str, Any] = {"seed": settings.seed, "verbose": -1}
    if settings.threads is not None:
        params["num_threads"] = settings.threads
    if method == FOCAL:
        objective = settings.objective
        booster, seconds = _timed(
            lambda: flgb.train(params, rows, settings.rounds, objective=objective)
        )
        margin = booster.predict(test, raw_score=True)
        return objective.loss.posterior(margin), seconds
    params |= {"objective": "binary", **_class_weight(method, train.labels)}
    booster, seconds = _timed(lambda: flgb.lgb.train(params, rows, settings.rounds))
    return booster.predict(test), seconds


def _class_weight(method: str, labels: NDArray[np.int64]) -> dict[str, float]:
    if method == BUILT_IN:
        return {}
    positives = int(labels.sum())
    return {"scale_pos_weight": (len(labels) - positives) / positives}


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start
