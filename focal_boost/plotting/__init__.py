"""Plots of models for rare events, of thresholds, of the loss, of ranks of methods."""

try:
    import matplotlib  # noqa: F401
except ImportError:
    raise ImportError(
        "focal_boost.plotting needs matplotlib: pip install matplotlib"
    ) from None

from focal_boost.plotting._classes import plot_classes
from focal_boost.plotting._comparison import plot_comparison
from focal_boost.plotting._curves import (
    plot_precision_recall,
    plot_reliability,
)
from focal_boost.plotting._losses import (
    plot_curvature,
    plot_gradient,
    plot_loss,
    plot_posterior,
    plot_weight,
)
from focal_boost.plotting._ranks import plot_critical_difference
from focal_boost.plotting._search import plot_search
from focal_boost.plotting._thresholds import plot_thresholds

__all__ = [
    "plot_classes",
    "plot_comparison",
    "plot_critical_difference",
    "plot_curvature",
    "plot_gradient",
    "plot_loss",
    "plot_posterior",
    "plot_precision_recall",
    "plot_reliability",
    "plot_search",
    "plot_thresholds",
    "plot_weight",
]
