"""What bench.py measures: the kernel, a training, its growth, and rounds in turn."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.competitors import (
    BUILT_IN,
    KERNEL,
    METHODS,
    NUMPY,
    OURS,
    Competitor,
    select,
)
from benchmarks.measured import Columns, Record, differences, ratios, summary
from benchmarks.processes import failure, interleaved
from benchmarks.samples import write_sample
from benchmarks.worth import derivatives, quality

GAMMAS = (0.0, 1.0, 2.0, 1.7)
PREDICTED = (4, 16, 64)
_OF_TRAINING = ("seconds", "cpu_seconds", "first_call_seconds", "bytes_peak")
#: Rows, rounds and features of each part, where the command does not say otherwise.
ROWS = {
    "kernel": (10**4, 10**5, 10**6, 10**7),
    "training": (10**5,),
    "growth": (10**5, 10**6),
    "round": (10**6,),
}
ROUNDS = {"kernel": (), "training": (100,), "growth": (50, 10, 200), "round": (50,)}
FEATURES = {"kernel": 10, "training": 10, "growth": 10, "round": 28}

Given = argparse.Namespace


def sizes(given: Given, part: str) -> tuple[Sequence[int], Sequence[int], int]:
    """Return a part's rows, rounds and features."""
    features = given.features or FEATURES[part]
    return given.rows or ROWS[part], given.rounds or ROUNDS[part], features


def run(given: Given, tasks: dict[str, Record]) -> dict[str, list[Record]]:
    """Run tasks in turn, and return the results of each."""
    return interleaved(tasks, given.repeats, given.peers, given.timeout)


def sample(given: Given, rows: int, features: int) -> Path:
    """Return the folder with these data, written at the first call."""
    folder = Path(given.scratch) / f"{rows}x{features}"
    if not folder.exists():
        write_sample(folder, rows, features, given.prevalence)
    return folder


def kernel(given: Given) -> list[Record]:
    """Return a record per competitor, threads, rows, type, gamma and link."""
    rows, _, _ = sizes(given, "kernel")
    names = [one for one in KERNEL if not given.only or one in given.only]
    wanted = [(name, 1) for name in names]
    if given.threads > 1 and "objective" in names:
        wanted.append(("objective", given.threads))
    tasks = {
        f"{name}, {threads} threads": {
            "action": "on_cpu.kernel", "competitor": name, "threads": threads,
            "rows": rows, "gammas": GAMMAS,
        }
        for name, threads in wanted
    }  # fmt: skip
    records: list[Record] = []
    for key, results in run(given, tasks).items():
        records += _kernel_records(tasks[key], results)
    _compare_cells(records)
    return records


def _kernel_records(task: Record, results: list[Record]) -> list[Record]:
    who = {"name": task["competitor"], "threads": task["threads"]}
    error = failure(results)
    if error is not None:
        return [{**who, "error": error}]
    records = []
    for cells in zip(*(one["cells"] for one in results), strict=True):
        where = {key: cells[0][key] for key in ("rows", "dtype", "gamma", "link")}
        found = {
            key: summary([cell[key] for cell in cells]) if key in cells[0] else None
            for key in ("ns_per_row", "of_focal")
        }
        records.append({**who, "error": None, **where, **found})
    return records


def _compare_cells(records: list[Record]) -> None:
    """Add each record's ratios to NumPy's and to the copy's."""
    sound = [one for one in records if one["error"] is None]
    found = {(_cell(one), one["name"]): one["ns_per_row"] for one in sound}
    for one in sound:
        for base in (NUMPY, "copy"):
            times = found.get((_cell(one), base))
            ratio = None if times is None else ratios(one["ns_per_row"], times)
            one[f"of_{base}"] = ratio


def _cell(record: Record) -> tuple[Any, ...]:
    return record["rows"], record["dtype"], record["gamma"]


def training(given: Given) -> list[Record]:
    """Return the records of all competitors for the first rows and rounds."""
    rows, number, features = sizes(given, "training")
    competitors = select(given.library, given.only, METHODS)
    return point(given, competitors, rows[0], number[0], features)


def growth(given: Given) -> list[Record]:
    """Return the records for all rows, and for all rounds with the first rows."""
    rows, number, features = sizes(given, "growth")
    competitors = select(given.library, given.only, (BUILT_IN, OURS, NUMPY))
    if not given.only:
        competitors = [one for one in competitors if one.environment is None]
    points = [(n, number[0]) for n in rows] + [(rows[0], k) for k in number[1:]]
    records = [
        one
        for n, k in sorted(set(points))
        for one in point(given, competitors, n, k, features)
    ]
    return sorted(records, key=lambda one: one["name"])


def point(
    given: Given, competitors: list[Competitor], rows: int, rounds: int, features: int
) -> list[Record]:
    """Return a record per competitor."""
    data = sample(given, rows, features)
    tasks = {
        one.name: {
            "action": "on_cpu.train", "competitor": one.name, "library": one.library,
            "method": one.method, "threads": given.threads, "rounds": rounds,
            "data": str(data),
            "raw_scores": str(data / f"{one.library}-{one.method}.npy"),
        }
        for one in competitors
    }  # fmt: skip
    results = run(given, tasks)
    where = {"rows": rows, "rounds": rounds, "features": features}
    records = [
        {"name": one.name, "library": one.library, "method": one.method, **where}
        | _training_record(one, tasks[one.name], results[one.name], rows)
        for one in competitors
    ]
    compare_with_built_in(records, {
        "of_built_in": (ratios, "seconds"),
        "cpu_of_built_in": (ratios, "cpu_seconds"),
        "bytes_per_row_over_built_in": (differences, "extra_bytes_per_row"),
    })  # fmt: skip
    return records


def _training_record(
    one: Competitor, task: Record, results: list[Record], rows: int
) -> Record:
    error = failure(results)
    if error is not None:
        return {"error": error}
    each = rows * task["rounds"]
    extra = [(r["bytes_peak"] - r["bytes_before"]) / rows for r in results]
    return {
        "error": None,
        **{key: summary([r[key] for r in results]) for key in _OF_TRAINING},
        "ns_per_row_and_round": summary([r["seconds"] / each * 1e9 for r in results]),
        "extra_bytes_per_row": summary(extra),
        "leaves": results[0]["leaves"],
        **quality(Path(task["raw_scores"])),
        **derivatives(one, results[0]["gradients"]),
        "versions": results[0]["versions"],
    }


def compare_with_built_in(records: list[Record], added: dict[str, Any]) -> None:
    """Add what stands beside the built-in loss of the same library.

    `added` has by name how two summaries are compared, and of what.
    """
    sound = [one for one in records if one["error"] is None]
    built_in = {one["library"]: one for one in sound if one["method"] == BUILT_IN}
    for one in sound:
        base = built_in.get(one["library"])
        for key, (compare, of) in added.items():
            one[key] = None if base is None else compare(one[of], base[of])


def rounds(given: Given) -> list[Record]:
    """Return a record per library, gamma and threads: rounds of either loss in turn."""
    rows, number, features = sizes(given, "round")
    data = str(sample(given, rows[0], features))
    records = []
    for one in select(given.library, (OURS,), ()):
        for gamma in (0.0, 1.0):
            who = {"library": one.library, "gamma": gamma}
            tasks = {
                f"{one.library}, gamma {gamma:g}, {threads} threads": {
                    "action": "on_cpu.rounds", "competitor": one.name, **who,
                    "threads": threads, "rounds": number[0], "data": data,
                }
                for threads in sorted({1, given.threads})
            }  # fmt: skip
            measured = [
                {"name": name, **who, "threads": tasks[name]["threads"],
                 "rows": rows[0], "features": features, **_round_record(results)}
                for name, results in run(given, tasks).items()
            ]  # fmt: skip
            predict(measured)
            records += measured
    return records


def _round_record(results: list[Record]) -> Record:
    error = failure(results)
    if error is not None:
        return {"error": error}
    medians = [
        {key: median(values) for key, values in one.items()}
        | {"ratio": median(map(truediv, one["ours"], one["built_in"]))}
        for one in results
    ]
    found = {key: summary([one[key] for one in medians]) for key in medians[0]}
    return {"error": None, **found}


def predict(records: list[Record]) -> None:
    """Add the ratio with more threads, if what did not shrink so far never does.

    Of a round on one and on k threads T(k) = serial + parallel/k.
    """
    if len(records) != 2 or any(one["error"] for one in records):
        return
    one, several = records
    k = several["threads"]

    def time_on(threads: int, key: str) -> float:
        first, last = (each[key]["median"] for each in (one, several))
        parallel = (first - last) * k / (k - 1)
        return float(first - parallel + parallel / threads)

    for threads in PREDICTED:
        base = time_on(threads, "built_in")
        ratio = time_on(threads, "ours") / base if base > 0 else None
        several[f"on {threads}, predicted"] = ratio


PARTS = {"kernel": kernel, "training": training, "growth": growth, "round": rounds}
_SIZE: Columns = {"": "name", "rows": "rows", "rounds": "rounds"}
_COSTS: Columns = {
    "seconds": "seconds", "of built-in": "of_built_in", "ns/row/round":
    "ns_per_row_and_round", "bytes/row": "extra_bytes_per_row",
    "over built-in": "bytes_per_row_over_built_in",
}  # fmt: skip
TABLES: dict[str, Columns] = {
    "kernel": {
        "": "name", "link": "link", "threads": "threads", "rows": "rows",
        "raw scores": "dtype", "gamma": "gamma", "ns/row": "ns_per_row",
        "of numpy": "of_numpy", "of copy": "of_copy", "of focal": "of_focal",
    },
    "training": {
        **_SIZE, **_COSTS, "CPU seconds": "cpu_seconds",
        "CPU of built-in": "cpu_of_built_in", "first call": "first_call_seconds",
        "leaves": "leaves", "AP": "average_precision", "log loss": "log_loss",
        "gradient": "gradient", "Hessian": "hessian",
    },
    "growth": {**_SIZE, **_COSTS},
    "round": {
        "": "library", "gamma": "gamma", "threads": "threads", "rows": "rows",
        "built-in, ms": "built_in", "ours, ms": "ours", "gradients, ms": "gradients",
        "of built-in": "ratio",
        **{f"on {n}, predicted": f"on {n}, predicted" for n in PREDICTED},
    },
}  # fmt: skip
