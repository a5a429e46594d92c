"""What is measured: the kernel, a training, its growth, and rounds in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

from competitors import BUILT_IN, KERNEL, METHODS, NUMPY, OURS, Competitor, select
from figures import differences, gradient_verdict, quality, ratios, summary
from launch import failure, interleaved
from samples import write_sample

Record = dict[str, Any]
GAMMAS = (0.0, 1.0, 2.0, 1.7)
_OF_CELL = ("ns_per_row", "of_focal")
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


@dataclass(frozen=True)
class Settings:
    """What the command was asked for; empty or None: each part's own."""

    rows: tuple[int, ...]
    rounds: tuple[int, ...]
    features: int | None
    prevalence: float
    threads: int
    repeats: int
    libraries: tuple[str, ...]
    only: tuple[str, ...]
    peers: Path
    timeout: float
    scratch: Path

    def of(self, part: str) -> tuple[Sequence[int], Sequence[int], int]:
        """Return a part's rows, rounds and features."""
        features = self.features or FEATURES[part]
        return self.rows or ROWS[part], self.rounds or ROUNDS[part], features

    def run(self, tasks: dict[str, Record]) -> dict[str, list[Record]]:
        return interleaved(tasks, self.repeats, self.peers, self.timeout)

    def sample(self, rows: int, features: int) -> Path:
        """Return the folder with these data, written at the first call."""
        folder = self.scratch / f"{rows}x{features}"
        if not folder.exists():
            write_sample(folder, rows, features, self.prevalence)
        return folder


def kernel(settings: Settings) -> list[Record]:
    """Return a record per competitor, threads, rows, type, gamma and link."""
    rows, _, _ = settings.of("kernel")
    names = [one for one in KERNEL if not settings.only or one in settings.only]
    wanted = [(name, 1) for name in names]
    if settings.threads > 1 and "objective" in names:
        wanted.append(("objective", settings.threads))
    tasks = {
        f"{name}, {threads} threads": {
            "action": "kernel",
            "competitor": name,
            "threads": threads,
            "rows": rows,
            "gammas": GAMMAS,
        }
        for name, threads in wanted
    }
    records: list[Record] = []
    for key, results in settings.run(tasks).items():
        records += _kernel_records(tasks[key], results)
    _compare_cells(records)
    return records


def _kernel_records(task: Record, results: list[Record]) -> list[Record]:
    who = {"competitor": task["competitor"], "threads": task["threads"]}
    error = failure(results)
    if error is not None:
        return [{**who, "error": error}]
    records = []
    for cells in zip(*(one["cells"] for one in results), strict=True):
        where = {key: cells[0][key] for key in ("rows", "dtype", "gamma", "link")}
        found = {
            key: summary([cell[key] for cell in cells]) if key in cells[0] else None
            for key in _OF_CELL
        }
        records.append({**who, "error": None, **where, **found})
    return records


def column_of(record: Record) -> str:
    """Return what a kernel's record is of: the two links of "kernel" are two."""
    name, link = record["competitor"], record["link"]
    return f"{name} {link}" if name == "kernel" else str(name)


def _compare_cells(records: list[Record]) -> None:
    """Add each record's ratios to NumPy's and to the copy's."""
    sound = [one for one in records if one["error"] is None]
    found = {(_cell(one), one["competitor"]): one["ns_per_row"] for one in sound}
    for one in sound:
        for base in (NUMPY, "copy"):
            times = found.get((_cell(one), base))
            ratio = None if times is None else ratios(one["ns_per_row"], times)
            one[f"of_{base}"] = ratio


def _cell(record: Record) -> tuple[Any, ...]:
    return record["rows"], record["dtype"], record["gamma"]


def training(settings: Settings) -> Record:
    """Return the records of all competitors for the first rows and rounds."""
    rows, rounds, features = settings.of("training")
    competitors = select(settings.libraries, settings.only, METHODS)
    return _point(settings, competitors, rows[0], rounds[0], features)


def growth(settings: Settings) -> Record:
    """Return the records for all rows, and for all rounds with the first rows."""
    rows, rounds, features = settings.of("growth")
    competitors = select(settings.libraries, settings.only, (BUILT_IN, OURS, NUMPY))
    if not settings.only:
        competitors = [one for one in competitors if one.environment is None]
    points = [(n, rounds[0]) for n in rows] + [(rows[0], k) for k in rounds[1:]]
    measured = {
        (n, k): _point(settings, competitors, n, k, features)
        for n, k in sorted(set(points))
    }
    return {
        "rows": [measured[n, rounds[0]] for n in sorted(set(rows))],
        "rounds": [measured[rows[0], k] for k in sorted(set(rounds))],
    }


def _point(
    settings: Settings,
    competitors: list[Competitor],
    rows: int,
    rounds: int,
    features: int,
) -> Record:
    data = settings.sample(rows, features)
    tasks = {
        one.name: {
            "action": "train",
            "competitor": one.name,
            "library": one.library,
            "method": one.method,
            "threads": settings.threads,
            "rounds": rounds,
            "data": str(data),
            "raw_scores": str(data / f"{one.library}-{one.method}.npy"),
        }
        for one in competitors
    }
    results = settings.run(tasks)
    records = [
        _training_record(one, tasks[one.name], results[one.name], rows)
        for one in competitors
    ]
    _compare_libraries(records)
    where = {"rows": rows, "rounds": rounds, "features": features}
    return {**where, "competitors": records}


def _training_record(
    one: Competitor, task: Record, results: list[Record], rows: int
) -> Record:
    who = {"name": one.name, "library": one.library, "method": one.method}
    error = failure(results)
    if error is not None:
        return {**who, "error": error}
    each = rows * task["rounds"]
    extra = [(r["bytes_peak"] - r["bytes_before"]) / rows for r in results]
    raw_scores = Path(task["raw_scores"])
    return {
        **who,
        "error": None,
        **{key: summary([r[key] for r in results]) for key in _OF_TRAINING},
        "ns_per_row_and_round": summary([r["seconds"] / each * 1e9 for r in results]),
        "extra_bytes_per_row": summary(extra),
        "leaves": results[0]["leaves"],
        **quality(raw_scores, raw_scores.with_name("y_test.npy")),
        "derivatives": gradient_verdict(one, results[0]["gradients"]),
        "versions": results[0]["versions"],
    }


def _compare_libraries(records: list[Record]) -> None:
    """Add time and memory beside the built-in loss of the same library."""
    sound = [one for one in records if one["error"] is None]
    built_in = {one["library"]: one for one in sound if one["method"] == BUILT_IN}
    for one in sound:
        base = built_in.get(one["library"])
        for key, compare, of in (
            ("of_built_in", ratios, "seconds"),
            ("cpu_of_built_in", ratios, "cpu_seconds"),
            ("bytes_per_row_over_built_in", differences, "extra_bytes_per_row"),
        ):
            one[key] = None if base is None else compare(one[of], base[of])


def rounds(settings: Settings) -> list[Record]:
    """Return a record per library, gamma and threads: rounds of either loss in turn."""
    rows, number, features = settings.of("round")
    data = str(settings.sample(rows[0], features))
    records = []
    for one in select(settings.libraries, (OURS,), ()):
        for gamma in (0.0, 1.0):
            tasks = {
                f"{one.library}, gamma {gamma:g}, {threads} threads": {
                    "action": "round",
                    "competitor": one.name,
                    "library": one.library,
                    "gamma": gamma,
                    "threads": threads,
                    "rounds": number[0],
                    "data": data,
                }
                for threads in sorted({1, settings.threads})
            }
            found = list(zip(tasks.values(), settings.run(tasks).values(), strict=True))
            measured = [_round_record(*pair, rows[0], features) for pair in found]
            _predict(measured)
            records += measured
    return records


def _round_record(
    task: Record, results: list[Record], rows: int, features: int
) -> Record:
    who = {key: task[key] for key in ("library", "gamma", "threads")}
    who |= {"rows": rows, "features": features}
    error = failure(results)
    if error is not None:
        return {**who, "error": error}
    medians = [
        {key: median(values) for key, values in one.items()}
        | {"ratio": median(map(truediv, one["ours"], one["built_in"]))}
        for one in results
    ]
    found = {key: summary([one[key] for one in medians]) for key in medians[0]}
    return {**who, "error": None, "ms": found, "ratio": found.pop("ratio")}


def _predict(records: list[Record]) -> None:
    """Add the ratio with more threads, if what did not shrink so far never does.

    Of a round on one and on k threads T(k) = serial + parallel/k.
    """
    if len(records) != 2 or any(one["error"] for one in records):
        return
    one, several = records
    k = several["threads"]

    def time_on(threads: int, key: str) -> float:
        first, last = (each["ms"][key]["median"] for each in (one, several))
        parallel = (first - last) * k / (k - 1)
        return float(first - parallel + parallel / threads)

    several["predicted"] = {
        threads: time_on(threads, "ours") / time_on(threads, "built_in")
        for threads in (4, 16, 64)
        if time_on(threads, "built_in") > 0
    }


PARTS = {"kernel": kernel, "training": training, "growth": growth, "round": rounds}
