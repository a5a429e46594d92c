"""``train`` for XGBoost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import xgboost as xgb

from focal_boost._adapter.warned import warn
from focal_boost._validation import shown
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import multi_metrics
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._many import ManyTraining, as_matrices
from focal_boost.xgboost._metrics import XGBoostMetric, direct, ours_of
from focal_boost.xgboost._start import OBJECTIVE
from focal_boost.xgboost._training import (
    Training,
    check_objective,
    on_the_device,
    runs_code,
)


def train(
    params: dict[str, Any],
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    objective: FocalObjective | MultiFocalObjective = FocalObjective(),  # noqa: B008
    metrics: str | Sequence[str] = (),
    **kwargs: Any,
) -> Any:
    """Train like ``xgboost.train`` with "binary:logistic", but with focal loss.

    With gamma 0 and alpha None it is XGBoost's own training, up to rounding.

    Parameters
    ----------
    params : dict
        XGBoost's parameters. All act as with "binary:logistic", ``base_score`` and
        ``scale_pos_weight`` among them.
    dtrain : xgboost.DMatrix
        Data with labels 0 and 1 and, optionally, weights; for a MultiFocalObjective
        with a label matrix of 0 and 1, (n, K), or class numbers from 0 to K − 1 and
        "num_class" K in `params`: one class against all others. While it trains the
        labels are then a matrix.
    num_boost_round : int, default 10
        Number of rounds.
    objective : FocalObjective or MultiFocalObjective
        What to train with.
    metrics : str or sequence of str, default ()
        Metrics of this package that are evaluated on every set of `evals` as well, in
        full precision and after all others; early stopping knows which way they
        improve. See :class:`focal_boost.metrics.FocalMetric` and, for many classes,
        :class:`focal_boost.multi_metrics.MultiFocalMetric`.
    **kwargs
        All other arguments of ``xgboost.train``: evals, early_stopping_rounds,
        evals_result, verbose_eval, xgb_model, callbacks, custom_metric, maximize.

    Returns
    -------
    xgboost.Booster
        Self-contained: it reloads without this package, and its ``predict`` is the
        posterior, (n,), or that of every label, (n, K).

    Warns
    -----
    UserWarning
        For the link "focal", with which ``predict`` is not the posterior.

    Raises
    ------
    ValueError
        For labels other than 0 and 1, bad weights, an unknown metric, parameters that
        contradict the objective, and a device that is not there.
    ModuleNotFoundError
        If ``params["device"]`` is a CUDA device and CuPy is not installed. An
        objective with ``device="cpu"`` does without.

    Examples
    --------
    >>> import xgboost as xgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> data = xgb.DMatrix(X, y)
    >>> booster = train({"max_depth": 3}, data, 5, objective=FocalObjective(0.25, 2.0))
    >>> booster.predict(data).shape  # probabilities
    (2000,)
    """
    params = dict(params or {})
    check_arguments(objective, params, kwargs, dtrain, many=True)
    training = training_of(params, objective, metrics, kwargs)
    params["objective"] = OBJECTIVE
    callbacks = kwargs.pop("callbacks")
    with training.callback() as attach, _labels(objective, params, dtrain, kwargs):
        return xgb.train(
            params,
            dtrain,
            num_boost_round,
            callbacks=[attach, *callbacks],
            **kwargs,
        )


def _labels(
    objective: Any, params: dict[str, Any], dtrain: Any, kwargs: dict[str, Any]
) -> AbstractContextManager[None]:
    """Return what makes class numbers label matrices for as long as it is entered."""
    if not isinstance(objective, MultiFocalObjective):
        return nullcontext()
    evals = [data for data, _ in kwargs.get("evals") or ()]
    return as_matrices(params, [dtrain, *evals])


def training_of(
    params: dict[str, Any],
    objective: Any,
    metrics: str | Sequence[str],
    kwargs: dict[str, Any],
    *,
    here: bool = True,
) -> Training:
    """Return the training that arguments ask for; `kwargs` are made XGBoost's own.

    `here` is False for one of other machines, which have the device.
    """
    updates = params.get("process_type") == "update"
    if isinstance(objective, MultiFocalObjective):
        return _of_many(objective, metrics, kwargs, updates=updates)
    asked: list[Any] = [metrics] if isinstance(metrics, str) else list(metrics)
    if isinstance(kwargs.get("custom_metric"), XGBoostMetric):
        asked.append(kwargs.pop("custom_metric"))
    ours = ours_of(asked, objective)
    callbacks = kwargs["callbacks"] = list(kwargs.get("callbacks") or ())
    own_code = kwargs.get("custom_metric") or kwargs.get("feval")
    training = Training(
        on_the_device(objective, params.get("device"), here=here),
        ours,
        reads_once=not runs_code(callbacks, own_code),
        updates=updates,
    )
    _direct_all(ours, callbacks, kwargs)
    return training


def _of_many(
    objective: MultiFocalObjective,
    metrics: Any,
    kwargs: dict[str, Any],
    *,
    updates: Any,
) -> Training:
    ours = multi_metrics(metrics, objective)
    callbacks = kwargs["callbacks"] = list(kwargs.get("callbacks") or ())
    own_code = kwargs.get("custom_metric") or kwargs.get("feval")
    reads_once = not runs_code(callbacks, own_code)
    _direct_all(ours, callbacks, kwargs)
    return ManyTraining(objective, ours, reads_once=reads_once, updates=updates)


def _direct_all(ours: Any, callbacks: list[Any], kwargs: dict[str, Any]) -> None:
    """Have early stopping know which way our metrics improve."""
    if ours:
        direct(callbacks, ours)
        if kwargs.get("maximize") is None:
            kwargs["maximize"] = ours[-1].higher_is_better


def check_arguments(
    objective: Any,
    params: dict[str, Any],
    kwargs: dict[str, Any],
    dtrain: Any = None,
    *,
    many: bool = False,
) -> None:
    """Raise for what contradicts the objective, and warn of what it does not do."""
    kinds = FocalObjective, *((MultiFocalObjective,) if many else ())
    if not isinstance(objective, kinds):
        raise ValueError(f"objective must be a FocalObjective, got {shown(objective)}")
    if kwargs.get("obj") is not None:
        raise ValueError(
            f"obj must be given as objective, got obj={shown(kwargs['obj'])}"
        )
    check_objective(params.get("objective"))
    if type(dtrain).__module__.startswith("xgboost.dask"):
        raise ValueError(
            f"dtrain must be an xgboost.DMatrix, got a {type(dtrain).__name__}, which"
            " focal_boost.dask.train takes"
        )
    if objective.link == "focal":
        warn(
            'with link="focal" predict is sigmoid(raw score), which is not the'
            " posterior; objective.posterior of predict(..., output_margin=True) is",
        )
