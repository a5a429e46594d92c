"""Train on rows that are generated in pieces and never are in memory together.

    python tests/benchmarks/out_of_core.py
    python tests/benchmarks/out_of_core.py --rows 2000000
    python tests/benchmarks/out_of_core.py --rows 2000000 --in-memory

prints the time, the peak memory and the average precision on rows held out. The second
and the third are to have one average precision.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from sklearn.metrics import average_precision_score

sys.path.append(str(Path(__file__).resolve().parents[1]))

import focal_boost.xgboost as fxgb
from benchmarks.memory import peak
from focal_boost import FocalObjective

COLUMNS, PIECE = 20, 500_000


def piece(number: int, rows: int) -> tuple[Any, Any]:
    """Return features and labels, about 1 % of them positive."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    score = X[:, 0] + X[:, 1] * X[:, 2] - 0.5 * np.abs(X[:, 3]) - 5.3
    y = rng.random(rows, dtype=np.float32) < 1 / (1 + np.exp(-score))
    return X, y.astype(np.float32)


class Pieces(xgb.DataIter):
    """The rows, piece by piece, whenever XGBoost asks for them again."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        self._rows, self._at = rows, 0
        super().__init__(**kwargs)

    def next(self, input_data: Any) -> bool:
        if self._at * PIECE >= self._rows:
            return False
        left = self._rows - self._at * PIECE
        X, y = piece(self._at, min(PIECE, left))
        input_data(data=X, label=y)
        self._at += 1
        return True

    def reset(self) -> None:
        self._at = 0


def data(rows: int, folder: str, *, in_memory: bool, threads: int) -> Any:
    if not in_memory:
        pieces = Pieces(rows, cache_prefix=str(Path(folder) / "cache"))
        return xgb.ExtMemQuantileDMatrix(pieces, nthread=threads)
    numbers = range(-(-rows // PIECE))
    several = [piece(number, min(PIECE, rows - number * PIECE)) for number in numbers]
    X, y = (np.concatenate(parts) for parts in zip(*several, strict=True))
    return xgb.QuantileDMatrix(X, y, nthread=threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--in-memory", action="store_true")
    asked = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        where = {"in_memory": asked.in_memory, "threads": asked.threads}
        dtrain = data(asked.rows, folder, **where)
        read = time.perf_counter()
        params = {"nthread": asked.threads, "max_depth": 6, "tree_method": "hist"}
        objective = FocalObjective(0.25, 2.0)
        booster = fxgb.train(params, dtrain, asked.rounds, objective=objective)
        done = time.perf_counter()
        # Its files are in the folder.
        del dtrain
    highest = peak() / 2**30
    X, y = piece(1_000_000, 200_000)
    found = average_precision_score(y, booster.inplace_predict(X))
    print(
        f"{asked.rows:,} rows, {asked.rounds} rounds: read {read - began:.0f} s,"
        f" trained {done - read:.0f} s, peak {highest:.2f} GiB, AP {found:.4f}"
    )


if __name__ == "__main__":
    main()
