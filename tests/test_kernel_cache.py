"""What is kept of compiled kernels on disk, and taken from there."""

import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from focal_boost import _kernels
from focal_boost._kernels import llvm


def test_no_two_helpers_have_one_name():
    """What is kept on disk is linked by name, and by a number of the process."""
    folder = Path(_kernels.__file__).parent
    named = {}
    for file in sorted(folder.glob("*.py")):
        module = importlib.import_module(f"focal_boost._kernels.{file.stem}")
        for one in vars(module).values():
            function = getattr(one, "py_func", None)
            if function is not None:
                key = function.__module__, function.__qualname__
                assert named.setdefault(key, one) is one
    assert len(named) > 20


@pytest.fixture
def doubled(tmp_path, monkeypatch):
    """Return what compiles a function as a new process does, and calls it."""
    # Beside its file, whatever the user has chosen.
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    file = tmp_path / "doubling.py"
    file.write_text("def double(x):\n    return 2 * x\n")

    def called():
        kernel = llvm.compiled_and_kept(runpy.run_path(str(file))["double"])
        assert kernel(21) == 42
        return kernel.stats.cache_hits

    return called


@pytest.mark.skipif(os.name != "posix", reason="the system has no limit of a file")
def test_a_full_disk_keeps_nothing(doubled, tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        assert [doubled(), doubled()] == [{}, {}]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob("*.nbc"))
    doubled()
    assert sum(doubled().values()) == 1


def test_code_of_another_llvm_is_replaced(doubled, monkeypatch):
    """Two versions of numba that run at the same time number their files alike too."""
    doubled()
    with monkeypatch.context() as patch:
        error = RuntimeError("LLVM bitcode parsing error")
        patch.setattr(
            "numba.core.codegen.ll.parse_bitcode",
            lambda *_: (_ for _ in ()).throw(error),
        )
        assert not doubled()
    assert sum(doubled().values()) == 1


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 5, 100])
def test_files_that_are_not_whole_are_replaced(doubled, tmp_path, kind, left):
    doubled()
    (file,) = tmp_path.rglob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:left])
    assert not doubled()
    assert sum(doubled().values()) == 1


def test_a_file_of_other_types_is_not_taken(tmp_path):
    """Two processes that compile at once may number their files alike."""
    code = (
        "import sys, numpy as np\n"
        "from focal_boost import FocalObjective\n"
        "z, y = np.linspace(-3, 3, 500), np.arange(500) % 7 == 0\n"
        "for kind in sys.argv[1:]:\n"
        "    g, h = FocalObjective(0.25, 2.0)(y.astype(float), z.astype(kind))\n"
        "    print(float(g.sum()).hex(), float(h.sum()).hex())\n"
    )

    def run(*kinds):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", code, *kinds]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    expected = run("float32", "float64")
    files = sorted(tmp_path.rglob("openmp.*cpu_logit*.nbc"))
    assert len(files) == 2
    first, second = (file.read_bytes() for file in files)
    files[0].write_bytes(second)
    files[1].write_bytes(first)
    assert run("float32", "float64") == expected
    assert run("float64", "float32") == expected[::-1]
