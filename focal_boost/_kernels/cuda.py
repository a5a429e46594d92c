"""Gradient and Hessian on a CUDA device: one launch over all rows of ``row.cuh``.

CuPy compiles the text for the device at hand at its first use, and keeps the result.
Labels and weights stay on the device for a training; margins go up once a round, unless
they are there already, and gradient and Hessian do not come back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

# Threads of a block, and the most blocks: each thread takes several of many rows.
_THREADS, _BLOCKS = 256, 16_384
_INSTALL = (
    'CuPy for the CUDA of this machine: pip install "focal-boost[gpu]" for CUDA 12,'
    " pip install cupy-cuda13x for CUDA 13"
)


def is_on_device(array: Any) -> bool:
    """Return whether an array lives on a CUDA device."""
    return hasattr(array, "__cuda_array_interface__")


def ordinal_of(device: str) -> int | None:
    """Return the number of a "cuda" or "cuda:1", None for the CPU.

    Raises
    ------
    ValueError
        For anything else.
    """
    found = re.fullmatch(r"cpu|(?:cuda|gpu)(?::(\d+))?", str(device))
    if not isinstance(device, str) or found is None:
        raise ValueError(
            f'device must be "cpu", "cuda" or "cuda:<number>", got {device!r}'
        )
    return None if device == "cpu" else int(found[1] or 0)


def require(device: str) -> Any:
    """Return CuPy, where it is installed and the device is there.

    Raises
    ------
    ModuleNotFoundError
        If CuPy is not installed.
    ValueError
        If CuPy does not fit the machine's CUDA, or there is no such device.
    """
    ordinal = ordinal_of(device) or 0
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise
        raise ModuleNotFoundError(
            f"device {device!r} needs {_INSTALL}", name="cupy"
        ) from None
    except ImportError as error:
        raise ValueError(f"device {device!r} needs {_INSTALL}; got {error}") from None
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:
        raise ValueError(
            f"device must be one that CuPy finds, got {device!r} and {error}; it needs"
            f" an NVIDIA GPU and {_INSTALL}"
        ) from None
    if ordinal >= count:
        raise ValueError(
            f"device must be below the number of CUDA devices, {count}, got {device!r}"
        )
    return cupy


@lru_cache
def _kernel(power: int, _ordinal: int) -> Any:
    """Return the compiled kernel for one power of q, on the current device."""
    import cupy

    text = files("focal_boost._kernels").joinpath("row.cuh").read_text("utf-8")
    options = ("-std=c++14", f"-DFOCAL_POWER={power}")
    module = cupy.RawModule(code=text, options=options)
    return module.get_function("focal_gradient_hessian")


def hessian_floor(loss: tuple[float, float, float, float], rows: int) -> float:
    """Return the least Hessian of a row of weight 1 that XGBoost does not round to 0.

    On a device it adds Hessians as integers, in steps of their sum over 2⁶². No upper
    curvature passes α_t (1 + γ)², so that so many steps of the largest sum are a bound;
    for γ <= 5 a leaf of ten million such rows is still less than a hundredth of a
    single doubtful one. The exact Hessian may be negative and has no floor.
    """
    negative, positive, gamma, negative_term = loss
    if negative_term:
        return -np.inf
    return rows * max(negative, positive) * (1 + gamma) ** 2 * 2.0**-61


class OnDevice:
    """Labels and weights on a device, and the gradients of margins there.

    Parameters
    ----------
    y_true : array of 0 and 1, (n,), on the host or the device
    sample_weight : array of numbers >= 0, (n,), or None
    loss : tuple of float
        As for :func:`focal_boost._kernels.cpu.gradient_hessian`.
    device : str
        "cuda" or "cuda:<number>".

    Raises
    ------
    ModuleNotFoundError, ValueError
        As from :func:`require`, and for arrays on another device.
    """

    def __init__(
        self,
        y_true: Any,
        sample_weight: Any,
        loss: tuple[float, float, float, float],
        device: str,
    ) -> None:
        self._cupy = require(device)
        self._ordinal = ordinal_of(device) or 0
        self._loss = loss
        self._y_true = self._column(y_true, "y_true")
        self._weight = (
            None
            if sample_weight is None
            else self._column(sample_weight, "sample_weight")
        )
        with self._cupy.cuda.Device(self._ordinal):
            self._faults = self._cupy.zeros(1, np.int32)
            self._grad = self._cupy.empty(self._y_true.shape, np.float32)
            self._hess = self._cupy.empty(self._y_true.shape, np.float32)

    def _column(self, values: Any, name: str) -> Any:
        """Return contiguous float32 on the device, the same memory where it is that."""
        # asarray would copy an array of another device without a word.
        if is_on_device(values) and values.device.id != self._ordinal:
            raise ValueError(
                f"{name} must be on cuda:{self._ordinal} like the other arrays,"
                f" got cuda:{values.device.id}"
            )
        with self._cupy.cuda.Device(self._ordinal):
            there = self._cupy.asarray(values, dtype=np.float32)
            return self._cupy.ascontiguousarray(there)

    def on_host(self, margin: Any) -> tuple[Any, ...]:
        """Return labels, margins and weights as NumPy arrays."""
        arrays = (self._y_true, margin, self._weight)
        return tuple(None if x is None else self._cupy.asnumpy(x) for x in arrays)

    def gradient_hessian(self, margin: Any) -> tuple[Any, Any, bool]:
        """Return gradient, Hessian and whether all rows are sound.

        The arrays are (n,), of float32, on the device, and written again next time.
        """
        z = self._column(margin, "margin")
        gamma, rows = self._loss[2], self._y_true.size
        power = int(gamma) if gamma in (0.0, 1.0, 2.0) else -1
        floor = hessian_floor(self._loss, rows)
        arguments = (
            np.int64(rows), z, self._y_true,
            np.uintp(0) if self._weight is None else self._weight,
            *(np.float64(number) for number in (*self._loss, floor)),
            self._grad, self._hess, self._faults,
        )  # fmt: skip
        with self._cupy.cuda.Device(self._ordinal):
            launch = _kernel(power, self._ordinal)
            blocks = min(-(-rows // _THREADS), _BLOCKS)
            launch((blocks,), (_THREADS,), arguments)
            sound = not int(self._faults[0])
            if not sound:
                self._faults.fill(0)
        return self._grad, self._hess, sound
