r"""The α-balanced sigmoid focal loss, its derivatives and its link.

Conventions, used everywhere in the package: ``y_true`` is 0 or 1, ``margin`` z is
the raw score, t = (2y − 1) z, p = σ(t) is the paper's p_t, q = 1 − p = σ(−t),
ℓ = −log p = softplus(−t), and α_t is α for y = 1, 1 − α for y = 0, and 1 where
alpha is None. Derivatives are with respect to the margin.

**Loss.** Lin et al. (2017), equation 5, as a function of the margin:

    loss = α_t φ(t),    φ(t) = q^γ ℓ.

Labels enter through t and α_t alone, so everything below is one function of t.

**First derivative.** From p′ = pq, q′ = −pq and ℓ′ = −p′/p = −q,

    φ′ = γ q^(γ−1) q′ ℓ + q^γ ℓ′
       = −q^γ (q + γ p ℓ),

and the gradient is dt/dz α_t φ′ = (2y − 1) α_t φ′(t). Both terms have the same
sign, so nothing cancels.

**Second derivative.** With A = q + γ p ℓ, φ′ = −q^γ A and

    A′ = −pq + γ (pqℓ − pq) = pq (γ ℓ − 1 − γ),
    φ″ = γ p q^γ A − q^γ A′
       = p q^γ [(1 + 2γ) q + γ² p ℓ − γ q ℓ].

The Hessian is α_t φ″(t), because (2y − 1)² = 1. Its last term is the only negative
one, and for badly misclassified rows it wins: for γ = 2, φ″ < 0 where t < −2.79.

**Upper curvature.** Without that term,

    φ̄″ = p q^γ [(1 + 2γ) q + γ² p ℓ]  ≥  φ″,

is positive everywhere and equals φ″ at γ = 0. Boosting divides by sums of it.

**Link.** Focal loss is classification-calibrated but not proper: the margin z that
minimises the expected loss where P(y = 1) = η is not logit(η). It is the zero of
the expected gradient η α φ′(z) − (1 − η)(1 − α) φ′(−z), so that

    logit η = log((1−α)/α) + log|φ′(−z)| − log|φ′(z)|.

With κ(t) = p ℓ / q the slope is |φ′(t)| = q^(1+γ) (1 + γ κ(t)), and since
softplus(z) − softplus(−z) = z,

    logit η = log((1−α)/α) + (1+γ) z + log(1 + γ κ(−z)) − log(1 + γ κ(z)),

which increases strictly with z, has slope 1 + γ in both tails, and is z itself for
γ = 0 and α = ½. :meth:`FocalLoss.posterior` is this map, :meth:`FocalLoss.margin`
its inverse.

References
----------
Lin, Goyal, Girshick, He, Dollár: Focal Loss for Dense Object Detection, ICCV 2017.
Charoenphakdee et al.: On Focal Loss for Class-Posterior Probability Estimation:
A Theoretical Perspective, CVPR 2021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._logit import margin, posterior
from focal_boost._phi import phi, phi_curvature, phi_slope
from focal_boost._validation import (
    as_labels_and_weight,
    as_numbers,
    as_probabilities,
    check_alpha,
    check_gamma,
    check_rows,
    weighted_prevalence,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FocalLoss:
    """α-balanced sigmoid focal loss of a raw margin (Lin et al. 2017, equation 5).

    An immutable value; the module docstring derives every formula.

    Parameters
    ----------
    alpha : float in (0, 1) or None, default 0.25
        Weight of the positive class; the negative class gets 1 − alpha. None
        weights both by 1.
    gamma : float >= 0, default 2.0
        Focusing parameter; 0 is (α-balanced) cross entropy.

    Raises
    ------
    ValueError
        If alpha is not inside (0, 1) or gamma is negative or not finite.

    Examples
    --------
    >>> loss = FocalLoss(alpha=None, gamma=0.0)
    >>> float(loss.posterior(0.0))
    0.5
    """

    alpha: float | None = 0.25
    gamma: float = 2.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", check_alpha(self.alpha))
        object.__setattr__(self, "gamma", check_gamma(self.gamma))

    @classmethod
    def balanced(
        cls,
        y_true: ArrayLike,
        gamma: float = 2.0,
        sample_weight: ArrayLike | None = None,
    ) -> FocalLoss:
        """Return the loss whose α weights the classes by their inverse frequency.

        Parameters
        ----------
        y_true : array-like of 0 and 1
            Labels; both classes must occur.
        gamma : float >= 0, default 2.0
            Focusing parameter.
        sample_weight : array-like of the shape of y_true, optional
            Weights, finite and >= 0.

        Returns
        -------
        FocalLoss
            With alpha = 1 − the (weighted) prevalence of the positive class.

        Raises
        ------
        ValueError
            For bad labels or weights, or where only one class has weight.
        """
        labels, weight = as_labels_and_weight(y_true, sample_weight)
        weighted_prevalence(labels, weight)
        # Not 1 − prevalence, which has few digits where negatives are rare.
        return cls(float(np.average(1 - labels, weights=weight)), gamma)

    @property
    def class_weights(self) -> tuple[float, float]:
        """α_t of the negative and of the positive class."""
        return (1.0, 1.0) if self.alpha is None else (1 - self.alpha, self.alpha)

    @property
    def log_class_odds(self) -> float:
        """log((1−α)/α), the log-odds of the posterior at margin 0."""
        negative, positive = self.class_weights
        return math.log(negative) - math.log(positive)

    def loss(self, y_true: ArrayLike, margin: ArrayLike) -> Floats:
        """Return the loss per row, α_t q^γ ℓ.

        Parameters
        ----------
        y_true : array-like of 0 and 1
            Labels, of the shape of `margin` or one for all.
        margin : array-like of finite numbers
            Raw scores.

        Returns
        -------
        ndarray of float64, of the shape of `margin`

        Raises
        ------
        ValueError
            For empty or differing shapes, labels other than 0 and 1, and margins
            that are not finite.
        """
        weight, _, t = self._rows(y_true, margin)
        return weight * phi(t, self.gamma)

    def gradient(self, y_true: ArrayLike, margin: ArrayLike) -> Floats:
        """Return the first derivative per row, (2y − 1) α_t φ′(t).

        Parameters, return value and errors are those of :meth:`loss`.
        """
        weight, sign, t = self._rows(y_true, margin)
        return sign * weight * phi_slope(t, self.gamma)

    def hessian(self, y_true: ArrayLike, margin: ArrayLike) -> Floats:
        """Return the second derivative per row, α_t φ″(t), which may be negative.

        Parameters, return value and errors are those of :meth:`loss`.
        """
        weight, _, t = self._rows(y_true, margin)
        return weight * phi_curvature(t, self.gamma, negative_term=1.0)

    def curvature(self, y_true: ArrayLike, margin: ArrayLike) -> Floats:
        """Return the upper curvature per row, α_t φ̄″(t) ≥ the Hessian, positive.

        It underflows to 0 only where the row is beyond doubt. Parameters, return
        value and errors are those of :meth:`loss`.
        """
        weight, _, t = self._rows(y_true, margin)
        return weight * phi_curvature(t, self.gamma, negative_term=0.0)

    def _rows(
        self, y_true: ArrayLike, margin: ArrayLike
    ) -> tuple[Floats, Floats, Floats]:
        """Return α_t, 2y − 1 and t of checked labels and margins."""
        labels, scores = check_rows(y_true, margin, "margin")
        negative, positive = self.class_weights
        sign = 2 * labels - 1
        return np.where(labels == 1, positive, negative), sign, sign * scores

    def posterior(self, margin: ArrayLike) -> Floats:
        """Return P(y = 1) as the margin states it: the link of the loss.

        σ(margin) is *not* that probability unless γ = 0 and α is None or ½.

        Parameters
        ----------
        margin : array-like of numbers
            Raw scores of a model trained with this loss.

        Returns
        -------
        ndarray of float64, of the shape of `margin`
            Probabilities in [0, 1], exact in both tails; not clipped.

        Raises
        ------
        ValueError
            If a margin is NaN, not a number, or none is given.
        """
        z = as_numbers(margin, "margin").astype(np.float64)
        if np.isnan(z).any():
            raise ValueError("margin must be numbers, got nan")
        return posterior(z, self.gamma, self.log_class_odds)

    def margin(self, posterior: ArrayLike) -> Floats:
        """Return the margin at which :meth:`posterior` has the given value.

        Parameters
        ----------
        posterior : array-like of numbers in [0, 1]
            Probabilities of the positive class; 0 and 1 give −inf and inf.

        Returns
        -------
        ndarray of float64, of the shape of `posterior`

        Raises
        ------
        ValueError
            If a value lies outside [0, 1], is not a number, or none is given.
        """
        eta = as_probabilities(posterior)
        with np.errstate(divide="ignore"):
            logit = np.log(eta) - np.log1p(-eta)
        inside = np.isfinite(logit)
        return np.where(
            inside,
            margin(np.where(inside, logit, 0.0), self.gamma, self.log_class_odds),
            logit,
        )
