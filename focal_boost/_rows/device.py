"""Labels and weights on a CUDA device, checked and taken there once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from focal_boost._kernels.cuda import (
    Device,
    OnDevice,
    is_on_device,
    ordinal_of,
    require,
    step_of_sum,
)
from focal_boost._rows.host import _LARGEST_WEIGHT, HostRows, Labels, floats_of
from focal_boost._validation import as_column, check_same_shape, check_scores

if TYPE_CHECKING:
    from focal_boost.objective import FocalObjective


def check_device(device: str) -> None:
    """Raise unless it is the CPU, or a CUDA device that CuPy can compute on."""
    if ordinal_of(device) is not None:
        require(device)


@dataclass(frozen=True)
class DeviceLabels:
    """Labels and weights that came from a device, as :class:`Labels` are on the host.

    Attributes
    ----------
    y_true : cupy.ndarray of uint8, (n,)
        0 or 1.
    sample_weight : cupy.ndarray of float32, (n,), or None
    """

    y_true: Any
    sample_weight: Any

    @classmethod
    def of(cls, device: Device, y_true: Any, sample_weight: Any) -> DeviceLabels:
        """Return checked labels and weights, either of which may be on the host.

        Raises
        ------
        ValueError
            As from :meth:`Labels.of`, and for arrays of another device.
        """
        labels, weight = _column(device, y_true, "y_true"), None
        if sample_weight is not None:
            weight = _floats(device, sample_weight, "sample_weight")
            weight = device.array(weight, "sample_weight")
        with device.current():
            if not _are_sound(labels, weight):
                # The host finds what is wrong, and says it in its words.
                Labels.of(*_on_host(device, labels, weight))
            narrow = None if weight is None else weight.astype(np.float32)
            return cls((labels == 1).astype(np.uint8), narrow)

    @property
    def prevalence(self) -> float:
        """The weighted share of positives, in [0, 1]."""
        positive, negative = self.of_classes
        return positive / (positive + negative)

    @property
    def of_classes(self) -> tuple[float, float]:
        """The weight, or number, of the positives and of the negatives."""
        labels, weight = self.y_true, self.sample_weight
        with labels.device:
            if weight is None:
                positives = int(labels.sum(dtype=np.int64))
                return positives, int(labels.size) - positives
            positive = float((weight * labels).sum(dtype=np.float64))
            return positive, float(weight.sum(dtype=np.float64)) - positive


class DeviceRows:
    """The gradients of raw scores on a device.

    Parameters
    ----------
    objective : FocalObjective
    y_true : array-like of 0 and 1, (n,), on the host or the device
    sample_weight : array-like of finite numbers >= 0, (n,), on either, or None
        An empty array means none.
    device : str
        "cuda" or "cuda:<number>".
    class_weight : (float, float)
        What rows of either class are multiplied by, beside their weights.

    Raises
    ------
    ModuleNotFoundError
        If CuPy is not installed.
    ValueError
        As from :meth:`Labels.of`, for a device that is not there, and for arrays of
        another device.
    """

    def __init__(
        self,
        objective: FocalObjective,
        y_true: Any,
        sample_weight: Any,
        device: str,
        class_weight: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self._device = Device(device)
        self._objective, self._class_weight = objective, class_weight
        if sample_weight is not None and np.size(sample_weight) == 0:
            sample_weight = None
        self.labels: Labels | DeviceLabels
        if is_on_device(y_true) or is_on_device(sample_weight):
            self.labels = DeviceLabels.of(self._device, y_true, sample_weight)
        else:
            self.labels = Labels.of(y_true, sample_weight)
        known = objective.known(class_weight)
        self._there: OnDevice | None = None
        if known is not None:
            labels, weight = self.labels.y_true, self.labels.sample_weight
            self._there = OnDevice(self._device, labels, weight, known)

    def gradient_hessian(self, raw_score: Any, offset: float = 0.0) -> tuple[Any, Any]:
        """Return gradient and Hessian at ``raw_score + offset``.

        Parameters
        ----------
        raw_score : array-like of finite numbers, (n,), on the host or the device
        offset : float, default 0.0

        Returns
        -------
        grad, hess : cupy.ndarray of float32, (n,)
            Finite; the next call writes to the same arrays.

        Raises
        ------
        ValueError
            For another length or device, and raw scores that are not finite.
        """
        scores = _floats(self._device, raw_score, "raw_score")
        check_same_shape(self.labels.y_true, scores)
        if self._there is None:
            return self._exactly(scores, offset)
        grad, hess, sound = self._there.gradient_hessian(scores, offset)
        if not sound:
            check_scores(self._device.on_host(scores))
        if not np.isfinite(offset):
            check_scores(np.asarray([offset]), "offset")
        return grad, hess

    def _exactly(self, scores: Any, offset: float) -> tuple[Any, Any]:
        """Return what the host computes, where no polynomial is fine enough."""
        scores = self._device.on_host(scores)
        grad, hess = self._on_host.gradient_hessian(scores, offset)
        if self._objective.hessian == "upper":
            # As hessian_floor, of the sum that there is.
            floor = step_of_sum(hess.size, float(hess.max()))
            weight = self._on_host.labels.sample_weight
            some = True if weight is None else weight > 0
            np.maximum(hess, np.float32(floor), out=hess, where=some)
        array = self._device.array
        return array(grad, "grad"), array(hess, "hess")

    @cached_property
    def _on_host(self) -> HostRows:
        labels = self.labels
        if isinstance(labels, DeviceLabels):
            pair = _on_host(self._device, labels.y_true, labels.sample_weight)
            labels = Labels.of(*pair)
        return HostRows(self._objective, labels, self._class_weight, reuse=True)


def _column(device: Device, values: Any, name: str) -> Any:
    """Return one number per row, contiguous on the device."""
    if not is_on_device(values):
        return device.array(as_column(values, name), name)
    if values.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {values.shape}")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"{name} must have one value per row, got {values.shape}")
    return device.array(values, name)


def _floats(device: Device, values: Any, name: str) -> Any:
    """Return one float32 or float64 per row, where the values are."""
    if not is_on_device(values):
        return floats_of(values, name)
    column = _column(device, values, name)
    if column.dtype == np.float32:
        return column
    with device.current():
        return column.astype(np.float64, copy=False)


def _are_sound(labels: Any, weight: Any) -> bool:
    sound = ((labels == 0) | (labels == 1)).all()
    if weight is not None:
        if weight.shape != labels.shape:
            return False
        sound &= ((weight >= 0) & (weight <= _LARGEST_WEIGHT)).all()
        sound &= (weight > 0).any()
    return bool(sound)


def _on_host(device: Device, *arrays: Any) -> list[Any]:
    return [None if values is None else device.on_host(values) for values in arrays]
