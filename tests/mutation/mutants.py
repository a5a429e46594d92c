"""Change the package in one place at a time, and see whether the tests notice.

Run ``python tests/mutation/mutants.py --sample 300``. Cosmic Ray makes the mutants;
``mutants.toml`` says which ones, of which files, and which tests are run on each. What
is changed is a copy: a folder per worker, with a cache of compiled kernels of its own.
A session keeps the sources that it began with: the same command goes on after an
interruption, and ``--again`` tries the survivors when there are better tests.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkItem, WorkResult
from forked import SETTINGS, prepare, tested
from unchanged import unchanged

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "focal_boost"
SKIPPED = WorkResult(WorkerOutcome.SKIPPED)


def tests_of(module: str) -> str:
    """Return the test files for a module, those of the longest prefix of its path."""
    tests = SETTINGS["tests"]
    return tests[max((one for one in tests if module.startswith(one)), key=len)]


def modules_of(package: Path) -> list[Path]:
    """Return the files that are mutated, relative to the folder of the package."""
    found = {
        file.relative_to(package.parent)
        for pattern in SETTINGS["modules"]
        for file in package.parent.glob(pattern)
    }
    return sorted(found)


def begin(db: WorkDB, package: Path, sample: int | None, seed: int) -> None:
    """Draw the mutants of a session; those that were not drawn are skipped."""
    os.chdir(package.parent)
    modules = modules_of(package)
    init(modules, db, {})
    kept, no_use = SETTINGS["operators"], {m: unchanged(m) for m in modules}
    items = sorted(db.work_items, key=place)
    sound = [
        item
        for item in items
        for change in item.mutations
        if change.operator_name.removeprefix("core/") in kept
        and change.start_pos not in no_use[change.module_path]
    ]
    number = len(sound)
    random.Random(seed).shuffle(sound)
    drawn = {item.job_id for item in sound[:sample]}
    rest = [item.job_id for item in items if item.job_id not in drawn]
    db.set_multiple_results(rest, SKIPPED)
    print(f"{len(drawn)} of {number} mutants in {len(modules)} files", flush=True)


def place(item: WorkItem) -> tuple:
    """Return where a mutant stands, which is the same in every session."""
    (change,) = item.mutations
    path = change.module_path.as_posix()
    return path, change.start_pos, change.operator_name, change.occurrence


def settle(package: Path, folder: Path) -> None:
    """Go to a copy of the project that is this worker's own."""
    copy = folder / f"worker-{os.getpid()}"
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if not name.startswith(f"{PACKAGE}/") and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    shutil.copytree(package, copy / PACKAGE)
    os.chdir(copy)
    # What is left alone after an interruption ends too, and none takes all the memory.
    resource.setrlimit(resource.RLIMIT_CPU, (3600, 3600))
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    os.environ |= {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    prepare(copy)


def check_sound(modules: list[str]) -> str:
    """Return what the tests say against the package as it is; nothing if all pass."""
    files = dict.fromkeys(" ".join(map(tests_of, modules)).split())
    outcome, output = tested(" ".join(files), 3600, "kernels")
    return "" if outcome == TestOutcome.SURVIVED else output


def tried(item: WorkItem) -> WorkResult:
    """Return what the tests say of a mutant; a hanging one is killed."""
    (change,) = item.mutations
    path = change.module_path
    before, operator = path.read_text("utf-8"), get_operator(change.operator_name)
    kept, is_kernel = path.stat(), "_kernels" in path.parts
    with use_mutation(path, operator(), change.occurrence) as (_, after):
        tests, seconds = tests_of(path.as_posix()), SETTINGS["seconds"]
        # What is compiled of a changed kernel is of no use to others.
        outcome, output = tested(tests, seconds, "changed" if is_kernel else "kernels")
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    shutil.rmtree("changed", ignore_errors=True)
    lines = before.splitlines(), after.splitlines()
    diff = "\n".join(difflib.unified_diff(*lines, n=0, lineterm=""))
    return WorkResult(WorkerOutcome.NORMAL, output, outcome, diff)


def run(
    db: WorkDB, items: list[WorkItem], package: Path, jobs: int, *, check: bool
) -> None:
    """Try mutants on several workers, and keep every result as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        given = package, Path(folder)
        with ProcessPoolExecutor(jobs, initializer=settle, initargs=given) as workers:
            modules = [item.mutations[0].module_path.as_posix() for item in items]
            wrong = check and workers.submit(check_sound, modules).result()
            if wrong:
                sys.exit(f"Tests fail although nothing is mutated:\n{wrong}")
            pending = {workers.submit(tried, item): item for item in items}
            try:
                for number, future in enumerate(as_completed(pending), 1):
                    item, result = pending[future], future.result()
                    db.set_result(item.job_id, result)
                    print(f"{number}/{len(items)} {line(item, result)}", flush=True)
            except BaseException:
                workers.shutdown(cancel_futures=True)
                raise


def line(item: WorkItem, result: WorkResult) -> str:
    """Return one line about a mutant."""
    (change,) = item.mutations
    where = f"{change.module_path.as_posix()}:{change.start_pos[0]}"
    name = change.operator_name.removeprefix("core/")
    return f"{outcome_of(result)} {where} {name} {change.occurrence} {killer(result)}"


def outcome_of(result: WorkResult) -> str:
    """Return "killed", "timeout", "survived" or "incompetent"."""
    is_late = result.output == "timeout"
    return "timeout" if is_late else str(result.test_outcome.value)


def killer(result: WorkResult) -> str:
    """Return the test that failed, if any."""
    lines = (result.output or "").splitlines()
    failed = (one for one in lines if one.startswith(("FAILED ", "ERROR ")))
    return next(failed, "").partition(" - ")[0]


def report(db: WorkDB) -> None:
    """Print the survivors' changes, and how many there are of each file."""
    done = [
        (item, result)
        for item, result in sorted(db.completed_work_items, key=lambda x: place(x[0]))
        if result.worker_outcome != WorkerOutcome.SKIPPED
    ]
    counts: dict[str, Counter] = {}
    for item, result in done:
        outcome = outcome_of(result)
        for name in (item.mutations[0].module_path.as_posix(), "total"):
            counts.setdefault(name, Counter())[outcome] += 1
        if outcome in {"survived", "incompetent"}:
            print(line(item, result))
            changed = (result.diff or "").splitlines()[3:]
            print("\n".join(changed), end="\n\n")
    print("\nkilled timeout survived incompetent")
    order = ("killed", "timeout", "survived", "incompetent")
    for name, of in counts.items():
        print(*(f"{of[one]:>7}" for one in order), f"  {name}")


def options() -> argparse.Namespace:
    """Return what the caller asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--session", type=Path, default=ROOT / "build" / "mutants")
    parser.add_argument("--sample", type=int, help="so many mutants; else all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="files whose path has this in it")
    parser.add_argument("--again", action="store_true", help="try survivors again")
    parser.add_argument("--unchecked", action="store_true", help="believe the tests")
    parser.add_argument("--report", action="store_true", help="only print the results")
    return parser.parse_args()


def main() -> None:
    """Begin a session or go on with it, and report."""
    asked = options()
    session = asked.session.resolve()
    package = session / PACKAGE
    fresh = not package.exists()
    if fresh:
        session.mkdir(parents=True, exist_ok=True)
        ignored = shutil.ignore_patterns("__pycache__", "*.nb?")
        shutil.copytree(ROOT / PACKAGE, package, ignore=ignored)
    with use_db(session / "results.sqlite") as db:
        if fresh:
            begin(db, package, asked.sample, asked.seed)
        items = list(db.pending_work_items)
        if asked.again:
            done = db.completed_work_items
            items += [i for i, r in done if r.test_outcome == TestOutcome.SURVIVED]
        if not asked.report:
            chosen = [i for i in items if asked.only in str(i.mutations[0].module_path)]
            chosen.sort(key=place)
            # However far it comes, what is done is a sample.
            random.Random(asked.seed).shuffle(chosen)
            run(db, chosen, package, asked.jobs, check=not asked.unchecked)
        report(db)


if __name__ == "__main__":
    main()
