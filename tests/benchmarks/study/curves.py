r"""Gradient and curvature of focal loss in its own margin z or in the log-odds m.

As in :mod:`focal_boost.loss`: t = (2y − 1) z, p = σ(t), ℓ = −log p, κ = p ℓ / q, and
the slope is |φ′(t)| = q^(1+γ) (1 + γκ). What follows needs its logarithm, the rate at
which that falls, and the rate without the term that makes φ″ negative:

    log|φ′| = −(1+γ) softplus(t) + log(1 + γκ)
    r(t)    = −d log|φ′| / dt = p (1 + 2γ + γ²κ − γℓ) / (1 + γκ),   φ″ = |φ′| r
    ρ(t)    =                   p (1 + 2γ + γ²κ)      / (1 + γκ),   φ̄″ = |φ′| ρ

The log-odds are m = m′ + log((1−α)/α) with m′ = log|φ′(−z)| − log|φ′(z)|, an odd
function of z with the slope J = r(z) + r(−z). By the chain rule the loss falls in
t′ = (2y − 1) m′ with the slope ψ = |φ′(t)| / J, and

    gradient in m  = −(2y − 1) α_t ψ
    upper in m     = α_t φ̄″ / J² = α_t ψ ρ/J
    exact in m     = −α_t dψ/dt′ = α_t ψ (r + J′/J) / J
    expected in m  = α_t ψ σ((2y − 1) m)

the last of which is V σ(m) σ(−m), because α_t ψ = V |σ(m) − y|. The expected one in z
is J² times that, and V(m) = α₀ ψ(−m′) + α₁ ψ(m′). Everything is a slope times a ratio:
two tables over t or t′, read by linear interpolation to 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from arms import Arm
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import expit, logit

Floats = NDArray[np.float64]
_FAR, _PER_UNIT = 60, 64
_NODES = np.linspace(-_FAR, _FAR, 2 * _FAR * _PER_UNIT + 1)
# The libraries' own objectives have such a floor.
_LEAST = 1e-16


@dataclass(frozen=True)
class Tables:
    """Columns at the nodes of t, or of t′ where the raw score is m.

    Beyond the nodes all are straight lines, as the functions are.
    """

    log_slope: Floats
    log_odds: Floats
    upper: Floats
    exact: Floats
    bend: Floats

    def rows(
        self, hessian: str, t: Floats, shift: Floats | float
    ) -> tuple[Floats, Floats]:
        """Return slope and curvature; `shift` is (2y − 1) log((1−α)/α)."""
        at = _where(t)
        slope = np.exp(_read(self.log_slope, at))
        if hessian != "expected":
            return slope, slope * _read(getattr(self, hessian), at)
        own = expit(_read(self.log_odds, at) + shift)
        return slope, slope * own * _read(self.bend, at)


def _where(t: Floats) -> tuple[Any, Floats]:
    """Return the node to the left, and how far beyond it t is, in their distance."""
    position = (t + _FAR) * _PER_UNIT
    node = np.clip(position, 0, _NODES.size - 2).astype(np.int64)
    return node, position - node


def _read(column: Floats, at: tuple[Any, Floats]) -> Floats:
    node, beyond = at
    left = column[node]
    return np.asarray(left + beyond * (column[node + 1] - left))


@cache
def tables(link: str, gamma: float) -> Tables:
    """Return the tables of a raw score, "z" or "m"."""
    log_slope, exact, upper = _terms(_NODES, gamma)
    bend = exact + exact[::-1]
    log_odds = log_slope[::-1] - log_slope
    if link == "z":
        return Tables(log_slope, log_odds, upper, exact, bend)
    bent = CubicSpline(_NODES, bend)(_NODES, 1) / bend
    columns = (log_slope - np.log(bend), log_odds, upper / bend, (exact + bent) / bend)
    even = (CubicSpline(log_odds, column)(_NODES) for column in columns)
    return Tables(*even, np.ones_like(bend))


def _terms(t: Floats, gamma: float) -> tuple[Floats, Floats, Floats]:
    """Return log|φ′|, r and ρ."""
    e = np.exp(-np.abs(t))
    p = np.where(t >= 0, 1, e) / (1 + e)
    ell = np.log1p(e) + np.maximum(-t, 0)
    kappa = np.where(t >= 0, np.log1p(e) / e, e * ell)
    upper = p * (1 + 2 * gamma + gamma**2 * kappa) / (1 + gamma * kappa)
    log_slope = -(1 + gamma) * (ell + t) + np.log1p(gamma * kappa)
    return log_slope, upper - p * gamma * ell / (1 + gamma * kappa), upper


class Curve:
    """A focal arm on given rows: what a library is handed, and what it means.

    Parameters
    ----------
    arm : Arm
        Of the kind "focal".
    y, weight : arrays or None
        The training rows.
    """

    def __init__(self, arm: Arm, y: Any, weight: Any) -> None:
        self._arm = arm
        self._tables = tables(arm.link, arm.gamma)
        log_class_odds = float(np.log((1 - arm.alpha) / arm.alpha))
        self._class_odds = log_class_odds
        self._sign = np.where(np.asarray(y) == 1, 1.0, -1.0)
        self._shift = self._sign * log_class_odds
        self._weight = np.where(self._sign > 0, arm.alpha, 1 - arm.alpha)
        prevalence = np.average(self._sign > 0, weights=weight)
        self._weight = self._weight / self._scale(float(logit(prevalence)))
        if weight is not None:
            self._weight = self._weight * weight
        self.start = self._start(float(logit(prevalence)))

    def __call__(self, raw_score: Any) -> tuple[Any, Any]:
        """Return gradient and curvature in float32."""
        offset = self._class_odds if self._arm.link == "m" else 0.0
        t = self._sign * (raw_score.astype(np.float64) - offset)
        slope, bend = self._tables.rows(self._arm.hessian, t, self._shift)
        grad, hess = -self._sign * self._weight * slope, self._weight * bend
        if self._arm.hessian != "exact":
            hess = np.maximum(hess, _LEAST)
        return grad.astype(np.float32), hess.astype(np.float32)

    def log_odds(self, raw_score: Any) -> Any:
        """Return the logit of the posterior."""
        if self._arm.link == "m":
            return raw_score
        return _read(self._tables.log_odds, _where(raw_score)) + self._class_odds

    def _start(self, log_odds: float) -> float:
        if self._arm.link == "m":
            return log_odds
        odds = self._tables.log_odds
        return float(np.interp(log_odds - self._class_odds, odds, _NODES))

    def _scale(self, log_odds: float) -> float:
        """Return what gradient and curvature are divided by: V, its maximum, or 1."""
        if self._arm.scale == "1":
            return 1.0
        start = np.array([log_odds - self._class_odds])
        at = _NODES if self._arm.scale == "c" else start
        positive, negative = (
            np.exp(_read(self._tables.log_slope, _where(t))) for t in (at, -at)
        )
        alpha = self._arm.alpha
        return float(np.max(alpha * positive + (1 - alpha) * negative))
