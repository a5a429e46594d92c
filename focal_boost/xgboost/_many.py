"""One training of many labels in XGBoost: "binary:logistic" with several outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from focal_boost._rows import ColumnRows, Gradients, labels_of_columns
from focal_boost.multi import MultiFocalObjective
from focal_boost.xgboost._collective import is_distributed
from focal_boost.xgboost._start import Settings, set_start, start_of, version
from focal_boost.xgboost._training import Training

# Since then a model has a start value for every output.
_STARTS_PER_OUTPUT = (3, 1)


class ManyTraining(Training):
    """The focal loss of one training of many labels.

    Parameters
    ----------
    objective : MultiFocalObjective
    reads_once, updates
        As for :class:`Training`.

    Raises
    ------
    ValueError
        For an XGBoost whose models have one start value for all outputs.
    """

    def __init__(
        self, objective: MultiFocalObjective, *, reads_once: bool, updates: bool
    ) -> None:
        if version() < _STARTS_PER_OUTPUT:
            raise ValueError(
                "XGBoost must be 3.1 or later for a start value of every label, got"
                f" {'.'.join(map(str, version()))}"
            )
        super().__init__(
            objective.of_columns(objective.n_classes or 1)[0],
            reads_once=reads_once,
            updates=updates,
        )
        self._of_labels = objective
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

    def _read_many(self, booster: Any, data: Any) -> ColumnRows:
        label, weight = data.get_label(), data.get_weight()
        if is_distributed():
            raise ValueError("dtrain must be on one worker for many labels")
        if label.ndim != 2 or label.shape[1] < 2:
            raise ValueError(
                "dtrain must have a label matrix of 0 and 1, a column per class,"
                f" for a MultiFocalObjective, got labels of shape {label.shape}"
            )
        n_classes, settings = label.shape[1], Settings.of(booster)
        columns = self._of_labels.of_columns(n_classes)
        labels = labels_of_columns(label, weight, n_classes)
        empty = not self._updates and booster.num_boosted_rounds() == 0
        if empty and settings.estimates_start:
            factor = settings.scale_pos_weight
            shares = [one.of_classes[::-1] for one in labels]
            pairs = zip(columns, shares, strict=True)
            starts = [start_of(one, of_class, factor) for one, of_class in pairs]
            set_start(booster, np.asarray(starts), settings.updater)
        weights = [(1.0, settings.scale_pos_weight)] * n_classes
        return ColumnRows(columns, labels, weights, reuse=True)
