"""Time and memory of focal loss beside the built-in losses, NumPy and other projects.

    python tests/benchmarks/bench.py --install-peers
    python tests/benchmarks/bench.py --what training --rows 1000000 --threads 1

Every competitor runs in a process of its own, in turn with the others (A B C A B C):
a figure is the median over the repetitions, a ratio the median of the ratios within a
repetition. A competitor that fails is a row with its error. Records are written as
lines of JSON to results.jsonl.

kernel    nanoseconds per row of the compiled loop alone, for either link and on one
          thread (the ratio is the median over pairs of calls, in turn), of the whole
          objective (with its checks and new arrays), of NumPy in float64 and in the raw
          scores' own type, for the paper's margin, and of copying scores and labels
training  the call of `train` on data that are binned already, after a training of 500
          rows ("first call": imports and compiled code); bytes per row are the peak
          during that call above what the process held before it; the objective's
          derivatives are held against the loss it claims, |t| up to 20
growth    the same against rows, and against rounds with the first number of rows
round     a round of the built-in objective and one of ours in turn, on the same data
          in one process, on one thread and on several; of the gradients the time that
          they take inside; ratios with more threads are predicted from what did not
          shrink from one to several
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import measured, processes
from benchmarks.competitors import LIBRARIES, NAMES, select
from benchmarks.options import (
    PROJECT,
    Parser,
    circumstances,
    exit_code,
    integer,
    integers,
    one_of,
    processors,
    share,
)
from benchmarks.parts import PARTS, TABLES


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("bench.py", __doc__, PARTS, NAMES, PROJECT / "build/bench")
    add = options.add
    add("--rows", integers(100), (), "several with commas; training takes the first")
    add("--rounds", integers(1), (), "the same; all but growth take the first")
    add("--features", integer(5), None, "of each part its own without")
    add("--library", one_of(LIBRARIES), LIBRARIES)
    add("--peers", Path, PROJECT / "build/peers", "environments of other projects")
    options.add_argument("--install-peers", action="store_true", help="make them first")
    given = options.parse_args(argv)
    return exit_code("bench.py", lambda: _run(given))


def parser_of(
    prog: str, text: str | None, parts: dict[str, object], names: tuple[str, ...],
    out: Path,
) -> Parser:  # fmt: skip
    """Return what the commands ask for that measure parts in processes."""
    parser = Parser(prog, text)
    add = parser.add
    add("--what", one_of(tuple(parts)), tuple(parts), "parts")
    add("--only", one_of(names), (), f"of {', '.join(dict.fromkeys(names))}")
    add("--prevalence", share, 0.02, "of positives")
    add("--threads", integer(1), processors(), "that may be used")
    add("--repeats", integer(1), 3, "processes per competitor")
    add("--timeout", integer(1), 1800, "seconds that a process may take")
    add("--out", Path, out, "folder of results.jsonl")
    return parser


def _run(given: argparse.Namespace) -> None:
    given.out.mkdir(parents=True, exist_ok=True)
    if given.install_peers:
        chosen = select(given.library, given.only, NAMES)
        names = [one.environment for one in chosen if one.environment]
        processes.install(given.peers, list(dict.fromkeys(names)))
    measure(given, circumstances(given), PARTS, TABLES)


def measure(
    given: argparse.Namespace, where: measured.Record, parts: dict, tables: dict
) -> None:
    """Measure the parts that are asked for, write their records and print them."""
    with TemporaryDirectory() as given.scratch:
        found = [
            {"part": part, **one} for part in given.what for one in parts[part](given)
        ]
    measured.write_lines(given.out / "results.jsonl", [where, *found])
    measured.print_circumstances(where)
    measured.print_parts(found, tables)
    print(f"\nwritten: results.jsonl in {given.out}")


if __name__ == "__main__":
    sys.exit(main())
