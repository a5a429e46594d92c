"""exp, reciprocal, log1p and log of the compiled kernel against mpmath."""

import mpmath
import numpy as np
import pytest
from numba import njit

from focal_boost._kernels import elementary
from focal_boost._kernels.elementary import LIMIT, LONG, SHORT

ACCURACY = [
    pytest.param(SHORT, (3e-10, 2e-12, 1e-11), id="short"),
    pytest.param(LONG, (6e-15, 5e-16, 5e-16), id="long"),
]
UNIT = np.unique(np.r_[0, 1, np.linspace(0, 1, 401), np.logspace(-300, 0, 100)])


def worst(values, exact):
    """Return the largest relative error, computed in mpmath."""
    with mpmath.workdps(40):
        pairs = zip(values.tolist(), exact, strict=True)
        return float(max(abs(a - b) / abs(b) if b else abs(a) for a, b in pairs))


def over(function, *columns):
    """Return the values of a compiled function of one row."""
    compiled = njit(function)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return np.array([compiled(*row) for row in rows])


@pytest.mark.parametrize(("series", "bounds"), ACCURACY)
class TestRelativeError:
    def test_of_exp(self, series, bounds):
        # Near 0, where the range is reduced, and where the kernel stops.
        x = -np.unique(np.r_[0, np.logspace(-17, 0, 50), np.linspace(0, 40, 1601)])
        values = over(lambda one: elementary.exp(one, series), x)
        assert worst(values, [mpmath.exp(one) for one in x]) <= bounds[0]

    def test_of_exp_far_out(self, series, bounds):
        # Without fused multiply-add n ln 2 is rounded, and n is 1,021 at the end.
        x = -np.linspace(40, LIMIT, 1001)
        values = over(lambda one: elementary.exp(one, series), x)
        assert worst(values, [mpmath.exp(one) for one in x]) <= bounds[0] + 1e-13
        assert (values > 0).all()

    def test_of_the_reciprocal(self, series, bounds):
        d = 2 + UNIT * (3 + UNIT)
        values = over(lambda e, d: elementary.reciprocal(e, d, series), UNIT, d)
        assert worst(values, [1 / mpmath.mpf(one) for one in d]) <= bounds[1]

    def test_of_log1p(self, series, bounds):
        u = UNIT / (2 + UNIT)
        values = over(lambda one: elementary.log1p(one, series), u)
        with mpmath.workdps(40):
            exact = [2 * mpmath.atanh(mpmath.mpf(one)) for one in u]
        assert worst(values, exact) <= bounds[2]


def test_relative_error_of_log():
    # Over all exponents, both sides of where they change, and up to 1, whose log is 0.
    x = np.r_[2.0 ** np.linspace(-52, 0, 2001), np.sqrt(0.5) * (1 + UNIT[::5] * 0.4)]
    x = np.r_[x[x <= 1], 1 - np.logspace(-16, -1, 100)]
    values = over(elementary.log.py_func, x)
    assert worst(values, [mpmath.log(one) for one in x]) <= 6e-16


def test_exp_of_0_is_1():
    assert over(lambda one: elementary.exp(one, SHORT), np.zeros(1)) == [1.0]


def test_short_series_are_shorter():
    assert len(SHORT.exp) < len(LONG.exp)
    assert len(SHORT.log1p) < len(LONG.log1p)
    assert SHORT.steps < LONG.steps
