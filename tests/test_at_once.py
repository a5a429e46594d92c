"""Trainings at the same time that share an objective, and a command that is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import BOTH
from commands import FILES, environment

from focal_boost import FocalObjective
from focal_boost.command import _cli, _interrupt
from focal_boost.datasets import make_imbalanced

#: Trainings of each of eight threads: 200 for a long run.
TRAININGS = int(os.environ.get("FOCAL_BOOST_TEST_TRAININGS", "10"))


@pytest.mark.parametrize("library", BOTH, ids=lambda one: one.name)
def test_eight_threads_train_with_one_objective(library: Any) -> None:
    objective = FocalObjective(0.25, 2.0)
    sets = [make_imbalanced(200 + 10 * k, prevalence=0.2, seed=k)[:2] for k in range(8)]

    def margins(k: int) -> bytes:
        X, y = sets[k]
        booster = library.train(library.data(X, y), 3, objective)
        return library.raw_score(booster, X).tobytes()

    alone = [margins(k) for k in range(8)]
    assert len(set(alone)) == 8
    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(
            lambda k: [margins(k) for _ in range(TRAININGS)], range(8)
        ):
            assert set(found) == {alone.pop(0)}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    X, y, _ = make_imbalanced(600, prevalence=0.2, seed=0)
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    columns = [*X.T, y]
    header = ",".join([f"x{k}" for k in range(X.shape[1])] + ["event"])
    np.savetxt(path, np.column_stack(columns), "%.6g", ",", header=header, comments="")
    return path


def command(table: Path, out: Path, rounds: int, **given: Any) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "focal_boost", "compare", table, "--target", "event"]
    words += ["--rounds", str(rounds), "--threads", "1", "--out", out]
    return subprocess.Popen(
        [str(one) for one in words], encoding="utf-8", env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **given,
    )  # fmt: skip


def kept(out: Path) -> dict[str, bytes]:
    """Have results of another run there, and return them."""
    out.mkdir()
    for name in FILES:
        (out / name).write_bytes(b"of another run")
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in out.iterdir()}


@pytest.mark.skipif(os.name != "posix", reason="the system has other signals")
@pytest.mark.parametrize("seconds", [0.0, 0.7])
def test_compare_is_interrupted(table: Path, tmp_path: Path, seconds: float) -> None:
    out = tmp_path / "out"
    before = kept(out)
    # A shell's job in the background has the signal ignored, and so would this.
    given = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with command(table, out, 60, **given) as running:
        # The first line is there when the file has been read.
        assert running.stdout.read(1)
        time.sleep(seconds)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode in (130, -signal.SIGINT)
    assert contents(out) == before


@pytest.mark.skipif(os.name != "posix", reason="the system has other signals")
@pytest.mark.parametrize("becomes", ["nothing", "another error"])
def test_an_interrupt_that_a_library_loses(
    monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """What Python raises while C calls it back is printed, or becomes an error."""
    monkeypatch.setattr(_interrupt, "_AGAIN", 0.1)

    def compare(_: object) -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        if becomes == "another error":
            raise ValueError("DataIter failed")
        time.sleep(20)

    monkeypatch.setattr(_cli, "_compare", compare)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert _cli.main(["compare"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="the system has no such limit")
@pytest.mark.parametrize(
    ("most", "what"),
    [(1_000, "the folder of temporary files"), (90_000, "--out must be a folder")],
)
def test_compare_has_no_room(table: Path, tmp_path: Path, most: int, what: str) -> None:
    import resource

    out = tmp_path / "out"
    before = kept(out)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    with command(table, out, 5, preexec_fn=limit) as running:
        printed, told = running.communicate(timeout=120)
    assert running.returncode == 2
    assert ("focal loss" in printed) == (most > 1_000), "what was trained is lost"
    assert "Traceback" not in told
    line = told.splitlines()[-1]
    assert "File too large" in line
    assert what in line, told
    assert contents(out) == before
