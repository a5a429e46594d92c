"""The CUDA text, compiled for the host: float32 values, unsound rows, extremes."""

import ast
import ctypes
import re

import cuda_host
import numpy as np
import oracles
import pytest
from cuda_host import APART, JOINED, POWERS, TEXT, kernel, pointer, run_rows
from oracles import GAMMAS, MARGINS, float32_ulps

from focal_boost import FocalLoss, FocalObjective

SHARE = {"upper": 0.0, "exact": 1.0}
NO_FLOOR = -np.inf
NARROW = np.unique(MARGINS.astype(np.float32))
SMALLEST = float(np.finfo(np.float32).tiny)

both_labels = pytest.mark.parametrize("y", [0, 1])
both_hessians = pytest.mark.parametrize("hessian", SHARE)
every_gamma = pytest.mark.parametrize("gamma", [*GAMMAS, 100.0])
any_arithmetic = pytest.mark.parametrize(
    "flags", [APART, JOINED], ids=["apart", "joined"]
)


def numbers(gamma, alpha=0.25, hessian="upper", floor=NO_FLOOR):
    """Return the loss as the text takes it."""
    weights = (1.0, 1.0) if alpha is None else (1 - alpha, alpha)
    return (*weights, gamma, SHARE[hessian], floor)


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
        grad, hess, sound = run_rows(NARROW, y, None, numbers(gamma, alpha), flags)
        exact_grad = oracles.exact_gradient(y, NARROW, gamma, alpha)
        exact_hess = oracles.exact_curvature(y, NARROW, gamma, alpha)
        assert sound.all()
        assert float32_ulps(grad, exact_grad).max() <= allowed
        assert float32_ulps(hess, exact_hess).max() <= allowed

    @both_labels
    def test_of_the_exact_hessian(self, y, gamma, flags):
        loss = numbers(gamma, hessian="exact")
        grad, hess, _ = run_rows(NARROW, y, None, loss, flags)
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
        grad, hess, _ = run_rows(NARROW, y, weight, numbers(gamma), flags)
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
        grad, hess, _ = run_rows(self.margin, self.labels, None, numbers(gamma), flags)
        z = self.margin.astype(np.float64)
        allowed = allowed_ulps(gamma)
        assert float32_ulps(grad, loss.gradient(self.labels, z)).max() <= allowed
        assert float32_ulps(hess, loss.curvature(self.labels, z)).max() <= allowed

    @both_hessians
    def test_with_the_cpu_kernel(self, hessian, gamma, flags):
        rows = self.labels, self.margin, self.weight
        expected = FocalObjective(0.25, gamma, hessian)(*rows)
        loss = numbers(gamma, hessian=hessian)
        grad, hess, _ = run_rows(self.margin, self.labels, self.weight, loss, flags)
        allowed = allowed_ulps(gamma)
        assert float32_ulps(grad, expected[0].astype(float)).max() <= allowed
        z = self.margin.astype(np.float64)
        curvature = self.weight * FocalLoss(0.25, gamma).curvature(self.labels, z)
        errors = hessian_errors(hess, expected[1], curvature, z)
        assert errors.max() <= allowed


@any_arithmetic
class TestSoundness:
    """A row is unsound if its label, margin or weight breaks its rule."""

    @pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7])
    @pytest.mark.parametrize(
        ("margin", "label", "weight"),
        [
            *((0.5, label, 1.0) for label in (2, -1, 0.5, 1 + 2.0**-23, np.nan)),
            *((0.5, label, 1.0) for label in (np.inf, -np.inf, 1e-45, 3e38)),
            *((margin, 1, 1.0) for margin in (np.nan, np.inf, -np.inf)),
            *((0.5, 0, weight) for weight in (-1, -1e-45, np.nan, np.inf, -np.inf)),
            *((0.5, 0, weight) for weight in (1.8e37, 1e38, 3.4e38)),
        ],
    )
    def test_of_an_unsound_row(self, margin, label, weight, gamma, flags):
        _, _, sound = run_rows(
            [0, margin, 0], [1, label, 0], [1, weight, 1], numbers(gamma), flags
        )
        assert sound.tolist() == [1, 0, 1]

    @pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 1.7, 100.0])
    @both_hessians
    def test_sound_extremes_are_finite(self, hessian, gamma, flags):
        margin = [0.0, -0.0, 1e-45, -1e-38, 88.8, -104, 800, -800, 3.4e38, -3.4e38]
        rows = [(z, y, w) for z in margin for y in (0, 1) for w in (0, 1e-45, 1.7e37)]
        z, y, w = map(np.float32, zip(*rows, strict=True))
        grad, hess, sound = run_rows(z, y, w, numbers(gamma, None, hessian), flags)
        assert sound.all()
        assert np.isfinite([grad, hess]).all()
        assert (np.where(y == 1, grad <= 0, grad >= 0)).all()
        assert (grad[w == 0] == 0).all()
        assert (hess[w == 0] == 0).all()

    def test_a_label_of_minus_0_is_0(self, flags):
        plain = run_rows([0.3], [0.0], None, numbers(2.0), flags)
        assert run_rows([0.3], [-0.0], None, numbers(2.0), flags) == plain

    @both_labels
    @every_gamma
    def test_a_margin_of_minus_0_is_0(self, gamma, y, flags):
        grad, hess, _ = run_rows([0.0, -0.0, 1e-45], y, None, numbers(gamma), flags)
        allowed = allowed_ulps(gamma)
        for values in (grad, hess):
            assert float32_ulps(values, values[0].astype(float)).max() <= allowed


@pytest.mark.parametrize("power", POWERS)
class TestKernel:
    """The kernel takes every row once, whatever the size of its grid."""

    @pytest.mark.parametrize(
        ("blocks", "threads"), [(1, 1), (1, 32), (3, 32), (10, 32), (40, 32)]
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_takes_every_row(self, weighted, blocks, threads, power):
        grad, hess, faults = self.launch(blocks, threads, power, weighted)
        expected = run_rows(*self.rows(weighted), self.loss(power), JOINED)
        assert (grad[:-1] == expected[0]).all()
        assert (hess[:-1] == expected[1]).all()
        assert grad[-1] == hess[-1] == 7
        assert faults == 0

    @pytest.mark.parametrize("row", [0, 100, 319])
    def test_reports_one_unsound_row(self, row, power):
        assert self.launch(3, 32, power, True, unsound=row)[2] == 1

    @staticmethod
    def loss(power):
        return numbers({-1: 1.7}.get(power, float(power)), floor=1e-6)

    @staticmethod
    def rows(weighted):
        rng = np.random.default_rng(3)
        z = rng.normal(0, 5, 320).astype(np.float32)
        y = (rng.random(320) < 0.3).astype(np.float32)
        w = rng.exponential(size=320).astype(np.float32)
        return z, y, w if weighted else None

    def launch(self, blocks, threads, power, weighted, unsound=None):
        z, y, w = self.rows(weighted)
        if unsound is not None:
            y[unsound] = 2
        # One more than there are rows, to see that it is not written.
        grad, hess = np.full((2, z.size + 1), 7, np.float32)
        faults = np.zeros(1, np.int32)
        kernel(TEXT.read_text("utf-8"), power)(
            ctypes.c_uint(blocks), ctypes.c_uint(threads), ctypes.c_longlong(z.size),
            *map(pointer, (z, y, w)), *map(ctypes.c_double, self.loss(power)),
            *map(pointer, (grad, hess, faults)),
        )  # fmt: skip
        return grad, hess, faults[0]


def test_every_twin_that_the_text_names_exists():
    text = TEXT.read_text("utf-8")
    named = re.findall(r"/\* = ([\w, ]+?)(?::| \*/)", text)
    assert len(named) >= 15
    assert len(named) == text.count("/* = ")
    defined = set()
    for file in ("cpu.py", "elementary.py", "faults.py"):
        for node in ast.walk(ast.parse((TEXT.parent / file).read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
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
