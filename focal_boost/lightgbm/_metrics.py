"""Metrics of the posterior inside LightGBM's training loops."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from focal_boost.metrics import FocalMetric

# Built-in metrics that would take σ(margin), or the margin, for a probability.
_OF_PROBABILITY = (
    "binary_logloss",
    "binary",
    "binary_error",
    "logloss",
    "cross_entropy",
    "xentropy",
)


@dataclass(frozen=True)
class LightGBMMetric:
    """A metric for ``lgb.train(feval=)`` and ``LGBMClassifier.fit(eval_metric=)``."""

    metric: FocalMetric

    @property
    def __name__(self) -> str:
        return self.metric.name

    # LightGBM's scikit-learn API counts these parameters: the third is the weight.
    def __call__(
        self, y_true: Any, y_pred: Any, weight: Any = None
    ) -> tuple[str, float, bool]:
        """Return (name, value, higher is better), also for native (preds, Dataset)."""
        if hasattr(y_pred, "get_label"):
            margin, data = y_true, y_pred
            value = self.metric(data.get_label(), margin, data.get_weight())
        else:
            value = self.metric(y_true, y_pred, weight)
        return self.metric.name, value, self.metric.higher_is_better


def without_misreading(names: list[Any], parameter: str, advice: str) -> list[Any]:
    """Return metrics but those that misread a margin, warning of each of these."""
    for name in names:
        if name in _OF_PROBABILITY:
            warnings.warn(
                f"{parameter} {name!r} would take the margin for a probability and is"
                f" left out; use {advice} instead",
                UserWarning,
                stacklevel=4,
            )
    return [name for name in names if name not in _OF_PROBABILITY]
