"""The two classifiers behind one interface, where their libraries differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from boosters import BOTH, lgb
from numpy.typing import NDArray
from scipy.special import expit

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

# LightGBM 4.6 gives arrays feature names and scikit-learn then misses them.
_NAMELESS = "ignore:X does not have valid feature names:UserWarning"
OLD_LIGHTGBM = tuple(int(part) for part in lgb.__version__.split(".")[:2]) < (4, 7)
quiet = [pytest.mark.filterwarnings(_NAMELESS)] if OLD_LIGHTGBM else []


def make(library: Any, **params: Any) -> Any:
    """Return an unfitted classifier of ten trees."""
    settings = {"n_estimators": 10, **library.quiet_estimator, **params}
    return library.focal_classifier(**settings)


def sets_of(library: Any, evals: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Return evaluation sets as the arguments of fit that are not deprecated."""
    if library.name == "xgboost" or OLD_LIGHTGBM:
        return {"eval_set": evals}
    return dict(zip(("eval_X", "eval_y"), zip(*evals, strict=True), strict=True))


def fit_watched(
    library: Any,
    train: tuple[Any, Any],
    evals: list[tuple[Any, Any]],
    *,
    eval_metric: Any = None,
    stop: int | None = None,
    weights: Any = None,
    **params: Any,
) -> Any:
    """Fit with evaluation sets; `stop` rounds without a better metric end it."""
    given = sets_of(library, evals)
    if library.name == "xgboost":
        stopping = {"eval_metric": eval_metric, "early_stopping_rounds": stop}
        given |= {"sample_weight_eval_set": weights, "verbose": False}
        return make(library, **stopping, **params).fit(*train, **given)
    callbacks = None if stop is None else [lgb.early_stopping(stop, verbose=False)]
    given |= {
        "eval_sample_weight": weights, "eval_metric": eval_metric,
        "callbacks": callbacks,
    }  # fmt: skip
    return make(library, **params).fit(*train, **given)


def logs_of(model: Any) -> list[dict[str, list[float]]]:
    """Return what was evaluated, {metric: values} per evaluation set."""
    log = getattr(model, "evals_result_", None)
    return [dict(one) for one in log.values()] if log else []


def best_of(library: Any, model: Any) -> tuple[int, dict[str, float]]:
    """Return the best number of trees and the best scores of the first set."""
    if library.name == "xgboost":
        (name,) = list(logs_of(model)[0])[-1:]
        return model.best_iteration + 1, {name: model.best_score}
    return model.best_iteration_, dict(model.best_score_["valid_0"])


def rounds(library: Any, count: int) -> dict[str, Any]:
    """Return the argument that makes a prediction use the first trees only."""
    if library.name == "xgboost":
        return {"iteration_range": (0, count)}
    return {"num_iteration": count}


def booster_of(library: Any, model: Any) -> Any:
    return model.get_booster() if library.name == "xgboost" else model.booster_


def posterior_of(log_odds: NDArray[Any]) -> NDArray[Any]:
    """Return the posterior of every class, of which each of many is one against all."""
    posterior = np.asarray(expit(log_odds))
    if posterior.ndim == 1:
        return np.column_stack([1 - posterior, posterior])
    return np.asarray(posterior / posterior.sum(axis=1, keepdims=True))


def words(y: NDArray[np.int64]) -> NDArray[Any]:
    """Return labels as text."""
    return np.where(y == 1, "yes", "no")
