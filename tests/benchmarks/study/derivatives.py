r"""Gradient and Hessian of an arm: the package's, and two Hessians that it lacks.

As in :mod:`focal_boost.loss`: t = (2y − 1) z, p = σ(t), q = 1 − p, ℓ = −log p, and
φ(t) = L(p) with L(p) = q^γ ℓ.

**absolute.** |φ″|, the exact Hessian without its sign.

**gauss-newton.** By the chain rule, with dp/dt = pq and d²p/dt² = pq (q − p),

    φ″ = (pq)² L″ + pq (q − p) L′,

and Gauss–Newton in p keeps the first term: the loss is convex in p, and what makes φ″
negative is the curvature of the sigmoid. From ℓ′ = −1/p (by p) and q′ = −1,

    L′ = −γ q^(γ−1) ℓ − q^γ / p,
    L″ = γ(γ−1) q^(γ−2) ℓ + 2γ q^(γ−1) / p + q^γ / p²,
    (pq)² L″ = q^γ [q² + 2γ p q + γ(γ−1) p² ℓ].

For γ < 1 the last term is negative, but pℓ ≤ q leaves at least
q^γ [q² + γ(1+γ) p q], so that the sum is positive for every γ. At γ = 0 it is q², not
pq: this is not the Hessian of the log loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from arms import Arm
from numpy.typing import NDArray

from focal_boost import FocalLoss, FocalObjective

Floats = NDArray[np.float64]
Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]
#: (labels, margins, weights or None, offset of the margins) → gradient and Hessian
Derivatives = Callable[[Any, Any, Any, float], Gradients]


def gauss_newton(t: Floats, gamma: float) -> Floats:
    """Return q^γ [q² + 2γ p q + γ(γ−1) p² ℓ]."""
    e = np.exp(-np.abs(t))
    r = 1 / (1 + e)
    p, q = np.where(t >= 0, r, e * r), np.where(t >= 0, e * r, r)
    p_ell = p * (np.log1p(e) + np.maximum(-t, 0))
    bracket = q * q + 2 * gamma * p * q + gamma * (gamma - 1) * p * p_ell
    return np.asarray(q**gamma * bracket)


def derivatives(arm: Arm, loss: FocalLoss) -> Derivatives:
    """Return the function that computes an arm's gradient and Hessian."""
    kind = "exact" if arm.hessian in {"exact", "absolute"} else "upper"
    package = FocalObjective(loss.alpha, loss.gamma, kind, n_threads=1)

    def of(y: Any, margin: Any, weight: Any, offset: float) -> Gradients:
        grad, hess = package.gradient_hessian(y, margin, weight, offset=offset)
        if arm.hessian == "absolute":
            return grad, np.abs(hess)
        if arm.hessian == "gauss-newton":
            return grad, _gauss_newton_rows(loss, y, margin + offset, weight)
        return grad, hess

    return of


def _gauss_newton_rows(
    loss: FocalLoss, y: Any, margin: Any, weight: Any
) -> NDArray[np.float32]:
    negative, positive = loss.class_weights
    t = np.where(y == 1, 1.0, -1.0) * np.asarray(margin, np.float64)
    hess = np.where(y == 1, positive, negative) * gauss_newton(t, loss.gamma)
    # XGBoost gives an empty array where there are no weights.
    if weight is not None and np.size(weight):
        hess = hess * weight
    return hess.astype(np.float32)
