"""What is measured on a CUDA device: kernel, its accuracy, uploads and trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from child_gpu_train import RESIDENT
from competitors import BUILT_IN, NUMPY, OURS
from figures import differences, quality, ratios, summary
from launch import failure
from parts import GAMMAS, Record, Settings

from focal_boost.links import LINKS

METHODS = (BUILT_IN, NUMPY, OURS, RESIDENT)
ACCURACY_ROWS = 10**6
_OF_CELL = ("bytes_per_second", "copy_bytes_per_second", "call_seconds")

Part = Callable[[Settings, tuple[int, ...]], list[Record]]


def kernel(settings: Settings, kernel_rows: tuple[int, ...]) -> list[Record]:
    """Return a record per number of rows and objective, with weights and without."""
    task = {"rows": kernel_rows, "links": LINKS, "gammas": GAMMAS}
    results = _alone(settings, "gpu_kernel", task)
    error = failure(results)
    if error is not None:
        return [{"error": error}]
    return kernel_records(results)


def kernel_records(results: list[Record]) -> list[Record]:
    """Return the records of all repetitions, with the shares of the copy's speed."""
    records = []
    for cells in zip(*(one["cells"] for one in results), strict=True):
        where = ("rows", "weighted", "link", "gamma", "bytes_per_row")
        found = {key: summary([one[key] for one in cells]) for key in _OF_CELL}
        share = ratios(found["bytes_per_second"], found["copy_bytes_per_second"])
        kept = {key: cells[0][key] for key in where}
        records.append({"error": None, **kept, **found, "share_of_copy": share})
    return records


def accuracy(settings: Settings, _: tuple[int, ...]) -> list[Record]:
    """Return a record per objective, with the largest errors of all repetitions."""
    task = {"rows": ACCURACY_ROWS, "links": LINKS, "gammas": GAMMAS}
    results = _alone(settings, "gpu_accuracy", task)
    error = failure(results)
    if error is not None:
        return [{"error": error}]
    groups = zip(*(one["cells"] for one in results), strict=True)
    return [
        {"error": None, **{key: max(one[key] for one in cells) for key in cells[0]}}
        for cells in groups
    ]


def upload(settings: Settings, _: tuple[int, ...]) -> list[Record]:
    """Return a record per kind of memory that the raw scores come from."""
    results = _alone(settings, "gpu_upload", {"rows": settings.rows[0]})
    error = failure(results)
    if error is not None:
        return [{"error": error}]
    return upload_records(results, settings.rows[0])


def upload_records(results: list[Record], rows: int) -> list[Record]:
    """Return times, speeds and ratios to pageable memory, by kind of memory."""
    times = {
        kind: summary([one["seconds"][kind] for one in results])
        for kind in results[0]["seconds"]
    }
    return [
        {
            "error": None,
            "kind": kind,
            "rows": rows,
            "seconds": seconds,
            "bytes_per_second": summary([4 * rows / s for s in seconds["values"]]),
            "of_pageable": ratios(seconds, times["pageable"]),
        }
        for kind, seconds in times.items()
    ]


def training(settings: Settings, _: tuple[int, ...]) -> list[Record]:
    """Return a record per competitor."""
    data = settings.sample(settings.rows[0], settings.features or 28)
    tasks = {
        f"xgboost/{method}": {
            "action": "gpu_train",
            "competitor": f"xgboost/{method}",
            "method": method,
            "threads": settings.threads,
            "rounds": settings.rounds[0],
            "data": str(data),
            "raw_scores": str(data / f"{method}.npy"),
        }
        for method in METHODS
        if not settings.only or method in settings.only
    }
    results = settings.run(tasks)
    records = [_training_record(task, results[key]) for key, task in tasks.items()]
    compare_trainings(records)
    return records


def _training_record(task: Record, results: list[Record]) -> Record:
    error = failure(results)
    if error is not None:
        return {"method": task["method"], "error": error}
    seconds = [one["seconds"] for one in results]
    raw_scores = Path(task["raw_scores"])
    return {
        "method": task["method"],
        "error": None,
        "seconds": summary(seconds),
        "ms_per_round": summary([s / task["rounds"] * 1e3 for s in seconds]),
        "device_bytes_peak": summary([one["device_bytes_peak"] for one in results]),
        **quality(raw_scores, raw_scores.with_name("y_test.npy")),
    }


def compare_trainings(records: list[Record]) -> None:
    """Add each record's time and memory beside the built-in loss's."""
    sound = {one["method"]: one for one in records if one["error"] is None}
    base = sound.get(BUILT_IN)
    for one in sound.values():
        for key, compare, of in (
            ("of_built_in", ratios, "seconds"),
            ("bytes_over_built_in", differences, "device_bytes_peak"),
        ):
            one[key] = None if base is None else compare(one[of], base[of])


def _alone(settings: Settings, action: str, task: Record) -> list[Record]:
    """Return the repetitions of one task that has no competitor."""
    who = {"action": action, "competitor": action, "threads": settings.threads}
    return settings.run({action: {**who, **task}})[action]


PARTS: dict[str, Part] = {
    "kernel": kernel,
    "accuracy": accuracy,
    "upload": upload,
    "training": training,
}
