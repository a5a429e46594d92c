"""One training of many classes in LightGBM, as its own objective "multiclassova"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from focal_boost._rows import ColumnRows, Gradients, Labels, labels_of_columns
from focal_boost._validation import check_integer
from focal_boost.lightgbm import _text
from focal_boost.lightgbm._evaluation import Evaluations
from focal_boost.lightgbm._metrics import WITHOUT_TWIN
from focal_boost.lightgbm._start import best_constant, field_of, log_start
from focal_boost.lightgbm._text import Start
from focal_boost.lightgbm._training import Training
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import (
    MultiFocalMetric,
    log_loss_of_rows,
    normalised,
)

#: What LightGBM is told, and what else it calls that.
OBJECTIVES = ("multiclassova", "multiclass_ova", "ova", "ovr")
_NUM_CLASS = ("num_class", "num_classes")
# LightGBM's bound of a probability in a logarithm and what it takes for that, in single
# precision.
_CLIP = np.float32(1e-15)
_MOST = float(-np.log(_CLIP))


def num_class_of(params: dict[str, Any]) -> int:
    """Return the number of classes that parameters name.

    Raises
    ------
    ValueError
        If that is no integer >= 2, or not given.
    """
    given = [params[name] for name in _NUM_CLASS if params.get(name) is not None]
    return check_integer(given[0] if given else None, "num_class", 2)


class ManyTraining(Training):
    """The focal loss of one training of many classes.

    Parameters
    ----------
    objective : MultiFocalObjective
    n_classes : int
        K: LightGBM grows a tree for each of them in every round.
    metrics, may_change
        As for :class:`Training`.
    normalises : bool, default False
        Whether metrics are of posteriors divided by their sum, as in the classifier.

    Raises
    ------
    ValueError
        If the objective has parameters for another number of classes.
    """

    def __init__(
        self,
        objective: MultiFocalObjective,
        n_classes: int,
        metrics: Sequence[MultiFocalMetric] = (),
        *,
        may_change: bool,
        normalises: bool = False,
    ) -> None:
        self._columns = objective.of_columns(n_classes)
        super().__init__(self._columns[0], metrics, may_change=may_change)
        self.asked, self.normalises = objective, normalises
        self._starts = [Start()] * n_classes
        self._values: list[float] = []
        self._offsets = np.zeros(n_classes)
        self._many: ColumnRows | None = None
        self._own = f"{OBJECTIVES[0]} num_class:{n_classes} sigmoid:1"

    def before_round(self, booster: Any) -> None:
        """Find the start values where LightGBM would boost from the averages."""
        self._is_first = booster.num_trees() == 0
        if not self._is_first:
            return
        values, self._in_scores = self._in_scores, None
        data = booster.train_set
        averages = self._settings["boost_from_average"] == "1"
        if values is not None:
            self._starts = [Start(value) for value in self._values]
            for k, value in enumerate(self._values):
                self._log(k, value)
        elif any(self._offsets) or (averages and data.get_init_score() is None):
            for k, value in enumerate(self._constants(self._read_many(data))):
                self._begin_class_at(k, value)

    def gradients(self, raw_score: NDArray[np.float64], data: Any) -> Gradients:
        """Return gradient and Hessian of LightGBM's raw scores, (n, K)."""
        if self._many is None or self.may_change:
            labels = self._read_many(data)
            if self._many is None:
                for one in labels:
                    self._warn_of_one_class(one)
            weights = [self._class_weight(one) for one in labels]
            self._many = ColumnRows(
                self._columns, labels, weights, reuse=True, team=self._team
            )
        return self._many.gradient_hessian(raw_score, self._offsets)

    def after_round(self, booster: Any) -> None:
        """Put every class's start value into its first tree."""
        if not self._is_first:
            return
        text = lgb.Booster.model_to_string(booster, num_iteration=1)
        for k in range(len(self._columns)):
            self._start_class(booster, k, *_text.first_tree(text, k))

    def _start_class(self, booster: Any, k: int, leaves: int, leaf: float) -> None:
        data = booster.train_set
        if leaves == 1 and not self._starts[k].value and data.get_init_score() is None:
            # A tree without a split predicts the prevalence, whatever was asked for.
            self._begin_class_at(k, self._constants(self._read_many(data))[k])
        start = self._starts[k].value
        lacking = self._settings["linear_tree"] == "1"
        leaf += 0.0 if lacking else start
        self._starts[k] = Start(start, leaf, lacking)
        for i in range(leaves if start and not lacking else 0):
            booster.set_leaf_output(k, i, booster.get_leaf_output(k, i) + start)

    @property
    def missing_start(self) -> Any:
        """What the predictions of LightGBM's trees lack, (K,)."""
        return np.array([one.value if one.lacking else 0.0 for one in self._starts])

    def completed(self, text: str) -> str:
        """Return the text of the model as that of LightGBM's own objective."""
        text = _text.as_own(text, self._own)
        for k, start in enumerate(self._starts):
            text = _text.with_start(text, start, k)
        return text

    def completed_dump(self, dump: dict[str, Any]) -> dict[str, Any]:
        """Return the dumped model likewise."""
        return _text.dump_with_starts(dump, self._starts, self._own)

    def shifted(self, raw_score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LightGBM's raw scores with what they lack."""
        return raw_score + self._offsets if self._offsets.any() else raw_score

    def labels(self, y_true: Any, weight: Any) -> tuple[Labels, ...]:
        """Return the labels of every class."""
        return labels_of_columns(y_true, weight, len(self._columns))

    def _start_of(self, data: Any) -> Any:
        weight = field_of(data, "weight")
        if weight is not None:
            # As LightGBM will hold them.
            weight = np.asarray(weight, np.float32)
        return self.start_from(self.labels(field_of(data, "label"), weight))

    def start_from(self, labels: Any) -> Any:
        """Return the start values, (K,), which LightGBM's scores will hold."""
        self._values = self._constants(labels)
        # Any number: it says that there are some.
        self._in_scores = 0.0
        return np.asarray(self._values)

    def _constants(self, labels: tuple[Labels, ...]) -> list[float]:
        pairs = zip(self._columns, labels, strict=True)
        return [best_constant(objective, one) for objective, one in pairs]

    def _begin_class_at(self, k: int, value: float) -> None:
        self._starts[k] = Start(value)
        self._offsets[k] += value
        if value:
            self._log(k, value)

    def _log(self, k: int, value: float) -> None:
        if self._verbosity > 0:
            log_start(self._columns[k], value)

    def _read_many(self, data: Any) -> tuple[Labels, ...]:
        weight = data.get_weight()
        if self._many is None:
            self._has_weights = weight is not None
        # LightGBM's own objectives do not see weights that come later.
        return self.labels(data.get_label(), weight if self._has_weights else None)

    def _evaluations_by(self, settings: dict[str, str]) -> Evaluations:
        return _ManyEvaluations(self, settings)


class _ManyEvaluations(Evaluations):
    """Evaluations whose pointwise metrics are those of many classes."""

    twins: ClassVar[Collection[str]] = ("multi_logloss", "multi_error")
    # LightGBM itself takes none but those of many classes.
    without_twin: ClassVar[Collection[str]] = tuple(
        name for name in WITHOUT_TWIN if not name.startswith(("multi", "auc"))
    )

    def __init__(self, training: Training, settings: dict[str, str]) -> None:
        super().__init__(training, settings)
        self._top = int(settings["multi_error_top_k"])
        self._normalises = bool(getattr(training, "normalises", False))

    def _probability(self, raw_score: Any) -> Any:
        return (normalised if self._normalises else expit)(raw_score)

    def _twin(self, name: str, data: Any, raw_score: Any) -> dict[str, float]:
        numbers, weight = self._known(data)
        if name == "multi_logloss":
            each = self._log_loss(numbers, raw_score)
        else:
            rank = raw_score if self._normalises else expit(raw_score)
            own = rank[np.arange(len(numbers)), numbers]
            # A tie is an error, as LightGBM counts.
            each = (rank >= own[:, None]).sum(axis=1) > self._top
            name += "" if self._top == 1 else f"@{self._top}"
        return {name: float(np.average(each, weights=weight))}

    def _log_loss(self, numbers: Any, raw_score: Any) -> Any:
        if self._normalises:
            return np.minimum(log_loss_of_rows(numbers, raw_score), _MOST)
        own = expit(raw_score[np.arange(len(numbers)), numbers])
        inside = own > float(_CLIP)
        return np.where(inside, -np.log(np.where(inside, own, 1.0)), _MOST)

    def _labels_of(self, data: Any) -> Any:
        label, weight = data.get_label(), data.get_weight()
        training = self._training
        assert isinstance(training, ManyTraining)
        training.labels(label, weight)  # checks them
        return label.astype(np.intp), weight
