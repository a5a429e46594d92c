"""XGBoost on Dask: what its workers train is handed to them by a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xgboost as xgb
from xgboost import dask as dxgb

from focal_boost._adapter.estimator import adopt, like
from focal_boost._adapter.saved import description
from focal_boost.dask._balance import needs_classes, objective_of, weight_of_classes
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._saved import holding
from focal_boost.xgboost._settings import plain_parameters, settings_of
from focal_boost.xgboost._start import OBJECTIVE
from focal_boost.xgboost._train import check_arguments, training_of
from focal_boost.xgboost._training import Attach, check_objective


def train(
    client: Any,
    params: dict[str, Any],
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    objective: FocalObjective = FocalObjective(),  # noqa: B008 (immutable)
    metrics: str | Sequence[str] = (),
    **kwargs: Any,
) -> Any:
    """Train like ``xgboost.dask.train`` with "binary:logistic", but with focal loss.

    Parameters
    ----------
    client : distributed.Client or None
        As in ``xgboost.dask.train``.
    params : dict
        XGBoost's parameters.
    dtrain : xgboost.dask.DaskDMatrix
        Data with labels 0 and 1 and, optionally, weights. A worker may have rows of
        one class only.
    num_boost_round : int, default 10
        Number of rounds.
    objective : FocalObjective
        What to train with.
    metrics : str or sequence of str, default ()
        Metrics of this package, of the rows of all workers; see
        :func:`focal_boost.xgboost.train`.
    **kwargs
        All other arguments of ``xgboost.dask.train``: evals, early_stopping_rounds,
        xgb_model, verbose_eval, callbacks, custom_metric.

    Returns
    -------
    dict
        "booster", whose ``predict`` is the posterior, and "history".

    Raises
    ------
    ValueError
        As from :func:`focal_boost.xgboost.train`.
    xgboost.core.XGBoostError
        For what a worker finds wrong with its rows, on all workers.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> X, y = da.from_array(X, chunks=(1_000, -1)), da.from_array(y, chunks=1_000)
    >>> from xgboost.dask import DaskDMatrix
    >>> with Client(n_workers=2, dashboard_address=None) as client:
    ...     found = train(client, {}, DaskDMatrix(client, X, y), num_boost_round=5)
    >>> found["booster"].num_boosted_rounds()
    5
    """
    params = dict(params or {})
    check_arguments(objective, params, kwargs)
    training = training_of(params, objective, metrics, kwargs, here=False)
    maximize = kwargs.pop("maximize", None)
    callbacks = [Attach(training), *kwargs.pop("callbacks")]
    rounds = kwargs.get("early_stopping_rounds")
    if maximize and rounds:
        # Here XGBoost has no argument that says so.
        period = int(kwargs.get("verbose_eval", True))
        if period:
            callbacks.append(xgb.callback.EvaluationMonitor(period=period))
        callbacks.append(xgb.callback.EarlyStopping(rounds=rounds, maximize=True))
        kwargs.update(early_stopping_rounds=None, verbose_eval=False)
    params["objective"] = OBJECTIVE
    return dxgb.train(
        client, params, dtrain, num_boost_round, callbacks=callbacks, **kwargs
    )


class FocalDaskXGBClassifier(dxgb.DaskXGBClassifier):
    """DaskXGBClassifier trained with focal loss; with gamma 0 it is that itself.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter.
    **kwargs
        All parameters of ``xgboost.dask.DaskXGBClassifier``. ``eval_metric`` may name
        metrics of this package among XGBoost's; they come after these.

    Attributes
    ----------
    loss_ : FocalLoss
        The loss that was trained with.
    focal_objective_ : FocalObjective
        The objective that minimises it.

    Notes
    -----
    Labels are 0 and 1, as XGBoost wants them on Dask. ``predict_proba`` is the
    posterior.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> X, y = da.from_array(X, chunks=(1_000, -1)), da.from_array(y, chunks=1_000)
    >>> with Client(n_workers=2, dashboard_address=None):
    ...     model = FocalDaskXGBClassifier(n_estimators=5).fit(X, y)
    ...     p = model.predict_proba(X).compute()
    >>> p.shape
    (2000, 2)
    """

    def __init__(
        self,
        *,
        focal_alpha: float | str | None = 0.25,
        focal_gamma: float = 2.0,
        **kwargs: Any,
    ) -> None:
        self.focal_alpha = focal_alpha
        self.focal_gamma = focal_gamma
        super().__init__(**kwargs)

    async def _fit_async(self, *args: Any, **given: Any) -> FocalDaskXGBClassifier:
        # Parameters draw a seed from a random state whenever they are asked for.
        settled = type(self)(**self.get_params(deep=False))
        check_objective(settled.objective)
        of_class = None
        if needs_classes(settled):
            lazy = weight_of_classes(given["y"], 1, given.get("sample_weight"))
            total, positive = [await self._computed(one) for one in lazy]
            of_class = [float(total - positive), float(positive)]
        objective = objective_of(settled, of_class)
        parameters, training = settings_of(settled, objective, given, here=False)
        inner = dxgb.DaskXGBClassifier(**parameters)
        inner.client = self.client
        inner.callbacks = [Attach(training), *(inner.callbacks or ())]
        await inner._fit_async(*args, **given)
        adopt(self, inner, skip=["kwargs", "_client", "_asynchronous"])
        self.focal_objective_, self.loss_ = objective, objective.loss
        return self

    async def _computed(self, lazy: Any) -> Any:
        return await self.client.compute(lazy) if hasattr(lazy, "dask") else lazy

    def get_xgb_params(self) -> dict[str, Any]:
        """Return XGBoost's parameters, which are neither ours nor name our metrics."""
        return plain_parameters(super().get_xgb_params())

    @like(dxgb.DaskXGBClassifier.predict)
    def decision_function(self, X: Any, **kwargs: Any) -> Any:
        return self.predict(X, output_margin=True, **kwargs)

    def save_model(self, fname: Any) -> None:
        """Save the model, with its loss, for XGBoost and for FocalXGBClassifier."""
        with holding(self.get_booster(), description(self.focal_objective_, None)):
            super().save_model(fname)
