"""Spaces that Optuna suggests from: alpha and gamma, the trees, and both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from focal_boost._recommended import recommended
from focal_boost._validation import shown
from focal_boost.ensemble._models import last_step
from focal_boost.tuning._pipeline import prefix_of, trainable

Suggest = Callable[[Any], Mapping[str, Any]]

_FLOAT, _INT = FloatDistribution, IntDistribution
# What matters in gradient boosting, from few small trees to many large ones.
TREES: dict[str, dict[str, BaseDistribution]] = {
    "xgboost": {
        "learning_rate": _FLOAT(0.02, 0.3, log=True),
        "max_depth": _INT(2, 10),
        "min_child_weight": _FLOAT(1e-3, 30.0, log=True),
        "subsample": _FLOAT(0.5, 1.0),
        "colsample_bytree": _FLOAT(0.3, 1.0),
        "reg_lambda": _FLOAT(1e-2, 100.0, log=True),
    },
    "lightgbm": {
        "learning_rate": _FLOAT(0.02, 0.3, log=True),
        "num_leaves": _INT(4, 128, log=True),
        "min_child_samples": _INT(5, 200, log=True),
        "subsample": _FLOAT(0.5, 1.0),
        "colsample_bytree": _FLOAT(0.3, 1.0),
        "reg_lambda": _FLOAT(1e-2, 100.0, log=True),
    },
}
# What goes with the trees: LightGBM draws rows only with a frequency, and a column
# that no leaf of so many rows can use stays, so that all are binned alike.
_WITH_TREES: dict[str, dict[str, Any]] = {
    "xgboost": {},
    "lightgbm": {"subsample_freq": 1, "feature_pre_filter": False},
}
_ROUNDS, _PATIENCE = 1000, 30
_LOSSES = ("focal loss", "log loss")
NAMES = ("all", "focal", "trees")


def suggested(space: Any, estimator: Any) -> Suggest:
    """Return what asks a trial for a candidate's parameters.

    Parameters
    ----------
    space : str, dict or callable
        One of `NAMES`, a dict of Optuna's distributions and lists, or a callable.
    estimator : FocalXGBClassifier, FocalLGBMClassifier or Pipeline

    Returns
    -------
    callable
        ``(trial) → dict``

    Raises
    ------
    ValueError
        For another space.
    """
    trainable(estimator)
    if isinstance(space, str):
        if space not in NAMES:
            raise ValueError(
                f"the search space must be one of {NAMES}, got {shown(space)}"
            )
        return lambda trial: _named(space, trial, estimator)
    if callable(space):
        suggest: Suggest = space
        return suggest
    return lambda trial: {name: ask(trial, name, one) for name, one in space.items()}


def is_suggested(space: Any) -> bool:
    """Return whether Optuna is to suggest, rather than to be given candidates."""
    if isinstance(space, Mapping):
        return any(isinstance(one, BaseDistribution) for one in space.values())
    return isinstance(space, str) or callable(space)


def first_of(space: Any, estimator: Any) -> list[dict[str, Any]]:
    """Return what a named space is begun with, as the trials' parameters."""
    if not isinstance(space, str):
        return []
    trees: dict[str, Any] = {}
    if space != "focal":
        library = trainable(estimator).library
        known = recommended(library)
        trees = {name: known[name] for name in TREES[library] if name in known}
    losses: list[dict[str, Any]] = [{}]
    if space != "trees":
        focal = {"loss": "focal loss", "focal_alpha": 0.25, "focal_gamma": 2.0}
        losses = [focal, {"loss": "log loss"}]
    return [{**trees, **loss} for loss in losses]


def ask(trial: Any, name: str, values: Any) -> Any:
    """Ask a trial for a value of a distribution, or for one of a list."""
    if isinstance(values, FloatDistribution):
        return trial.suggest_float(
            name, values.low, values.high, step=values.step, log=values.log
        )
    if isinstance(values, IntDistribution):
        return trial.suggest_int(
            name, values.low, values.high, step=values.step, log=values.log
        )
    if isinstance(values, CategoricalDistribution):
        return trial.suggest_categorical(name, values.choices)
    if isinstance(values, Sequence) and not isinstance(values, str) and len(values):
        return trial.suggest_categorical(name, values)
    raise ValueError(
        f"{name} in the search space must be one of Optuna's distributions or a"
        f" non-empty list, as the others are, got {shown(values)}"
    )


def _named(space: str, trial: Any, estimator: Any) -> dict[str, Any]:
    given: dict[str, Any] = {}
    library = trainable(estimator)
    if space != "focal":
        trees = TREES[library.library]
        given = {name: ask(trial, name, one) for name, one in trees.items()}
        given |= _WITH_TREES[library.library]
        if library.patience_of(last_step(estimator)) is None:
            # How many rounds is a question of every candidate's step.
            given |= {"n_estimators": _ROUNDS, "early_stopping_rounds": _PATIENCE}
    if space != "trees":
        given |= _loss(trial)
    prefix = prefix_of(estimator)
    return {f"{prefix}{name}": value for name, value in given.items()}


def _loss(trial: Any) -> dict[str, Any]:
    """Suggest the built-in loss, or focal loss with its alpha and gamma."""
    if trial.suggest_categorical("loss", _LOSSES) == "log loss":
        return {"focal_alpha": None, "focal_gamma": 0.0}
    return {
        "focal_alpha": trial.suggest_float("focal_alpha", 0.1, 0.9),
        "focal_gamma": trial.suggest_float("focal_gamma", 0.25, 4.0),
    }
