"""What a model and an objective are worth, beside what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.competitors import ALPHA, GAMMA, OURS, Competitor
from focal_boost import FocalLoss, FocalObjective
from focal_boost.metrics import FocalMetric

# Relative to the truth or, where that is smaller, to 1e-6.
_TOLERANCE, _SMALLEST = 1e-3, 1e-6


def quality(raw_scores: Path) -> dict[str, float | None]:
    """Return average precision and log loss of σ(raw score), what `predict` gives."""
    y = np.load(raw_scores.with_name("y_test.npy"))
    raw_score = np.load(raw_scores).astype(float)
    names, log_odds = ("average_precision", "log_loss"), FocalObjective(None, 0.0)
    if not np.isfinite(raw_score).all() or len(np.unique(y)) < 2:
        return dict.fromkeys(names)
    return {name: FocalMetric(name, log_odds)(y, raw_score) for name in names}


def derivatives(competitor: Competitor, given: dict[str, Any] | None) -> dict[str, Any]:
    """Return where gradient and Hessian differ from the loss that is claimed.

    "right", or "upper" and "exact" for a Hessian, or at which share of raw scores and
    from where to where it is wrong; t is the raw score towards the row's own class.
    """
    if given is None or competitor.class_weights is None:
        return {"gradient": None, "hessian": None}
    y, raw_score, grad, hess = (
        np.array(given[key], float) for key in ("y", "raw_score", "grad", "hess")
    )
    # Ours is that of log-odds, with its own weights; all others are the paper's.
    ours = competitor.method == OURS
    loss = FocalObjective(ALPHA, GAMMA).values if ours else FocalLoss(None, GAMMA)
    weight = np.where(y == 1, *reversed(competitor.class_weights))
    t = np.where(y == 1, raw_score, -raw_score)
    truths = {"upper": loss.curvature, "exact": loss.hessian}
    wrong = {name: _wrong(hess, weight * of(y, raw_score))
             for name, of in truths.items()}  # fmt: skip
    nearest = min(wrong, key=lambda name: wrong[name].mean())
    of_gradient = _wrong(grad, weight * loss.gradient(y, raw_score))
    return {
        "gradient": _told(of_gradient, t, "right"),
        "hessian": _told(wrong[nearest], t, nearest),
    }


def _wrong(values: Any, truth: Any) -> Any:
    error = np.abs(values - truth) / np.maximum(np.abs(truth), _SMALLEST)
    return ~(error <= _TOLERANCE)  # NaN is wrong


def _told(wrong: Any, t: Any, word: str) -> str:
    if not wrong.any():
        return word
    where = f"t {t[wrong].min():g} to {t[wrong].max():g}"
    return f"wrong at {wrong.mean():.0%}, {where}"
