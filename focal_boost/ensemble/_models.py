"""The model of one fold: how it is fitted, stopped, and asked for its log-odds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object, process_routing

from focal_boost._validation import shown
from focal_boost.multi_metrics import normalised

# A probability of 0 or 1 of a model without log-odds.
_EDGE = float(np.finfo(np.float64).eps)


class Part(NamedTuple):
    """Rows with their labels and weights."""

    X: Any
    y: NDArray[Any]
    sample_weight: NDArray[np.float64] | None


def library_of(model: Any) -> str | None:
    """Return whose booster a classifier holds: xgboost, lightgbm or None."""
    # What both libraries document of their classifiers.
    if hasattr(type(model), "get_booster"):
        return "xgboost"
    return "lightgbm" if hasattr(type(model), "booster_") else None


def last_step(model: Any) -> Any:
    """Return the classifier, without what comes before it in a pipeline."""
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def as_here(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function run under scikit-learn's settings of this thread in others."""
    settings = get_config()

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with config_context(**settings):
            return function(*args, **kwargs)

    return run


def fit_weighted(model: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    """Fit a model to rows with weights, which are the classifier's in a pipeline."""
    if sample_weight is None:
        return model.fit(X, y)
    name = "sample_weight"
    if isinstance(model, Pipeline):
        if get_config()["enable_metadata_routing"]:
            last_step(model).set_fit_request(sample_weight=True)
        else:
            name = f"{model.steps[-1][0]}__{name}"
    return model.fit(X, y, **{name: sample_weight})


def fit_before(model: Pipeline, train: Any) -> tuple[Pipeline, Any]:
    """Fit the steps before the last, and return them with what they make of X."""
    first = clone(Pipeline(model.steps[:-1], memory=model.memory))
    weight = {}
    if train.sample_weight is not None and get_config()["enable_metadata_routing"]:
        given = {"sample_weight": train.sample_weight}
        if first.get_metadata_routing().consumes("fit_transform", given):
            weight = given
    return first, first.fit_transform(train.X, train.y, **weight)


def check_takes_weight(model: Any, sample_weight: Any) -> None:
    """Raise for weights that scikit-learn's routing was told to keep from a model."""
    if sample_weight is None or not get_config()["enable_metadata_routing"]:
        return
    routing = get_routing_for_object(last_step(model))
    asked = routing.fit.requests.get("sample_weight")
    if asked not in (None, True):
        raise ValueError(
            "estimator must have set_fit_request(sample_weight=True) where there are"
            f" weights, got {shown(asked)}"
        )
    if isinstance(model, Pipeline):
        model = clone(model)
        last_step(model).set_fit_request(sample_weight=True)
        # Raises for a step before it that says neither yes nor no.
        process_routing(model, "fit", sample_weight=sample_weight)


def fit_model(model: Any, train: Part, held_out: Part, given: dict[str, Any]) -> Any:
    """Fit an unfitted model, which may be a pipeline, and return it."""
    if not isinstance(model, Pipeline):
        return _fit(model, train, held_out, given)
    *before, (name, last) = model.steps
    if before:
        first, X = fit_before(model, train)
        train = train._replace(X=X)
        if stops_early(last):
            held_out = held_out._replace(X=first.transform(held_out.X))
        before = first.steps
    last = _fit(last, train, held_out, given)
    return Pipeline([*before, (name, last)], memory=model.memory)


def _fit(model: Any, train: Part, held_out: Part, given: dict[str, Any]) -> Any:
    given = dict(given)
    if train.sample_weight is not None:
        given["sample_weight"] = train.sample_weight
    if stops_early(model):
        given |= _watched(model, held_out)
    return model.fit(train.X, train.y, **given)


def stops_early(model: Any) -> bool:
    """Return whether the parameters ask for early stopping."""
    library = library_of(model)
    if library is None:
        return False
    params = model.get_params(deep=False)
    if library == "xgboost":
        return bool(params.get("early_stopping_rounds") or params.get("callbacks"))
    from focal_boost.lightgbm._binned import STOPPING

    # Here 0 and less turn it off.
    return any((params.get(name) or 0) > 0 for name in STOPPING)


def _watched(model: Any, held_out: Part) -> dict[str, Any]:
    """Return the arguments of fit that name the set to be watched."""
    weight = held_out.sample_weight
    weights = None if weight is None else [weight]
    if library_of(model) == "xgboost":
        pairs = [(held_out.X, held_out.y)]
        return {
            "eval_set": pairs,
            "sample_weight_eval_set": weights,
            "verbose": False,
        }
    # LightGBM has deprecated eval_set in 4.7.
    if "eval_X" in inspect.signature(model.fit).parameters:
        watched: dict[str, Any] = {"eval_X": (held_out.X,), "eval_y": (held_out.y,)}
    else:
        watched = {"eval_set": [(held_out.X, held_out.y)]}
    return {**watched, "eval_sample_weight": weights}


def log_odds(model: Any, X: Any) -> NDArray[np.float64]:
    """Return the log-odds of the positive class per row, (n,).

    Of three classes and more, those of each against all others, (n, K).
    """
    if isinstance(model, Pipeline):
        if len(model.steps) > 1:
            X = model[:-1].transform(X)
        model = last_step(model)
    raw = {"xgboost": {"output_margin": True}, "lightgbm": {"raw_score": True}}
    library, many = library_of(model), len(model.classes_) > 2
    # The raw scores of the libraries' own classes are no log-odds.
    if library is None or (many and not hasattr(model, "focal_objective_")):
        found = np.asarray(model.predict_proba(X), np.float64)
        posterior = found if many else found[:, 1]
        return np.asarray(logit(np.clip(posterior, _EDGE, 1 - _EDGE)), np.float64)
    return np.asarray(model.predict(X, **raw[library]), np.float64)


def posterior_of(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of all classes, which sum to 1, of log-odds."""
    if score.ndim == 1:
        return np.column_stack([expit(-score), expit(score)])
    return normalised(score)


def merged(models: list[Any]) -> Any:
    """Return one booster of the models' own boosters."""
    if any(isinstance(model, Pipeline) and len(model.steps) > 1 for model in models):
        raise ValueError(
            "estimator must be a classifier alone to be merged, because every fold has"
            " fitted its own transformers, got a Pipeline"
        )
    classifiers = [last_step(model) for model in models]
    library = library_of(classifiers[0])
    if library is None:
        got = type(classifiers[0]).__name__
        raise ValueError(
            f"estimator must be of XGBoost or LightGBM to be merged, got {got}"
        )
    boosters = [
        one.get_booster() if library == "xgboost" else one.booster_
        for one in classifiers
    ]
    merge: Callable[[list[Any]], Any]
    merge = import_module(f"focal_boost.{library}").merge
    return merge(boosters)
