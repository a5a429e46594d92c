"""Raw scores of many classes or labels, (n, K): binary rows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.threads import Team
from focal_boost._rows.host import Gradients, HostRows, Labels
from focal_boost._validation import as_numbers, check_labels, check_scores

if TYPE_CHECKING:
    from focal_boost.objective import FocalObjective


def labels_of_columns(
    y_true: ArrayLike, sample_weight: ArrayLike | None, n_classes: int
) -> tuple[Labels, ...]:
    """Return the binary labels of every class, with the weights of the rows.

    Parameters
    ----------
    y_true : array-like, (n,) of class numbers from 0 to K − 1 or (n, K) of 0 and 1
        For one class 0 and 1, (n,) or (n, 1).
    sample_weight : array-like of finite numbers >= 0, (n,), or None
    n_classes : int
        K.

    Raises
    ------
    ValueError
        For other labels or shapes, and for weights as from :meth:`Labels.of`.
    """
    columns = _indicators(as_numbers(y_true, "y_true"), n_classes)
    first = Labels.of(columns[0], sample_weight)
    return tuple(Labels(column, first.sample_weight) for column in columns)


def _indicators(y_true: NDArray[Any], n_classes: int) -> NDArray[np.uint8]:
    """Return what is 1 where a row has a class, (K, n)."""
    if y_true.ndim == 2 and y_true.shape[1] == 1:
        y_true = y_true[:, 0]
    if y_true.ndim == 1 and n_classes > 1:
        _check_numbers(y_true, n_classes)
        return np.stack([y_true == k for k in range(n_classes)]).view(np.uint8)
    matrix = y_true[:, None] if y_true.ndim == 1 else y_true
    if matrix.ndim != 2 or matrix.shape[1] != n_classes:
        raise ValueError(
            "y_true must have one class number per row, or one column per class,"
            f" {n_classes}, got shape {y_true.shape}"
        )
    check_labels(matrix)
    return np.ascontiguousarray(matrix.T == 1).view(np.uint8)


def _check_numbers(y_true: NDArray[Any], n_classes: int) -> None:
    """Raise unless every label is the number of a class."""
    sound = (y_true >= 0) & (y_true < n_classes) & (y_true == np.trunc(y_true))
    if not sound.all():
        raise ValueError(
            f"y_true must contain only whole numbers from 0 to {n_classes - 1},"
            f" got {y_true[~sound][0]}"
        )


# A call costs as much as some thousand rows: longer columns do not mind.
_LONG = 1 << 18


class ColumnRows:
    """The gradients of raw scores on the host, column by column.

    Parameters
    ----------
    objectives : sequence of FocalObjective
        One per column.
    labels : sequence of Labels
        Likewise, as from :func:`labels_of_columns`.
    class_weights : sequence of (float, float), optional
        Likewise, as for :class:`HostRows`.
    reuse : bool, default False
    team : Team, optional
        As for :class:`HostRows`.
    """

    def __init__(
        self,
        objectives: Sequence[FocalObjective],
        labels: Sequence[Labels],
        class_weights: Sequence[tuple[float, float]] | None = None,
        *,
        reuse: bool = False,
        team: Team | None = None,
    ) -> None:
        self.labels = tuple(labels)
        weights = class_weights or [(1.0, 1.0)] * len(self.labels)
        columns = list(zip(objectives, labels, weights, strict=True))
        self._columns = [HostRows(*column, team=team) for column in columns]
        self._first, self._team, self._reuse = columns[0], team, reuse
        self._alike = all(objectives[0] == one for one in objectives)
        self._alike &= all(weights[0] == one for one in weights)
        # By order of the scores.
        self._whole: dict[str, HostRows] = {}
        self._arrays: dict[str, Gradients] = {}

    def gradient_hessian(self, raw_score: Any, offset: Any = 0.0) -> Gradients:
        """Return gradient and Hessian at ``raw_score + offset``.

        Parameters
        ----------
        raw_score : array-like of finite numbers, (n, K)
            Of columns that are alike nothing is copied in C's order, which is
            XGBoost's; nor in Fortran's, LightGBM's.
        offset : float or array-like of floats, (K,), default 0.0

        Returns
        -------
        grad, hess : ndarray of float32, (n, K)
            Finite, in C's order where no copy was needed for that, else in Fortran's.

        Raises
        ------
        ValueError
            For another shape, and raw scores that are not finite.
        """
        scores = np.asarray(raw_score)
        shape = self.labels[0].y_true.size, len(self._columns)
        if scores.shape != shape:
            raise ValueError(f"raw_score must have shape {shape}, got {scores.shape}")
        offsets = np.broadcast_to(np.asarray(offset, np.float64), shape[1])
        check_scores(offsets, "offset")
        order: Any = self._order_of(scores) if (offsets == offsets[0]).all() else ""
        grad, hess = self._out(shape, order or "F")
        if order:
            flat, *out = (one.reshape(-1, order=order) for one in (scores, grad, hess))
            whole = self._whole_in(order)
            whole.gradient_hessian(flat, float(offsets[0]), out=(out[0], out[1]))
            return grad, hess
        for k, rows in enumerate(self._columns):
            of_column = grad[:, k], hess[:, k]
            rows.gradient_hessian(scores[:, k], float(offsets[k]), out=of_column)
        return grad, hess

    def _order_of(self, scores: NDArray[Any]) -> Any:
        """Return the order in which all numbers are those of one column, if any."""
        if self._alike and scores.flags.c_contiguous:
            return "C"
        short = len(scores) < _LONG
        return "F" if self._alike and short and scores.flags.f_contiguous else ""

    def _whole_in(self, order: str) -> HostRows:
        """Return all columns, which differ in their labels only, as one long one."""
        if order not in self._whole:
            objective, first, class_weight = self._first
            by_row = order == "C"
            several = [labels.y_true for labels in self.labels]
            y_true = np.stack(several, axis=1 if by_row else 0).reshape(-1)
            weight = first.sample_weight
            if weight is not None:
                weight = (np.repeat if by_row else np.tile)(weight, len(several))
            labels = Labels(y_true, weight)
            self._whole[order] = HostRows(
                objective, labels, class_weight, team=self._team
            )
        return self._whole[order]

    def _out(self, shape: tuple[int, int], order: Any) -> Gradients:
        if order in self._arrays:
            return self._arrays[order]
        arrays = np.empty(shape, np.float32, order), np.empty(shape, np.float32, order)
        if self._reuse:
            self._arrays[order] = arrays
        return arrays
