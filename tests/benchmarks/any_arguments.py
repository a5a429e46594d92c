"""Any arguments, for as long as it takes: ``tests/test_torture.py`` at length.

Run ``python tests/benchmarks/any_arguments.py``: 2,000,000 calls, a thousand a second
on each core that has nothing else to do. ``--calls`` sets another number, ``--seed``
other arguments, ``--processes`` other cores. What breaks a promise is printed, made as
small as Hypothesis can, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import torture
from hypothesis import HealthCheck, given, seed, settings

from focal_boost._adapter.progress import progress

#: Examples of a chunk, each with a seed of its own.
_CHUNK = 400


def chunk(number: int) -> tuple[int, str]:
    """Return the calls of one chunk, and what went wrong in it."""
    before = torture.calls
    long = settings(
        max_examples=_CHUNK,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    try:
        seed(number)(long(given(torture.cases())(torture.check)))()
    except Exception:  # noqa: BLE001, RUF100 - told where all chunks come together
        return torture.calls - before, traceback.format_exc()
    return torture.calls - before, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    done = failed = 0
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(asked.processes) as pool,
        progress(asked.calls, wanted=True, of="calls") as step,
    ):
        for calls, wrong in pool.imap_unordered(chunk, itertools.count(asked.seed)):
            done += calls
            failed += bool(wrong)
            step(calls)
            if wrong:
                print(wrong, flush=True)
            if done >= asked.calls:
                pool.terminate()
                break
    print(f"{done:,} calls, {failed} chunks of {_CHUNK} arguments with a failure")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
