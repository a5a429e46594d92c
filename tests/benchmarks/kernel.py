"""Time of the CPU kernel beside plain NumPy and beside copying the same bytes.

    python tests/benchmarks/kernel.py --rows 1000000

All are run in turn in one process, so that a change of the machine's speed meets them
all; the figures are medians, and the ratios medians of ratios. "objective" is the
kernel with its checks and two new arrays, as a library calls it.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from focal_boost import FocalObjective
from focal_boost._kernels import cpu


def numpy_focal(y: Any, z: Any, alpha: float, gamma: float) -> tuple[Any, Any]:
    """Return gradient and upper curvature as one writes them down in NumPy."""
    p = 1 / (1 + np.exp(-z))
    p_t = np.where(y == 1, p, 1 - p)
    alpha_t = np.where(y == 1, alpha, 1 - alpha)
    q, log_p = 1 - p_t, np.log(p_t)
    power = q**gamma
    grad = (1 - 2 * y) * alpha_t * power * (q - gamma * p_t * log_p)
    hess = alpha_t * p_t * power * ((1 + 2 * gamma) * q - gamma**2 * p_t * log_p)
    return grad.astype(np.float32), hess.astype(np.float32)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(rows: int, gamma: float, dtype: Any, repeats: int) -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.1).astype(np.float32)
    z = rng.normal(-2, 2, rows).astype(dtype)
    target = np.empty((2, rows), np.float32)
    objective = FocalObjective(0.25, gamma)
    loss = (0.75, 0.25, gamma, 0.0)

    def copy() -> None:
        target[0], target[1] = z, y

    runs: dict[str, Callable[[], object]] = {
        "kernel": lambda: cpu.gradient_hessian(z, y, None, 0.0, loss, *target),
        "objective": lambda: objective(y, z),
        "numpy": lambda: numpy_focal(y, z, 0.25, gamma),
        "copy": copy,
    }
    for run in runs.values():
        run()
    times = np.array([[seconds(r) for r in runs.values()] for _ in range(repeats)])
    ns = np.median(times, axis=0) / rows * 1e9
    of_numpy = np.median(times[:, 0] / times[:, 2])
    of_copy = np.median(times[:, 0] / times[:, 3])
    print(
        f"{np.dtype(dtype).name:8} {gamma:5} "
        + "".join(f"{value:10.2f}" for value in ns)
        + f"{of_numpy:14.3f}{of_copy:13.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    versions = f"numpy {np.__version__}, numba {numba.__version__}"
    print(f"{options.rows:,} rows, {platform.machine()}, {versions}")
    print(
        "margin   gamma     kernel objective     numpy      copy"
        "  kernel/numpy  kernel/copy   (ns per row)"
    )
    for dtype in (np.float32, np.float64):
        for gamma in (2.0, 1.0, 0.0, 1.7):
            measure(options.rows, gamma, dtype, options.repeats)


if __name__ == "__main__":
    main()
