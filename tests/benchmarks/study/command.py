"""What the study's commands share: options, settings, how they run, what they write."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from benchmarks.measured import Record, markdown
from benchmarks.options import PROJECT, Parser, exit_code, integer, processors
from benchmarks.study.records import Key, Records, record_of
from benchmarks.study.sets import Plan, binary_sets, fold_of
from focal_boost._adapter.progress import progress

LIBRARIES = ("xgboost", "lightgbm")
#: The texts and tables that are printed, and the tables that are written, by name.
Report = tuple[list[str | pd.DataFrame], dict[str, pd.DataFrame]]


@dataclass(frozen=True)
class Study:
    """A command: what it fits, and what it tells."""

    prog: str
    text: str | None
    plan: type[Plan]
    #: What a quick run changes in the plan.
    quick: dict[str, Any]
    #: From the sets' numbers of rows: the keys of all pieces of work, each on one fold.
    pieces: Callable[[dict[str, int], Any], Iterable[list[Key]]]
    #: From the keys of a piece that are missing: their records, perhaps of more.
    fitted: Callable[[list[Key], Any], list[Record]]
    report: Callable[[pd.DataFrame, Any], Report]
    #: Of the report, and the files of the records and of what they depend on.
    name: str
    fits: str
    settings: str


def run(study: Study, argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = _parser(study.prog, study.text).parse_args(argv)
    return exit_code(study.prog, lambda: _run(study, given), ValueError)


def each(
    fit: Callable[[Key, Any, Any], tuple[Any, int]], keys: list[Key], plan: Plan
) -> list[Record]:
    """Make the fits of a fold one after the other: each its log-odds and rounds."""
    fold, found = fold_of(keys[0], plan), []
    for key in keys:
        begin = time.perf_counter()
        log_odds, rounds = fit(key, fold, plan)
        seconds = time.perf_counter() - begin
        found.append(record_of(key, fold.test, log_odds, rounds, seconds))
    return found


def missing(pieces: Iterable[list[Key]], done: set[Key]) -> list[list[Key]]:
    """Return what is not done of the pieces of which something is not."""
    left = ([key for key in keys if key not in done] for keys in pieces)
    return [keys for keys in left if keys]


def _parser(prog: str, text: str | None) -> Parser:
    parser = Parser(prog, text)
    add = parser.add
    add("--data", Path, PROJECT.parent / "shared/data", "folder of the sets")
    add("--out", Path, PROJECT / "build/study", "for the fits and the report")
    add("--tables", Path, None, "for the report instead of --out")
    add("--jobs", integer(1), processors(), "processes of one thread each")
    add("--seed", integer(0), 0, "of samples and splits")
    flag = "two small sets and a small plan, in about a minute"
    parser.add_argument("--quick", action="store_true", help=flag)
    flag = "no fits, only the report"
    parser.add_argument("--report", action="store_true", help=flag)
    return parser


def _run(study: Study, given: argparse.Namespace) -> None:
    plan = study.plan(given.data, given.out, given.seed)
    if given.quick:
        plan = replace(plan, **study.quick)
    pieces = [] if given.report else list(study.pieces(_sets(given), plan))
    given.out.mkdir(parents=True, exist_ok=True)
    _check_settings(plan, given.out / study.settings)
    records = Records(given.out / study.fits)
    if left := missing(pieces, records.keys):
        _make(left, study.fitted, plan, records, given.jobs)
    if not records.all:
        raise ValueError("--out must hold fits to report, got none")
    found = study.report(pd.DataFrame(records.all), plan)
    print(_written(*found, given.tables or given.out, study.name))


def _sets(given: argparse.Namespace) -> dict[str, int]:
    sets = binary_sets(given.data)
    fewest = sorted(sets.items(), key=lambda item: item[1])[:2]
    return dict(fewest) if given.quick else sets


def _check_settings(plan: Plan, path: Path) -> None:
    """Remember what the fits depend on, and refuse to mix them with others."""
    places = ("data", "out")
    wanted = {key: value for key, value in asdict(plan).items() if key not in places}
    wanted["versions"] = {name: version(name) for name in LIBRARIES}
    text = json.dumps(wanted, indent=1) + "\n"
    if not path.exists():
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        raise ValueError(
            f"--out must be a new folder for other settings, got {path.parent}, whose"
            f" {path.name} differs"
        )


def _make(left: Any, fitted: Any, plan: Plan, records: Records, jobs: int) -> None:
    """Do what is to be done, in processes, and record every piece when it is done."""
    # Batches of one: what is handed over is recorded at once.
    parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1)
    with progress(len(left), wanted=True, of="folds") as step:
        for found in parallel(delayed(fitted)(keys, plan) for keys in left):
            records.add(found)
            step(1)


def _written(parts: Any, tables: Any, folder: Path, name: str) -> str:
    """Write the report and the tables, and return the report."""
    text = "\n\n".join(
        one if isinstance(one, str) else markdown(one.to_dict("records"), _digits)
        for one in parts
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text + "\n", "utf-8")
    for file, table in tables.items():
        path = folder / f"{file}.csv"
        table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    return text + "\n"


def _digits(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
