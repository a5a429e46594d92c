"""Few rows, many kinds: the data that both arms of a scenario are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rows:
    """Features, labels and weights."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    weight: NDArray[np.float32]

    def __getitem__(self, rows: Any) -> Rows:
        return Rows(self.X[rows], self.y[rows], self.weight[rows])


def rows(n: int, seed: int) -> Rows:
    """Draw `n` rows, about a quarter of them positive."""
    rng = np.random.default_rng(seed)
    # Single precision, so that both libraries see the same numbers.
    X = rng.normal(size=(n, 5)).astype(np.float32).astype(np.float64)
    score = 2 * X[:, 0] + np.abs(X[:, 1]) + 2 * np.tanh(X[:, 2] * X[:, 3]) - 2.5
    y = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return Rows(X, y, rng.uniform(0.5, 2.0, n).astype(np.float32))


def few_rows(n: int) -> Rows:
    """Draw rows of both classes, from two on, that no two features part alike.

    Where two do, the last bit of a sum says which of them a tree takes.
    """
    few = rows(n, seed=9)
    few.y[: n // 2] = 1 - few.y[0]
    return few


TRAIN = rows(400, seed=0)
VALID = rows(200, seed=1)
# Predictions of every kind are compared on these.
PROBE = rows(40, seed=2)


def with_holes(X: NDArray[np.float64], hole: float = np.nan) -> NDArray[np.float64]:
    """Return features a fifth of which are missing, more often for large ones."""
    rng = np.random.default_rng(len(X))
    return np.where(rng.random(X.shape) < np.where(X > 0.5, 0.4, 0.12), hole, X)


def with_categories(X: NDArray[np.float64]) -> pd.DataFrame:
    """Return a table whose first two features are categories."""
    table = pd.DataFrame({f"x{k}": X[:, k] for k in range(X.shape[1])})
    letters = list("abcdef")
    for name, scale in (("x0", 2.0), ("x1", 1.0)):
        code = np.clip(np.round(table[name] * scale + 2), 0, 5).astype(int)
        table[name] = pd.Categorical.from_codes(code, letters)
    return table


def codes(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return features of which the first one is a number per category."""
    return np.column_stack([np.clip(np.round(X[:, 0] * 2 + 4), 0, 8), X[:, 1:]])


def sparse(X: NDArray[np.float64]) -> Any:
    """Return a sparse matrix of the large values."""
    return scipy.sparse.csr_matrix(np.where(np.abs(X) > 0.7, X, 0.0))


def named(X: NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])])


def scores(n: int, seed: int = 5) -> NDArray[np.float64]:
    """Return a start of one's own for every row."""
    return np.random.default_rng(seed).normal(-0.5, 0.7, n).astype(np.float32) + 0.0
