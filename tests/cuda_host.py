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

TEXT = Path(focal_boost.__file__).parent / "_kernels" / "row.cuh"
STRICT = ("-O2", "-Wall", "-Wextra", "-Werror", "-std=c++14")
# Products and sums apart, and joined wherever the processor can, as a GPU joins them.
APART = (*STRICT, "-ffp-contract=off")
JOINED = (*STRICT, "-ffp-contract=fast", "-march=native")
POWERS = (0, 1, 2, -1)

_ROWS = """
#include <cmath>
#include <cstdint>
#include <cstring>
namespace plain {
#include "row.cuh"
}
extern "C" void rows(int power, long long n, const float* margin, const float* y_true,
                     const float* weight, const double* l, float* grad, float* hess,
                     int* sound)
{
    const plain::FocalLoss loss = {l[0], l[1], l[2], l[3], l[4]};
    for (long long i = 0; i < n; ++i) {
        const float w = weight ? weight[i] : 1.0f;
        const float z = margin[i], y = y_true[i];
        const plain::FocalRow row = power == 0 ? plain::focal_row<0>(z, y, w, loss)
                                  : power == 1 ? plain::focal_row<1>(z, y, w, loss)
                                  : power == 2 ? plain::focal_row<2>(z, y, w, loss)
                                  : plain::focal_row<-1>(z, y, w, loss);
        grad[i] = row.grad;
        hess[i] = row.hess;
        sound[i] = row.sound;
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
                       const float* z, const float* y, const float* w,
                       double negative, double positive, double gamma,
                       double negative_term, double floor, float* grad, float* hess,
                       int* faults)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) {
            focal_gradient_hessian(rows, z, y, w, negative, positive, gamma,
                                   negative_term, floor, grad, hess, faults);
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
def kernel(text: str, power: int, flags: tuple[str, ...] = JOINED) -> Any:
    """Return the text's kernel for one power of q: ``launch`` of the source above."""
    return _library(_KERNEL, text, (*flags, f"-DFOCAL_POWER={power}")).launch


def pointer(array: NDArray[Any] | None) -> Any:
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def run_rows(
    margin: Any, y_true: Any, weight: Any, loss: Any, flags: tuple[str, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Return gradient, Hessian and soundness; `loss` as ``FocalLoss`` of the text."""
    z = np.ascontiguousarray(margin, np.float32)
    y = np.ascontiguousarray(np.broadcast_to(y_true, z.shape), np.float32)
    w = None if weight is None else np.ascontiguousarray(weight, np.float32)
    numbers = np.asarray(loss, np.float64)
    grad, hess, sound = np.empty_like(z), np.empty_like(z), np.empty(z.size, np.int32)
    power = int(numbers[2]) if numbers[2] in (0, 1, 2) else -1
    arrays = (z, y, w, numbers, grad, hess, sound)
    _rows(flags)(ctypes.c_int(power), ctypes.c_longlong(z.size), *map(pointer, arrays))
    return grad, hess, sound
