"""What is measured: the kernel, a training, its growth, and a round's parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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
ROUNDS = {"kernel": (), "training": (100,), "growth": (50, 10, 200), "round": (10,)}
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
    """Return milliseconds of each step of a round, by library."""
    rows, number, features = settings.of("round")
    competitors = select(settings.libraries, (OURS,), ())
    tasks = {
        one.name: {
            "action": "round",
            "competitor": one.name,
            "library": one.library,
            "threads": settings.threads,
            "rounds": number[0],
            "data": str(settings.sample(rows[0], features)),
        }
        for one in competitors
    }
    return [
        _round_record(name, results, rows[0], features)
        for name, results in settings.run(tasks).items()
    ]


def _round_record(name: str, results: list[Record], rows: int, features: int) -> Record:
    who = {"name": name, "rows": rows, "features": features}
    error = failure(results)
    if error is not None:
        return {**who, "error": error}
    steps = {
        step: summary([one["ms_per_round"][step] for one in results])
        for step in results[0]["ms_per_round"]
    }
    total = summary([one["total_ms_per_round"] for one in results])
    return {**who, "error": None, "ms_per_round": {**steps, "total": total}}


PARTS = {"kernel": kernel, "training": training, "growth": growth, "round": rounds}
