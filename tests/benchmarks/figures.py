"""Medians, ratios within repetitions, and what a model and a gradient are worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from competitors import ALPHA, GAMMA, OURS, Competitor

from focal_boost import FocalLoss
from focal_boost.metrics import FocalMetric

Summary = dict[str, Any]
# Relative to the truth or, where that is smaller, to 1e-6.
_TOLERANCE, _SMALLEST = 1e-3, 1e-6


def summary(values: Sequence[float]) -> Summary:
    """Return median, lowest and highest value, and the values by repetition."""
    return {
        "values": list(values),
        "median": median(values),
        "low": min(values),
        "high": max(values),
    }


def ratios(ours: Summary, theirs: Summary) -> Summary:
    """Return the summary of the ratios within each repetition."""
    pairs = zip(ours["values"], theirs["values"], strict=True)
    return summary([a / b for a, b in pairs])


def differences(ours: Summary, theirs: Summary) -> Summary:
    """Return the summary of the differences within each repetition."""
    pairs = zip(ours["values"], theirs["values"], strict=True)
    return summary([a - b for a, b in pairs])


def quality(method: str, margins: Path, y_test: Path) -> dict[str, float | None]:
    """Return average precision and log loss of the probability that a method gives."""
    y, z = np.load(y_test), np.load(margins).astype(float)
    if not np.isfinite(z).all() or len(np.unique(y)) < 2:
        return {"average_precision": None, "log_loss": None}
    # All others offer σ(margin) and nothing else.
    loss = FocalLoss(ALPHA, GAMMA) if method == OURS else FocalLoss(None, 0.0)
    names = "average_precision", "log_loss"
    return {name: FocalMetric(name, loss)(y, z) for name in names}


def gradient_verdict(
    competitor: Competitor, given: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Return where gradient and Hessian differ from the loss that is claimed.

    t is the margin towards the row's own class: negative where it is misclassified.
    """
    if given is None or competitor.class_weights is None:
        return None
    y, z, grad, hess = (
        np.array(given[key], float) for key in ("y", "z", "grad", "hess")
    )
    loss = FocalLoss(None, GAMMA)
    weight = np.where(y == 1, *reversed(competitor.class_weights))
    t = np.where(y == 1, z, -z)
    found = {
        "upper": _wrong_at(hess, weight * loss.curvature(y, z), t),
        "exact": _wrong_at(hess, weight * loss.hessian(y, z), t),
    }
    nearest = min(found, key=lambda kind: found[kind]["share_wrong"])
    return {
        "gradient": _wrong_at(grad, weight * loss.gradient(y, z), t),
        "hessian": {"nearest": nearest, **found[nearest]},
    }


def _wrong_at(values: Any, truth: Any, t: Any) -> dict[str, Any]:
    error = np.abs(values - truth) / np.maximum(np.abs(truth), _SMALLEST)
    wrong = ~(error <= _TOLERANCE)  # NaN is wrong
    return {
        "share_wrong": float(wrong.mean()),
        "wrong_from_t": float(t[wrong].min()) if wrong.any() else None,
        "wrong_to_t": float(t[wrong].max()) if wrong.any() else None,
    }
