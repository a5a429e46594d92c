"""One training of many labels in XGBoost: "binary:logistic" with several outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focal_boost._rows import ColumnRows, Gradients, labels_of_columns
from focal_boost._validation import check_integer
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MultiFocalMetric
from focal_boost.xgboost._collective import is_distributed
from focal_boost.xgboost._start import Settings, set_start, start_of_columns
from focal_boost.xgboost._training import Training


class ManyTraining(Training):
    """The focal loss of one training of many labels.

    Parameters
    ----------
    objective : MultiFocalObjective
    metrics : sequence of MultiFocalMetric
    reads_once, updates
        As for :class:`Training`.
    """

    def __init__(
        self,
        objective: MultiFocalObjective,
        metrics: Sequence[MultiFocalMetric] = (),
        *,
        reads_once: bool,
        updates: bool,
    ) -> None:
        super().__init__(
            objective.of_columns(objective.n_classes or 1)[0],
            metrics,
            reads_once=reads_once,
            updates=updates,
        )
        self.asked = objective
        self._many: ColumnRows | None = None

    def rows(self, booster: Any, data: Any) -> Any:
        """Return the rows to train the next round on; an empty model gets its starts.

        Raises
        ------
        ValueError
            For unsound labels and weights, and where other workers have rows too.
        """
        if self._many is None or not self._reads_once:
            self._many = self._read_many(booster, data)
        return self._many

    def gradients(self, rows: Any, raw_score: Any) -> Gradients:
        """Return gradient and Hessian of raw scores, (n, K)."""
        found: Gradients = rows.gradient_hessian(raw_score)
        return found

    def _values(self, metric: Any, raw_score: Any, data: Any) -> dict[str, float]:
        labels = labels_of(data)
        found: dict[str, float] = metric.named(labels, raw_score, data.get_weight())
        return found

    def _read_many(self, booster: Any, data: Any) -> ColumnRows:
        label, weight = labels_of(data), data.get_weight()
        if is_distributed():
            raise ValueError("dtrain must be on one worker for many labels")
        if label.ndim != 2 or label.shape[1] < 2:
            raise ValueError(
                "dtrain must have a label matrix of 0 and 1, a column per class, or"
                " class numbers and num_class, for a MultiFocalObjective, got labels"
                f" of shape {label.shape}"
            )
        n_classes, settings = label.shape[1], Settings.of(booster)
        columns = self.asked.of_columns(n_classes)
        labels = labels_of_columns(label, weight, n_classes)
        empty = not self._updates and booster.num_boosted_rounds() == 0
        if empty and settings.estimates_start:
            shares = [one.of_classes[::-1] for one in labels]
            starts = start_of_columns(columns, shares, settings.scale_pos_weight)
            set_start(booster, starts, settings.updater)
        weights = [(1.0, settings.scale_pos_weight)] * n_classes
        return ColumnRows(columns, labels, weights, reuse=True, team=settings.team)


def labels_of(data: Any) -> NDArray[np.float32]:
    """Return the labels of a DMatrix, (n,) or (n, K)."""
    label, rows = data.get_label(), data.num_row()
    # XGBoost 2 hands a label matrix out row after row.
    if rows and label.ndim == 1 and label.size > rows:
        label = label.reshape(rows, -1)
    found: NDArray[np.float32] = label
    return found


@contextmanager
def as_matrices(params: dict[str, Any], data: Sequence[Any]) -> Iterator[None]:
    """Have class numbers be label matrices while the parameters' ``num_class`` is gone.

    XGBoost's "binary:logistic" has an output per column of the labels, and none per
    class number.

    Raises
    ------
    ValueError
        If ``num_class`` is no integer >= 2, or the labels are no numbers from 0 to
        that less 1.
    """
    given = params.pop("num_class", None)
    if given is None:
        yield
        return
    n_classes = check_integer(given, "num_class", 2)
    several = list({id(one): one for one in data}.values())
    numbers = [labels_of(one) for one in several]
    matrices = [_indicators(one, n_classes) for one in numbers]
    try:
        for one, matrix in zip(several, matrices, strict=True):
            one.set_label(matrix)
        yield
    finally:
        for one, label in zip(several, numbers, strict=True):
            one.set_label(label)


def _indicators(label: NDArray[Any], n_classes: int) -> NDArray[np.float32]:
    """Return class numbers, or a matrix that is one already, as a matrix."""
    labels = labels_of_columns(label, None, n_classes)
    return np.stack([one.y_true for one in labels], axis=1).astype(np.float32)
