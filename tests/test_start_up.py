"""What importing costs, and the kernel's cache in installations of every kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import focal_boost

_PACKAGE = Path(focal_boost.__file__).parent
_CALL = (
    "from focal_boost import FocalObjective\n"
    "grad, hess = FocalObjective()([0, 1], [0.0, 0.0])\n"
    "print(grad.tolist())"
)


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the package without compiled files."""
    target = tmp_path / "site"
    ignore = shutil.ignore_patterns("__pycache__", "*.csv.gz")
    shutil.copytree(_PACKAGE, target / "focal_boost", ignore=ignore)
    return target


def call(installation: Path, **variables: str) -> str:
    kept = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment = {**kept, "PYTHONPATH": str(installation), **variables}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", _CALL],
        env=environment, cwd=installation, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def make_read_only(installation: Path) -> None:
    # A file where the folder of compiled files would be stops even the superuser.
    (installation / "focal_boost" / "_kernels" / "__pycache__").touch()


def test_the_cache_is_beside_the_kernel(installation: Path) -> None:
    call(installation)
    folder = installation / "focal_boost" / "_kernels" / "__pycache__"
    assert {file.suffix for file in folder.glob("cpu.*")} >= {".nbi", ".nbc"}


def test_a_read_only_installation_is_cached_for_the_user(
    installation: Path, tmp_path: Path
) -> None:
    make_read_only(installation)
    home = tmp_path / "home"
    call(installation, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    assert list(home.rglob("cpu.*.nbc"))


def test_without_any_place_for_a_cache_it_still_computes(installation: Path) -> None:
    make_read_only(installation)
    expected = call(_PACKAGE.parent)
    nowhere = "/dev/null/nowhere"
    assert call(installation, HOME=nowhere, XDG_CACHE_HOME=nowhere) == expected
