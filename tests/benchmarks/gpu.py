"""Speed, accuracy and memory of focal loss on a CUDA device.

    python tests/benchmarks/gpu.py --rows 10000000 --features 28 --rounds 100

It needs an NVIDIA GPU, CuPy and XGBoost 3.4 or later with CUDA. As in bench.py, every
competitor runs in a process of its own, in turn with the others: a figure is the median
over the repetitions, a ratio the median of the ratios within a repetition.

kernel    bytes per second of the compiled loop for either link, which reads raw score,
          label and perhaps weight and writes gradient and Hessian, and of a copy within
          the device that moves as many bytes: medians of 30 launches by the device's
          clock; "call" is the same from Python, with the look for unsound rows
accuracy  largest and mean error of a million rows, in units in the last place of
          float32, against the formulas in float64 on the CPU
upload    bringing the raw scores of a round to the device from pageable memory, from
          pinned memory, and from pageable memory through pinned
training  the call of `train` on data that are binned on the device, after a training of
          500 rows; device memory is the peak that cudaMemGetInfo sees in a further
          training of 5 rounds, above what was in use before the data came; "resident"
          is a loop whose raw scores stay on the device, with the rows there too
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.bench import measure, parser_of
from benchmarks.gpu_parts import METHODS, PARTS, TABLES
from benchmarks.options import (
    PROJECT,
    Parser,
    circumstances,
    exit_code,
    integer,
    integers,
)

_OLDEST = (3, 4)


class UnableError(Exception):
    """What this machine lacks, in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = _parser().parse_args(argv)
    return exit_code("gpu.py", lambda: _run(given), UnableError)


def _parser() -> Parser:
    parser = parser_of("gpu.py", __doc__, PARTS, METHODS, PROJECT / "build/gpu")
    add = parser.add
    add("--rows", integer(1000), 10**7, "of training and upload")
    add("--kernel-rows", integers(1000), (10**7, 10**8))
    add("--features", integer(5), 28)
    add("--rounds", integer(1), 100)
    parser.set_defaults(repeats=5, peers=PROJECT / "build/peers")
    return parser


def _run(given: argparse.Namespace) -> None:
    # What the machine lacks is said before anything is measured or written.
    device, cuda = _device()
    where = circumstances(given)
    where["versions"] |= cuda
    where["machine"] = f"{device['name']}, {where['machine']}"
    measure(given, {**where, "device": device}, PARTS, TABLES)


def _device() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the device, and the versions of what drives it.

    Raises
    ------
    UnableError
        If there is none, or CuPy or XGBoost cannot use it.
    """
    from focal_boost._kernels.cuda import require

    try:
        cupy = require("cuda")
    except (ImportError, ValueError) as error:
        raise UnableError(f"needs a CUDA device: {error}") from None
    _check_xgboost()
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return {
        "name": properties["name"].decode(),
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": properties["multiProcessorCount"],
        "bytes": properties["totalGlobalMem"],
    }, {
        "cupy": cupy.__version__,
        "CUDA runtime": dotted(cupy.cuda.runtime.runtimeGetVersion()),
        "CUDA of the driver": dotted(cupy.cuda.runtime.driverGetVersion()),
        "driver": _driver(),
    }


def _check_xgboost() -> None:
    import xgboost

    if not xgboost.build_info().get("USE_CUDA"):
        raise UnableError("needs an XGBoost that was built with CUDA")
    if tuple(int(part) for part in version("xgboost").split(".")[:2]) < _OLDEST:
        raise UnableError(f"needs XGBoost 3.4 or later, got {version('xgboost')}")


def _driver() -> str:
    """Return the driver's own version, which CUDA does not tell."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    words = done.stdout.split() if done.returncode == 0 else []
    return words[0] if words else "unknown"


def dotted(number: int) -> str:
    """Return CUDA's version from its number, 12040 for 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"


if __name__ == "__main__":
    sys.exit(main())
