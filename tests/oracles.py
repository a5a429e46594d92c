"""Reference values from outside the package: mpmath at 60 digits, and differences.

The loss is the paper's, a function of the probability p = p_t alone,

    F(p) = -(1 - p)^γ log p,

its derivatives are those of F by the chain rule over dp/dz = p (1 - p), and the
posterior is what makes the expected gradient zero. Nothing is a formula of the
margin, so nothing is shared with the package.

In log-odds m the margin is the root that mpmath finds of the expected gradient, dz/dm
and d²z/dm² follow from mpmath's differences of its inverse, and c is what a search
finds.
"""

from functools import cache
from typing import NamedTuple

import mpmath
import numpy as np
from mpmath import mpf

DIGITS = 60
GAMMAS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.7, 5.0, 10.0)
ALPHAS = (None, 0.01, 0.25, 0.5, 0.99)


def _margins():
    rng = np.random.default_rng(20170807)
    special = [0, 1e-300, 1e-8, 1, 16.5, 17.1, 20, 36, 37, 40, 88, 89, 100, 708, 745]
    drawn = [rng.normal(0, 3, 20), rng.uniform(0, 40, 20), rng.uniform(0, 745, 10)]
    positive = np.concatenate([special, [800], np.abs(np.concatenate(drawn))])
    return np.unique(np.concatenate([-positive, positive]))


MARGINS = _margins()
MARGINS.flags.writeable = False


#: Log-odds: the ends, and where a formula changes or a term is lost in another.
RAW_SCORES = np.array(
    [0, 1e-300, 1e-8, 1, 16.5, 20, 31.9, 32.1, 36.7, 40, 88, 100, 700]
)
RAW_SCORES = np.concatenate([-RAW_SCORES[:0:-1], RAW_SCORES])
RAW_SCORES.flags.writeable = False


class Exact(NamedTuple):
    """Loss, its first two derivatives and the upper curvature, for α_t = 1."""

    loss: mpf
    slope: mpf
    hessian: mpf
    curvature: mpf


def focal_loss(p, gamma):
    """Return the paper's FL(p_t), equation 4."""
    return -((1 - p) ** gamma) * mpmath.log(p)


def sigmoid(t):
    return 1 / (1 + mpmath.exp(-t))


@cache
def exact(t, gamma):
    """Return the exact values at t = (2y - 1) z."""
    # Terms of size 1 cancel down to exp(-|t|), which has |t| / 2.3 leading zeros.
    with mpmath.workdps(DIGITS + int(abs(t))):
        return _derivatives(mpf(t), mpf(gamma))


def _derivatives(t, gamma):
    """Return the values to the digits that mpmath works with at the moment."""
    p = sigmoid(t)
    q, log_p, power = 1 - p, mpmath.log(p), (1 - p) ** gamma
    # dF/dp and d²F/dp², from the product rule on (1 - p)^γ and log p.
    first = gamma * power / q * log_p - power / p
    second = (
        -gamma * (gamma - 1) * power / q**2 * log_p
        + 2 * gamma * power / (q * p)
        + power / p**2
    )
    dp_dz = p * q
    hessian = second * dp_dz**2 + first * dp_dz * (1 - 2 * p)
    return Exact(
        loss=focal_loss(p, gamma),
        slope=first * dp_dz,
        hessian=hessian,
        # without the one negative term of the second derivative
        curvature=hessian - gamma * p * power * q * log_p,
    )


def class_weight(y, alpha):
    """Return the paper's α_t."""
    if alpha is None:
        return mpf(1)
    return mpf(alpha) if y == 1 else 1 - mpf(alpha)


def _exact_rows(name, y, margin, gamma, alpha):
    with mpmath.workdps(DIGITS):
        weight = class_weight(y, alpha)
        if name == "slope":
            weight = weight * (2 * y - 1)
        values = [getattr(exact((2 * y - 1) * float(z), gamma), name) for z in margin]
        return np.array([float(weight * value) for value in values])


def exact_loss(y, margin, gamma, alpha):
    return _exact_rows("loss", y, margin, gamma, alpha)


def exact_gradient(y, margin, gamma, alpha):
    return _exact_rows("slope", y, margin, gamma, alpha)


def exact_hessian(y, margin, gamma, alpha):
    return _exact_rows("hessian", y, margin, gamma, alpha)


def exact_curvature(y, margin, gamma, alpha):
    return _exact_rows("curvature", y, margin, gamma, alpha)


def exact_posterior(margin, gamma, alpha):
    """Return the η at which η g(1, z) + (1 - η) g(0, z) = 0."""
    with mpmath.workdps(DIGITS):
        rows = []
        for z in margin:
            g1 = class_weight(1, alpha) * exact(float(z), gamma).slope
            g0 = -class_weight(0, alpha) * exact(-float(z), gamma).slope
            rows.append(float(g0 / (g0 - g1)))
        return np.array(rows)


class InLogOdds(NamedTuple):
    """What the loss is in log-odds m, for y = 0 and 1, before α_t and c."""

    margin: mpf
    loss: tuple[mpf, mpf]
    slope: tuple[mpf, mpf]
    hessian: tuple[mpf, mpf]
    curvature: tuple[mpf, mpf]


def _log_odds(z, gamma, shift):
    """Return logit η where η g(1, z) + (1 - η) g(0, z) = 0."""
    down, up = _derivatives(-z, gamma).slope, _derivatives(z, gamma).slope
    return shift + mpmath.log(down / up)


@cache
def _in_log_odds(m, gamma, odds):
    """Return the derivatives in m by those in z, which a root finder says.

    `odds` are α_0/α_1, all that the margin needs to know of alpha.
    """
    near = (m - float(mpmath.log(odds))) / (1 + gamma)
    # As in exact(); and the Hessian of a row far on the wrong side is as small as q.
    with mpmath.workdps(DIGITS + int(abs(near)) + 5):
        m, gamma, shift = mpf(m), mpf(gamma), mpmath.log(odds)

        def excess(z):
            return _log_odds(z, gamma, shift) - m

        # On the square of what is left, of which more than half the digits count.
        z = mpmath.findroot(excess, (near, near + 1), tol=mpf(10) ** -(2 * DIGITS - 20))
        # Differences, for which mpmath takes as many digits more as they need.
        first, second = (mpmath.diff(excess, z, order) for order in (1, 2))
        rows = _derivatives(-z, gamma), _derivatives(z, gamma)
        slope = -rows[0].slope / first, rows[1].slope / first
        return InLogOdds(
            margin=z,
            loss=tuple(at.loss for at in rows),
            slope=slope,
            hessian=tuple(
                (at.hessian - g * second) / first**2
                for at, g in zip(rows, slope, strict=True)
            ),
            curvature=tuple(at.curvature / first**2 for at in rows),
        )


@cache
def _slopes_in_log_odds(z, gamma):
    """Return |g(0)| and |g(1)| in log-odds at margin z, before the classes' weights."""
    with mpmath.workdps(2 * DIGITS):
        odds_slope = mpmath.diff(lambda x: _log_odds(x, gamma, 0), z)
        pair = _derivatives(-z, gamma).slope, _derivatives(z, gamma).slope
        return tuple(-slope / odds_slope for slope in pair)


@cache
def largest_weight(gamma, alpha):
    """Return c, the least upper bound of g(0) - g(1) over all m, by a search."""
    weights = [class_weight(y, alpha) for y in (0, 1)]

    def weight(z):
        return mpmath.fdot(weights, _slopes_in_log_odds(z, mpf(gamma)))

    with mpmath.workdps(DIGITS):
        grid = [mpf(k) for k in range(-40, 41)]
        values = [weight(z) for z in grid]
        best = max(range(len(grid)), key=values.__getitem__)
        if 0 < best < len(grid) - 1:
            return _highest(weight, grid[best - 1], grid[best + 1])
        return values[best]


def _highest(function, low, high, steps=40):
    """Return the maximum of a function with one peak, by the golden section."""
    golden = (mpmath.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return max(at_left, at_right)


def _at_log_odds(raw_score, gamma, alpha):
    odds = class_weight(0, alpha) / class_weight(1, alpha)
    return [_in_log_odds(float(m), gamma, odds) for m in raw_score]


def in_log_odds(name, y, raw_score, gamma, alpha):
    """Return a field of InLogOdds times α_t / c, in float64."""
    with mpmath.workdps(DIGITS):
        factor = class_weight(y, alpha) / largest_weight(gamma, alpha)
        rows = _at_log_odds(raw_score, gamma, alpha)
        return np.array([float(factor * getattr(row, name)[y]) for row in rows])


def margin_at_log_odds(raw_score, gamma, alpha):
    """Return the margin z at log-odds, in float64."""
    with mpmath.workdps(DIGITS):
        rows = _at_log_odds(raw_score, gamma, alpha)
        return np.array([float(row.margin) for row in rows])


def central_difference(function, x, h=2.0**-10):
    """Return the derivative of `function` at `x`, to order h⁴."""
    near = function(x + h) - function(x - h)
    far = function(x + 2 * h) - function(x - 2 * h)
    return (8 * near - far) / (12 * h)


def second_difference(function, x, h):
    """Return the second derivative of `function` at `x`, to order h⁴."""
    near = function(x + h) + function(x - h)
    far = function(x + 2 * h) + function(x - 2 * h)
    return (16 * near - far - 30 * function(x)) / (12 * h * h)


def relative_errors(actual, expected, scale=None):
    """Return |actual - expected| / |scale| where the scale is a normal float64.

    The scale is the expected value itself unless one is given. Elsewhere the error
    is 0 if the actual value is as tiny as the expected one.
    """
    scale = np.abs(expected if scale is None else scale)
    tiny = np.finfo(np.float64).tiny
    difference = np.abs(np.asarray(actual) - expected)
    below = np.where(difference <= tiny, 0.0, np.inf)
    return np.where(scale >= tiny, difference / np.maximum(scale, tiny), below)


def float32_ulps(actual, expected):
    """Return |actual - expected| in units of the last place of float32."""
    _, exponent = np.frexp(expected)
    ulp = np.ldexp(1.0, np.where(expected == 0, -149, np.maximum(exponent - 24, -149)))
    return np.abs(np.asarray(actual, np.float64) - expected) / ulp
