"""Data that the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Threads that have nothing to do otherwise spin, and take the time from those of the
# other library and the other worker; it is read when a library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from populations import Sample, make_sample

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def sample() -> Sample:
    """3,000 rows with 10 % positives."""
    return make_sample(3_000, 0.1, seed=0)


@pytest.fixture(scope="session")
def validation() -> Sample:
    """2,000 further rows of the same population."""
    return make_sample(2_000, 0.1, seed=1)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a stand-in for CuPy, with three devices."""
    import fake_cupy

    with fake_cupy.installed(monkeypatch, devices=3) as fake:
        yield fake


@pytest.fixture(scope="session")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for the command."""
    from commands import write_claims

    return write_claims(tmp_path_factory.mktemp("data"))


@pytest.fixture
def ax() -> Any:
    """Axes to draw into."""
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not _SHARED.is_dir():
        pytest.skip("the benchmark data sets are not beside this checkout")
    return _SHARED
