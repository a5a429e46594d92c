"""Rare events whose true posterior is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from focal_boost._validation import as_float, check_integer, shown

_INFORMATIVE = 5
_POPULATION = 500_000

Floats = NDArray[np.float64]


def make_imbalanced(
    n: int, prevalence: float, seed: int, *, n_features: int = 10
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Draw rare events together with their true probability.

    The features are independent standard normal. The log-odds are a fixed nonlinear
    function of the first five (a slope, a kink, a product and a wave) plus an
    intercept; the others are irrelevant. The intercept depends on `prevalence` alone,
    so two seeds give two samples of one population: train on one, test on the other.

    Parameters
    ----------
    n : int
        Number of rows, at least 1.
    prevalence : float
        Share of positives expected in the population, in (0, 1).
    seed : int
        Seed of the sample, at least 0.
    n_features : int, default 10
        Number of features, at least 5.

    Returns
    -------
    X : ndarray of float64, shape (n, n_features)
        The features.
    y : ndarray of int64, shape (n,)
        The labels 0 and 1, drawn from the posterior.
    posterior : ndarray of float64, shape (n,)
        P(y = 1 | X), the truth that a model is to recover.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> X, y, posterior = make_imbalanced(10_000, prevalence=0.01, seed=0)
    >>> X.shape, y.shape, posterior.shape
    ((10000, 10), (10000,), (10000,))
    """
    n = check_integer(n, "n", 1)
    seed = check_integer(seed, "seed", 0)
    n_features = check_integer(n_features, "n_features", _INFORMATIVE)
    intercept = _intercept(_check_prevalence(prevalence))

    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    posterior = _sigmoid(intercept + _score(X))
    y = (rng.random(n) < posterior).astype(np.int64)
    return X, y, posterior


def _score(X: Floats) -> Floats:
    """Return the log-odds without the intercept.

    They spread widely, so that even at a prevalence of 0.1 % there is something to be
    found (the truth itself has an average precision near 0.4), and no row is certain.
    """
    slope = 3.0 * X[:, 0]
    kink = 2.0 * np.abs(X[:, 1])
    product = 3.0 * np.tanh(X[:, 2] * X[:, 3])
    wave = 1.5 * np.sin(2.0 * X[:, 4])
    return slope + kink + product + wave


def _sigmoid(z: Floats) -> Floats:
    # exp(-softplus(-z)) has the full relative precision in the lower tail.
    return np.exp(-np.logaddexp(0.0, -z))


@lru_cache(maxsize=1)
def _population() -> Floats:
    rng = np.random.default_rng(0)
    return _score(rng.standard_normal((_POPULATION, _INFORMATIVE)))


@lru_cache(maxsize=64)
def _intercept(prevalence: float) -> float:
    """Return the intercept at which the population's mean posterior is `prevalence`.

    Newton steps on the log-odds of the mean, which are nearly linear in the intercept.
    """
    score = _population()
    goal = np.log(prevalence) - np.log1p(-prevalence)
    intercept = goal
    for _ in range(20):
        posterior = _sigmoid(intercept + score)
        positive, negative = posterior.mean(), _sigmoid(-intercept - score).mean()
        slope = (posterior * (1.0 - posterior)).mean() / (positive * negative)
        step = (goal - np.log(positive) + np.log(negative)) / slope
        intercept += step
        if abs(step) < 1e-12:
            break
    return float(intercept)


def _check_prevalence(prevalence: object) -> float:
    number = as_float(prevalence)
    if 0 < number < 1:
        return number
    raise ValueError(f"prevalence must be a number in (0, 1), got {shown(prevalence)}")
