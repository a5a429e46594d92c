"""Rows with known posteriors that the tests share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focal_boost.datasets import make_imbalanced


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
    for rows in (X, y, posterior, weight):
        # A frame may share them, and a test must not change them for the next.
        rows.setflags(write=False)
    return Sample(X, y, posterior, weight)
