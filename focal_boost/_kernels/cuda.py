"""Gradient and Hessian on a CUDA device: one launch over all rows of ``row.cuh``.

CuPy compiles the text for the device at hand at its first use, and keeps the result.
Labels and weights stay on the device for a training; raw scores go up once a round,
unless they are there already, and gradient and Hessian do not come back.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from focal_boost._kernels.known import Known
from focal_boost._logit import shapes

# Threads of a block, and the most blocks: each thread takes several of many rows.
_THREADS, _BLOCKS = 256, 16_384
_INSTALL = (
    "CuPy for the CUDA of this machine: pip install cupy-cuda12x for CUDA 12,"
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
            f'device must be "cpu", "cuda" or "cuda:<number>", got {repr(device)[:80]}'
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


class Device:
    """A CUDA device, and how arrays come there and back.

    Parameters
    ----------
    name : str
        "cuda" or "cuda:<number>".

    Raises
    ------
    ModuleNotFoundError, ValueError
        As from :func:`require`.
    """

    def __init__(self, name: str) -> None:
        self.cupy = require(name)
        self.ordinal = ordinal_of(name) or 0

    def current(self) -> Any:
        """Return a context in which CuPy works on it."""
        return self.cupy.cuda.Device(self.ordinal)

    def array(self, values: Any, name: str, dtype: Any = None) -> Any:
        """Return a contiguous array there, the same memory where it is that.

        Raises
        ------
        ValueError
            For an array of another device.
        """
        # asarray would copy it without a word.
        if is_on_device(values) and values.device.id != self.ordinal:
            raise ValueError(
                f"{name} must be on cuda:{self.ordinal} like the other arrays,"
                f" got cuda:{values.device.id}"
            )
        with self.current():
            there = self.cupy.asarray(values, dtype=dtype)
            return self.cupy.ascontiguousarray(there)

    def on_host(self, values: Any) -> Any:
        """Return a NumPy array of the values."""
        return self.cupy.asnumpy(values)


def row_of(known: Known) -> tuple[str, int]:
    """Return the function of ``row.cuh`` for an objective, and its power."""
    products = (1.0, 2.0) if known.fit else (0.0, 1.0, 2.0)
    is_product = known.gamma in products and not (known.fit and known.exact)
    power = int(known.gamma) if is_product else -1
    return "logit_row" if known.fit else "focal_row", power


@lru_cache
def _kernel(row: str, power: int, score: str, _ordinal: int) -> Any:
    """Return the compiled kernel for rows and raw scores, on the current device."""
    import cupy

    text = files("focal_boost._kernels").joinpath("row.cuh").read_text("utf-8")
    options = (
        "-std=c++14",
        f"-DFOCAL_ROW={row}",
        f"-DFOCAL_POWER={power}",
        f"-DFOCAL_SCORE={score}",
    )
    module = cupy.RawModule(code=text, options=options)
    return module.get_function("focal_gradient_hessian")


def step_of_sum(rows: int, largest: float) -> float:
    """Return what XGBoost rounds Hessians to on a device, or a little more.

    It adds them as integers, in steps of their sum over 2⁶² or half of that.
    """
    return rows * largest * 2.0**-61


def hessian_floor(known: Known, rows: int) -> float:
    """Return the least Hessian of a row of weight 1 that XGBoost does not round to 0.

    XGBoost before 3.4 cuts off what is below a step of the Hessians' sum, and no sum is
    larger than all rows times the largest upper curvature: α_t (1 + γ)² in margins is a
    bound of that, and in log-odds it is looked up. So for γ <= 5 a leaf of ten million
    such rows is still less than a hundredth of a single doubtful one. The exact Hessian
    may be negative and has no floor.
    """
    if known.exact:
        return -np.inf
    largest = _largest(known.gamma) if known.fit else (1 + known.gamma) ** 2
    return step_of_sum(rows, max(known.negative, known.positive) * largest)


@lru_cache(maxsize=256)
def _largest(gamma: float) -> float:
    """Return the largest upper curvature in log-odds of a row whose weight is 1.

    It has one peak, where 0 <= z < 1 + 2 log(1 + γ) for a row on the wrong side, and
    falls from z = 0 on the right one; a grid's best is within a thousandth of it.
    """
    at = shapes(np.linspace(0, 1 + 2 * np.log1p(gamma), 401), gamma)
    found = at.weight * np.maximum(at.wrong, at.right * np.exp(-at.log_odds))
    return float(found.max()) * 1.001


class OnDevice:
    """Labels and weights on a device, and the gradients of raw scores there.

    Parameters
    ----------
    device : Device
    y_true : array of 0 and 1, (n,), on the host or the device
    sample_weight : array of numbers in [0, 1.7e37], (n,), on either, or None
    known : Known
        The objective's numbers.

    Raises
    ------
    ValueError
        For arrays on another device.
    """

    def __init__(
        self, device: Device, y_true: Any, sample_weight: Any, known: Known
    ) -> None:
        self._device = device
        self._known = known
        self._y_true = device.array(y_true, "y_true", np.uint8)
        # No address is what the kernel takes for none.
        self._weight = self._fit = np.uintp(0)
        if sample_weight is not None:
            self._weight = device.array(sample_weight, "sample_weight", np.float32)
        if known.fit:
            self._fit = device.array(np.asarray(known.fit), "fit", np.float64)
        with device.current():
            self._faults = device.cupy.zeros(1, np.int32)
            self._grad = device.cupy.empty(self._y_true.shape, np.float32)
            self._hess = device.cupy.empty(self._y_true.shape, np.float32)

    def gradient_hessian(
        self, raw_score: Any, offset: float = 0.0
    ) -> tuple[Any, Any, bool]:
        """Return gradient, Hessian and whether all raw scores are finite.

        Parameters
        ----------
        raw_score : array of float32 or float64, (n,), on the host or the device
        offset : float
            Added to every raw score.

        Returns
        -------
        grad, hess : cupy.ndarray of float32, (n,)
            Written again next time.
        sound : bool
        """
        scores = self._device.array(raw_score, "raw_score")
        known, rows = self._known, self._y_true.size
        numbers = (
            offset - known.shift, known.negative, known.positive, known.gamma,
            known.exact, hessian_floor(known, rows),
        )  # fmt: skip
        arguments = (
            np.int64(rows), scores, self._y_true, self._weight,
            *map(np.float64, numbers), self._fit, self._grad, self._hess, self._faults,
        )  # fmt: skip
        score = "float" if scores.dtype == np.float32 else "double"
        with self._device.current():
            launch = _kernel(*row_of(known), score, self._device.ordinal)
            blocks = min(-(-rows // _THREADS), _BLOCKS)
            launch((blocks,), (_THREADS,), arguments)
            sound = not int(self._faults[0])
            if not sound:
                self._faults.fill(0)
        return self._grad, self._hess, sound
