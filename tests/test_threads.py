"""Threads: how many, the same bits from any number, and safe wherever they run."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import joblib
import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sentences import says

from focal_boost import FocalObjective
from focal_boost._kernels import threads as module
from focal_boost._kernels.threads import (
    SLICE,
    Team,
    default_threads,
    run,
)
from focal_boost._rows import HostRows, Labels
from focal_boost.links import LINKS

ROWS = 5 * SLICE + 123


@pytest.fixture(scope="module")
def rows() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    y = (rng.random(ROWS) < 0.1).astype(np.float32)
    weight = rng.uniform(0.5, 2, ROWS).astype(np.float32)
    return y, rng.normal(-2, 3, ROWS), weight


def bits_of(rows: Any, threads: int | None, link: str = "logit") -> bytes:
    objective = FocalObjective(0.25, 1.7, link, n_threads=threads)
    return b"".join(array.tobytes() for array in objective(*rows))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("threads", [2, 3, 4, 7, 64, None])
def test_bits_do_not_depend_on_the_number(rows: Any, threads: Any, link: str) -> None:
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


def test_an_error_of_any_slice_is_raised(rows: Any) -> None:
    y, z, weight = rows
    for place in (0, SLICE + 5, ROWS - 1):
        bad = z.copy()
        bad[place] = np.nan
        with says("raw_score must be finite numbers, got nan"):
            FocalObjective(n_threads=4)(y, bad, weight)


def test_a_weight_in_one_slice_is_enough(rows: Any) -> None:
    y, z, _ = rows
    weight = np.zeros(ROWS)
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        FocalObjective(n_threads=4)(y, z, weight)
    weight[-1] = 1
    grad, _ = FocalObjective(n_threads=4)(y, z, weight)
    assert np.flatnonzero(grad).tolist() == [ROWS - 1]


@pytest.mark.parametrize("link", LINKS)
def test_calls_from_several_threads_do_not_mix(rows: Any, link: str) -> None:
    shared = [FocalObjective(link=link, n_threads=n) for n in (1, 2, 3, 4)]

    def call(k: int) -> bytes:
        found = shared[k % 4](*(np.roll(one, k) for one in rows))
        return b"".join(array.tobytes() for array in found)

    expected = [call(k) for k in range(24)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(call, range(24))) == expected


LIBRARIES = {"xgboost": xgb.core._LIB, "lightgbm": lgb.basic._LIB}


@pytest.fixture(params=LIBRARIES)
def team(request: pytest.FixtureRequest) -> Team:
    """Three threads of a library."""
    found = Team.of(LIBRARIES[request.param], 3)
    if not found.address:
        pytest.skip(f"{request.param} has no GNU OpenMP here")
    return found


class TestTeam:
    """A library's own threads compute the same bits as one of ours."""

    @pytest.mark.parametrize("gamma", [0.0, 1.0, 1.7])
    @pytest.mark.parametrize("link", LINKS)
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_bits(
        self, rows: Any, team: Team, weighted: bool, kind: Any, link: str, gamma: float
    ) -> None:
        objective = FocalObjective(0.25, gamma, link)
        labels = Labels.of(rows[0], rows[2] if weighted else None)
        raw_score = rows[1].astype(kind)
        on_team = HostRows(objective, labels, team=team)
        alone = HostRows(replace(objective, n_threads=1), labels)
        for offset in (0.0, -1.5):
            found = on_team.gradient_hessian(raw_score, offset)
            expected = alone.gradient_hessian(raw_score, offset)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)

    def test_it_is_asked_for_with_its_threads(self, rows: Any) -> None:
        asked, labels = [], Labels.of(rows[0], None)
        body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

        @ctypes.CFUNCTYPE(None, body, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        def parallel(work: Any, data: Any, threads: int, flags: int) -> None:
            asked.append((threads, flags))
            # However many call it, each row is computed once.
            work(data)
            work(data)

        address = ctypes.cast(parallel, ctypes.c_void_p).value or 0
        found = HostRows(FocalObjective(), labels, team=Team(address, 3))
        expected = HostRows(FocalObjective(), labels).gradient_hessian(rows[1])
        grad, hess = found.gradient_hessian(rows[1])
        assert asked == [(3, 0)]
        np.testing.assert_array_equal([grad, hess], expected)
        few = Labels.of(rows[0][:SLICE], None)
        team = Team(address, 3)
        HostRows(FocalObjective(), few, team=team).gradient_hessian(rows[1][:SLICE])
        assert asked == [(3, 0)]

    @pytest.mark.parametrize("row", [0, 8191, 8192, ROWS - 1])
    def test_a_wrong_row_is_found_in_any_slice(
        self, rows: Any, team: Team, row: int
    ) -> None:
        raw_score = rows[1].copy()
        raw_score[row] = np.inf
        on_team = HostRows(FocalObjective(), Labels.of(rows[0], None), team=team)
        with pytest.raises(ValueError, match=r"^raw_score must be finite numbers, got"):
            on_team.gradient_hessian(raw_score)

    def test_calls_from_several_threads_at_once(self, rows: Any, team: Team) -> None:
        labels = Labels.of(rows[0], rows[2])

        def call(_: int) -> bytes:
            on_team = HostRows(FocalObjective(), labels, team=team)
            return b"".join(one.tobytes() for one in on_team.gradient_hessian(rows[1]))

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(call, range(40)))) == 1

    def test_a_library_without_one(self) -> None:
        assert Team.of(object(), 0) == (0, default_threads())

    def test_the_variable_decides_how_many(self, monkeypatch: Any) -> None:
        monkeypatch.setenv(module.VARIABLE, "5")
        assert Team.of(xgb.core._LIB, 2) == (0, 5)

    def test_the_objective_decides_how_many(self, team: Team) -> None:
        labels = Labels.of([0, 1], None)
        own = HostRows(FocalObjective(n_threads=2), labels, team=team)
        assert own._team == (0, 2)


@pytest.mark.parametrize("more", [1, 2])
def test_pool_grows_with_what_is_asked_for(more: int) -> None:
    run(lambda part: part, 4 * SLICE, 2)
    before = module._pool.size
    run(lambda part: part, 9 * SLICE, before + 1 + more)
    assert module._pool.size == before + more


def test_a_thread_that_cannot_be_started_is_not_needed(
    rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    assert bits_of(rows, 4) == bits_of(rows, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_after_fork(rows: Any) -> None:
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


def test_the_variable_decides(monkeypatch: Any) -> None:
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", "5")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert default_threads() == 5
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", "")
    assert default_threads() == 1


@pytest.mark.parametrize("value", ["0", "00", "-1", "two", "1.5", " 2", "²"])
def test_the_variable_must_be_a_number(monkeypatch: Any, value: str) -> None:
    monkeypatch.setenv("FOCAL_BOOST_NUM_THREADS", value)
    with says(f"FOCAL_BOOST_NUM_THREADS must be an integer >= 1, got '{value}'"):
        FocalObjective()([0, 1], [0.0, 0.0])


def test_default_is_what_the_process_may_use(monkeypatch: Any) -> None:
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


NO_QUOTA = dict.fromkeys(["max 100000", "", "x y z"], os.cpu_count())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1)),
        *NO_QUOTA.items(),
    ],
)
def test_quota_of_the_control_group(monkeypatch: Any, text: str, expected: int) -> None:
    monkeypatch.setattr(module.Path, "read_text", lambda *_: text)
    assert module._quota() == expected


def test_the_parameter_is_not_part_of_the_value() -> None:
    assert FocalObjective(n_threads=3) == FocalObjective()
    assert hash(FocalObjective(n_threads=3)) == hash(FocalObjective())
