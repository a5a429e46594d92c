"""Threads: how many, the same bits from any number, and safe wherever they run."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import pytest

from focal_boost import FocalObjective
from focal_boost._kernels import threads as module
from focal_boost._kernels.threads import SLICE, check_threads, default_threads, run
from focal_boost.links import LINKS

ROWS = 5 * SLICE + 123


@pytest.fixture(scope="module")
def rows() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    y = (rng.random(ROWS) < 0.1).astype(np.float32)
    weight = rng.uniform(0.5, 2, ROWS).astype(np.float32)
    return y, rng.normal(-2, 3, ROWS), weight


def bits_of(
    rows: tuple[Any, Any, Any], threads: int | None, link: str = "logit"
) -> bytes:
    objective = FocalObjective(0.25, 1.7, link, n_threads=threads)
    return b"".join(array.tobytes() for array in objective(*rows))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("threads", [2, 3, 4, 7, 64, None])
def test_bits_do_not_depend_on_the_number(
    rows: tuple[Any, Any, Any], threads: int | None, link: str
) -> None:
    assert bits_of(rows, threads, link) == bits_of(rows, 1, link)


def test_slices_cover_every_row_once_and_end_with_blocks() -> None:
    for size in (1, 511, SLICE, SLICE + 1, ROWS):
        for threads in (1, 2, 3, 9):
            parts = run(lambda part: part, size, threads)
            parts.sort(key=lambda part: part.start)
            covered = np.concatenate([np.arange(size)[part] for part in parts])
            np.testing.assert_array_equal(covered, np.arange(size))
            assert len(parts) <= threads
            assert all(part.start % SLICE == 0 for part in parts)


def test_more_than_one_thread_works() -> None:
    seen: set[int] = set()
    barrier = threading.Barrier(3, timeout=30)

    def kernel(part: slice) -> None:
        barrier.wait()
        seen.add(threading.get_ident())

    run(kernel, 3 * SLICE, 3)
    assert len(seen) == 3


def test_an_error_of_any_slice_is_raised(rows: tuple[Any, Any, Any]) -> None:
    y, z, weight = rows
    for place in (0, SLICE + 5, ROWS - 1):
        bad = z.copy()
        bad[place] = np.nan
        with pytest.raises(
            ValueError, match="raw_score must be finite numbers, got nan"
        ):
            FocalObjective(n_threads=4)(y, bad, weight)


def test_a_weight_in_one_slice_is_enough(rows: tuple[Any, Any, Any]) -> None:
    y, z, _ = rows
    weight = np.zeros(ROWS)
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        FocalObjective(n_threads=4)(y, z, weight)
    weight[-1] = 1
    grad, _ = FocalObjective(n_threads=4)(y, z, weight)
    assert np.flatnonzero(grad).tolist() == [ROWS - 1]


def test_calls_from_several_threads_at_once(rows: tuple[Any, Any, Any]) -> None:
    expected = bits_of(rows, 1)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda k: bits_of(rows, 1 + k % 4), range(24)))
    assert set(found) == {expected}


def test_pool_grows_with_what_is_asked_for() -> None:
    run(lambda part: part, 4 * SLICE, 2)
    before = module._pool.size
    run(lambda part: part, 9 * SLICE, before + 3)
    assert module._pool.size == before + 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_after_fork(rows: tuple[Any, Any, Any]) -> None:
    code = """
import os, sys, numpy as np
from focal_boost import FocalObjective
n = 200_000
y, z = (np.arange(n) % 7 == 0).astype(float), np.linspace(-5, 5, n)
before = FocalObjective(n_threads=3)(y, z)[0].tobytes()
child = os.fork()
if child == 0:
    after = FocalObjective(n_threads=3)(y, z)[0].tobytes()
    os._exit(0 if after == before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    arguments = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(arguments, timeout=120, check=False).returncode == 0


def bits_in_a_worker(seed: int) -> bytes:
    rng = np.random.default_rng(0)
    y, z = (rng.random(3 * SLICE) < 0.1), rng.normal(size=3 * SLICE)
    return FocalObjective(n_threads=1 + seed % 3)(y, z)[0].tobytes()


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_under_joblib(backend: str) -> None:
    expected = bits_in_a_worker(0)
    work = (joblib.delayed(bits_in_a_worker)(seed) for seed in range(4))
    if backend == "multiprocessing":
        # From a process with threads a fork is unsafe, and Python says so.
        context = multiprocessing.get_context("spawn")
        with context.Pool(2) as pool:
            found = pool.map(bits_in_a_worker, range(4))
    else:
        found = joblib.Parallel(n_jobs=2, backend=backend)(work)
    assert set(found) == {expected}


def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", "5")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert default_threads() == 5
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", "")
    assert default_threads() == 1


@pytest.mark.parametrize("value", ["0", "00", "-1", "two", "1.5", " 2", "²"])
def test_the_variable_must_be_a_number(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", value)
    message = f"FOCAL_BOOST_NUM_THREADS must be an integer >= 1, got '{value}'"
    with pytest.raises(ValueError, match=message):
        FocalObjective()([0, 1], [0.0, 0.0])


def test_default_is_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOCAL_BOOST_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(module, "_quota", lambda: 64)
    monkeypatch.setattr(module, "_affinity", lambda: 8)
    assert default_threads() == 8
    monkeypatch.setattr(module, "_quota", lambda: 3)
    assert default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2,4")
    assert default_threads() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "none")
    assert default_threads() == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1)],
)
def test_quota_of_the_control_group(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: int
) -> None:
    monkeypatch.setattr(module.Path, "read_text", lambda *_: text)
    assert module._quota() == expected


@pytest.mark.parametrize("text", ["max 100000", "", "x y z"])
def test_no_quota_is_no_limit(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module.Path, "read_text", lambda *_: text)
    assert module._quota() == os.cpu_count()


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "many"])
def test_parameter_must_be_a_number(value: Any) -> None:
    with pytest.raises(ValueError, match=r"n_threads must be an integer >= 1, got"):
        FocalObjective(n_threads=value)
    assert check_threads(1, "n_threads") == check_threads(np.int64(1), "n_threads")


def test_the_parameter_is_not_part_of_the_value() -> None:
    assert FocalObjective(n_threads=3) == FocalObjective()
    assert hash(FocalObjective(n_threads=3)) == hash(FocalObjective())
