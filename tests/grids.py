"""What the tests of the loss, of its links and of its kernels go through."""

import itertools

import numpy as np
import pytest
from oracles import ALPHAS, GAMMAS

from focal_boost import FocalLoss
from focal_boost.links import LINKS, LogitLink

HESSIANS = ("upper", "exact")
#: Every binade of float64, both signs, and the largest numbers.
EXTREMES = np.concatenate(
    [
        s * np.append(2.0 ** np.arange(-1074, 1024), [1e3, 1e5, np.finfo(float).max])
        for s in (-1, 1)
    ]
)
#: Every function of a row of a link, and the oracle's name of it.
PER_ROW = {
    "value": "loss",
    "gradient": "slope",
    "hessian": "hessian",
    "curvature": "curvature",
}
PROBABILITIES = np.array(
    [1e-300, 1e-100, 1e-20, 1e-6, 0.01, 0.25, 0.5, 0.7, 0.99, 1 - 1e-9, 1 - 2.0**-53]
)

every_gamma = pytest.mark.parametrize("gamma", GAMMAS)
every_loss = pytest.mark.parametrize(
    ("alpha", "gamma"), list(itertools.product(ALPHAS, GAMMAS))
)
both_labels = pytest.mark.parametrize("y", [0, 1])
both_links = pytest.mark.parametrize("link", LINKS)
both_hessians = pytest.mark.parametrize("hessian", HESSIANS)


def equal(arrays, others):
    """Return whether arrays are others to the bit."""
    return all((a == b).all() for a, b in zip(arrays, others, strict=True))


def sample(n=301, seed=11):
    """Return labels, raw scores and weights."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    return labels, rng.normal(0, 5, n), rng.exponential(size=n)


def in_logit(alpha, gamma):
    return LogitLink(FocalLoss(alpha, gamma))


#: Classes, or labels of a row.
K = 4


def of_columns(n=400, seed=2):
    """Return class numbers, a matrix of labels, raw scores and weights."""
    rng = np.random.default_rng(seed)
    numbers = rng.choice(K, n, p=[0.6, 0.3, 0.07, 0.03])
    matrix = (rng.random((n, K)) < [0.5, 0.3, 0.1, 0.05]).astype(int)
    return numbers, matrix, rng.normal(-1, 3, (n, K)), rng.exponential(size=n)


def as_matrix(numbers):
    return (numbers[:, None] == np.arange(K)).astype(int)
