"""What ``FocalXGBClassifier`` has its parent fit with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xgboost as xgb

from focal_boost._adapter.estimator import FOCAL_PARAMETERS, library_parameters
from focal_boost._adapter.target import BINARY, MULTICLASS
from focal_boost.metrics import METRICS
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MULTI_METRICS, multi_metrics
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._labels import of_numbers
from focal_boost.xgboost._many import ManyTraining
from focal_boost.xgboost._metrics import direct, ours_of, split
from focal_boost.xgboost._start import OBJECTIVE
from focal_boost.xgboost._training import Training, on_the_device, runs_code


def settings_of(
    estimator: Any,
    objective: FocalObjective,
    given: dict[str, Any],
    _kind: str = BINARY,
    **where: bool,
) -> tuple[dict[str, Any], Training]:
    """Return the parameters of an unfitted parent, and its training."""
    parameters = {**library_parameters(estimator), "objective": OBJECTIVE}
    ours, others = split(parameters["eval_metric"])
    metrics = ours_of(ours, objective)
    if metrics:
        parameters["eval_metric"] = others
        if others is None:
            parameters["disable_default_eval_metric"] = True
        _direct_stopping(metrics, parameters, given)
    training = Training(
        on_the_device(objective, estimator.device, **where),
        metrics,
        reads_once=not runs_code(parameters["callbacks"]),
        updates=parameters.get("process_type") == "update",
    )
    return parameters, training


def settings_of_many(
    estimator: Any, objective: MultiFocalObjective, given: dict[str, Any], kind: str
) -> tuple[dict[str, Any], Training]:
    """Return the same for several columns of labels."""
    parameters = {**library_parameters(estimator), "objective": OBJECTIVE}
    asked = parameters["eval_metric"]
    silent = parameters.get("disable_default_eval_metric")
    if kind == MULTICLASS:
        # As XGBClassifier does of more than two classes.
        asked = "mlogloss" if asked is None and not silent else asked
        asked = of_numbers(asked) if callable(asked) else asked
    ours, parameters["eval_metric"] = split(asked, MULTI_METRICS)
    metrics = multi_metrics(ours, objective)
    if metrics:
        if parameters["eval_metric"] is None:
            parameters["disable_default_eval_metric"] = True
        _direct_stopping(metrics, parameters, given)
    training = ManyTraining(
        objective,
        metrics,
        reads_once=not runs_code(parameters["callbacks"]),
        updates=parameters.get("process_type") == "update",
    )
    return parameters, training


def plain_parameters(
    given: dict[str, Any], names: Sequence[str] = METRICS
) -> dict[str, Any]:
    """Return XGBoost's parameters without ours and the names of our metrics."""
    ours, others = split(given.get("eval_metric"), names)
    if ours:
        given["eval_metric"] = None if callable(others) else others
    return {k: v for k, v in given.items() if k not in FOCAL_PARAMETERS}


def _direct_stopping(
    metrics: Sequence[Any], parameters: dict[str, Any], given: dict[str, Any]
) -> None:
    """See that early stopping goes the way of our metrics.

    XGBoost takes a name that it does not know for that of a loss: where the last one is
    not, early stopping and what is printed before it become callbacks.
    """
    callbacks = list(parameters["callbacks"] or ())
    direct(callbacks, metrics)
    rounds = parameters["early_stopping_rounds"]
    if not rounds or not metrics[-1].higher_is_better:
        return
    period = int(given.get("verbose", True) or 0)
    if period:
        callbacks.append(xgb.callback.EvaluationMonitor(period=period))
    callbacks.append(xgb.callback.EarlyStopping(rounds=rounds, maximize=True))
    parameters.update(callbacks=callbacks, early_stopping_rounds=None)
    given["verbose"] = False
