"""One training in LightGBM: its settings, its start value and its gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from focal_boost._rows import Gradients, HostRows, Labels, Team
from focal_boost._validation import brief
from focal_boost.lightgbm import _text
from focal_boost.lightgbm._booster import FocalBooster, forget_drops
from focal_boost.lightgbm._checkpoint import Checkpoint
from focal_boost.lightgbm._evaluation import Evaluations
from focal_boost.lightgbm._network import Network
from focal_boost.lightgbm._start import (
    StartScores,
    best_constant,
    best_of_all,
    field_of,
    has_labels,
    labels_of,
    log,
    log_start,
)
from focal_boost.lightgbm._text import Start
from focal_boost.objective import FocalObjective

# What it applies inside its own objectives only: name, and the value that is honoured.
_NOT_HONOURED = {"pos_bagging_fraction": 1, "neg_bagging_fraction": 1, "sigmoid": 1}
_VERBOSITY = ("verbosity", "verbose")


class Training:
    """The focal loss of one training, whoever starts it.

    Parameters
    ----------
    objective : FocalObjective
    metrics : sequence of FocalMetric
        Evaluated after LightGBM's own.
    may_change : bool
        Whether code of the caller's runs between the rounds, and could set labels or
        weights: they are then read in every round, otherwise once.
    """

    def __init__(
        self,
        objective: FocalObjective,
        metrics: Any = (),
        *,
        may_change: bool = False,
    ) -> None:
        #: What the training was asked for, which of many classes is of all of them.
        self.asked: Any = objective
        self.objective = objective
        self.metrics = tuple(metrics)
        self.may_change = may_change
        self._is_first = False
        self._start = Start()
        self._lent = StartScores()
        self._in_scores: float | None = None
        # What the raw scores lack that LightGBM keeps.
        self._offset = 0.0
        self._settings: dict[str, str] = {}
        #: What keeps it in a file.
        self.checkpoint: Checkpoint | None = None
        self._verbosity = 1
        self._rows: HostRows | None = None
        self._has_weights = False
        self._evaluations: Evaluations | None = None

    # What a trainer calls before LightGBM's engine.

    def start_from(self, labels: Any) -> Any:
        """Return the start value, which LightGBM's scores will hold."""
        self._in_scores = best_constant(self.objective, labels)
        return self._in_scores

    def _start_of(self, data: Any) -> Any:
        return self.start_from(labels_of(data))

    def lend_start(self, train_set: Any, others: Any) -> None:
        """Put the start value into the scores of sets, if all have labels in memory."""
        sets = (train_set, *others)
        if not all(map(has_labels, sets)):
            return
        if field_of(train_set, "init_score") is None:
            start = self._start_of(train_set)
            for data in sets:
                self._lent.lend(data, start)

    def take_back(self) -> None:
        """Give the sets what they had."""
        self._lent.take_back()

    # What FocalBooster calls.

    def begin(self, booster: Any) -> None:
        """Read the settings of a fresh booster."""
        if self._in_scores is not None:
            self._lent.own(booster.train_set)
            self._lent.take_back()
        text = lgb.Booster.model_to_string(booster, num_iteration=1)
        self._settings = settings = _text.settings_of(text)
        # The text holds six digits.
        exact = booster.params.get("scale_pos_weight")
        settings |= {} if exact is None else {"scale_pos_weight": exact}
        self._verbosity = _verbosity_of(booster)
        _check_settings(settings)
        if self.checkpoint is not None:
            self.checkpoint.begin(self.asked, settings, booster.train_set)
        self._evaluations = self._evaluations_by(settings)
        self._network = Network(booster, self._verbosity)
        if settings["boosting"] == "dart":
            forget_drops(booster)

    def before_round(self, booster: Any) -> None:
        """Find the start value where LightGBM would boost from the average."""
        self._is_first = booster.num_trees() == 0
        if not self._is_first:
            return
        value, self._in_scores = self._in_scores, None
        if value is not None:
            self._start = Start(value)
            self._log_start(value)
        else:
            self._begin_at(self._start_value(booster.train_set))

    def _start_value(self, data: Any) -> float:
        """Return the start value where LightGBM's scores lack it."""
        from_average = self._settings["boost_from_average"] == "1"
        if self._start.value or (from_average and data.get_init_score() is None):
            return self._best_constant(data)
        return 0.0

    def _best_constant(self, data: Any) -> float:
        """Return the start value of the rows of all machines."""
        labels = self._network.together(lambda: self._read(data))
        if not self._network.is_distributed:
            return best_constant(self.objective, labels)
        return best_of_all(self.objective, self._network.log_odds(*labels.of_classes))

    def gradients(self, raw_score: NDArray[np.float64], data: Any) -> Gradients:
        """Return gradient and Hessian of LightGBM's raw scores."""
        if self._rows is None or self.may_change:
            labels = self._network.together(lambda: self._read(data))
            if self._rows is None and not self._network.is_distributed:
                self._warn_of_one_class(labels)
            weights = self._class_weight(labels)
            self._rows = HostRows(
                self.objective, labels, weights, reuse=True, team=self._team
            )
        return self._rows.gradient_hessian(raw_score, self._offset)

    def after_round(self, booster: Any) -> None:
        """Put the start value into the first tree, as LightGBM does with its own."""
        if not self._is_first:
            return
        text = lgb.Booster.model_to_string(booster, num_iteration=1)
        leaves, leaf_value = _text.first_tree(text)
        data = booster.train_set
        if leaves == 1 and not self._start.value and data.get_init_score() is None:
            # A tree without a split predicts the prevalence, whatever was asked for.
            self._begin_at(self._best_constant(data))
        # The constants of linear leaves cannot be changed: they stay without.
        lacking = self._settings["linear_tree"] == "1"
        if not lacking:
            leaf_value += self._start.value
        self._start = self._start._replace(leaf=leaf_value, lacking=lacking)
        for leaf in range(leaves if self._start.value and not lacking else 0):
            value = booster.get_leaf_output(0, leaf) + self._start.value
            booster.set_leaf_output(0, leaf, value)

    @property
    def missing_start(self) -> float:
        """What the predictions of LightGBM's trees lack."""
        return self._start.value if self._start.lacking else 0.0

    def completed(self, text: str) -> str:
        """Return the text of the model as that of LightGBM's own objective."""
        return _text.with_start(_text.as_own(text), self._start)

    def completed_dump(self, dump: dict[str, Any]) -> dict[str, Any]:
        """Return the dumped model likewise."""
        return _text.dump_with_starts(dump, [self._start])

    @property
    def evaluations(self) -> Evaluations:
        """How sets are evaluated."""
        assert self._evaluations is not None
        return self._evaluations

    # The parts of these.

    def _evaluations_by(self, settings: dict[str, str]) -> Evaluations:
        return Evaluations(self, settings)

    def _begin_at(self, value: float) -> None:
        self._start = Start(value)
        self._offset += value
        if value:
            self._log_start(value)

    def _log_start(self, value: float) -> None:
        if self._verbosity > 0:
            log_start(self.objective, value)

    def _warn_of_one_class(self, labels: Labels) -> None:
        positives = np.count_nonzero(labels.y_true)
        if self._verbosity >= 0 and positives in (0, labels.y_true.size):
            log("Contains only one class", "Warning")

    def shifted(self, raw_score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LightGBM's raw scores with what they lack."""
        return raw_score + self._offset if self._offset else raw_score

    def _read(self, data: Any) -> Labels:
        """Return the labels and weights of the training set as they are now."""
        weight = data.get_weight()
        if self._rows is None:
            self._has_weights = weight is not None
        # LightGBM's own objectives do not see weights that come later.
        return Labels.of(data.get_label(), weight if self._has_weights else None)

    @property
    def _team(self) -> Team:
        """The threads that LightGBM trains on."""
        return Team.of(lgb.basic._LIB, int(self._settings["num_threads"]))

    def _class_weight(self, labels: Labels) -> tuple[float, float]:
        """Return what ``scale_pos_weight`` and ``is_unbalance`` ask for."""
        positive = float(self._settings["scale_pos_weight"])
        if self._settings["is_unbalance"] != "1":
            return 1.0, positive
        positives = float(np.count_nonzero(labels.y_true))
        negatives = labels.y_true.size - positives
        of_one = self._network.ratio(positives, negatives)
        if not 0 < of_one < math.inf:
            return 1.0, positive
        if of_one > 1:
            return of_one, positive
        return 1.0, self._network.ratio(negatives, positives) * positive


def _verbosity_of(booster: Any) -> int:
    """Return how much LightGBM says: what was asked for last."""
    given = {**(booster.train_set.params or {}), **booster.params}
    return int(next((given[name] for name in _VERBOSITY if name in given), 1))


def _check_settings(settings: dict[str, str]) -> None:
    """Raise for parameters that LightGBM's own objective refuses or alone honours."""
    weight = float(settings["scale_pos_weight"])
    if settings["is_unbalance"] == "1" and abs(weight - 1) > 1e-6:
        raise lgb.basic.LightGBMError(
            "Cannot set is_unbalance and scale_pos_weight at the same time"
        )
    for name, value in _NOT_HONOURED.items():
        if float(settings[name]) != value:
            raise ValueError(
                f"{name} must be {value} with focal loss, because LightGBM applies"
                f" it in its own objectives only, got {brief(settings[name])}"
            )


def injected(training: Training, params: dict[str, Any]) -> Callable[[Any], None]:
    """Return the callback that has the engine's booster train with focal loss.

    `params` are put into those that callbacks see in place of the engine's.
    """

    def begin(env: Any) -> None:
        if type(env.model) is lgb.Booster:
            sets = (env.model.train_set, *env.model.valid_sets)
            for holder in (env.params, env.model.params, *(one.params for one in sets)):
                restore(holder, params)
            FocalBooster.take(env.model, training)

    begin.before_iteration = True  # type: ignore[attr-defined]
    begin.order = -1_000_000  # type: ignore[attr-defined]
    return begin


def restore(seen: dict[str, Any], params: dict[str, Any]) -> None:
    """Put parameters into those that are seen; None stands for one that is not."""
    for name, value in params.items():
        if value is None:
            seen.pop(name, None)
        else:
            seen[name] = value
