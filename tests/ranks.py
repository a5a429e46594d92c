"""Two processes in XGBoost's collective, started by hand."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import xgboost as xgb
from xgboost.collective import CommunicatorContext, get_rank
from xgboost.tracker import RabitTracker

WORKERS = 2
_PATIENCE = 120


class Part(NamedTuple):
    """Rows with few distinct values, so that no sketch of them is an approximation."""

    X: Any
    y: Any
    weight: Any = None
    margin: Any = None

    def matrix(self) -> Any:
        return xgb.DMatrix(
            self.X, self.y, weight=self.weight, base_margin=self.margin, nthread=1
        )


def part(rows: int, rate: float, seed: int, *, weighted: bool = False) -> Part:
    """Return rows of which about a share of `rate` is positive."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 40, (rows, 5)).astype(np.float32)
    y = rng.random(rows) < rate * 2 * X[:, 0] / 40
    weight = rng.integers(1, 5, rows).astype(np.float32) if weighted else None
    return Part(X, y.astype(np.float32), weight)


def whole(parts: list[Part]) -> Part:
    """Return the rows of all parts."""
    weight = None
    if parts[0].weight is not None:
        weight = np.concatenate([one.weight for one in parts])
    X = np.concatenate([one.X for one in parts])
    return Part(X, np.concatenate([one.y for one in parts]), weight)


#: What two processes may hold that have little in common.
SHARDS = {
    "prevalence": [part(6000, 0.001, 0), part(2500, 0.1, 1)],
    "weights": [part(3000, 0.01, 0, weighted=True), part(2500, 0.1, 1, weighted=True)],
    "no positive": [part(2000, 0, 0), part(2500, 0.1, 1)],
    "only positives": [
        part(100, 0, 0)._replace(y=np.ones(100, np.float32)),
        part(2500, 0.1, 1),
    ],
}
PROBE = part(500, 0.1, 99)


def with_label(rows: Part, label: float) -> Part:
    y = rows.y.copy()
    y[3] = label
    return rows._replace(y=y)


class Ranks:
    """A pool of two processes, each of them one rank of every collective."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def run(self, work: Any, parts: list[Any], *args: Any) -> list[Any]:
        """Return what ``work(part, *args)`` returns on every rank, or its error."""
        tracker = RabitTracker(n_workers=WORKERS, host_ip="127.0.0.1", sortby="task")
        tracker.start()
        given = {**tracker.worker_args(), "dmlc_timeout": _PATIENCE}
        jobs = [
            self._pool.submit(_in_collective, given, rank, work, parts, args)
            for rank in range(WORKERS)
        ]
        return [job.result(timeout=_PATIENCE) for job in jobs]


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Start two processes, and end them even if they hang."""
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(WORKERS, mp_context=spawn)
    try:
        yield pool
    finally:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def ranks() -> Iterator[Ranks]:
    with processes() as pool:
        yield Ranks(pool)


def _in_collective(
    given: dict[str, Any], rank: int, work: Any, parts: list[Any], args: Any
) -> Any:
    # XGBoost prints its ranks.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with CommunicatorContext(**given, dmlc_task_id=str(rank)):
        try:
            return work(parts[get_rank()], *args)
        except ValueError as error:
            return f"{type(error).__name__}: {error}"
