"""Time and memory of focal loss beside the built-in losses, NumPy and other projects.

    python tests/benchmarks/bench.py --install-peers
    python tests/benchmarks/bench.py --what training --rows 1000000 --threads 1

Every competitor runs in a process of its own, in turn with the others (A B C A B C):
a figure is the median over the repetitions, a ratio the median of the ratios within a
repetition. A competitor that fails is a row with its error.

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
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from competitors import ALPHA, GAMMA, LEARNING_RATE, LIBRARIES, NAMES, select
from options import (
    Parser,
    exit_code,
    integer,
    integers,
    machine,
    one_of,
    processors,
    share,
    versions,
)
from parts import PARTS, Settings
from peers import install
from plots import save_plot
from report import print_report

_PROJECT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    return exit_code("bench.py", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    if options.install_peers:
        chosen = select(options.library, options.only, NAMES)
        names = [one.environment for one in chosen if one.environment]
        install(options.peers, list(dict.fromkeys(names)))
    with TemporaryDirectory() as scratch:
        settings = _settings(options, Path(scratch))
        measured = {part: PARTS[part](settings) for part in options.what}
    results = {**_circumstances(options), **measured}
    text = json.dumps(results, indent=1, allow_nan=False)
    (options.out / "results.json").write_text(text + "\n", "utf-8")
    drawn = save_plot(results, options.out / "results.png")
    print_report(results)
    files = "results.json and results.png" if drawn else "results.json"
    print(f"\nwritten: {files} in {options.out}")


def _settings(options: argparse.Namespace, scratch: Path) -> Settings:
    return Settings(
        rows=options.rows,
        rounds=options.rounds,
        features=options.features,
        prevalence=options.prevalence,
        threads=options.threads,
        repeats=options.repeats,
        libraries=options.library,
        only=options.only,
        peers=options.peers,
        timeout=options.timeout,
        scratch=scratch,
    )


def _circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures depend on besides the competitors."""
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "threads": options.threads,
            "repeats": options.repeats,
            "prevalence": options.prevalence,
            "alpha": ALPHA,
            "gamma": GAMMA,
            "learning_rate": LEARNING_RATE,
        },
    }


def _parser() -> argparse.ArgumentParser:
    parser = Parser("bench.py", __doc__ or "")
    add = parser.add_argument
    parts, libraries = one_of(tuple(PARTS)), one_of(LIBRARIES)
    add("--what", type=parts, default=tuple(PARTS), metavar="PART[,PART]",
        help="kernel, training, growth, round (default: all)")  # fmt: skip
    add("--rows", type=integers(100), default=(), metavar="N[,N]",
        help="numbers of rows; training and round take the first")  # fmt: skip
    add("--rounds", type=integers(1), default=(), metavar="N[,N]",
        help="numbers of rounds; all but growth take the first")  # fmt: skip
    add("--features", type=integer(5), metavar="N")
    add("--prevalence", type=share, default=0.02, metavar="SHARE",
        help="of positives (default: %(default)s)")  # fmt: skip
    add("--threads", type=integer(1), default=processors(), metavar="N",
        help="default: the processors that may be used, %(default)s")  # fmt: skip
    add("--repeats", type=integer(1), default=3, metavar="N",
        help="processes per competitor (default: %(default)s)")  # fmt: skip
    add("--library", type=libraries, default=LIBRARIES, metavar="NAME[,NAME]",
        help=", ".join(LIBRARIES))  # fmt: skip
    add("--only", type=one_of(NAMES), default=(), metavar="NAME[,NAME]",
        help=f"competitors: {', '.join(dict.fromkeys(NAMES))}")  # fmt: skip
    add("--install-peers", action="store_true",
        help="first install what other projects need, an environment each")  # fmt: skip
    add("--peers", type=Path, default=_PROJECT / "build/peers", metavar="DIR",
        help="where these environments are (default: build/peers)")  # fmt: skip
    add("--timeout", type=integer(1), default=1800, metavar="S",
        help="seconds that a process may take (default: %(default)s)")  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/bench", metavar="DIR",
        help="for results.json and results.png (default: build/bench)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
