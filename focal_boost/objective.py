"""FocalObjective: focal loss as a custom objective, one object for every API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._device import DeviceRows, device_of
from focal_boost._kernels.cuda import ordinal_of
from focal_boost._kernels.threads import check_threads, default_threads, run
from focal_boost._validation import Rows, check_hessian, refuse_large_weight
from focal_boost.loss import FocalLoss

Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]

# Less than this changes no float64 to infinity.
_LARGE = 1e291


@dataclass(frozen=True)
class FocalObjective:
    """Gradient and Hessian of the focal loss, as XGBoost and LightGBM ask for them.

    The same object works in all of ::

        xgb.train({"objective": "binary:logistic", "base_score": p}, d, obj=objective)
        xgb.XGBClassifier(objective=objective)
        lgb.train({"objective": objective}, dataset)
        lgb.LGBMClassifier(objective=objective)

    and in ``xgb.cv`` and ``lgb.cv``. None of these knows the right start value, and
    their predictions are raw margins or σ(margin): :func:`focal_boost.xgboost.train`,
    :func:`focal_boost.lightgbm.train` and the two classifiers see to both.

    Parameters
    ----------
    alpha : float in (0, 1) or None, default 0.25
        Weight of the positive class; the negative class gets 1 − alpha.
    gamma : float >= 0, default 2.0
        Focusing parameter.
    hessian : {"upper", "exact"}, default "upper"
        "upper" is the positive upper curvature, which boosting can divide by;
        "exact" is the second derivative, which is negative for badly misclassified
        rows.
    n_threads : int or None, default None
        Threads to compute with. None uses the processors that the process may use
        (affinity, control group, OMP_NUM_THREADS), or as many as the environment
        variable FOCAL_BOOST_NUM_THREADS says. The results do not depend on it, and
        neither does equality of objectives.
    device : {None, "cpu", "cuda", "cuda:<number>"}, default None
        Where to compute. None is where the margins are. On a CUDA device, which needs
        CuPy, gradient and Hessian are CuPy arrays, as XGBoost takes them there without
        a copy; they are right to 2 units in the last place for gamma <= 10, and to 6
        for gamma <= 100. Equality does not depend on it either.

    Attributes
    ----------
    loss : FocalLoss
        The loss itself, with its posterior.

    Raises
    ------
    ValueError
        If a parameter breaks its rule.
    """

    alpha: float | None = 0.25
    gamma: float = 2.0
    hessian: str = "upper"
    n_threads: int | None = field(default=None, repr=False, compare=False)
    device: str | None = field(default=None, repr=False, compare=False)
    loss: FocalLoss = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        loss = FocalLoss(self.alpha, self.gamma)
        object.__setattr__(self, "alpha", loss.alpha)
        object.__setattr__(self, "gamma", loss.gamma)
        object.__setattr__(self, "hessian", check_hessian(self.hessian))
        if self.n_threads is not None:
            check_threads(self.n_threads, "n_threads")
        if self.device is not None:
            ordinal_of(self.device)
        object.__setattr__(self, "loss", loss)

    @property
    def __name__(self) -> str:
        return "focal_objective"

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: ArrayLike | None = None
    ) -> Gradients:
        """Return gradient and Hessian per row.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
            Labels; in the native APIs the margins.
        y_pred : array-like of finite numbers, (n,)
            Margins; in the native APIs the ``DMatrix`` or ``Dataset``, which holds
            labels and weights and is known by its ``get_label``.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Multiplies gradient and Hessian.

        Returns
        -------
        grad, hess : ndarray of float32, (n,)
            New, contiguous and finite, within 1 ulp of the exact values; CuPy arrays
            on a device.

        Raises
        ------
        ValueError
            For labels other than 0 and 1, margins that are not finite, negative,
            infinite, NaN or all-zero weights, lengths that differ, arrays on different
            devices, and a device that is not there.
        ModuleNotFoundError
            If a device needs CuPy and it is not installed.
        """
        if hasattr(y_pred, "get_label"):
            margin, data = y_true, y_pred
            return self.gradient_hessian(data.get_label(), margin, data.get_weight())
        return self.gradient_hessian(y_true, y_pred, sample_weight)

    def gradient_hessian(
        self,
        y_true: ArrayLike,
        margin: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        offset: float = 0.0,
        out: Gradients | None = None,
    ) -> Gradients:
        """Return gradient and Hessian at ``margin + offset``; see :meth:`__call__`.

        `out` are two contiguous arrays of float32, (n,), to write to instead of new
        ones, on the host only; the first may be the margins themselves.
        """
        device = device_of(margin, self.device)
        if device is not None:
            there = self.on_device(y_true, sample_weight, device)
            return there.gradient_hessian(margin, offset)
        rows = Rows.of(y_true, margin, sample_weight)
        if not abs(offset) < _LARGE:
            rows.explain(offset)
        # numba is loaded where it is first needed: it takes longer than all the rest.
        from focal_boost._kernels import cpu

        size = rows.margin.size
        grad, hess = out or (np.empty(size, np.float32), np.empty(size, np.float32))
        loss = self._numbers

        def kernel(part: slice) -> tuple[int, int]:
            weight = rows.sample_weight
            found: tuple[int, int] = cpu.gradient_hessian(
                rows.margin[part],
                rows.y_true[part],
                None if weight is None else weight[part],
                float(offset),
                loss,
                grad[part],
                hess[part],
            )
            return found

        threads = self.n_threads or default_threads()
        found = run(kernel, size, threads)
        if any(fault for fault, _ in found) or not any(some for _, some in found):
            rows.explain(offset)
            refuse_large_weight(rows.sample_weight)
        return grad, hess

    @property
    def _numbers(self) -> tuple[float, float, float, float]:
        """What the kernels know of the loss."""
        share = 1.0 if self.hessian == "exact" else 0.0
        return (*self.loss.class_weights, self.loss.gamma, share)

    def on_device(self, y_true: Any, sample_weight: Any, device: str) -> DeviceRows:
        """Return rows whose labels and weights stay on a device."""
        return DeviceRows(y_true, sample_weight, self._numbers, device)


class OneTraining:
    """The objective of one training, which writes every round to the same arrays.

    The libraries have read gradient and Hessian when a round ends, and new arrays of
    that size cost about as much as filling them: the system hands out their pages
    one by one.

    Parameters
    ----------
    objective : FocalObjective
    owns_margin : bool, default False
        Whether the margins are a copy that nobody else reads: the gradient is then
        written over them.
    reads_once : bool, default False
        Whether nobody can change labels and weights between two rounds: they are then
        read in the first one, and stay on the device if that is where margins go.
    """

    def __init__(
        self,
        objective: FocalObjective,
        *,
        owns_margin: bool = False,
        reads_once: bool = False,
    ) -> None:
        self.objective = objective
        self._owns_margin = owns_margin
        self._reads_once = reads_once
        self._grad: NDArray[np.float32] | None = None
        self._hess: NDArray[np.float32] | None = None
        self._known: tuple[Any, Any] | None = None
        self._on_device: DeviceRows | None = None

    def gradient_hessian(self, margin: Any, data: Any, offset: float) -> Gradients:
        """Return gradient and Hessian of margins on the library's data."""
        return self._at(margin, lambda: (data.get_label(), data.get_weight()), offset)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Gradients:
        """Return gradient and Hessian as a scikit-learn API asks for them."""
        return self._at(y_pred, lambda: (y_true, sample_weight), 0.0)

    def _at(
        self, margin: Any, read: Callable[[], tuple[Any, Any]], offset: float
    ) -> Gradients:
        device = device_of(margin, self.objective.device)
        if device is not None:
            rows = self._on_device or self.objective.on_device(*read(), device)
            if self._reads_once:
                self._on_device = rows
            return rows.gradient_hessian(margin, offset)
        y_true, sample_weight = self._known or read()
        gradients = self._on_host(margin, y_true, sample_weight, offset)
        if self._reads_once and self._known is None:
            # They are sound, so that a byte is enough for a label.
            self._known = np.asarray(y_true) == 1, sample_weight
        return gradients

    def _on_host(
        self, margin: Any, y_true: Any, sample_weight: Any, offset: float
    ) -> Gradients:
        hess = self._hess = _or_new(self._hess, margin.shape)
        if self._owns_margin and _can_hold_gradient(margin):
            grad = margin
        else:
            grad = self._grad = _or_new(self._grad, margin.shape)
        return self.objective.gradient_hessian(
            y_true, margin, sample_weight, offset=offset, out=(grad, hess)
        )


def _or_new(array: NDArray[np.float32] | None, shape: Any) -> NDArray[np.float32]:
    return np.empty(shape, np.float32) if array is None else array


def _can_hold_gradient(margin: Any) -> bool:
    """Return whether it is an array of float32, (n,), in memory of its own."""
    flags = margin.flags
    return bool(
        margin.dtype == np.float32
        and margin.ndim == 1
        and flags.owndata
        and flags.writeable
        and flags.c_contiguous
    )
