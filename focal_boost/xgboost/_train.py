"""``train`` and ``metric`` for XGBoost."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import xgboost as xgb

from focal_boost._device import check_device
from focal_boost.loss import FocalLoss
from focal_boost.metrics import FocalMetric, focal_metrics
from focal_boost.objective import FocalObjective, Gradients, OneTraining
from focal_boost.xgboost._metrics import PosteriorMetrics, XGBoostMetric

_OBJECTIVE = "binary:logistic"
# XGBoost's own bounds of a probability that it turns into a margin.
_BASE_SCORE_MIN, _BASE_SCORE_MAX = 1e-6, 1 - 1e-6
# Callbacks that run none of the caller's code.
_WITHOUT_CODE = (
    xgb.callback.EarlyStopping,
    xgb.callback.EvaluationMonitor,
    xgb.callback.TrainingCheckPoint,
)
# Built-in metrics that would take σ(margin) for a probability.
_OF_PROBABILITY = ("logloss", "error", "rmse", "mae", "poisson-nloglik")


def metric(name: str, loss: FocalLoss) -> XGBoostMetric:
    """Return a metric for XGBoost's native and scikit-learn APIs.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        See :class:`focal_boost.metrics.FocalMetric`.
    loss : FocalLoss
        The loss that is trained with.

    Returns
    -------
    callable
        For ``xgb.train(..., custom_metric=)``, ``xgb.cv(..., custom_metric=)`` and
        ``XGBClassifier(eval_metric=)``. Its value is 1e6 times the metric, because
        XGBoost keeps six decimals, and its name ends in "_x1e6". Average precision is
        maximised by early stopping, the others are minimised.

    Raises
    ------
    ValueError
        If the name is not known or loss is not a FocalLoss.
    """
    return XGBoostMetric(FocalMetric(name, loss))


def train(
    params: dict[str, Any],
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    objective: FocalObjective = FocalObjective(),  # noqa: B008 (immutable)
    metrics: str | Sequence[str] = ("log_loss",),
    **kwargs: Any,
) -> Any:
    """Train like ``xgboost.train``, with focal loss and from the best constant.

    Parameters
    ----------
    params : dict
        XGBoost's parameters. "base_score" replaces the best constant as the start.
    dtrain : xgboost.DMatrix
        Data with labels 0 and 1 and, optionally, weights.
    num_boost_round : int, default 10
        Number of rounds.
    objective : FocalObjective
        The loss to train with.
    metrics : sequence of str, default ("log_loss",)
        Metrics of the posterior, evaluated on every set of `evals` in full
        precision; early stopping watches the last one, in its own direction.
    **kwargs
        All other arguments of ``xgboost.train``: evals, early_stopping_rounds,
        evals_result, verbose_eval, xgb_model, callbacks, custom_metric, maximize.

    Returns
    -------
    xgboost.Booster
        Self-contained: it holds its start value and reloads without this package.
        Its ``predict`` is σ(margin), *not* a probability; that is
        ``objective.loss.posterior(booster.predict(d, output_margin=True))``.

    Warns
    -----
    UserWarning
        For parameters that a custom objective makes XGBoost ignore or misread.

    Raises
    ------
    ValueError
        For labels other than 0 and 1, one class only, bad weights, an unknown
        metric, parameters that contradict the objective, and a device that is not
        there.
    ModuleNotFoundError
        If ``params["device"]`` is a CUDA device and CuPy is not installed. An
        objective with ``device="cpu"`` does without.
    """
    if not isinstance(objective, FocalObjective):
        raise ValueError(f"objective must be a FocalObjective, got {objective!r}")
    if "obj" in kwargs:
        raise ValueError(f"obj must be given as objective, got obj={kwargs['obj']!r}")
    continued = kwargs.get("xgb_model") is not None
    settings = settings_of(dict(params), continued=continued)
    objective = on_the_device(objective, settings.get("device"))
    if not continued:
        weight = dtrain.get_weight()
        start = objective.loss.initial_margin(
            dtrain.get_label(), weight if weight.size else None
        )
        settings.setdefault("base_score", base_score_of(start))
    may_change = _may_change_data(kwargs)
    _add_metrics(kwargs, focal_metrics(metrics, objective.loss))
    # XGBoost copies the margins for every call, and the labels for every look at them.
    training = OneTraining(objective, owns_margin=True, reads_once=not may_change)

    def focal_objective(preds: Any, data: Any) -> Gradients:
        return training.gradient_hessian(preds, data, 0.0)

    return xgb.train(settings, dtrain, num_boost_round, obj=focal_objective, **kwargs)


def settings_of(params: dict[str, Any], *, continued: bool) -> dict[str, Any]:
    """Return parameters that fit a custom objective, warning of those that do not."""
    if params.get("objective") not in (None, _OBJECTIVE):
        raise ValueError(
            f'objective in params must be "{_OBJECTIVE}" or absent,'
            f" got {params['objective']!r}"
        )
    if continued and params.pop("base_score", None) is not None:
        _warn("base_score would move the model that is continued and is left out")
    if params.get("scale_pos_weight") not in (None, 1):
        params.pop("scale_pos_weight")
        _warn("scale_pos_weight is ignored by a custom objective; use alpha instead")
    named = params.get("eval_metric") or ()
    for name in (named,) if isinstance(named, str) else named:
        if isinstance(name, str) and name.startswith(_OF_PROBABILITY):
            _warn(
                f"eval_metric {name!r} takes sigmoid(margin) for the probability, which"
                ' it is not; use "log_loss" or "brier_score" of this package instead'
            )
    if not named:
        params["disable_default_eval_metric"] = True
    return {**params, "objective": _OBJECTIVE}


def _warn(message: str) -> None:
    # The caller of train() or fit(), three frames up, wrote the parameter.
    warnings.warn(message, UserWarning, stacklevel=4)


def on_the_device(objective: FocalObjective, device: Any) -> FocalObjective:
    """Return the objective for XGBoost's parameter `device`, which must be there.

    An objective with a device of its own keeps it; on the CPU it works for all.
    """
    named = str(device)
    trains_on = named if named.startswith(("cuda", "gpu")) else "cpu"
    if objective.device is None:
        objective = replace(objective, device=trains_on)
    elif trains_on == "cpu" and objective.device != "cpu":
        raise ValueError(
            'device of the objective must be None or "cpu" where XGBoost trains on'
            f" the CPU, got {objective.device!r}"
        )
    check_device(str(objective.device))
    return objective


def base_score_of(start: float) -> float:
    """Return σ(start) within XGBoost's bounds."""
    score = 1 / (1 + math.exp(min(-start, 700.0)))
    return min(max(score, _BASE_SCORE_MIN), _BASE_SCORE_MAX)


def _add_metrics(kwargs: dict[str, Any], metrics: Sequence[FocalMetric]) -> None:
    """Add the metrics to the arguments of ``xgboost.train``."""
    if not metrics:
        return
    ours = PosteriorMetrics(metrics, kwargs.get("evals") or ())
    others = list(kwargs.get("callbacks") or ())
    for callback in others:
        if isinstance(callback, xgb.callback.EarlyStopping):
            ours.direct(callback)
    kwargs["callbacks"] = [ours, *others]
    if kwargs.get("maximize") is None:
        kwargs["maximize"] = metrics[-1].higher_is_better


def _may_change_data(kwargs: dict[str, Any]) -> bool:
    """Return whether code of the caller's runs between rounds, and could set labels."""
    given = (kwargs.get("custom_metric"), kwargs.get("feval"))
    callbacks = kwargs.get("callbacks") or ()
    theirs = [one for one in callbacks if type(one) not in _WITHOUT_CODE]
    return bool(theirs) or any(one is not None for one in given)
