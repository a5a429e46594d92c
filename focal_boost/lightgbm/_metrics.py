"""Metrics of the posterior inside LightGBM's training loops."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from focal_boost._rows import Labels
from focal_boost.metrics import METRICS, FocalMetric, mean_score
from focal_boost.multi_metrics import MultiFocalMetric
from focal_boost.objective import FocalObjective

# Also a metric of LightGBM's own, which is the one that is meant.
_OURS = tuple(name for name in METRICS if name != "average_precision")


@dataclass(frozen=True)
class LightGBMMetric:
    """A metric for ``lgb.train(feval=)`` and ``LGBMClassifier.fit(eval_metric=)``."""

    metric: FocalMetric | MultiFocalMetric

    @property
    def __name__(self) -> str:
        return self.metric.name

    # LightGBM's scikit-learn API counts these parameters: the third is the weight.
    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        """Return (name, value, higher is better), also for native (preds, Dataset).

        Of a metric per class it is a list of them.
        """
        raw_score = y_pred
        if hasattr(y_pred, "get_label"):
            raw_score, data = y_true, y_pred
            y_true, weight = data.get_label(), data.get_weight()
        values = self.metric.named(y_true, raw_score, weight)
        better = self.metric.higher_is_better
        found = [(name, value, better) for name, value in values.items()]
        return found if len(found) > 1 else found[0]


def apart(asked: Any, names: Collection[str] = _OURS) -> tuple[Any, list[str]]:
    """Return the metrics that are LightGBM's or the caller's, and the names of ours."""
    several = asked if isinstance(asked, list) else [asked]
    named = [(one, _name_of(one, names)) for one in several]
    ours = [name for _, name in named if name is not None]
    if not ours:
        return asked, []
    return [one for one, name in named if name is None], ours


def _name_of(one: Any, names: Collection[str]) -> str | None:
    """Return the name of a metric of this package, None for all others."""
    if isinstance(one, LightGBMMetric):
        return one.metric.name
    return one if isinstance(one, str) and one in names else None


# LightGBM's bound of a probability in a logarithm and what it takes for that, once in
# single precision.
_CLIP, _CLIP_CROSS_ENTROPY = np.float32(1e-15), np.float64(1e-12)
_SIGMOID = FocalObjective(None, 0.0)
Twin = Callable[[Labels, NDArray[np.float64]], float]


def _logloss(clip: np.floating[Any]) -> Twin:
    most = float(-np.log(clip))

    def value(labels: Labels, raw_score: NDArray[np.float64]) -> float:
        from focal_boost._kernels.scores import LOG_LOSS

        return mean_score(labels, raw_score, _SIGMOID, LOG_LOSS, float(clip), most)

    return value


def _mean(of: Callable[[Any, Any], Any]) -> Twin:
    """Return the weighted mean of a function of label and raw score."""

    def value(labels: Labels, raw_score: NDArray[np.float64]) -> float:
        each = of(labels.y_true, raw_score)
        return float(np.average(each, weights=labels.sample_weight))

    return value


# The greatest raw score whose probability is 1/2 in double precision: 1.5 · 2⁻⁵³.
_EVEN = 1.5 * 2.0**-53
_error = _mean(lambda y, m: (m > _EVEN) != y)
_squared = _mean(lambda y, m: (expit(m) - y) ** 2)
_absolute = _mean(lambda y, m: np.abs(expit(m) - y))

#: What LightGBM's pointwise metrics are with its own objective; with a custom one they
#: would take the raw score for a probability. Its rank metrics do not mind.
TWINS: dict[str, Twin] = {
    "binary_logloss": _logloss(_CLIP),
    "binary_error": _error,
    "cross_entropy": _logloss(_CLIP_CROSS_ENTROPY),
    "kullback_leibler": _logloss(_CLIP_CROSS_ENTROPY),
    "l2": _squared,
    "rmse": lambda labels, raw_score: float(np.sqrt(_squared(labels, raw_score))),
    "l1": _absolute,
    "mape": _absolute,
}
#: Pointwise metrics that nobody asks of probabilities.
WITHOUT_TWIN = (
    "cross_entropy_lambda", "fair", "gamma", "gamma_deviance", "huber", "poisson",
    "quantile", "tweedie", "r2", "multi_logloss", "multi_error", "auc_mu",
)  # fmt: skip
