"""The paper's loss in extended precision, many rows at once: a second, quick oracle.

Slopes are those of the paper's appendix B, (1 − p_t)^γ (γ p_t log p_t + p_t − 1), and
nothing is shared with the package: what is a function of log-odds is differences of
order 4, and a secant inverts them. `oracles` has 60 digits and takes a millisecond a
row; this takes some microseconds, and is held to `oracles` by a test.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from oracles import central_difference, second_difference

Long = np.longdouble
#: Where long double is float64 it is no oracle.
IS_LONGER = np.finfo(Long).nmant > 60
# Beyond these log-odds nothing changes but the loss, and exp still has a value.
_FAR = Long(5_000)
_STEPS = 14
NAMES = ("loss", "gradient", "hessian", "curvature")


def _log_sigmoid(t: Any) -> Any:
    return np.minimum(t, 0) - np.log1p(np.exp(-np.abs(t)))


def loss(t: Any, gamma: Any) -> Any:
    """Return FL(p_t) at t = (2y − 1) z, equation 4."""
    return -np.exp(gamma * _log_sigmoid(-t)) * _log_sigmoid(t)


def slope(t: Any, gamma: Any) -> Any:
    """Return its derivative in t, appendix B."""
    log_p, log_q = _log_sigmoid(t), _log_sigmoid(-t)
    return np.exp(gamma * log_q) * (gamma * np.exp(log_p) * log_p - np.exp(log_q))


def hessian(t: Any, gamma: Any) -> Any:
    """Return its second derivative, by the product rule on both factors."""
    log_p, log_q = _log_sigmoid(t), _log_sigmoid(-t)
    p, q, power = np.exp(log_p), np.exp(log_q), np.exp(gamma * log_q)
    of_power = -gamma * p * power * (gamma * p * log_p - q)
    return of_power + power * (gamma * (p * q * log_p + p * q) + p * q)


def curvature(t: Any, gamma: Any) -> Any:
    """Return the second derivative without its only negative term."""
    log_p, log_q = _log_sigmoid(t), _log_sigmoid(-t)
    negative = gamma * np.exp(log_p + (1 + gamma) * log_q) * log_p
    return hessian(t, gamma) - negative


def _log_slope(t: Any, gamma: Any) -> Any:
    """Return log |slope|, which has a value where the slope has none."""
    log_p, log_q = _log_sigmoid(t), _log_sigmoid(-t)
    return (1 + gamma) * log_q + np.log1p(-gamma * np.exp(log_p - log_q) * log_p)


def log_odds(z: Any, gamma: Any) -> Any:
    """Return where the expected slope is 0, without the classes' weights."""
    return _log_slope(-z, gamma) - _log_slope(z, gamma)


def margin(m: Any, gamma: Any) -> Any:
    """Return the paper's z at log-odds m without the classes' weights."""
    last = m / (1 + gamma)
    z, off = last + Long(2) ** -20, log_odds(last, gamma) - m
    for _ in range(_STEPS):
        # The secant; where it is flat the root is found.
        now = log_odds(z, gamma) - m
        change = now - off
        step = np.where(change == 0, 0, now * (z - last) / np.where(change, change, 1))
        last, off, z = z, now, z - step
    assert (np.abs(log_odds(z, gamma) - m) <= 1e-16 * (1 + np.abs(m))).all()
    return z


def weights(alpha: float | None) -> tuple[Any, Any]:
    """Return α_t of the classes 0 and 1."""
    return (Long(1), Long(1)) if alpha is None else (1 - Long(alpha), Long(alpha))


@cache
def largest(gamma: float, alpha: float | None) -> Any:
    """Return c, the largest weight V of a row in log-odds."""
    of_class, step = weights(alpha), Long(1) / 32

    def weight(z: Any) -> Any:
        change = central_difference(lambda x: log_odds(x, Long(gamma)), z)
        down, up = slope(z, Long(gamma)), slope(-z, Long(gamma))
        return -(of_class[1] * down + of_class[0] * up) / change

    grid = np.arange(-1_500, 1_501) * step
    best = grid[np.argmax(weight(grid))]
    for _ in range(4):
        near = best + step * np.linspace(-1, 1, 201, dtype=Long)
        best, step = near[np.argmax(weight(near))], step / 50
    return weight(best)


def in_margin(name: str, y: Any, z: Any, gamma: float, alpha: float | None) -> Any:
    """Return "loss", "gradient", "hessian" or "curvature" at the paper's margin."""
    z, sign = np.asarray(z, Long), np.where(y == 1, 1, -1)
    if name != "loss":
        z = np.clip(z, -_FAR, _FAR)
    t, of_class = sign * z, np.where(y == 1, *weights(alpha)[::-1])
    if name == "gradient":
        return of_class * sign * slope(t, Long(gamma))
    function = {"loss": loss, "hessian": hessian, "curvature": curvature}[name]
    return of_class * function(t, Long(gamma))


def in_log_odds(y: Any, m: Any, gamma: float, alpha: float | None) -> dict[str, Any]:
    """Return all of them at log-odds, over c."""
    (low, high), of_gamma, c = weights(alpha), Long(gamma), largest(gamma, alpha)
    m = np.asarray(m, Long)
    z = margin(np.clip(m, -_FAR, _FAR) - np.log(low) + np.log(high), of_gamma)
    change = central_difference(lambda x: log_odds(x, of_gamma), z)
    second = second_difference(lambda x: log_odds(x, of_gamma), z, h=Long(2) ** -7)
    found = {name: in_margin(name, y, z, gamma, alpha) for name in NAMES}
    # Far out the loss is as good as linear in the score.
    beyond = np.sign(m) * (np.abs(m) - _FAR).clip(0) / (1 + of_gamma)
    first = found["gradient"] / change
    return {
        "loss": in_margin("loss", y, z + beyond, gamma, alpha) / c,
        "gradient": first / c,
        "hessian": (found["hessian"] - first * second) / change**2 / c,
        "curvature": found["curvature"] / change**2 / c,
    }


def log_posterior(
    y: Any, score: Any, gamma: float, alpha: float | None, link: str
) -> Any:
    """Return log P(y) at a raw score."""
    score = np.asarray(score, Long)
    if link == "focal":
        low, high = weights(alpha)
        at = np.clip(score, -_FAR, _FAR)
        score = log_odds(at, Long(gamma)) + np.log(low) - np.log(high)
    return _log_sigmoid(np.where(y == 1, score, -score))
