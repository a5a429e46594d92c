"""The CUDA text compiled for the host, its rows and its kernel, through ctypes.

The kernel is compiled as CUDA C++ with stand-ins for the few words of CUDA in it, and a
launch runs its threads one after the other.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import focal_boost
from focal_boost._kernels.cuda import row_of
from focal_boost._kernels.known import Known

TEXT = Path(focal_boost.__file__).parent / "_kernels" / "row.cuh"
STRICT = ("-O2", "-Wall", "-Wextra", "-Werror", "-std=c++14")
# Products and sums apart, and joined wherever the processor can, as a GPU joins them.
APART = (*STRICT, "-ffp-contract=off")
JOINED = (*STRICT, "-ffp-contract=fast", "-march=native")
ROWS = (
    ("focal_row", 0), ("focal_row", 1), ("focal_row", 2), ("focal_row", -1),
    ("logit_row", 1), ("logit_row", 2), ("logit_row", -1),
)  # fmt: skip

_ROWS = """
#include <cmath>
#include <cstdint>
#include <cstring>
namespace plain {
#include "row.cuh"
}
typedef plain::FocalRow (*Row)(double, bool, float, const plain::FocalKnown&);
static Row row_of(bool is_logit, int power)
{
    if (is_logit) {
        return power == 1 ? plain::logit_row<1>
             : power == 2 ? plain::logit_row<2> : plain::logit_row<-1>;
    }
    return power == 0 ? plain::focal_row<0>
         : power == 1 ? plain::focal_row<1>
         : power == 2 ? plain::focal_row<2> : plain::focal_row<-1>;
}
extern "C" void rows(int is_logit, int power, long long n, const double* z,
                     const unsigned char* y_true, const float* weight,
                     const double* k, const double* fit, float* grad, float* hess)
{
    const plain::FocalKnown known = {k[0], k[1], k[2], k[3], k[4], fit};
    const Row row_at = row_of(is_logit != 0, power);
    for (long long i = 0; i < n; ++i) {
        const plain::FocalRow row = row_at(z[i], y_true[i] == 1,
                                           weight ? weight[i] : 1.0f, known);
        grad[i] = row.grad;
        hess[i] = row.hess;
    }
}
"""
_KERNEL = """
#include <cmath>
#include <cstdint>
#include <cstring>
#define __CUDACC__
#define __device__
#define __global__
#define __forceinline__ static inline
struct Index { unsigned x; };
static Index gridDim, blockDim, blockIdx, threadIdx;
static void atomicOr(int* where, int bits) { *where |= bits; }
static inline double __hiloint2double(int high, int low)
{
    const std::uint32_t words[2] = {static_cast<std::uint32_t>(high),
                                    static_cast<std::uint32_t>(low)};
    const std::uint64_t bits = static_cast<std::uint64_t>(words[0]) << 32 | words[1];
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
#include "row.cuh"
extern "C" void launch(unsigned blocks, unsigned threads, long long rows,
                       const FOCAL_SCORE* raw_score, const unsigned char* y_true,
                       const float* weight, double offset, double negative,
                       double positive, double gamma, double exact, double floor,
                       const double* fit, float* grad, float* hess, int* faults)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {
            focal_gradient_hessian(rows, raw_score, y_true, weight, offset, negative,
                                   positive, gamma, exact, floor, fit, grad, hess,
                                   faults);
        }
    }
}
"""


def compiler() -> str:
    """Return a C++ compiler's path, or skip the test."""
    named = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    found = next(
        (path for path in map(shutil.which, filter(None, named)) if path), None
    )
    if found is None:
        pytest.skip("no C++ compiler was found to check the CUDA text with")
    return found


def _library(source: str, text: str, flags: tuple[str, ...]) -> ctypes.CDLL:
    """Return the compiled source, which includes the CUDA text."""
    command = compiler()
    # A loaded library stays in memory when its file is gone.
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "row.cuh").write_text(text, "utf-8")
        (folder / "host.cpp").write_text(source, "utf-8")
        call = [command, *flags, "-shared", "-fPIC", "host.cpp", "-o", "host.so"]
        done = subprocess.run(
            call, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(folder / "host.so"))


@cache
def _rows(flags: tuple[str, ...]) -> Any:
    return _library(_ROWS, TEXT.read_text("utf-8"), flags).rows


@cache
def kernel(text: str, defined: tuple[str, ...], flags: tuple[str, ...] = JOINED) -> Any:
    """Return ``launch`` of the source above for the text's kernel.

    `defined` are the "-DFOCAL_…" that choose its row, power and type of raw scores.
    """
    return _library(_KERNEL, text, (*flags, *defined)).launch


def pointer(array: NDArray[Any] | None) -> Any:
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def run_rows(
    raw_score: Any,
    y_true: Any,
    weight: Any,
    known: Known,
    flags: tuple[str, ...],
    floor: float = -np.inf,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return gradient and Hessian of the text's row for an objective."""
    z = np.ascontiguousarray(raw_score, np.float64) - known.shift
    y = np.ascontiguousarray(np.broadcast_to(y_true, z.shape), np.uint8)
    w = None if weight is None else np.ascontiguousarray(weight, np.float32)
    numbers, fit = np.array([*known[:4], floor]), np.array(known.fit)
    grad, hess = np.empty((2, z.size), np.float32)
    row, power = row_of(known)
    _rows(flags)(
        ctypes.c_int(row == "logit_row"), ctypes.c_int(power),
        ctypes.c_longlong(z.size),
        *map(pointer, (z, y, w, numbers, fit, grad, hess)),
    )  # fmt: skip
    return grad, hess
