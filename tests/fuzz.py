"""Inputs that grow from those that reached new lines of the package.

    pip install -e ".[test,fuzz]"
    python tests/fuzz.py objective
    python tests/fuzz.py reader

objective    the calls of ``tests/torture.py``, each held against the paper: losses,
             links, gradients, metrics
reader       bytes as a file of the command: a table, or one sentence

libFuzzer prints its own lines, and ends at the first input that breaks a promise: it is
written to ``--found``, and ``--again FILE`` runs it alone. What is learnt is kept in
``--corpus``, where the next run goes on.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["focal_boost"],
    # What numba compiles must stay as it was written.
    exclude=["focal_boost._kernels"],
):
    import odd_files
    import torture
    from hypothesis import HealthCheck, given, settings

    from focal_boost.command._read import Format
    from focal_boost.command._table import InputError, read_table

#: Longer messages are no sentence; names and values in them are shortened.
_MESSAGE = 1_000
#: Bytes of an input at most, and of those that Hypothesis draws a call from.
_LONGEST, _DRAWN = 4_096, 512


def objective() -> Callable[[bytes], object]:
    """Return what checks the call that bytes stand for."""
    quiet = settings(database=None, deadline=None, suppress_health_check=[*HealthCheck])
    check = quiet(given(torture.cases())(torture.check))
    return check.hypothesis.fuzz_one_input  # type: ignore[attr-defined,no-any-return]


def reader() -> Callable[[bytes], object]:
    """Return what checks a file of these bytes."""
    path = Path(tempfile.mkdtemp()) / "data"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            table = read_table(path, "churn", form=Format())
        except InputError as error:
            text = str(error)
            assert 0 < len(text) < _MESSAGE, text
            assert "\n" not in text, text
        else:
            assert len(table.features) == len(table.target) > 0
            assert not set(table.target) - set(range(len(table.classes) or 2))

    return check


def files() -> list[bytes]:
    """Return the odd files of the tests, to begin with."""
    return [case.content for case in odd_files.cases().values()]


def draws() -> list[bytes]:
    """Return bytes that are enough for a call, to begin with."""
    rng = random.Random(0)
    return [rng.randbytes(_DRAWN) for _ in range(50)]


#: What checks an input, and what to begin with.
WHAT = {"objective": (objective, draws), "reader": (reader, files)}


def main() -> None:
    """Fuzz until there were so many inputs, or one broke a promise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("what", choices=WHAT)
    add("--runs", type=int, default=100_000, metavar="N", help="inputs (%(default)s)")
    add("--seed", type=int, default=1, metavar="N", help="of libFuzzer (%(default)s)")
    add("--corpus", type=Path, metavar="DIR", help="default: build/fuzz/WHAT")
    add("--found", type=Path, default=Path("build/fuzz/found"), metavar="DIR")
    add("--again", type=Path, metavar="FILE", help="run one input of --found")
    asked = parser.parse_args()
    corpus = asked.corpus or Path("build/fuzz") / asked.what
    for folder in (corpus, asked.found):
        folder.mkdir(parents=True, exist_ok=True)
    made, begin = WHAT[asked.what]
    check = made()
    if asked.again is not None:
        check(asked.again.read_bytes())
        return
    for number, content in enumerate(begin()):
        (corpus / f"first-{number:03}").write_bytes(content)
    flags = [f"-runs={asked.runs}", f"-seed={asked.seed}", f"-max_len={_LONGEST}"]
    flags += [f"-artifact_prefix={asked.found}/", "-timeout=60", "-rss_limit_mb=0"]
    # Short inputs are no call and no table.
    flags += ["-len_control=0"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
