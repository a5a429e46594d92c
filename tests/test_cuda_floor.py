"""The least Hessian on a device: XGBoost must not round easy rows' Hessians to 0."""

import numpy as np
import pytest
from cuda_host import JOINED, run_rows

from focal_boost import FocalLoss
from focal_boost._kernels.cuda import hessian_floor

ROWS = 10_000_000
# Each row drawn stands for so many.
COPIES = 100
ALPHA = 0.25


def quantised(hess, copies):
    """Return Hessians as the integers that XGBoost adds up on a device.

    ``CreateRoundingFactor`` and ``GradientQuantiser``: the first power of two above the
    sum becomes 2⁶², and what is behind the point is cut off.
    """
    wide = hess.astype(np.float64)
    delta = wide.sum() * copies / (1 - 2 * hess.size * copies * 2.0**-52)
    _, exponent = np.frexp(delta)
    return (wide * np.ldexp(1.0, 62 - exponent)).astype(np.int64)


def drawn(loss):
    """Return labels with 0.1 % positives, and margins that overshoot in easy rows."""
    rng = np.random.default_rng(5)
    posterior = rng.beta(0.02, 20, ROWS // COPIES)
    labels = (rng.random(posterior.size) < posterior).astype(np.float32)
    margin = loss.margin(np.clip(posterior, 1e-7, 1 - 1e-7))
    return labels, np.where(margin < margin.min() + 0.1, -12, margin)


def numbers(gamma, floor):
    return (1 - ALPHA, ALPHA, gamma, 0.0, floor)


def floor_of(gamma, rows=ROWS):
    return hessian_floor((1 - ALPHA, ALPHA, gamma, 0.0), rows)


def test_a_floor_keeps_every_hessian_and_their_sum():
    loss = FocalLoss(ALPHA, 5.0)
    labels, margin = drawn(loss)
    assert 0.0005 < labels.mean() < 0.002
    without, with_floor = (
        run_rows(margin, labels, None, numbers(5.0, floor), JOINED)[1]
        for floor in (-np.inf, floor_of(5.0))
    )
    assert (quantised(without, COPIES) == 0).mean() > 0.5
    assert (quantised(with_floor, COPIES) > 0).all()
    change = with_floor.sum(dtype=float) / without.sum(dtype=float) - 1
    assert 0 < change <= 1e-6


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0])
def test_a_floor_is_a_step_of_the_largest_sum(gamma):
    # Every row is as heavy as a row can be, but one.
    margin = np.linspace(-60, 60, 100_001) / (1 + gamma)
    labels = np.ones(margin.size)
    curvature = FocalLoss(None, gamma).curvature(labels, margin)
    assert curvature.max() <= (1 + gamma) ** 2
    rows = 1000
    heavy = np.full(rows, margin[curvature.argmax()], np.float32)
    heavy[0] = 800
    loss = (1.0, 1.0, gamma, 0.0)
    floor = hessian_floor(loss, rows)
    _, hess, _ = run_rows(heavy, 1, None, (*loss, floor), JOINED)
    assert (quantised(hess, 1) > 0).all()


def test_a_leaf_of_easy_rows_weighs_less_than_a_doubtful_row():
    for gamma in (0.5, 1.0, 2.0, 5.0):
        doubtful = FocalLoss(ALPHA, gamma).curvature(np.zeros(1), np.zeros(1))
        assert ROWS * floor_of(gamma) < 0.01 * doubtful[0]


def test_weights_multiply_the_floor():
    floor = floor_of(5.0)
    weight = np.float32([0, 0.5, 1, 2])
    _, hess, _ = run_rows(np.full(4, -800.0), 0, weight, numbers(5.0, floor), JOINED)
    assert hess == pytest.approx(weight * floor, rel=1e-7)


def test_the_exact_hessian_has_no_floor():
    loss = (1 - ALPHA, ALPHA, 2.0, 1.0)
    assert hessian_floor(loss, ROWS) == -np.inf
    _, hess, _ = run_rows([-5.0], 1, None, (*loss, -np.inf), JOINED)
    assert hess[0] < 0
