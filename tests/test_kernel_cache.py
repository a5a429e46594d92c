"""What is kept of compiled kernels on disk, and taken from there."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

from focal_boost import _kernels


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
