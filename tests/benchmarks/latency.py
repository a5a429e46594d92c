"""Latency of the docs' scoring service beside that of the classifier, one row a call.

Run ``python tests/benchmarks/latency.py``; it needs what the docs' service needs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from scoring import asked, started

from focal_boost import FocalLGBMClassifier
from focal_boost.datasets import make_imbalanced

CALLS = 500


def milliseconds(call: Callable[[], Any]) -> str:
    took = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        took.append(1e3 * (time.perf_counter() - start))
    return f"{np.median(took):.2f} ms, 99 % below {np.quantile(took, 0.99):.2f} ms"


def main() -> None:
    X, y, _ = make_imbalanced(5_000, prevalence=0.05, seed=0)
    model = FocalLGBMClassifier(n_jobs=1, verbosity=-1).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(Path(folder) / "model.txt")
        with started(Path(folder) / "model.txt") as client:
            print(
                "service:",
                milliseconds(lambda: client.post("/score", json=asked(X[:1]))),
            )
    print("predict_proba:", milliseconds(lambda: model.predict_proba(X[:1])))


if __name__ == "__main__":
    main()
