"""Metrics of the posterior inside XGBoost's training loops."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import xgboost as xgb

from focal_boost.metrics import METRICS, FocalMetric
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._collective import is_distributed, score


@dataclass(frozen=True)
class XGBoostMetric:
    """A metric for ``xgb.train(custom_metric=)`` and ``XGBClassifier(eval_metric=)``.

    XGBoost decides by the beginning of a name whether early stopping maximises it, so
    that average precision is "aucpr_average_precision" there.
    """

    metric: FocalMetric

    @property
    def __name__(self) -> str:
        family = "aucpr_" if self.metric.higher_is_better else ""
        return f"{family}{self.metric.name}"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the value, or (name, value) for native (preds, DMatrix)."""
        if hasattr(y_pred, "get_label"):
            raw_score, data = y_true, y_pred
            return self.__name__, of_data(self.metric, raw_score, data)
        return self.metric(y_true, y_pred, sample_weight)


def metric(name: str, objective: FocalObjective) -> XGBoostMetric:
    """Return a metric for XGBoost's native and scikit-learn APIs.

    :func:`train` takes metrics by their names, and reports them in full precision:
    XGBoost keeps six decimals of those that it is given here.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        See :class:`focal_boost.metrics.FocalMetric`.
    objective : FocalObjective
        What is trained with.

    Returns
    -------
    callable
        For ``xgb.train(..., obj=objective, custom_metric=)``, ``xgb.cv`` and
        ``XGBClassifier(objective=objective, eval_metric=)``. XGBoost decides by a name
        whether early stopping maximises it: average precision is reported as
        "aucpr_average_precision".

    Raises
    ------
    ValueError
        If the name is not known or objective is not a FocalObjective.

    Examples
    --------
    >>> from focal_boost import FocalObjective
    >>> brier = metric("brier_score", FocalObjective())
    >>> brier.__name__
    'brier_score'
    """
    return XGBoostMetric(FocalMetric(name, objective))


def of_data(metric: FocalMetric, raw_score: Any, data: Any) -> float:
    """Return the metric of raw scores on a DMatrix, with the rows of all workers."""
    of = score if is_distributed() else FocalMetric.__call__
    return of(metric, data.get_label(), raw_score, data.get_weight())


def split(asked: Any, names: Sequence[str] = METRICS) -> tuple[list[Any], Any]:
    """Return our metrics of an ``eval_metric``, and the rest, None where there is none.

    What holds none of ours is handed on as it was given.
    """
    several = asked if isinstance(asked, list | tuple) else [asked]
    ours = [
        one
        for one in several
        if isinstance(one, XGBoostMetric) or (isinstance(one, str) and one in names)
    ]
    if not ours:
        return [], asked
    rest = [one for one in several if one not in ours]
    # XGBoost takes a callable alone, but not in a list of its own.
    return ours, rest if len(rest) > 1 else next(iter(rest), None)


def ours_of(asked: Iterable[Any], objective: FocalObjective) -> tuple[FocalMetric, ...]:
    """Return our metrics by names or objects, each name once."""
    metrics = [
        one.metric if isinstance(one, XGBoostMetric) else FocalMetric(one, objective)
        for one in asked
    ]
    return tuple({metric.name: metric for metric in metrics}.values())


def direct(callbacks: Iterable[Any], metrics: Sequence[FocalMetric]) -> None:
    """Tell early-stopping callbacks which way our metrics improve."""
    better = {_family(metric.name): metric.higher_is_better for metric in metrics}
    for stopping in callbacks:
        if isinstance(stopping, xgb.callback.EarlyStopping):
            # Without a name XGBoost watches the last metric, which is ours.
            watched = stopping.metric_name or (metrics[-1].name if metrics else None)
            family = _family(watched or "")
            if stopping.maximize is None and family in better:
                stopping.maximize = better[family]


def _family(name: str) -> str:
    """Return what is named, of one class or of each."""
    return re.sub(r"_(\d+|per_class)$", "", name)
