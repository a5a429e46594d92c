"""The CUDA text, compiled for the host: its kernel, and what it says of itself."""

import ast
import ctypes
import re

import cuda_host
import numpy as np
import oracles
import pytest
from cuda_host import JOINED, ROWS, TEXT, kernel, pointer, run_rows
from oracles import MARGINS, float32_ulps

from focal_boost import FocalObjective
from focal_boost._kernels.cuda import row_of


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
    found = run_rows(MARGINS, 1, None, known, JOINED)
    weight = (alpha or 1) / largest
    assert (known.shift != 0) == (alpha == 0.25)
    rows = 1, MARGINS - known.shift, 0.0, None
    for values, exact in zip(
        found, (oracles.exact_gradient, oracles.exact_hessian), strict=True
    ):
        assert float32_ulps(values, weight * exact(*rows)).max() <= 1


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
