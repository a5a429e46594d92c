"""What importing costs, and the kernel's cache in installations of every kind."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import focal_boost
from focal_boost._kernels import first_call, llvm

_PACKAGE = Path(focal_boost.__file__).parent
_CALL = """
from focal_boost import FocalObjective
from focal_boost._kernels.cpu_logit import gradient_hessian as kernel
grad, hess = FocalObjective()([0, 1], [0.0, 0.0])
print(grad.tolist(), sum(kernel.stats.cache_hits.values()))
"""


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the package without compiled files."""
    target = tmp_path / "site"
    ignore = shutil.ignore_patterns("__pycache__", "*.csv.gz")
    shutil.copytree(_PACKAGE, target / "focal_boost", ignore=ignore)
    return target


def call(installation: Path, **variables: str) -> tuple[list[float], int]:
    """Return a gradient, and how many kernels were found in the cache for it."""
    kept = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment = {**kept, "PYTHONPATH": str(installation), **variables}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CALL],
        env=environment, cwd=installation, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    gradient, _, hits = printed.rpartition(" ")
    return json.loads(gradient), int(hits)


def make_read_only(installation: Path) -> None:
    # A file where the folder of compiled files would be stops even the superuser.
    (installation / "focal_boost" / "_kernels" / "__pycache__").touch()


def test_the_cache_is_beside_the_kernel(installation: Path) -> None:
    gradient, hits = call(installation)
    assert hits == 0
    folder = installation / "focal_boost" / "_kernels" / "__pycache__"
    assert {file.suffix for file in folder.glob("openmp.*cpu_logit*")} >= {
        ".nbi",
        ".nbc",
    }
    # The next process compiles nothing.
    assert call(installation) == (gradient, 1)


def test_a_changed_helper_is_compiled_into_the_kernel(installation: Path) -> None:
    """numba by itself would run the kernel as it was before."""
    gradient, _ = call(installation)
    helper = installation / "focal_boost" / "_kernels" / "elementary.py"
    text = helper.read_text("utf-8")
    assert text.count("return two_to_n * ") == 1
    changed = text.replace("return two_to_n * ", "return 2.0 * two_to_n * ")
    helper.write_text(changed, "utf-8")
    found, hits = call(installation)
    assert (found != gradient, hits) == (True, 0)
    helper.write_text(text, "utf-8")
    assert call(installation) == (gradient, 1)


def test_a_read_only_installation_is_cached_for_the_user(
    installation: Path, tmp_path: Path
) -> None:
    make_read_only(installation)
    home = tmp_path / "home"
    call(installation, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    assert list(home.rglob("openmp.*cpu_logit*.nbc"))


def test_without_any_place_for_a_cache_it_still_computes(installation: Path) -> None:
    make_read_only(installation)
    expected, _ = call(_PACKAGE.parent)
    nowhere = "/dev/null/nowhere"
    assert call(installation, HOME=nowhere, XDG_CACHE_HOME=nowhere) == (expected, 0)


def test_a_numba_without_such_a_key_compiles_in_every_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one(x: int) -> int:
        return x + 1

    assert isinstance(llvm.compiled_and_kept(one)._cache, llvm._Cache)
    monkeypatch.setattr(llvm, "FunctionCache", object)
    kernel = llvm.compiled_and_kept(one)
    assert not isinstance(kernel._cache, llvm._Cache)
    assert kernel(1) == 2


class Terminal(io.StringIO):
    """Standard error that somebody reads."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("patience", [0.0, 60.0])
@pytest.mark.parametrize("stderr", [Terminal, io.StringIO])
def test_a_terminal_is_told_that_a_kernel_is_compiled(
    monkeypatch: pytest.MonkeyPatch, stderr: Any, patience: float
) -> None:
    monkeypatch.setattr(first_call, "_PATIENCE", patience)
    monkeypatch.setattr(sys, "stderr", stderr())
    with first_call.announced():
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer) and not patience:
                thread.join()
    told = patience == 0 and stderr is Terminal
    assert sys.stderr.getvalue().count("\n") == told
