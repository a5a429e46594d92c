"""Labels and weights on the host, checked and converted once."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.first_call import announced
from focal_boost._kernels.known import Known
from focal_boost._kernels.threads import SLICE, Team, default_threads, run
from focal_boost._validation import (
    as_column,
    check_labels,
    check_same_shape,
    check_scores,
    check_weight,
)

if TYPE_CHECKING:
    from focal_boost.objective import FocalObjective

Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]

# A row's gradient is at most its weight, or with γ large a few times that.
_LARGEST_WEIGHT = 1.7e37


@dataclass(frozen=True)
class Labels:
    """Labels and weights in the types that the kernels are compiled for.

    Attributes
    ----------
    y_true : ndarray of uint8, (n,)
        0 or 1.
    sample_weight : ndarray of float32 or float64, (n,), or None
    """

    y_true: NDArray[np.uint8]
    sample_weight: NDArray[Any] | None

    @classmethod
    def of(cls, y_true: ArrayLike, sample_weight: ArrayLike | None) -> Labels:
        """Return checked labels and weights; an empty array of weights means none.

        Raises
        ------
        ValueError
            For labels other than 0 and 1, negative, infinite, NaN, all-zero or too
            large weights, and lengths that differ.
        """
        array = as_column(y_true, "y_true")
        positive = array == 1
        if np.count_nonzero(positive) + np.count_nonzero(array == 0) != array.size:
            check_labels(array)
        labels = np.ascontiguousarray(positive).view(np.uint8)
        # XGBoost gives an empty array where there are no weights.
        if sample_weight is None or np.asarray(sample_weight).size == 0:
            return cls(labels, None)
        weight = floats_of(sample_weight, "sample_weight")
        check_same_shape(labels, weight, "sample_weight")
        least, largest = weight.min(), weight.max()
        if not (least >= 0 and 0 < largest < np.inf):
            check_weight(weight)
        if largest > _LARGEST_WEIGHT:
            raise ValueError(
                "sample_weight must be at most 1.7e37 for the gradients to"
                f" fit float32, got {largest}"
            )
        return cls(labels, weight)

    @property
    def prevalence(self) -> float:
        """The weighted share of positives, in [0, 1]."""
        positive, negative = self.of_classes
        return positive / (positive + negative)

    @property
    def of_classes(self) -> tuple[float, float]:
        """The weight, or number, of the positives and of the negatives."""
        if self.sample_weight is None:
            positives = float(np.count_nonzero(self.y_true))
            return positives, self.y_true.size - positives
        # einsum multiplies and adds as it reads; masks would cost their branches.
        return self._sum(self.y_true), self._sum(self.y_true ^ 1)

    def _sum(self, indicator: NDArray[Any]) -> float:
        weight: Any = self.sample_weight
        return float(np.einsum("i,i", indicator, weight, dtype=np.float64))


class HostRows:
    """The gradients of raw scores on the host.

    Parameters
    ----------
    objective : FocalObjective
    labels : Labels
    class_weight : (float, float)
        What rows of either class are multiplied by, beside their weights.
    reuse : bool
        Whether every call writes to the arrays of the one before. The libraries have
        read them when a round ends, and new arrays of that size cost about as much
        as filling them: the system hands out their pages one by one.
    team : Team, optional
        Threads to work on, unless the objective says how many.
    """

    def __init__(
        self,
        objective: FocalObjective,
        labels: Labels,
        class_weight: tuple[float, float] = (1.0, 1.0),
        *,
        reuse: bool = False,
        team: Team | None = None,
    ) -> None:
        self.labels = labels
        self._objective = objective
        self._class_weight = class_weight
        self._known = objective.known(class_weight)
        self._given_team = team
        self._reuse = reuse
        self._arrays: Gradients | None = None

    def gradient_hessian(
        self,
        raw_score: Any,
        offset: float = 0.0,
        *,
        out: Gradients | None = None,
    ) -> Gradients:
        """Return gradient and Hessian at ``raw_score + offset``.

        Parameters
        ----------
        raw_score : array-like of finite numbers, (n,)
        offset : float, default 0.0
        out : (ndarray, ndarray) of float32, (n,), contiguous, optional
            Where to write gradient and Hessian.

        Returns
        -------
        grad, hess : ndarray of float32, (n,)
            Contiguous and finite.

        Raises
        ------
        ValueError
            For another length, and raw scores that are not finite.
        """
        scores = floats_of(raw_score, "raw_score")
        check_same_shape(self.labels.y_true, scores)
        if not np.isfinite(offset):
            check_scores(np.asarray([offset]), "offset")
        grad, hess = self._out(scores.size) if out is None else out
        if self._known is None:
            return self._exactly(scores, offset, grad, hess)
        if not self._fill(self._known, scores, offset, grad, hess):
            check_scores(scores)
        return grad, hess

    @cached_property
    def _team(self) -> Team:
        # Looked for at the first call: of many columns at most one may be asked.
        own = self._objective.n_threads
        if self._given_team is None or own:
            return Team(0, own or default_threads())
        return self._given_team

    def _out(self, size: int) -> Gradients:
        if self._arrays is not None:
            return self._arrays
        arrays = np.empty(size, np.float32), np.empty(size, np.float32)
        if self._reuse:
            self._arrays = arrays
        return arrays

    def _fill(
        self, known: Known, scores: NDArray[Any], offset: float, *out: Any
    ) -> bool:
        """Write gradient and Hessian, and return whether the raw scores are sound."""
        kernel = self._kernel_for(known, scores, offset)
        y_true, weight = self.labels.y_true, self.labels.sample_weight
        grad, hess = out

        address, threads = self._team

        def on(part: slice, team: int = 0) -> int:
            of_rows = None if weight is None else weight[part]
            found: int = kernel(
                team, threads, scores[part], y_true[part], of_rows, float(offset),
                known, grad[part], hess[part],
            )  # fmt: skip
            return found

        with nullcontext() if kernel.overloads else announced():
            if address and threads > 1 and scores.size > SLICE:
                return not on(slice(None), address)
            return not any(run(on, scores.size, threads))

    def _kernel_for(self, known: Known, scores: NDArray[Any], offset: float) -> Any:
        # numba is loaded where it is first needed: it takes longer than all the rest.
        if known.fit:
            from focal_boost._kernels.cpu_logit import gradient_hessian
        elif (
            self._objective.link == "logit"
            and scores.dtype == np.float32
            and offset == known.shift
        ):
            # XGBoost's own objective, in the only precision that it has.
            from focal_boost._kernels.cpu_log_loss import gradient_hessian
        else:
            from focal_boost._kernels.cpu import gradient_hessian
        return gradient_hessian

    def _exactly(self, scores: NDArray[Any], offset: float, *out: Any) -> Gradients:
        """Write what the exact functions return, where no polynomial is fine enough."""
        check_scores(scores)
        with np.errstate(over="ignore"):
            at = np.nan_to_num(scores.astype(np.float64) + offset)
        y_true, link = self.labels.y_true, self._objective.values
        of_class = np.where(y_true == 1, *self._class_weight[::-1])
        weight = self.labels.sample_weight
        factor = of_class if weight is None else of_class * weight
        exact = self._objective.hessian == "exact"
        curvature = link.hessian if exact else link.curvature
        grad, hess = out
        grad[:] = factor * link.gradient(y_true, at)
        hess[:] = factor * curvature(y_true, at)
        return grad, hess


def floats_of(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return one contiguous float32 or float64 value per row, not to be written."""
    array = as_column(values, name)
    narrow = array.dtype.kind == "f" and array.dtype.itemsize == 4
    kind = np.float32 if narrow else np.float64
    # A view that is never writable: one type for the kernel to be compiled for.
    column = np.ascontiguousarray(array, dtype=kind).view()
    column.flags.writeable = False
    return column
