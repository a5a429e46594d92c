"""Metrics of the posterior inside LightGBM's training loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from focal_boost.metrics import FocalMetric


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
