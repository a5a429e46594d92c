"""What the study's commands share: their options, their settings, and how they run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from progress import Progress
from records import Record, Records

# What all benchmarks share stands one folder up.
sys.path.append(str(Path(__file__).resolve().parents[1]))
import options

LIBRARIES = ("xgboost", "lightgbm")
_PROJECT = Path(__file__).resolve().parents[3]


def parser_of(prog: str, description: str | None) -> argparse.ArgumentParser:
    """Return the options of the study's commands."""
    parser = options.Parser(prog, description)
    add = parser.add_argument
    add("--data", type=Path, default=_PROJECT.parent / "shared/data", metavar="DIR",
        help="folder of the sets (default: ../shared/data)")  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/study", metavar="DIR",
        help="for the fits and the report (default: build/study)")  # fmt: skip
    add("--tables", type=Path, metavar="DIR", help="for the report instead of --out")
    add("--jobs", type=options.integer(1), default=options.processors(), metavar="N",
        help="processes of one thread each (default: %(default)s)")  # fmt: skip
    add("--seed", type=options.integer(0), default=0, metavar="N",
        help="of samples and splits (default: %(default)s)")  # fmt: skip
    add("--quick", action="store_true",
        help="two small sets and a small plan, in about a minute")  # fmt: skip
    add("--report", action="store_true", help="no fits, only the report")
    return parser


def exit_code(prog: str, run: Callable[[], None]) -> int:
    """Return the exit code of a run; bad input is one sentence."""
    return options.exit_code(prog, run, ValueError)


def check_settings(plan: Any, fields: Sequence[str], path: Path) -> None:
    """Remember what the fits depend on, and refuse to mix them with others."""
    wanted = asdict(plan)
    wanted = {key: wanted[key] for key in fields}
    wanted["versions"] = {name: version(name) for name in LIBRARIES}
    text = json.dumps(wanted, indent=1) + "\n"
    if not path.exists():
        path.write_text(text, "utf-8")
    elif path.read_text("utf-8") != text:
        raise ValueError(
            f"--out must be a new folder for other settings, got {path.parent}, whose"
            f" {path.name} differs"
        )


def make(
    name: str,
    todo: Iterable[Any],
    work: Callable[[Any, Any], list[Record]],
    plan: Any,
    records: Records,
    given: argparse.Namespace,
) -> None:
    """Do what is to be done, in processes, and record every piece when it is done."""
    left = list(todo)
    # Batches of one: what is handed over is recorded at once.
    parallel = Parallel(given.jobs, return_as="generator_unordered", batch_size=1)
    with Progress(name, len(left)) as progress:
        for found in parallel(delayed(work)(one, plan) for one in left):
            records.add(found)
            progress.advance(1, found[-1]["set"])
