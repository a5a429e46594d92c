"""φ, its derivatives and κ over float64 arrays, as derived in focal_boost.loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class _Terms(NamedTuple):
    """p, q, ℓ and q^γ at t."""

    p: Floats
    q: Floats
    ell: Floats
    q_power: Floats


def _terms(t: Floats, gamma: float) -> _Terms:
    # e never overflows, and p and q are each computed without a subtraction.
    e = np.exp(-np.abs(t))
    r = 1 / (1 + e)
    q = np.where(t >= 0, e * r, r)
    return _Terms(
        p=np.where(t >= 0, r, e * r),
        q=q,
        ell=np.log1p(e) + np.maximum(-t, 0),
        q_power=np.power(q, gamma),
    )


def phi(t: Floats, gamma: float) -> Floats:
    """Return q^γ ℓ."""
    terms = _terms(t, gamma)
    return terms.q_power * terms.ell


def phi_slope(t: Floats, gamma: float) -> Floats:
    """Return φ′ = −q^γ (q + γ p ℓ)."""
    p, q, ell, q_power = _terms(t, gamma)
    return -q_power * (q + gamma * (p * ell))


def phi_curvature(t: Floats, gamma: float, negative_term: float) -> Floats:
    """Return φ″ for `negative_term` 1 and the upper curvature φ̄″ for 0."""
    p, q, ell, q_power = _terms(t, gamma)
    # p ℓ first: ℓ grows like −t, p falls like exp(t), and only the product is small.
    p_ell = p * ell
    upper = (1 + 2 * gamma) * p * q + gamma * gamma * p * p_ell
    return q_power * (upper - negative_term * gamma * q * p_ell)


def kappa(t: Floats) -> Floats:
    """Return p ℓ / q, where |φ′| = q^(1+γ) (1 + γ κ)."""
    e = np.exp(-np.abs(t))
    log1p_e = np.log1p(e)
    # For t >= 0, p/q is 1/e and ℓ is log1p(e): the limit of their product is 1.
    right = np.divide(log1p_e, e, out=np.ones_like(e), where=e > 0)
    # For t < 0, p/q is e, which reaches 0 before the bound on |t| matters.
    left = e * (log1p_e + np.minimum(np.abs(t), 1e3))
    return np.where(t >= 0, right, left)


def log_slope(t: Floats, gamma: float) -> Floats:
    """Return −φ″/φ′ = −d log|φ′| / dt."""
    p, _, ell, _ = _terms(t, gamma)
    k = kappa(t)
    return p * (1 + 2 * gamma + gamma * gamma * k - gamma * ell) / (1 + gamma * k)
