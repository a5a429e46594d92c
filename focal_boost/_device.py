"""The focal loss of rows whose labels and weights stay on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from focal_boost._kernels.cuda import OnDevice, is_on_device, ordinal_of, require
from focal_boost._validation import (
    Rows,
    as_column,
    check_labels,
    check_margin,
    check_same_shape,
    check_weight,
    refuse_large_weight,
)


def device_of(margin: Any, device: str | None) -> str | None:
    """Return the CUDA device to compute on, None for the host.

    `device` decides if it is given; else it is where the margins are.
    """
    there = is_on_device(margin)
    if device is None:
        return f"cuda:{margin.device.id}" if there else None
    if ordinal_of(device) is not None:
        return device
    if there:
        raise ValueError(
            f'margin must be on the host for device "cpu", got {type(margin).__name__}'
        )
    return None


def check_device(device: str) -> None:
    """Raise unless it is the CPU, or a CUDA device that CuPy can compute on."""
    if ordinal_of(device) is not None:
        require(device)


class DeviceRows:
    """Labels and weights, taken to a device once, and the gradients of margins there.

    Parameters
    ----------
    y_true : array-like of 0 and 1, (n,), on the host or the device
    sample_weight : array-like of numbers >= 0, (n,), on either, or None
        An empty array means none.
    loss : tuple of float
        As for :func:`focal_boost._kernels.cpu.gradient_hessian`.
    device : str
        "cuda" or "cuda:<number>".

    Raises
    ------
    ModuleNotFoundError
        If CuPy is not installed.
    ValueError
        For a device that is not there, arrays on another device, weights of another
        length, and weights that are all 0.
    """

    def __init__(
        self,
        y_true: Any,
        sample_weight: Any,
        loss: tuple[float, float, float, float],
        device: str,
    ) -> None:
        labels, weight = _column(y_true, "y_true", check_labels), None
        if sample_weight is not None and np.size(sample_weight):
            weight = _column(sample_weight, "sample_weight", check_weight)
            check_same_shape(labels, weight, "sample_weight")
            if not is_on_device(weight):
                check_weight(weight)
            # The kernel, which sees one row at a time, finds all other faults.
            elif not bool((weight != 0).any()):
                check_weight(np.zeros(weight.size))
        self._labels = labels
        self._rows = OnDevice(labels, weight, loss, device)

    def gradient_hessian(self, margin: Any, offset: float = 0.0) -> tuple[Any, Any]:
        """Return gradient and Hessian in arrays that the next call writes again.

        Parameters
        ----------
        margin : array-like of finite numbers, (n,), on the host or the device
        offset : float, default 0.0
            Added to every margin.

        Returns
        -------
        grad, hess : cupy.ndarray of float32, (n,)

        Raises
        ------
        ValueError
            For margins of another length or device, and for unsound rows.
        """
        scores = _column(margin, "margin", check_margin)
        if offset:
            scores = _narrow(scores.astype(np.float64) + offset, check_margin)
        check_same_shape(self._labels, scores)
        grad, hess, sound = self._rows.gradient_hessian(scores)
        if not sound:
            rows = Rows.of(*self._rows.on_host(scores))
            rows.explain()
            refuse_large_weight(rows.sample_weight)
        return grad, hess


def _column(values: Any, name: str, check: Callable[[Any], None]) -> Any:
    """Return one number per row, on the host or the device."""
    if not is_on_device(values):
        return _narrow(as_column(values, name), check)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"{name} must have one value per row, got {values.shape}")
    if values.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {values.shape}")
    return values


def _narrow(values: Any, check: Callable[[Any], None]) -> Any:
    """Return sound float64 of the host within float32, and all else as it is.

    In float32 a label near 1 would be 1, and a large margin infinite.
    """
    if is_on_device(values) or values.dtype.kind != "f" or values.itemsize <= 4:
        return values
    check(values)
    largest = np.finfo(np.float32).max
    return np.clip(values, -largest, largest)
