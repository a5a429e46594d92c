"""Metrics beside what else computes them: LightGBM's own, and scikit-learn's.

Run ``python tests/benchmarks/metrics.py``: milliseconds of an evaluation, calls in
turn, medians, and the median of the ratios.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import logit
from sklearn.metrics import average_precision_score

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import options
from benchmarks.on_cpu import milliseconds
from focal_boost import FocalObjective
from focal_boost import lightgbm as focal_lightgbm
from focal_boost.datasets import make_imbalanced
from focal_boost.metrics import FocalMetric

Call = Callable[[], Any]
_PAIRS = 21


def of_lightgbm(X: Any, y: Any, threads: int) -> Iterator[tuple[str, Call, Call]]:
    """Yield LightGBM's pointwise metrics of a validation set, and their twins."""
    data = lgb.Dataset(X, y).construct()
    for name in ("binary_logloss", "binary_error"):
        params = {"objective": "binary", "metric": name, "num_threads": threads,
                  "verbosity": -1}  # fmt: skip
        given: dict[str, Any] = {"keep_training_booster": True}
        given["valid_sets"] = [lgb.Dataset(X, y, reference=data).construct()]
        theirs = lgb.train(params, data, 3, **given)
        objective = FocalObjective(None, 0.0)
        ours = focal_lightgbm.train(params, data, 3, objective=objective, **given)
        yield f"LightGBM's {name}", theirs.eval_valid, ours.eval_valid


def of_sklearn(raw_score: Any, y: Any, weight: Any) -> tuple[str, Call, Call]:
    """Return average precision with weights."""
    metric = FocalMetric("average_precision", FocalObjective(None, 0.0))
    return (
        "scikit-learn's average precision, weights",
        lambda: average_precision_score(y, raw_score, sample_weight=weight),
        lambda: metric(y, raw_score, weight),
    )


def compared(theirs: Call, ours: Call) -> str:
    """Return milliseconds of both, and how they compare."""
    pairs = range(_PAIRS)
    took = np.array([[milliseconds(theirs), milliseconds(ours)] for _ in pairs])
    before, after = np.median(took, 0)
    ratio = np.median(took[:, 1] / took[:, 0])
    return f"{before:.2f} ms, ours {after:.2f} ms, {ratio:.2f} of it"


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line per metric."""
    parser = options.Parser("metrics.py", __doc__)
    parser.add_argument("--rows", type=options.integer(1_000), default=1_000_000)
    parser.add_argument("--threads", type=options.integer(1), default=1)
    parser.add_argument("--prevalence", type=options.share, default=0.02)
    given: argparse.Namespace = parser.parse_args(argv)
    rng = np.random.default_rng(0)
    X, y, posterior = make_imbalanced(given.rows, prevalence=given.prevalence, seed=0)
    raw_score = logit(posterior) + rng.standard_normal(given.rows)
    weight = rng.uniform(0.5, 2, given.rows)
    print(f"{options.machine()}; {options.joined(options.versions())}")
    for name, theirs, ours in of_lightgbm(X, y, given.threads):
        print(f"{name}: {compared(theirs, ours)}", flush=True)
    name, theirs, ours = of_sklearn(raw_score, y, weight)
    print(f"{name}: {compared(theirs, ours)}")


if __name__ == "__main__":
    main()
