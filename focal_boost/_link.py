"""The link between margin and posterior; :mod:`focal_boost.loss` derives it.

logit η = (1+γ) z + offset(z),  offset(z) = log((1−α)/α) + log((1+γκ(−z))/(1+γκ(z))),
and the offset is bounded.
"""

from __future__ import annotations

import numpy as np

from focal_boost._phi import Floats, kappa, log_slope

# Newton from logit(η)/(1+γ) needs 4 to 6 steps; the bound only ends a cycle of
# last-bit corrections.
_NEWTON_STEPS = 50


def posterior(z: Floats, gamma: float, log_class_odds: float) -> Floats:
    """Return η at margin z, exact in both tails."""
    # The smaller of the odds and their inverse, as a product of exponentials of
    # −|z| and −γ|z|: rounding the sum of the exponents would cost digits.
    side = np.where(z >= 0, -1.0, 1.0)
    fall = -np.abs(z)
    odds = np.exp(side * _offset(z, gamma, log_class_odds)) * np.exp(fall)
    odds = odds * np.exp(gamma * np.maximum(fall, -1e3))
    return np.asarray(np.where(z >= 0, 1.0, odds) / (1 + odds))


def margin(logit: Floats, gamma: float, log_class_odds: float) -> Floats:
    """Return z at logit η, by Newton's method."""
    z = logit / (1 + gamma)
    for _ in range(_NEWTON_STEPS):
        excess = (1 + gamma) * z + _offset(z, gamma, log_class_odds) - logit
        step = excess / (log_slope(z, gamma) + log_slope(-z, gamma))
        z = z - step
        if np.all(np.abs(step) <= 4e-16 * np.maximum(np.abs(z), 1.0)):
            break
    return z


def _offset(z: Floats, gamma: float, log_class_odds: float) -> Floats:
    bend = np.log1p(gamma * kappa(-z)) - np.log1p(gamma * kappa(z))
    return np.asarray(log_class_odds + bend)
