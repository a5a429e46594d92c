"""The numerics of the link over float64 arrays; :mod:`focal_boost.links` derives them.

m′ is the posterior's log-odds without the classes' weights, m − log((1−α)/α). It is an
odd function of the margin z, and what the derivatives are made of is even in it, so
that everything is a function of z >= 0, where κ₊ and κ₋ are κ(z) and κ(−z).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from focal_boost._phi import Floats, kappa, log_slope

# Newton from m/(1+γ) needs 4 to 6 steps; the bound only ends a cycle of last-bit
# corrections.
_NEWTON_STEPS = 50
# Below this e a difference of two nearly equal numbers is summed as its series.
_SMALL = 0.05
_SERIES = tuple((-1) ** k / (k * (k - 1)) for k in range(2, 19))


class Shapes(NamedTuple):
    """What gradient and curvatures in m are made of, at z >= 0; all are bounded.

    Attributes
    ----------
    log_odds : ndarray of float64
        m′.
    weight : ndarray of float64
        A = |φ′(−z)| / J, the slope of a misclassified row.
    right, wrong : ndarray of float64
        Upper curvature over slope at t = z and t = −z.
    right_exact, wrong_exact : ndarray of float64
        Exact Hessian over slope, likewise.
    """

    log_odds: Floats
    weight: Floats
    right: Floats
    wrong: Floats
    right_exact: Floats
    wrong_exact: Floats


def posterior(z: Floats, gamma: float, log_class_odds: float) -> Floats:
    """Return η at margin z, exact in both tails."""
    # The smaller of the odds and their inverse, as a product of exponentials of
    # −|z| and −γ|z|: rounding the sum of the exponents would cost digits.
    side = np.where(z >= 0, -1.0, 1.0)
    fall = -np.abs(z)
    odds = np.exp(side * (log_class_odds + _bend(z, gamma))) * np.exp(fall)
    odds = odds * np.exp(gamma * np.maximum(fall, -1e3))
    return np.asarray(np.where(z >= 0, 1.0, odds) / (1 + odds))


def sigmoid(log_odds: Floats) -> Floats:
    """Return σ(log-odds), exact in both tails, as :func:`posterior` has it at γ = 0."""
    odds = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, odds) / (1 + odds))


def slope(z: Floats, gamma: float) -> Floats:
    """Return J = dm/dz at margin z."""
    return log_slope(z, gamma) + log_slope(-z, gamma)


def margin(logit: Floats, gamma: float, log_class_odds: float) -> Floats:
    """Return z at logit η, by Newton's method."""
    # All over 1 + γ, so that nothing overflows.
    z = start = logit / (1 + gamma)
    for _ in range(_NEWTON_STEPS):
        excess = z - start + (log_class_odds + _bend(z, gamma)) / (1 + gamma)
        step = excess / (slope(z, gamma) / (1 + gamma))
        z = z - step
        if np.all(np.abs(step) <= 4e-16 * np.maximum(np.abs(z), 1.0)):
            break
    return z


def shapes(z: Floats, gamma: float) -> Shapes:
    """Return the bounded parts of gradient and curvatures at z >= 0."""
    e = np.exp(-z)
    log1p_e = np.log1p(e)
    p, q = 1 / (1 + e), e / (1 + e)
    kappas = _ratio(log1p_e, e), e * (z + log1p_e)
    deltas = _right_delta(e, log1p_e), kappas[1] - q
    bases = 1 + gamma * kappas[0], 1 + gamma * kappas[1]
    shares = deltas[0] / bases[0], deltas[1] / bases[1]
    slope = (1 + gamma) - gamma * (shares[0] + shares[1])
    # dJ/dz over J: the shares' derivatives, with δ′ = δ − pq and D′ = γ δ.
    right = (deltas[0] - p * q) / bases[0] - gamma * shares[0] ** 2
    left = (deltas[1] - p * q) / bases[1] - gamma * shares[1] ** 2
    bend = -gamma * (right - left) / slope
    upper = [
        own * (1 + 2 * gamma + gamma * gamma * k) / base
        for own, k, base in zip((p, q), kappas, bases, strict=True)
    ]
    # γ p ℓ / D, the negative term of φ″ over the slope |φ′|.
    negative = gamma * p * log1p_e / bases[0], gamma * q * (z + log1p_e) / bases[1]
    return Shapes(
        log_odds=(1 + gamma) * z + np.log(bases[1] / bases[0]),
        weight=np.exp(-(1 + gamma) * log1p_e) * bases[1] / slope,
        right=upper[0] / slope,
        wrong=upper[1] / slope,
        right_exact=(upper[0] - negative[0] + bend) / slope,
        wrong_exact=(upper[1] - negative[1] - bend) / slope,
    )


def _bend(z: Floats, gamma: float) -> Floats:
    """Return log((1+γκ(−z)) / (1+γκ(z)))."""
    return np.asarray(np.log1p(gamma * kappa(-z)) - np.log1p(gamma * kappa(z)))


def _ratio(log1p_e: Floats, e: Floats) -> Floats:
    """Return log1p(e)/e, whose limit is 1."""
    return np.divide(log1p_e, e, out=np.ones_like(e), where=e > 0)


def _right_delta(e: Floats, log1p_e: Floats) -> Floats:
    """Return δ(z) = κ(z) − p = ((1+e) log1p(e) − e) / (e (1+e)), about e/2."""
    series = np.zeros_like(e)
    for coefficient in reversed(_SERIES):
        series = coefficient + e * series
    large = (1 + e) * _ratio(log1p_e, e) - 1
    return np.where(e < _SMALL, e * series, large) / (1 + e)
