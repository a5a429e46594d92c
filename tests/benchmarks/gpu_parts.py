"""What gpu.py measures: kernel, its accuracy, uploads and trainings on the device."""

from __future__ import annotations

from argparse import Namespace as Given
from pathlib import Path

from benchmarks.competitors import BUILT_IN, NUMPY, OURS
from benchmarks.measured import Columns, Record, differences, ratios, summary
from benchmarks.on_gpu import RESIDENT
from benchmarks.parts import GAMMAS, compare_with_built_in, run, sample
from benchmarks.processes import failure
from benchmarks.worth import quality
from focal_boost.links import LINKS

METHODS = (BUILT_IN, NUMPY, OURS, RESIDENT)
ACCURACY_ROWS = 10**6
_OBJECTIVES: Record = {"links": LINKS, "gammas": GAMMAS}


def kernel(given: Given) -> list[Record]:
    """Return a record per number of rows and objective, with weights and without."""
    results = _alone(given, "kernel", {"rows": given.kernel_rows, **_OBJECTIVES})
    return failed(results) or kernel_records(results)


def kernel_records(results: list[Record]) -> list[Record]:
    """Return the records of all repetitions, with the shares of the copy's speed."""
    records = []
    for cells in zip(*(one["cells"] for one in results), strict=True):
        where = ("rows", "weighted", "link", "gamma", "bytes_per_row")

        def of(key: str, factor: float, cells: tuple[Record, ...] = cells) -> Record:
            return summary([one[key] * factor for one in cells])

        ours, copied = (of(f"{k}bytes_per_second", 1e-9) for k in ("", "copy_"))
        found = {"GB_per_second": ours, "copy_GB_per_second": copied,
                 "share_of_copy": ratios(ours, copied),
                 "call_us": of("call_seconds", 1e6)}  # fmt: skip
        records.append({"error": None, **{k: cells[0][k] for k in where}, **found})
    return records


def accuracy(given: Given) -> list[Record]:
    """Return a record per objective, with the largest errors of all repetitions."""
    results = _alone(given, "accuracy", {"rows": ACCURACY_ROWS, **_OBJECTIVES})
    if wrong := failed(results):
        return wrong
    groups = zip(*(one["cells"] for one in results), strict=True)
    return [
        {"error": None, **{key: max(one[key] for one in cells) for key in cells[0]}}
        for cells in groups
    ]


def upload(given: Given) -> list[Record]:
    """Return a record per kind of memory that the raw scores come from."""
    results = _alone(given, "upload", {"rows": given.rows})
    return failed(results) or upload_records(results, given.rows)


def upload_records(results: list[Record], rows: int) -> list[Record]:
    """Return times, speeds and ratios to pageable memory, by kind of memory."""
    times = {
        kind: summary([one["seconds"][kind] * 1e3 for one in results])
        for kind in results[0]["seconds"]
    }
    return [
        {
            "error": None, "name": kind, "rows": rows, "ms": ms,
            "GB_per_second": summary([4 * rows / 1e6 / one for one in ms["values"]]),
            "of_pageable": ratios(ms, times["pageable"]),
        }
        for kind, ms in times.items()
    ]  # fmt: skip


def training(given: Given) -> list[Record]:
    """Return a record per competitor."""
    data = sample(given, given.rows, given.features)
    tasks = {
        method: {
            "action": "on_gpu.train", "competitor": f"xgboost/{method}",
            "method": method, "threads": given.threads, "rounds": given.rounds,
            "data": str(data), "raw_scores": str(data / f"{method}.npy"),
        }
        for method in METHODS
        if not given.only or method in given.only
    }  # fmt: skip
    records = [
        {"name": method, "library": "xgboost", "method": method}
        | _training_record(tasks[method], results)
        for method, results in run(given, tasks).items()
    ]
    compare_trainings(records)
    return records


def _training_record(task: Record, results: list[Record]) -> Record:
    error = failure(results)
    if error is not None:
        return {"error": error}
    seconds = [one["seconds"] for one in results]
    return {
        "error": None,
        "seconds": summary(seconds),
        "ms_per_round": summary([s / task["rounds"] * 1e3 for s in seconds]),
        "device_MB": summary([one["device_bytes_peak"] / 1e6 for one in results]),
        **quality(Path(task["raw_scores"])),
    }


def compare_trainings(records: list[Record]) -> None:
    """Add each record's time and memory beside the built-in loss's."""
    compare_with_built_in(records, {
        "of_built_in": (ratios, "seconds"),
        "MB_over_built_in": (differences, "device_MB"),
    })  # fmt: skip


def failed(results: list[Record]) -> list[Record]:
    """Return the record of a failure, none where there is none."""
    error = failure(results)
    return [] if error is None else [{"error": error}]


def _alone(given: Given, action: str, task: Record) -> list[Record]:
    """Return the repetitions of one task that has no competitor."""
    who = {"action": f"on_gpu.{action}", "competitor": action, "threads": given.threads}
    return run(given, {action: {**who, **task}})[action]


PARTS = {
    "kernel": kernel, "accuracy": accuracy, "upload": upload, "training": training,
}  # fmt: skip
_OBJECTIVE: Columns = {"link": "link", "gamma": "gamma"}
TABLES: dict[str, Columns] = {
    "kernel": {
        "rows": "rows", **_OBJECTIVE,
        "weights": lambda one: "yes" if one["weighted"] else "no",
        "GB/s": "GB_per_second", "copy GB/s": "copy_GB_per_second",
        "of copy": "share_of_copy", "call, us": "call_us",
    },
    "accuracy": {
        **_OBJECTIVE, "gradient, ulps, largest": "gradient_largest",
        "mean": "gradient_mean", "Hessian, ulps, largest": "hessian_largest",
        "mean ": "hessian_mean",
    },
    "upload": {
        "from": "name", "ms": "ms", "GB/s": "GB_per_second",
        "of pageable": "of_pageable",
    },
    "training": {
        "": "name", "seconds": "seconds", "ms/round": "ms_per_round",
        "of built-in": "of_built_in", "device MB": "device_MB",
        "over built-in": "MB_over_built_in", "AP": "average_precision",
        "log loss": "log_loss",
    },
}  # fmt: skip
