"""Metrics of the posterior inside XGBoost's training loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xgboost as xgb

from focal_boost.metrics import FocalMetric

# XGBoost passes the value of a custom metric through "%f", six decimals, and a loss
# of rare events improves beyond them: early stopping would see it stand still.
SCALE = 1e6


@dataclass(frozen=True)
class XGBoostMetric:
    """A metric for ``xgb.train(custom_metric=)`` and ``XGBClassifier(eval_metric=)``.

    Its value is a million times the metric's, and its name says so. XGBoost decides
    by the beginning of a name whether to maximise it: average precision is an
    "aucpr".
    """

    metric: FocalMetric

    @property
    def __name__(self) -> str:
        family = "aucpr_" if self.metric.higher_is_better else ""
        return f"{family}{self.metric.name}_x1e6"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the scaled value, or (name, value) for native (preds, DMatrix)."""
        if hasattr(y_pred, "get_label"):
            margin, data = y_true, y_pred
            return self.__name__, SCALE * of_data(self.metric, margin, data)
        return SCALE * self.metric(y_true, y_pred, sample_weight)


def of_data(metric: FocalMetric, margin: Any, data: Any) -> float:
    """Return the metric of margins on a DMatrix."""
    return metric(data.get_label(), margin, data.get_weight())


class PosteriorMetrics(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Write metrics into the evaluation log in full precision, before others read it.

    A callback sees no "%f", so that the log has the metrics' own names and values.
    """

    def __init__(
        self, metrics: Sequence[FocalMetric], evals: Sequence[tuple[Any, str]]
    ) -> None:
        super().__init__()
        self._metrics = tuple(metrics)
        self._evals = tuple(evals)

    def __hash__(self) -> int:
        # XGBoost before 3.2 keeps callbacks in a set and runs them in its order, which
        # begins with the first one of hash 0.
        return 0

    def __eq__(self, other: object) -> bool:
        return self is other

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Evaluate every metric on every set; never stop."""
        for data, name in self._evals:
            margin = model.predict(data, output_margin=True)
            log = evals_log.setdefault(name, {})
            for metric in self._metrics:
                log.setdefault(metric.name, []).append(of_data(metric, margin, data))
        return False

    def direct(self, stopping: Any) -> None:
        """Tell an early-stopping callback which way our metrics improve."""
        # Without a metric's name XGBoost watches the last one, which is ours.
        default = self._metrics[-1].name if self._metrics else None
        watched = stopping.metric_name or default
        for metric in self._metrics:
            if metric.name == watched and stopping.maximize is None:
                stopping.maximize = metric.higher_is_better
