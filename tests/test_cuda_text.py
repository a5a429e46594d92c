"""The CUDA text, compiled for the host: rows in margins, extremes, its kernel."""

import ast
import ctypes
import re

import cuda_host
import numpy as np
import oracles
import pytest
from cuda_host import APART, JOINED, ROWS, TEXT, kernel, pointer, run_rows
from oracles import GAMMAS, MARGINS, float32_ulps

from focal_boost import FocalLoss, FocalObjective
from focal_boost._kernels.cuda import row_of
from focal_boost._kernels.known import Known

SHARE = {"upper": 0.0, "exact": 1.0}
NARROW = np.unique(MARGINS.astype(np.float32))
SMALLEST = float(np.finfo(np.float32).tiny)

both_labels = pytest.mark.parametrize("y", [0, 1])
both_hessians = pytest.mark.parametrize("hessian", SHARE)
every_gamma = pytest.mark.parametrize("gamma", [*GAMMAS, 100.0])
any_arithmetic = pytest.mark.parametrize(
    "flags", [APART, JOINED], ids=["apart", "joined"]
)


def numbers(gamma, alpha=0.25, hessian="upper"):
    """Return what a kernel knows of a loss of the paper's margin."""
    weights = (1.0, 1.0) if alpha is None else (1 - alpha, alpha)
    return Known(*weights, gamma, SHARE[hessian], 0.0)


def allowed_ulps(gamma):
    return 2 if gamma <= 10 else 6


def hessian_errors(hess, exact, curvature, margin):
    """Return errors of the exact Hessian in units of the last place of its terms."""
    # It is a difference of terms up to |t| times the curvature.
    reach = np.minimum(1 + np.abs(margin), 200)
    return np.abs(hess - exact) / (2.0**-23 * reach * np.maximum(curvature, SMALLEST))


@any_arithmetic
@every_gamma
class TestExactValues:
    """Gradient and Hessian against mpmath."""

    @both_labels
    @pytest.mark.parametrize("alpha", [None, 0.25, 0.99])
    def test_of_the_upper_curvature(self, alpha, y, gamma, flags):
        # The promise holds for every margin, the grid's are a little better.
        allowed = 1 if gamma <= 10 else 3
        grad, hess = run_rows(NARROW, y, None, numbers(gamma, alpha), flags)
        exact_grad = oracles.exact_gradient(y, NARROW, gamma, alpha)
        exact_hess = oracles.exact_curvature(y, NARROW, gamma, alpha)
        assert float32_ulps(grad, exact_grad).max() <= allowed
        assert float32_ulps(hess, exact_hess).max() <= allowed

    @both_labels
    def test_of_the_exact_hessian(self, y, gamma, flags):
        loss = numbers(gamma, hessian="exact")
        grad, hess = run_rows(NARROW, y, None, loss, flags)
        exact = oracles.exact_hessian(y, NARROW, gamma, 0.25)
        curvature = oracles.exact_curvature(y, NARROW, gamma, 0.25)
        allowed = 1 if gamma <= 10 else 3
        assert hessian_errors(hess, exact, curvature, NARROW).max() <= allowed
        exact_grad = oracles.exact_gradient(y, NARROW, gamma, 0.25)
        assert float32_ulps(grad, exact_grad).max() <= allowed

    @both_labels
    def test_with_weights(self, y, gamma, flags):
        weight = np.random.default_rng(2).exponential(size=NARROW.size)
        weight = weight.astype(np.float32)
        grad, hess = run_rows(NARROW, y, weight, numbers(gamma), flags)
        exact_grad = weight * oracles.exact_gradient(y, NARROW, gamma, 0.25)
        exact_hess = weight * oracles.exact_curvature(y, NARROW, gamma, 0.25)
        allowed = 1 if gamma <= 10 else 3
        assert float32_ulps(grad, exact_grad).max() <= allowed
        assert float32_ulps(hess, exact_hess).max() <= allowed


@any_arithmetic
@every_gamma
class TestParity:
    """The same numbers as on the CPU, on many margins."""

    rng = np.random.default_rng(5)
    margin = np.r_[rng.normal(0, 3, 20_000), rng.uniform(-100, 100, 20_000)]
    margin = margin.astype(np.float32)
    labels = (rng.random(margin.size) < 0.5).astype(np.float32)
    weight = rng.exponential(size=margin.size).astype(np.float32)

    def test_upper(self, gamma, flags):
        loss = FocalLoss(0.25, gamma)
        grad, hess = run_rows(self.margin, self.labels, None, numbers(gamma), flags)
        z = self.margin.astype(np.float64)
        allowed = allowed_ulps(gamma)
        assert float32_ulps(grad, loss.gradient(self.labels, z)).max() <= allowed
        assert float32_ulps(hess, loss.curvature(self.labels, z)).max() <= allowed

    @both_hessians
    def test_with_the_cpu_kernel(self, hessian, gamma, flags):
        rows = self.labels, self.margin, self.weight
        expected = FocalObjective(0.25, gamma, "focal", hessian)(*rows)
        loss = numbers(gamma, hessian=hessian)
        grad, hess = run_rows(self.margin, self.labels, self.weight, loss, flags)
        allowed = allowed_ulps(gamma)
        assert float32_ulps(grad, expected[0].astype(float)).max() <= allowed
        z = self.margin.astype(np.float64)
        curvature = self.weight * FocalLoss(0.25, gamma).curvature(self.labels, z)
        errors = hessian_errors(hess, expected[1], curvature, z)
        assert errors.max() <= allowed


@any_arithmetic
class TestExtremes:
    """Where a term ends, or a sign is that of nothing."""

    @pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7, 100.0])
    @both_hessians
    def test_are_finite(self, hessian, gamma, flags):
        margin = [0.0, -0.0, 1e-45, -1e-38, 88.8, -104, 800, -800, 3.4e38, -1.7e308]
        rows = [(z, y, w) for z in margin for y in (0, 1) for w in (0, 1e-45, 1.7e37)]
        z, y, w = map(np.array, zip(*rows, strict=True))
        grad, hess = run_rows(z, y, w, numbers(gamma, None, hessian), flags)
        assert np.isfinite([grad, hess]).all()
        assert (np.where(y == 1, grad <= 0, grad >= 0)).all()
        assert (grad[w == 0] == 0).all()
        assert (hess[w == 0] == 0).all()

    @both_labels
    @every_gamma
    def test_a_margin_of_minus_0_is_0(self, gamma, y, flags):
        grad, hess = run_rows([0.0, -0.0, 1e-45], y, None, numbers(gamma), flags)
        allowed = allowed_ulps(gamma)
        for values in (grad, hess):
            assert float32_ulps(values, values[0].astype(float)).max() <= allowed


def known_for(row, power):
    """Return what a kernel knows of an objective whose rows are of that function."""
    link = {"focal_row": "focal", "logit_row": "logit"}[row]
    gamma = 1.7 if power == -1 else float(power)
    known = FocalObjective(0.25, gamma, link).known()
    assert row_of(known) == (row, power)
    return known


@pytest.mark.parametrize("score", ["float", "double"])
@pytest.mark.parametrize(("row", "power"), ROWS)
class TestKernel:
    """The kernel takes every row once, whatever the size of its grid."""

    @pytest.mark.parametrize(
        ("blocks", "threads"), [(1, 1), (1, 32), (3, 32), (10, 32), (40, 32)]
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_takes_every_row(self, weighted, blocks, threads, row, power, score):
        known, (raw_score, *others) = known_for(row, power), self.rows(score, weighted)
        found = self.launch((blocks, threads), known, score, raw_score, *others)
        (grad, hess), faults = found
        raw_score = raw_score.astype(float) + 0.5
        expected = run_rows(raw_score, *others, known, JOINED, floor=1e-6)
        assert (grad[:-1] == expected[0]).all()
        assert (hess[:-1] == expected[1]).all()
        assert grad[-1] == hess[-1] == 7
        assert faults == 0

    @pytest.mark.parametrize("where", [0, 100, 319])
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_reports_one_unsound_row(self, bad, where, row, power, score):
        raw_score, *others = self.rows(score, True)
        raw_score[where] = bad
        known = known_for(row, power)
        assert self.launch((3, 32), known, score, raw_score, *others)[1] == 1

    @staticmethod
    def rows(score, weighted):
        rng = np.random.default_rng(3)
        kind = {"float": np.float32, "double": np.float64}[score]
        raw_score = rng.normal(0, 5, 320).astype(kind)
        y = (rng.random(320) < 0.3).astype(np.uint8)
        w = rng.exponential(size=320).astype(np.float32)
        return raw_score, y, w if weighted else None

    @staticmethod
    def launch(grid, known, score, raw_score, y, w):
        row, power = row_of(known)
        # One more than there are rows, to see that it is not written.
        out = np.full((2, raw_score.size + 1), 7, np.float32)
        faults = np.zeros(1, np.int32)
        defined = {"ROW": row, "POWER": power, "SCORE": score}
        defined = tuple(f"-DFOCAL_{name}={value}" for name, value in defined.items())
        numbers = (0.5 - known.shift, *known[:4], 1e-6)
        kernel(TEXT.read_text("utf-8"), defined)(
            *map(ctypes.c_uint, grid), ctypes.c_longlong(raw_score.size),
            *map(pointer, (raw_score, y, w)), *map(ctypes.c_double, numbers),
            *map(pointer, (np.array(known.fit), *out, faults)),
        )  # fmt: skip
        return out, faults[0]


def test_a_difference_is_no_product_of_powers():
    for gamma in (1.0, 2.0):
        exact = FocalObjective(0.25, gamma, hessian="exact").known()
        assert row_of(exact) == ("logit_row", -1)
        in_margins = FocalObjective(0.25, gamma, "focal", "exact").known()
        assert row_of(in_margins) == ("focal_row", gamma)


@pytest.mark.parametrize("alpha", [None, 0.25, 0.5])
def test_log_odds_at_gamma_0_are_margins_but_for_a_shift(alpha):
    known = FocalObjective(alpha, 0.0).known()
    assert row_of(known) == ("focal_row", 0)
    largest = max(1 - alpha, alpha) if alpha else 1
    grad, hess = run_rows(NARROW, 1, None, known, JOINED)
    weight = (alpha or 1) / largest
    shifted = NARROW.astype(float) - known.shift
    assert (known.shift != 0) == (alpha == 0.25)
    exact_grad = weight * oracles.exact_gradient(1, shifted, 0.0, None)
    exact_hess = weight * oracles.exact_hessian(1, shifted, 0.0, None)
    assert float32_ulps(grad, exact_grad).max() <= 1
    assert float32_ulps(hess, exact_hess).max() <= 1


def test_every_twin_that_the_text_names_exists():
    text = TEXT.read_text("utf-8")
    named = re.findall(r"/\* = ([\w, ]+?)(?::| \*/)", text)
    assert len(named) >= 25
    assert len(named) == text.count("/* = ")
    defined = set()
    twins = ("cpu", "cpu_logit", "elementary", "faults", "fit", "known")
    for file in (f"{name}.py" for name in twins):
        for node in ast.walk(ast.parse((TEXT.parent / file).read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined.add(node.id)
    assert {name for line in named for name in line.split(", ")} <= defined


def test_without_a_compiler_the_tests_skip(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(pytest.skip.Exception) as skipped:
        cuda_host.compiler()
    sentence = "no C++ compiler was found to check the CUDA text with"
    assert str(skipped.value) == sentence
