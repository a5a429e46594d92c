"""The CUDA text's rows, of margins and of log-odds, compiled for the host."""

from functools import cache

import numpy as np
import oracles
import pytest
from cuda_host import APART, JOINED, run_rows
from grids import HESSIANS, both_hessians, both_labels
from oracles import GAMMAS, MARGINS, RAW_SCORES, float32_ulps

from focal_boost import FocalObjective

SMALLEST = float(np.finfo(np.float32).tiny)
#: Digits that Newton steps are good for.
RATIO = 1e-5
SCORES = {"focal": np.unique(MARGINS.astype(np.float32)), "logit": RAW_SCORES}
NAMES = {"upper": "curvature", "exact": "hessian"}

any_arithmetic = pytest.mark.parametrize(
    "flags", [APART, JOINED], ids=["apart", "joined"]
)
every_row = pytest.mark.parametrize(
    ("link", "gamma"),
    [
        *(("focal", gamma) for gamma in (*GAMMAS, 100.0)),
        # Powers that are products, a pole that is too small to be one, coarser fits.
        *(("logit", gamma) for gamma in (0.01, 0.5, 1.0, 1.7, 2.0, 5.0, 10.0, 100.0)),
    ],
)


def ulps_of(link, gamma):
    return 2 if link == "logit" or gamma <= 10 else 6


def assert_close(found, expected, curvature, score, objective, ulps):
    """Assert gradients within units of the last place, and Hessians within theirs."""
    of_log_odds, is_exact = objective.link == "logit", objective.hessian == "exact"
    assert float32_ulps(found[0], expected[0]).max() <= ulps
    if not of_log_odds and not is_exact:
        assert float32_ulps(found[1], expected[1]).max() <= ulps
        return
    # The exact Hessian is a difference of terms up to |t| times the curvature.
    reach = np.minimum(1 + np.abs(score), 200) if is_exact else 1
    unit = RATIO if of_log_odds else ulps * 2.0**-23
    bound = unit * reach * np.maximum(curvature, SMALLEST)
    assert (np.abs(found[1] - expected[1]) <= bound).all()


def exact(link, name, *rows):
    if link == "focal":
        return getattr(oracles, f"exact_{name}")(*rows)
    return oracles.in_log_odds({"gradient": "slope"}.get(name, name), *rows)


@any_arithmetic
@both_labels
@both_hessians
@pytest.mark.parametrize(
    ("link", "gamma", "alpha"),
    [
        *(("focal", g, a) for g in (*GAMMAS, 100.0) for a in (None, 0.25, 0.99)),
        *(("logit", g, a) for g in (0.5, 1.0, 2.0, 3.7, 10.0) for a in (None, 0.25)),
    ],
)
def test_equals_mpmath(link, gamma, alpha, hessian, y, flags):
    objective, score = FocalObjective(alpha, gamma, link, hessian), SCORES[link]
    rows = y, score, gamma, alpha
    expected = [exact(link, name, *rows) for name in ("gradient", NAMES[hessian])]
    curvature = exact(link, "curvature", *rows)
    # The promise holds for every margin, the grid's are a little better.
    ulps = {"logit": 2, "focal": 1 if gamma <= 10 else 3}[link]
    some = np.random.default_rng(2).exponential(size=score.size).astype(np.float32)
    for weight in (None, some):
        found = run_rows(score, y, weight, objective.known(), flags)
        w = 1 if weight is None else weight
        weighted = [w * values for values in expected]
        assert_close(found, weighted, w * curvature, score, objective, ulps)


RNG = np.random.default_rng(5)
MANY = np.r_[RNG.normal(0, 3, 10_000), RNG.uniform(-100, 100, 10_000)]
LABELS = (RNG.random(MANY.size) < 0.5).astype(np.uint8)
WEIGHT = RNG.exponential(size=MANY.size).astype(np.float32)


@cache
def exact_rows(link, gamma):
    """Return gradient, upper curvature and exact Hessian of many rows."""
    values = FocalObjective(0.25, gamma, link).values
    functions = values.gradient, values.curvature, values.hessian
    return [function(LABELS, MANY) for function in functions]


@any_arithmetic
@every_row
@both_hessians
class TestParity:
    """The same numbers as the exact functions' and the CPU's, on many raw scores."""

    def test_with_exact_functions(self, hessian, link, gamma, flags):
        objective = FocalObjective(0.25, gamma, link, hessian)
        found = run_rows(MANY, LABELS, None, objective.known(), flags)
        grad, *hessians = exact_rows(link, gamma)
        expected = grad, hessians[HESSIANS.index(hessian)]
        ulps = ulps_of(link, gamma)
        assert_close(found, expected, hessians[0], MANY, objective, ulps)

    def test_with_the_cpu_kernel(self, hessian, link, gamma, flags):
        objective = FocalObjective(0.25, gamma, link, hessian)
        grad, hess = run_rows(MANY, LABELS, WEIGHT, objective.known(), flags)
        expected = [values.astype(float) for values in objective(LABELS, MANY, WEIGHT)]
        # In log-odds they read the same coefficients, whose products cancel.
        unit, ulps = (4e-6 if hessian == "exact" else 1e-6), 1
        if link == "focal":
            ulps = ulps_of(link, gamma)
            unit = ulps * 2.0**-23 * np.minimum(1 + np.abs(MANY), 200)
        assert float32_ulps(grad, expected[0]).max() <= ulps
        bound = unit * np.maximum(WEIGHT * exact_rows(link, gamma)[1], SMALLEST)
        assert (np.abs(hess - expected[1]) <= bound).all()


@any_arithmetic
@every_row
class TestExtremes:
    """Where a term ends, or a sign is that of nothing."""

    @both_hessians
    def test_are_finite(self, hessian, link, gamma, flags):
        scores = [0.0, -0.0, 1e-45, -1e-38, 88.8, -104, 800, -800, 3.4e38, -1.7e308]
        rows = [(m, y, w) for m in scores for y in (0, 1) for w in (0, 1e-45, 1.7e37)]
        m, y, w = map(np.array, zip(*rows, strict=True))
        known = FocalObjective(None, gamma, link, hessian).known()
        grad, hess = run_rows(m, y, w, known, flags)
        assert np.isfinite([grad, hess]).all()
        assert (np.where(y == 1, grad <= 0, grad >= 0)).all()
        assert (hess < 0).any() == (hessian == "exact" and gamma > 0)
        assert (grad[w == 0] == 0).all()
        assert (hess[w == 0] == 0).all()

    @both_labels
    @both_hessians
    def test_a_score_of_minus_0_has_no_side(self, hessian, y, link, gamma, flags):
        known = FocalObjective(None, gamma, link, hessian).known()
        grad, hess = run_rows([0.0, -0.0, 1e-45], y, None, known, flags)
        ulps = ulps_of(link, gamma)
        assert float32_ulps(grad, grad[0].astype(float)).max() <= ulps
        unit = RATIO if link == "logit" else ulps * 2.0**-23
        assert hess == pytest.approx(hess[0], rel=unit)
