"""Data and libraries that the tests share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from focal_boost.datasets import make_imbalanced

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Sample:
    """Rows with labels, and what is known of them."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    posterior: NDArray[np.float64]
    weight: NDArray[np.float32]

    def __getitem__(self, rows: Any) -> Sample:
        return Sample(
            self.X[rows], self.y[rows], self.posterior[rows], self.weight[rows]
        )


def make_sample(n: int, prevalence: float, seed: int) -> Sample:
    X, y, posterior = make_imbalanced(n, prevalence=prevalence, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.5, 2.0, n).astype(np.float32)
    return Sample(X, y, posterior, weight)


@pytest.fixture(scope="session")
def sample() -> Sample:
    """3,000 rows with 10 % positives."""
    return make_sample(3_000, 0.1, seed=0)


@pytest.fixture(scope="session")
def validation() -> Sample:
    """2,000 further rows of the same population."""
    return make_sample(2_000, 0.1, seed=1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not _SHARED.is_dir():
        pytest.skip("the benchmark data sets are not beside this checkout")
    return _SHARED
