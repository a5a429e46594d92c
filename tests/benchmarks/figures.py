"""Medians, ratios within repetitions, and what a model and a gradient are worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from competitors import ALPHA, GAMMA, OURS, Competitor

from focal_boost import FocalLoss, FocalObjective
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


def quality(raw_scores: Path, y_test: Path) -> dict[str, float | None]:
    """Return average precision and log loss of σ(raw score), what `predict` gives."""
    y, raw_score = np.load(y_test), np.load(raw_scores).astype(float)
    if not np.isfinite(raw_score).all() or len(np.unique(y)) < 2:
        return {"average_precision": None, "log_loss": None}
    names, log_odds = ("average_precision", "log_loss"), FocalObjective(None, 0.0)
    return {name: FocalMetric(name, log_odds)(y, raw_score) for name in names}


def gradient_verdict(
    competitor: Competitor, given: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Return where gradient and Hessian differ from the loss that is claimed.

    t is the raw score towards the row's own class: negative where it is misclassified.
    """
    if given is None or competitor.class_weights is None:
        return None
    y, raw_score, grad, hess = (
        np.array(given[key], float) for key in ("y", "raw_score", "grad", "hess")
    )
    # Ours is that of log-odds, with its own weights; all others are the paper's.
    ours = competitor.method == OURS
    loss = FocalObjective(ALPHA, GAMMA).values if ours else FocalLoss(None, GAMMA)
    weight = np.where(y == 1, *reversed(competitor.class_weights))
    t = np.where(y == 1, raw_score, -raw_score)
    found = {
        "upper": _wrong_at(hess, weight * loss.curvature(y, raw_score), t),
        "exact": _wrong_at(hess, weight * loss.hessian(y, raw_score), t),
    }
    nearest = min(found, key=lambda kind: found[kind]["share_wrong"])
    return {
        "gradient": _wrong_at(grad, weight * loss.gradient(y, raw_score), t),
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
