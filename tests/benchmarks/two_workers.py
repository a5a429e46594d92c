"""Two Dask workers: how long they train, and how good what they find is.

    python tests/benchmarks/two_workers.py time
    python tests/benchmarks/two_workers.py precision

The first trains XGBoost's own objective and ours in turn, on 1,000,000 rows of 28
columns, and prints the medians of the ratios of every pair, in seconds that pass and in
seconds of the workers' processors. The second trains LightGBM on all rows of a sample
at once and on two workers, where most positives are on one, and prints by how much the
average precision on held-out rows differs: with LightGBM's own objective, with ours at
gamma 0, and with focal loss.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask.array as da
import lightgbm as lgb
import numpy as np
from dask import delayed
from distributed import Client, LocalCluster, wait
from sklearn.metrics import average_precision_score
from xgboost import dask as dxgb

import focal_boost.dask as fdask
from focal_boost import FocalLGBMClassifier, FocalObjective
from focal_boost.datasets import make_imbalanced

PARAMS = {"max_depth": 6, "tree_method": "hist", "eta": 0.1}
WORKERS = 2


@contextmanager
def cluster() -> Iterator[Any]:
    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=None
        ) as started,
        Client(started) as client,
    ):
        yield client


def placed(client: Any, blocks: list[Any]) -> Any:
    """Return a collection of which every worker has one block."""
    names = sorted(client.scheduler_info()["workers"])
    lazy = [
        da.from_delayed(
            delayed(client.scatter(one, workers=[name], hash=False)),
            one.shape,
            one.dtype,
        )
        for one, name in zip(blocks, names, strict=True)
    ]
    found = da.concatenate(lazy).persist()
    wait(found)
    return found


def seconds(client: Any, train: Any) -> tuple[float, float]:
    """Return what passes while it trains, on the clock and on the workers."""
    before, start = client.run(time.process_time), time.perf_counter()
    train()
    passed = time.perf_counter() - start
    after = client.run(time.process_time)
    return passed, sum(after.values()) - sum(before.values())


def compare_time(client: Any, asked: Any) -> None:
    X, y, _ = make_imbalanced(asked.rows, 0.01, 0, n_features=28)
    X = X.astype(np.float32)
    blocks = [np.array_split(one, WORKERS) for one in (X, y)]
    data = dxgb.DaskDMatrix(client, *(placed(client, one) for one in blocks))
    rounds, objective = asked.rounds, FocalObjective()
    built_in = {**PARAMS, "objective": "binary:logistic"}

    def theirs() -> None:
        dxgb.train(client, built_in, data, rounds)

    def ours() -> None:
        fdask.train(client, PARAMS, data, rounds, objective=objective)

    ours(), theirs()  # Loads what they need.
    ratios = []
    for i in range(asked.pairs):
        order = (theirs, ours) if i % 2 else (ours, theirs)
        found = {one: np.array(seconds(client, one)) for one in order}
        ratios.append(found[ours] / found[theirs])
        print(f"built-in {found[theirs].round(1)} s, ours {found[ours].round(1)} s")
    clock, processor = np.median(ratios, axis=0)
    print(
        f"{asked.rows:,} x 28, {rounds} rounds, {asked.pairs} pairs, medians of"
        f" ratios: clock {clock:.3f}, processors {processor:.3f}"
    )


def compare_precision(client: Any, asked: Any) -> None:
    settings = {"n_estimators": 50, "verbosity": -1}
    plain, focal = {"focal_alpha": None, "focal_gamma": 0.0}, {}
    arms = {
        "built-in": (lgb.LGBMClassifier, lgb.DaskLGBMClassifier, {}),
        "gamma 0": (FocalLGBMClassifier, fdask.FocalDaskLGBMClassifier, plain),
        "focal": (FocalLGBMClassifier, fdask.FocalDaskLGBMClassifier, focal),
    }
    differences: dict[str, list[float]] = {name: [] for name in arms}
    for seed in range(asked.seeds):
        X, y, _ = make_imbalanced(40_000, 0.03, seed)
        X_test, y_test, _ = make_imbalanced(40_000, 0.03, 1000 + seed)
        # One worker has one in five rows and four in five positives.
        rng = np.random.default_rng(seed)
        first = rng.random(y.size) < np.where(y == 1, 0.8, 0.2)
        parts = [placed(client, [one[first], one[~first]]) for one in (X, y)]
        for name, (alone, on_dask, loss) in arms.items():
            models = (
                alone(n_jobs=1, **settings, **loss).fit(X, y),
                on_dask(client=client, **settings, **loss).fit(*parts).to_local(),
            )
            one, two = (
                average_precision_score(y_test, model.predict_proba(X_test)[:, 1])
                for model in models
            )
            differences[name].append(two - one)
            print(f"seed {seed}, {name}: one machine {one:.4f}, two {two:.4f}")
    for name, several in differences.items():
        print(
            f"{name}: two workers less one machine {np.mean(several):+.4f} on average,"
            f" {np.min(several):+.4f} to {np.max(several):+.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["time", "precision"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    compare = {"time": compare_time, "precision": compare_precision}[asked.what]
    with cluster() as client:
        compare(client, asked)


if __name__ == "__main__":
    main()
