"""The least Hessian on a device: XGBoost must not round easy rows' Hessians to 0."""

import numpy as np
import pytest
from cuda_host import JOINED, run_rows
from grids import both_links

from focal_boost import FocalObjective
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


def drawn(objective):
    """Return labels with 0.1 % positives, and scores that overshoot in easy rows."""
    rng = np.random.default_rng(5)
    posterior = rng.beta(0.02, 20, ROWS // COPIES)
    labels = (rng.random(posterior.size) < posterior).astype(np.float32)
    scores = objective.raw_score(np.clip(posterior, 1e-7, 1 - 1e-7))
    further = {"focal": -12, "logit": -60}[objective.link]
    return labels, np.where(scores < scores.min() + 0.1, further, scores)


def known_of(gamma, link, alpha=ALPHA):
    return FocalObjective(alpha, gamma, link).known()


def floor_of(gamma, link):
    return hessian_floor(known_of(gamma, link), ROWS)


@both_links
def test_a_floor_keeps_every_hessian_and_their_sum(link):
    objective = FocalObjective(ALPHA, 5.0, link)
    labels, raw_score = drawn(objective)
    assert 0.0005 < labels.mean() < 0.002
    floor, known = floor_of(5.0, link), known_of(5.0, link)
    without, with_floor = (
        run_rows(raw_score, labels, None, known, JOINED, floor=floor)[1]
        for floor in (-np.inf, floor)
    )
    assert (quantised(without, COPIES) == 0).mean() > 0.5
    assert (quantised(with_floor, COPIES) > 0).all()
    change = with_floor.sum(dtype=float) / without.sum(dtype=float) - 1
    assert 0 < change <= 1e-6


@both_links
@pytest.mark.parametrize("gamma", [0.0, 0.01, 0.5, 1.0, 1.7, 2.0, 5.0, 10.0, 100.0])
def test_a_floor_is_a_step_of_the_largest_sum(gamma, link):
    # Every row is as heavy as a row can be, but one.
    known, objective = known_of(gamma, link, None), FocalObjective(None, gamma, link)
    raw_score = np.linspace(-10, 10, 20_001)
    raw_score *= 6 / (1 + gamma) if link == "focal" else 1 + gamma
    curvature = objective.values.curvature(1, raw_score)
    rows = 1000
    floor = hessian_floor(known, rows)
    assert curvature.max() <= floor / rows * 2.0**61
    heavy = np.full(rows, raw_score[curvature.argmax()])
    heavy[0] = 800
    _, hess = run_rows(heavy, 1, None, known, JOINED, floor=floor)
    assert (quantised(hess, 1) > 0).all()


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 1.7, 2.0, 5.0, 10.0, 100.0])
def test_the_bound_in_log_odds_is_no_larger_than_it_need_be(gamma):
    objective = FocalObjective(None, gamma)
    raw_score = np.linspace(-10, 10, 20_001) * (1 + gamma)
    curvature = objective.values.curvature(1, raw_score)
    bound = hessian_floor(objective.known(), 1) * 2.0**61
    assert bound == pytest.approx(curvature.max(), rel=2e-3)


@both_links
def test_a_leaf_of_easy_rows_weighs_less_than_a_doubtful_row(link):
    for gamma in (0.5, 1.0, 2.0, 5.0):
        values = FocalObjective(ALPHA, gamma, link).values
        doubtful = values.curvature(0, values.shift)
        assert ROWS * floor_of(gamma, link) < 0.01 * doubtful


@both_links
def test_weights_of_classes_are_part_of_the_floor(link):
    objective = FocalObjective(ALPHA, 2.0, link)
    plain, heavy = (
        hessian_floor(objective.known(weights), ROWS)
        for weights in ((1.0, 1.0), (1.0, 30.0))
    )
    assert heavy == pytest.approx(10 * plain)


@both_links
def test_weights_multiply_the_floor(link):
    floor = floor_of(5.0, link)
    weight = np.float32([0, 0.5, 1, 2])
    rows = np.full(4, -800.0), 0, weight
    _, hess = run_rows(*rows, known_of(5.0, link), JOINED, floor=floor)
    assert hess == pytest.approx(weight * floor, rel=1e-7)


@both_links
def test_the_exact_hessian_has_no_floor(link):
    known = FocalObjective(ALPHA, 2.0, link, "exact").known()
    assert hessian_floor(known, ROWS) == -np.inf
    _, hess = run_rows([-9.0], 1, None, known, JOINED)
    assert hess[0] < 0
