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
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from competitors import ALPHA, GAMMA, LEARNING_RATE
from gpu_parts import METHODS, PARTS
from gpu_report import print_gpu_report
from options import (
    Parser,
    exit_code,
    integer,
    integers,
    machine,
    one_of,
    processors,
    share,
    versions,
)
from parts import Settings

_PROJECT = Path(__file__).resolve().parents[2]
_OLDEST = (3, 4)


class UnableError(Exception):
    """What this machine lacks, in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(argv)
    # What the machine lacks is said before anything is measured or written.
    return exit_code(
        "gpu.py", lambda: _run(options, _circumstances(options)), UnableError
    )


def _run(options: argparse.Namespace, circumstances: dict[str, Any]) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        settings = _settings(options, Path(scratch))
        measured = {
            part: PARTS[part](settings, options.kernel_rows) for part in options.what
        }
    results = {**circumstances, **measured}
    path = options.out / "gpu_results.json"
    path.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", "utf-8")
    print_gpu_report(results)
    print(f"\nwritten: {path.name} in {options.out}")


def _settings(options: argparse.Namespace, scratch: Path) -> Settings:
    return Settings(
        rows=(options.rows,),
        rounds=(options.rounds,),
        features=options.features,
        prevalence=options.prevalence,
        threads=options.threads,
        repeats=options.repeats,
        libraries=("xgboost",),
        only=options.only,
        peers=_PROJECT / "build/peers",
        timeout=options.timeout,
        scratch=scratch,
    )


def _circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures depend on besides the competitors."""
    kept = ("rows", "features", "rounds", "prevalence", "threads", "repeats")
    device, cuda = _device()
    return {
        "device": device,
        "machine": machine(),
        "versions": {**versions(), **cuda},
        "settings": {
            **{name: getattr(options, name) for name in kept},
            "alpha": ALPHA,
            "gamma": GAMMA,
            "learning_rate": LEARNING_RATE,
        },
    }


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


def _parser() -> argparse.ArgumentParser:
    parser = Parser("gpu.py", __doc__)
    add = parser.add_argument
    add("--what", type=one_of(tuple(PARTS)), default=tuple(PARTS),
        metavar="PART[,PART]", help=f"{', '.join(PARTS)} (default: all)")  # fmt: skip
    add("--rows", type=integer(1000), default=10**7, metavar="N",
        help="of training and upload (default: %(default)s)")  # fmt: skip
    add("--kernel-rows", type=integers(1000), metavar="N[,N]",
        default=(10**7, 10**8), help="default: 10000000,100000000")  # fmt: skip
    add("--features", type=integer(5), default=28, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--rounds", type=integer(1), default=100, metavar="N",
        help="default: %(default)s")  # fmt: skip
    add("--prevalence", type=share, default=0.02, metavar="SHARE",
        help="of positives (default: %(default)s)")  # fmt: skip
    add("--only", type=one_of(METHODS), default=(), metavar="NAME[,NAME]",
        help=f"competitors of training: {', '.join(METHODS)}")  # fmt: skip
    add("--threads", type=integer(1), default=processors(), metavar="N",
        help="default: the processors that may be used, %(default)s")  # fmt: skip
    add("--repeats", type=integer(1), default=5, metavar="N",
        help="processes per competitor (default: %(default)s)")  # fmt: skip
    add("--timeout", type=integer(1), default=1800, metavar="S",
        help="seconds that a process may take (default: %(default)s)")  # fmt: skip
    add("--out", type=Path, default=_PROJECT / "build/gpu", metavar="DIR",
        help="for gpu_results.json (default: build/gpu)")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
