"""What holds for any arguments, on as many as a default run has time for."""

from __future__ import annotations

import long_double
import numpy as np
import oracles
import pytest
import torture
from hypothesis import HealthCheck, given, settings

pytestmark = pytest.mark.skipif(
    not long_double.IS_LONGER, reason="long double is no longer than float64 here"
)
#: Each is some fifteen calls.
EXAMPLES = 1_250


@pytest.mark.parametrize("part", range(2))
def test_any_arguments(part: int) -> None:
    before = torture.calls
    quick = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    quick(given(torture.cases())(torture.check))()
    assert torture.calls - before > 10_000


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("y", [0, 1])
def test_the_quick_oracle_is_that_of_sixty_digits(
    gamma: float, alpha: float | None, y: int
) -> None:
    z = np.array([-90.0, -16.5, -3.0, -0.1, 0.0, 2.0, 20.0, 90.0])
    m = np.array([-700.0, -20.0, -1.0, 0.0, 1e-8, 4.0, 36.7, 88.0])
    pairs = {
        "loss": (oracles.exact_loss, "loss"),
        "gradient": (oracles.exact_gradient, "slope"),
        "hessian": (oracles.exact_hessian, "hessian"),
        "curvature": (oracles.exact_curvature, "curvature"),
    }
    for name, (exact, field) in pairs.items():
        found = long_double.in_margin(name, np.full(8, y), z, gamma, alpha)
        expected = exact(y, z, gamma, alpha)
        np.testing.assert_allclose(found.astype(float), expected, rtol=1e-9)
        found = long_double.in_log_odds(np.full(8, y), m, gamma, alpha)[name]
        expected = oracles.in_log_odds(field, y, m, gamma, alpha)
        np.testing.assert_allclose(found.astype(float), expected, rtol=3e-8, atol=1e-12)
