"""What the workers of XGBoost's collective know together.

Dask, Ray, Spark and a tracker started by hand all train in it: every worker has a part
of the rows, and all do the same in the same order. On one machine nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from focal_boost._adapter.target import Target
from focal_boost._rows import Labels
from focal_boost._validation import shown
from focal_boost.metrics import FocalMetric, area_of_steps, weight_from

T = TypeVar("T")


def is_distributed() -> bool:
    """Return whether the rows may lie on several workers."""
    return bool(xgb.collective.is_distributed())


def together(compute: Callable[[], T]) -> T:
    """Return what this worker computes, or raise on all what one of them raises.

    Raises
    ------
    xgboost.core.XGBoostError
        A ValueError too: that of the first worker that has one, on all of them, and so
        for an OSError of several workers.
    """
    found: T | None = None
    try:
        found, message = compute(), ""
    except ValueError as error:
        message = str(error)
    except OSError as error:
        if not is_distributed():
            raise
        message = str(error)
    raise_together(message)
    return found  # type: ignore[return-value]


def raise_together(message: str) -> None:
    """Raise on all workers, if one has a message, that of the first that has one."""
    shared = first_of(message or None)
    if shared:
        raise xgb.core.XGBoostError(shared)


def first_of(value: T | None) -> T | None:
    """Return, on all workers, what the first one has that has something."""
    if not is_distributed():
        return value
    world, rank = xgb.collective.get_world_size(), xgb.collective.get_rank()
    mine = np.asarray([world if value is None else rank])
    first = int(xgb.collective.allreduce(mine, xgb.collective.Op.MIN)[0])
    return xgb.collective.broadcast(value, first) if first < world else None


def summed(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of all workers' arrays, which have one shape."""
    if not is_distributed():
        return values
    total = xgb.collective.allreduce(values, xgb.collective.Op.SUM)
    return np.asarray(total).reshape(values.shape)


def joined(values: NDArray[Any]) -> NDArray[Any]:
    """Return all workers' numbers, (n,), one after the other."""
    if not is_distributed():
        return values
    world, rank = xgb.collective.get_world_size(), xgb.collective.get_rank()
    sizes = summed(np.where(np.arange(world) == rank, values.size, 0))
    ends = np.cumsum(sizes)
    together = np.zeros(ends[-1], values.dtype)
    together[ends[rank] - values.size : ends[rank]] = values
    return summed(together)


def gathered(value: Any) -> list[Any]:
    """Return what every worker has, by rank; nobody may have None."""
    if not is_distributed():
        return [value]
    ranks = range(xgb.collective.get_world_size())
    return [xgb.collective.broadcast(value, rank) for rank in ranks]


def target_of_all(y: Any) -> Target:
    """Return the labels as 0 and 1, by the classes that occur on any worker.

    Raises
    ------
    ValueError
        As from :meth:`Target.of`; on several workers if one has positives alone.
    """
    if not is_distributed():
        return Target.of(y, warn=False)
    of_one = together(lambda: Target.of(y, warn=False))
    classes = np.concatenate(gathered(of_one.classes))
    whole = together(lambda: Target.of(classes, warn=False))
    target = Target(whole.encode(y, "y"), whole.classes)
    raise_together(
        "y must hold the lesser label on every worker, because XGBClassifier numbers"
        " the labels of each by themselves, as focal_boost.xgboost.train does not;"
        f" got {shown(target.classes[1])} alone"
        if target.y_true.all() and len(target.classes) == 2
        else ""
    )
    return target


def score(metric: FocalMetric, y_true: Any, raw_score: Any, weight: Any) -> float:
    """Return a metric of the rows of all workers.

    Means are exact up to rounding, and so is average precision: its thresholds are the
    posteriors of all positives, and every worker counts its rows above each of them.

    Raises
    ------
    xgboost.core.XGBoostError
        A ValueError too, on all workers, for what is wrong with the rows of one.
    """
    some = np.size(y_true) > 0 and (np.size(weight) == 0 or bool(np.any(weight)))
    ranked = metric.name == "average_precision"
    part = _steps if ranked else _sum
    mine = together(lambda: part(metric, y_true, raw_score, weight) if some else None)
    if ranked:
        return _average_precision(*(mine or (np.empty(0),) * 4))
    total, of_weights = summed(np.asarray(mine or (0.0, 0.0)))
    if not of_weights:
        raise xgb.core.XGBoostError(
            "y_true must have rows with a positive weight on some worker, got none"
        )
    return float(total / of_weights)


def _sum(
    metric: FocalMetric, y_true: Any, raw_score: Any, weight: Any
) -> tuple[float, float]:
    """Return the sum that a mean is made of, and the weight of its rows."""
    of_rows = np.sum(weight, dtype=np.float64) if np.size(weight) else np.size(y_true)
    return metric(y_true, raw_score, weight) * float(of_rows), float(of_rows)


def _steps(
    metric: FocalMetric, y_true: Any, raw_score: Any, weight: Any
) -> tuple[NDArray[Any], ...]:
    """Return posterior and weight of positives, and of negatives."""
    labels = Labels.of(y_true, weight)
    posterior = metric.objective.posterior(raw_score)
    each = labels.sample_weight
    each = np.ones(posterior.size) if each is None else each
    positive = labels.y_true == 1
    return posterior[positive], each[positive], posterior[~positive], each[~positive]


def _average_precision(*steps: NDArray[Any]) -> float:
    positives, of_positives, negatives, of_negatives = steps
    thresholds = np.unique(joined(positives))
    caught = summed(weight_from(positives, of_positives, thresholds))
    false_alarms = summed(weight_from(negatives, of_negatives, thresholds))
    return area_of_steps(caught, false_alarms)
