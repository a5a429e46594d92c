"""Tasks of a process: a kernel's time, one training, and rounds of two losses in turn.

What is not NumPy is imported where it is needed: other projects have no more.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.competitors import ALPHA, numpy_focal, numpy_focal_float64
from benchmarks.memory import peak, settle
from benchmarks.trainers import trainer_of

Call = Callable[[], object]
Task = dict[str, Any]
# Seconds and rounds of calls that one figure of a kernel is of.
_SECONDS, _CALLS = 0.2, (3, 100)
TINY = 500
_RAW_SCORES = np.arange(-20, 20.5, 0.5)
_PACKAGES = ("numpy", "xgboost", "lightgbm", "catboost", "ydf", "jax")
# Of another booster the first rounds find their memory, and threads their places.
_FIRST = 3


def kernel(task: Task) -> Task:
    """Return nanoseconds per row for all numbers of rows, types and gammas.

    "of_focal" is the kernel's time over that for the paper's margin, the median over
    pairs of calls.
    """
    return {"cells": list(_cells(task))}


def _cells(task: Task) -> Iterator[Task]:
    makers = _MAKERS[task["competitor"]]
    for rows, dtype in product(task["rows"], ("float32", "float64")):
        rng = np.random.default_rng(0)
        y = (rng.random(rows) < 0.1).astype(np.float32)
        raw_score = rng.normal(-2, 2, rows).astype(dtype)
        for gamma in task["gammas"]:
            times = _in_turn([make(y, raw_score, gamma) for _, make in makers])
            where = {"rows": rows, "dtype": dtype, "gamma": gamma}
            for (link, _), seconds in zip(makers, times, strict=True):
                ns = median(seconds) / rows * 1e9
                cell = {**where, "link": link, "ns_per_row": ns}
                if len(makers) > 1:
                    pairs = zip(seconds, times[-1], strict=True)
                    cell["of_focal"] = median(a / b for a, b in pairs)
                yield cell


def _in_turn(calls: Sequence[Call]) -> list[list[float]]:
    """Return the seconds of each call, made in turn after one that is not counted."""
    for call in calls:
        call()
    times: list[list[float]] = [[] for _ in calls]
    least, most = _CALLS
    while len(times[0]) < least or (
        sum(map(sum, times)) < _SECONDS * len(calls) and len(times[0]) < most
    ):
        for call, found in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            found.append(time.perf_counter() - start)
    return times


def _kernel(y: Any, raw_score: Any, gamma: float, *, link: str) -> Call:
    from focal_boost import FocalObjective
    from focal_boost._rows.host import HostRows, Labels, floats_of

    # At γ = 0 that of the built-in objective, which has no α.
    objective = FocalObjective(ALPHA if gamma else None, gamma, link)
    known, scores = objective.known(), floats_of(raw_score, "raw_score")
    assert known is not None
    labels = Labels.of(y, None)
    loop = HostRows(objective, labels)._kernel_for(known, scores, 0.0)
    grad, hess = np.empty(len(y), np.float32), np.empty(len(y), np.float32)
    given = 0, 1, scores, labels.y_true, None, 0.0, known
    return lambda: loop(*given, grad, hess)


def _objective(y: Any, raw_score: Any, gamma: float) -> Call:
    from focal_boost import FocalObjective

    objective = FocalObjective(ALPHA, gamma)
    return lambda: objective(y, raw_score)


def _numpy(y: Any, raw_score: Any, gamma: float) -> Call:
    return lambda: numpy_focal_float64(y, raw_score, ALPHA, gamma)


def _numpy_as_given(y: Any, raw_score: Any, gamma: float) -> Call:
    return lambda: numpy_focal(y, raw_score, ALPHA, gamma)


def _copy(y: Any, raw_score: Any, gamma: float) -> Call:
    target = np.empty((2, len(y)), np.float32)

    def copy() -> None:
        target[0], target[1] = raw_score, y

    return copy


#: What a competitor measures in turn: the link, and what makes the call.
_MAKERS: dict[str, tuple[tuple[str, Callable[..., Call]], ...]] = {
    "kernel": tuple((link, partial(_kernel, link=link)) for link in ("logit", "focal")),
    "objective": (("logit", _objective),),
    "numpy": (("focal", _numpy),),
    "numpy-as-given": (("focal", _numpy_as_given),),
    "copy": (("none", _copy),),
}


def train(task: Task) -> Task:
    """Return seconds, memory, leaves and gradients; write the test rows' raw scores."""
    trainer = trainer_of(task["library"], task["method"], task["threads"])
    folder = Path(task["data"])
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    start = time.perf_counter()
    train_tiny(trainer, X, y)
    started = time.perf_counter() - start
    data = trainer.data(X, y)
    del X, y
    before = settle()
    start, cpu = time.perf_counter(), time.process_time()
    model = trainer.train(data, task["rounds"])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    after = peak()
    X_test = np.load(folder / "X_test.npy")
    np.save(task["raw_scores"], trainer.raw_score(model, X_test))
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "first_call_seconds": started,
        "bytes_before": before,
        "bytes_peak": after,
        "leaves": trainer.leaves(model),
        "gradients": _gradients(trainer.objective, task["library"]),
        "versions": _versions(task["method"]),
    }


def train_tiny(trainer: Any, X: Any, y: Any) -> None:
    """Train once on a few rows: imports, compiled code and threads are then there."""
    labels = y[:TINY].copy()
    labels[0], labels[1] = 0, 1  # both classes
    trainer.train(trainer.data(X[:TINY].copy(), labels), 1)


class _Labels:
    """What an objective asks its data for."""

    def __init__(self, y: Any) -> None:
        self.y = y

    def get_label(self) -> Any:
        return self.y

    def get_weight(self) -> Any:
        return np.empty(0, np.float32)


def _gradients(objective: Any, library: str) -> dict[str, list[float | None]] | None:
    """Return gradient and Hessian of both classes over a range of raw scores."""
    if objective is None:
        return None
    kind = np.float32 if library == "xgboost" else np.float64
    raw_score = np.tile(_RAW_SCORES, 2).astype(kind)
    y = np.repeat([0, 1], len(_RAW_SCORES)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grad, hess = objective(raw_score, _Labels(y))
    found = {"y": y, "raw_score": raw_score, "grad": grad, "hess": hess}
    return {
        name: [x if np.isfinite(x) else None for x in np.asarray(of, float).tolist()]
        for name, of in found.items()
    }


def _versions(method: str) -> dict[str, str]:
    found = {}
    for package in (*_PACKAGES, method):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def rounds(task: Task) -> Task:
    """Return milliseconds of every round of either loss, and of our gradients in it."""
    from focal_boost import FocalObjective

    folder = Path(task["data"])
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    gamma = task["gamma"]
    objective = FocalObjective(None, gamma) if gamma == 0 else FocalObjective()
    start = {"xgboost": _xgboost, "lightgbm": _lightgbm}[task["library"]]
    built_in, ours, training = start(X, y, task["threads"], objective)
    spent = _clock(training)
    found: dict[str, list[float]] = {"built_in": [], "ours": [], "gradients": []}
    for _ in range(task["rounds"] + _FIRST):
        found["built_in"].append(milliseconds(built_in))
        found["ours"].append(milliseconds(ours))
        found["gradients"].append(spent[-1])
    return {name: values[_FIRST:] for name, values in found.items()}


def milliseconds(call: Call) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _clock(training: Any) -> list[float]:
    """Have the milliseconds of every call for gradients noted."""
    spent: list[float] = []
    gradients = training.gradients

    def timed(*args: Any) -> Any:
        start = time.perf_counter()
        found = gradients(*args)
        spent.append((time.perf_counter() - start) * 1e3)
        return found

    training.gradients = timed
    return spent


def _xgboost(X: Any, y: Any, threads: int, objective: Any) -> tuple[Call, Call, Any]:
    from focal_boost.xgboost._training import Training

    trainer = trainer_of("xgboost", "built-in", threads)
    data = trainer.data(X, y)
    built_in, ours = (trainer.library.Booster(trainer.params, [data]) for _ in range(2))
    training = Training(objective, reads_once=True)
    training.attach(ours)

    def update(booster: Any) -> Call:
        return lambda: booster.update(data, booster.num_boosted_rounds())

    return update(built_in), update(ours), training


def _lightgbm(X: Any, y: Any, threads: int, objective: Any) -> tuple[Call, Call, Any]:
    from focal_boost import lightgbm as focal_lightgbm

    trainer = trainer_of("lightgbm", "built-in", threads)
    data, kept = trainer.data(X, y), {"keep_training_booster": True}
    built_in = trainer.library.train(trainer.params, data, 1, **kept)
    ours = focal_lightgbm.train(trainer.params, data, 1, objective=objective, **kept)
    return built_in.update, ours.update, ours._training
