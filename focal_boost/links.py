r"""What a booster adds up: the paper's margin, or the log-odds of the posterior.

A link says what the raw score of a booster means. Both know the posterior at a raw
score and back, and the focal loss with its derivatives in the raw score.

``focal``: the raw score is the paper's margin z, p_t = σ((2y − 1) z). The loss is
proper only through the link of :mod:`focal_boost.loss`, so that σ(raw score) is not a
probability.

``logit``: the raw score is m = logit η(z), the posterior's log-odds. The loss is the
same function of the posterior and has the same minimiser; but σ(raw score) *is* the
posterior, and all that reads a booster is right without knowing this package.

**J.** From :mod:`focal_boost.loss`, with g₁ < 0 < g₀ the gradients in z for y = 1 and 0
and h₁, h₀ the Hessians,

    m = log g₀ − log(−g₁),    J = dm/dz = h₀/g₀ − h₁/g₁ = s(z) + s(−z),

where s = −φ″/φ′. From |φ′| = q^(1+γ) (1+γκ) and κ′ = κ − p =: δ,

    s(t) = (1+γ) p − γ δ(t) / (1+γκ(t)),
    J = (1+γ) − γ [δ(z)/(1+γκ(z)) + δ(−z)/(1+γκ(−z))].

**Gradient.** η g₁ + (1−η) g₀ = 0 at η = σ(m), so that g₀/J = σ(m) V and
g₁/J = (σ(m) − 1) V with

    V(m) = (g₀ − g₁) / J,    gradient = (σ(m) − y) V(m) / c.

That is log loss's own gradient times a weight of the score. c = max V, so that it is
bounded by 1 as log loss's is. Without the classes' weights m is
m′ = m − log((1−α)/α), an odd function of z. With t′ = (2y − 1) m′ and t at m′ = t′,

    ψ(t′) = |φ′(t)|/J,    ψ(t′)/ψ(−t′) = exp(−t′),    gradient = −(2y−1) α_t ψ(t′)/c,

so that ψ(t′) = A(|t′|) min(1, exp(−t′)), where A(|m′|) = |φ′(−|z|)|/J is bounded and
depends on γ alone. V = α₁ ψ(m′) + α₀ ψ(−m′) tends to α_t/(1+γ).

**Curvatures.** The upper curvature carried over is α_t φ̄″(t)/J²/c, and with
ρ = φ̄″/|φ′| = p (1+2γ+γ²κ)/(1+γκ) it is

    curvature = |gradient| ρ(t)/J.

The exact Hessian is −α_t ψ′(t′)/c. From −(log ψ)′ = (s(t) + J′(t)/J)/J,

    hessian = |gradient| (s(t) + J′(t)/J)/J,    s = ρ − γ p ℓ/(1+γκ),

which is [V σ(1−σ) + (σ − y) V′]/c and may be negative.

For γ = 0 J is 1, A is σ(|m′|), and with alpha None or ½ V/c is 1: log loss itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost import _logit
from focal_boost._logit import Shapes, shapes
from focal_boost._validation import as_numbers, as_probabilities, check_rows, shown
from focal_boost.loss import FocalLoss

Floats = NDArray[np.float64]

#: The names of the links, the default first.
LINKS = ("logit", "focal")


@dataclass(frozen=True)
class FocalLink:
    """The raw score is the paper's margin z.

    Parameters
    ----------
    loss : FocalLoss
    """

    loss: FocalLoss
    name = "focal"
    #: What values and derivatives are divided by.
    scale = 1.0
    #: The raw score at which the classes' weights are out of the odds.
    shift = 0.0

    def margin(self, raw_score: ArrayLike) -> Floats:
        """Return the paper's margin z at a raw score, which it is."""
        return _finite(raw_score)

    def posterior(self, raw_score: ArrayLike) -> Floats:
        """Return P(y = 1); see :meth:`FocalLoss.posterior`."""
        return self.loss.posterior(_numbers(raw_score))

    def raw_score(self, posterior: ArrayLike) -> Floats:
        """Return the raw score at a posterior; see :meth:`FocalLoss.margin`."""
        return self.loss.margin(posterior)

    def value(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the loss per row; see :meth:`FocalLoss.loss`."""
        return self.loss.loss(*check_rows(y_true, raw_score))

    def gradient(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the first derivative per row; see :meth:`FocalLoss.gradient`."""
        return self.loss.gradient(*check_rows(y_true, raw_score))

    def hessian(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the second derivative per row; see :meth:`FocalLoss.hessian`."""
        return self.loss.hessian(*check_rows(y_true, raw_score))

    def curvature(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the upper curvature per row; see :meth:`FocalLoss.curvature`."""
        return self.loss.curvature(*check_rows(y_true, raw_score))


@dataclass(frozen=True)
class LogitLink:
    """The raw score is the posterior's log-odds m.

    Parameters
    ----------
    loss : FocalLoss
    """

    loss: FocalLoss
    name = "logit"

    @property
    def scale(self) -> float:
        """C, the largest V: what values and derivatives are divided by."""
        return _scale(*self.loss.class_weights, self.loss.gamma)

    @property
    def shift(self) -> float:
        """The raw score at which the classes' weights are out of the odds."""
        return self.loss.log_class_odds

    def margin(self, raw_score: ArrayLike) -> Floats:
        """Return the paper's margin z at log-odds, of their shape, in float64.

        Raises
        ------
        ValueError
            If a raw score is not a finite number, or none is given.
        """
        return _logit.margin(_finite(raw_score), self.loss.gamma, self.shift)

    def posterior(self, raw_score: ArrayLike) -> Floats:
        """Return P(y = 1) = σ(raw score), of its shape, exact in both tails.

        Raises
        ------
        ValueError
            If a raw score is NaN, not a number, or none is given.
        """
        return _logit.sigmoid(_numbers(raw_score))

    def raw_score(self, posterior: ArrayLike) -> Floats:
        """Return the log-odds of probabilities; 0 and 1 give −inf and inf.

        Raises
        ------
        ValueError
            If a value lies outside [0, 1], is not a number, or none is given.
        """
        eta = as_probabilities(posterior)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(eta) - np.log1p(-eta))

    def value(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return what the derivatives below are of: the loss at z, divided by c.

        Parameters
        ----------
        y_true : array-like of 0 and 1
            Labels, of the shape of `raw_score` or one for all.
        raw_score : array-like of finite numbers
            Log-odds.

        Returns
        -------
        ndarray of float64, of the shape of `raw_score`

        Raises
        ------
        ValueError
            For empty or differing shapes, labels other than 0 and 1, and raw scores
            that are not finite.
        """
        labels, scores = check_rows(y_true, raw_score)
        return self.loss.loss(labels, self.margin(scores)) / self.scale

    def gradient(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return (σ(m) − y) V(m)/c per row; see :meth:`value`."""
        sign, slope, _, _ = self._rows(y_true, raw_score)
        return -sign * slope

    def hessian(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the exact second derivative per row; see :meth:`value`."""
        _, slope, right, at = self._rows(y_true, raw_score)
        return slope * np.where(right, at.right_exact, at.wrong_exact)

    def curvature(self, y_true: ArrayLike, raw_score: ArrayLike) -> Floats:
        """Return the upper curvature α_t φ̄″(t)/J²/c per row; see :meth:`value`."""
        _, slope, right, at = self._rows(y_true, raw_score)
        return slope * np.where(right, at.right, at.wrong)

    def weight(self, raw_score: ArrayLike) -> Floats:
        """Return V(m)/c, by which log loss's gradient is multiplied, in (0, 1]."""
        return self.gradient(0, raw_score) - self.gradient(1, raw_score)

    def slope(self, raw_score: ArrayLike) -> Floats:
        """Return J = dm/dz."""
        z = self.margin(raw_score)
        return _logit.slope(z, self.loss.gamma)

    def _rows(
        self, y_true: ArrayLike, raw_score: ArrayLike
    ) -> tuple[Floats, Floats, NDArray[np.bool_], Shapes]:
        """Return 2y − 1, |gradient|, whether t >= 0, and the shapes at |z|."""
        labels, scores = check_rows(y_true, raw_score)
        sign, odds = 2 * labels - 1, scores - self.shift
        # Far before 1,000 all of them have reached their limits.
        size = np.minimum(np.abs(self.margin(scores)), 1e3)
        at = shapes(size, self.loss.gamma)
        negative, positive = self.loss.class_weights
        right = sign * odds >= 0
        fall = np.where(right, np.exp(-np.abs(odds)), 1.0)
        of_class = np.where(labels == 1, positive, negative) / self.scale
        return sign, of_class * at.weight * fall, right, at


Link = FocalLink | LogitLink
_BY_NAME: dict[str, type[FocalLink] | type[LogitLink]] = {
    "logit": LogitLink,
    "focal": FocalLink,
}


def link_of(name: object, loss: FocalLoss) -> Link:
    """Return the link of that name for a loss.

    Raises
    ------
    ValueError
        If there is no such link.
    """
    if not isinstance(name, str) or name not in LINKS:
        raise ValueError(f"link must be one of {LINKS}, got {shown(name)}")
    return _BY_NAME[name](loss)


def _finite(raw_score: ArrayLike) -> Floats:
    """Return finite raw scores in float64."""
    return check_rows(0, raw_score)[1]


def _numbers(raw_score: ArrayLike) -> Floats:
    """Return raw scores in float64, infinite ones among them."""
    scores = as_numbers(raw_score, "raw_score").astype(np.float64)
    if np.isnan(scores).any():
        raise ValueError("raw_score must be numbers, got nan")
    return scores


@lru_cache(maxsize=256)
def _scale(negative: float, positive: float, gamma: float) -> float:
    """Return max V over m: V rises or falls towards its limits, or has a peak."""
    limit = max(negative, positive) / (1 + gamma)
    if gamma == 0.0:
        return limit
    low, high = -40.0, 40.0
    for _ in range(6):
        z = np.linspace(low, high, 801)
        weights = _weights(z, negative, positive, gamma)
        best = int(np.argmax(weights))
        # The peak lies between the neighbours; its height has twice their digits.
        low, high = z[max(best - 1, 0)], z[min(best + 1, 800)]
    return max(float(weights[best]), limit)


def _weights(z: Floats, negative: float, positive: float, gamma: float) -> Floats:
    """Return V at margins."""
    at = shapes(np.abs(z), gamma)
    above = z >= 0
    misses, hits = (
        np.where(above, negative, positive),
        np.where(above, positive, negative),
    )
    return np.asarray(at.weight * (misses + hits * np.exp(-at.log_odds)))
