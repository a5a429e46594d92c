"""The CUDA text's rows in log-odds, compiled for the host."""

from functools import cache

import numpy as np
import oracles
import pytest
from cuda_host import APART, JOINED, run_rows
from oracles import RAW_SCORES, float32_ulps

from focal_boost import FocalObjective

# Powers that are products, a pole that is too small to be one, and coarser fits.
GAMMAS = (0.01, 0.5, 1.0, 1.7, 2.0, 5.0, 10.0, 100.0)
SMALLEST = float(np.finfo(np.float32).tiny)
#: Digits that Newton steps are good for.
RATIO = 1e-5

any_arithmetic = pytest.mark.parametrize(
    "flags", [APART, JOINED], ids=["apart", "joined"]
)
both_labels = pytest.mark.parametrize("y", [0, 1])
both_hessians = pytest.mark.parametrize("hessian", ["upper", "exact"])
every_gamma = pytest.mark.parametrize("gamma", GAMMAS)


def curvature_errors(found, exact, upper):
    """Return errors relative to the upper curvature, above float32's least ones."""
    return np.abs(found - exact) / np.maximum(np.abs(upper), SMALLEST)


@any_arithmetic
@both_labels
@both_hessians
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.7, 10.0])
class TestExactValues:
    """Gradient and curvature against mpmath."""

    def test_of_a_row(self, gamma, alpha, hessian, y, flags):
        known = FocalObjective(alpha, gamma, hessian=hessian).known()
        grad, hess = run_rows(RAW_SCORES, y, None, known, flags)
        rows = y, RAW_SCORES, gamma, alpha
        assert float32_ulps(grad, oracles.in_log_odds("slope", *rows)).max() <= 2
        upper = oracles.in_log_odds("curvature", *rows)
        name = {"upper": "curvature", "exact": "hessian"}[hessian]
        exact = oracles.in_log_odds(name, *rows)
        # The exact Hessian is a difference of terms up to |t| times the curvature.
        reach = 1 + np.abs(RAW_SCORES) if hessian == "exact" else 1
        assert (curvature_errors(hess, exact, upper) <= RATIO * reach).all()


RNG = np.random.default_rng(5)
MANY = np.r_[RNG.normal(0, 3, 10_000), RNG.uniform(-100, 100, 10_000)]
LABELS = (RNG.random(MANY.size) < 0.5).astype(np.uint8)
WEIGHT = RNG.exponential(size=MANY.size).astype(np.float32)


@cache
def exact_rows(gamma):
    """Return gradient, upper curvature and exact Hessian of many rows."""
    link = FocalObjective(0.25, gamma).values
    functions = link.gradient, link.curvature, link.hessian
    return [WEIGHT * function(LABELS, MANY) for function in functions]


@any_arithmetic
@every_gamma
@both_hessians
class TestParity:
    """The same numbers as the exact functions' and the CPU's, on many raw scores."""

    def test_with_exact_functions(self, hessian, gamma, flags):
        known = FocalObjective(0.25, gamma, hessian=hessian).known()
        grad, hess = run_rows(MANY, LABELS, WEIGHT, known, flags)
        exact_grad, upper, exact = exact_rows(gamma)
        assert float32_ulps(grad, exact_grad).max() <= 2
        if hessian == "upper":
            assert curvature_errors(hess, upper, upper).max() <= RATIO
        else:
            errors = curvature_errors(hess, exact, upper)
            assert (errors <= RATIO * (1 + np.abs(MANY))).all()

    def test_with_the_cpu_kernel(self, hessian, gamma, flags):
        objective = FocalObjective(0.25, gamma, hessian=hessian)
        grad, hess = run_rows(MANY, LABELS, WEIGHT, objective.known(), flags)
        expected = objective(LABELS, MANY, WEIGHT)
        assert float32_ulps(grad, expected[0].astype(float)).max() <= 1
        # They read the same coefficients, whose products cancel.
        upper = exact_rows(gamma)[1]
        errors = curvature_errors(hess, expected[1].astype(float), upper)
        assert errors.max() <= (4e-6 if hessian == "exact" else 1e-6)


@any_arithmetic
@every_gamma
@both_hessians
class TestExtremes:
    def test_are_finite(self, hessian, gamma, flags):
        scores = [0.0, -0.0, 1e-45, -1e-38, 88.8, -104, 800, -800, 3.4e38, -1.7e308]
        rows = [(m, y, w) for m in scores for y in (0, 1) for w in (0, 1e-45, 1.7e37)]
        m, y, w = map(np.array, zip(*rows, strict=True))
        known = FocalObjective(None, gamma, hessian=hessian).known()
        grad, hess = run_rows(m, y, w, known, flags)
        assert np.isfinite([grad, hess]).all()
        assert (np.where(y == 1, grad <= 0, grad >= 0)).all()
        assert (hess >= 0).all() if hessian == "upper" else (hess < 0).any()
        assert (grad[w == 0] == 0).all()
        assert (hess[w == 0] == 0).all()

    def test_a_score_at_the_shift_has_no_side(self, hessian, gamma, flags):
        known = FocalObjective(None, gamma, hessian=hessian).known()
        for y in (0, 1):
            grad, hess = run_rows([0.0, -0.0, 1e-45], y, None, known, flags)
            assert float32_ulps(grad, grad[0].astype(float)).max() <= 1
            assert hess == pytest.approx(hess[0], rel=RATIO)
