"""One training by XGBoost: its objective, the rows' gradients and the start value.

XGBoost is told that it trains its own ``binary:logistic``, and does so but for one
thing: while it trains, the booster is a :class:`FocalBooster`, whose gradients are the
objective's. Metrics, printed lines, early stopping and callbacks are XGBoost's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost as xgb

from focal_boost._rows import Rows, check_device, rows_of
from focal_boost._validation import shown
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._checkpoint import Checkpoint
from focal_boost.xgboost._collective import is_distributed, summed, together
from focal_boost.xgboost._margins import lent_margins
from focal_boost.xgboost._metrics import of_data
from focal_boost.xgboost._start import (
    OBJECTIVE,
    Settings,
    set_start,
    start_of,
)

# Where a booster keeps the training that it is in.
_TRAINING = "_focal_training"
# Set while it is about to ask itself for the margins of a round.
_LENDS = "_focal_lends"
# Callbacks that run none of the caller's code.
_WITHOUT_CODE = (
    Checkpoint,
    xgb.callback.EarlyStopping,
    xgb.callback.EvaluationMonitor,
    xgb.callback.TrainingCheckPoint,
)


class Training:
    """One training: what ``train``, the classifier and the search have in common.

    Parameters
    ----------
    objective : FocalObjective
        Its device is where the gradients are computed.
    metrics : sequence of FocalMetric
        Evaluated after XGBoost's own metrics and the caller's.
    reads_once : bool
        Whether labels, weights and parameters stay those of the first round, because no
        code of the caller's runs between rounds.
    updates : bool, default False
        Whether ``process_type`` has a model's trees updated: it looks empty then.
    """

    def __init__(
        self,
        objective: FocalObjective,
        metrics: Sequence[Any] = (),
        *,
        reads_once: bool,
        updates: bool = False,
    ) -> None:
        self.objective = objective
        #: What was asked for, which of many labels is the objective of all of them.
        self.asked: Any = objective
        self._metrics = tuple(metrics)
        self._reads_once = reads_once
        self._updates = updates
        self._rows: Rows | _Weightless | None = None
        self._attached: list[Any] = []
        #: What keeps it in a file.
        self.checkpoint: Checkpoint | None = None

    def attach(self, booster: Any) -> None:
        """Let a booster train by the objective, until :meth:`release`."""
        if vars(booster).get(_TRAINING) is self:
            return
        self._attached.append(booster)
        setattr(booster, _TRAINING, self)
        booster.__class__ = FocalBooster

    def release(self) -> None:
        """Make all boosters XGBoost's own again."""
        for booster in self._attached:
            vars(booster).pop(_TRAINING, None)
            booster.__class__ = xgb.Booster
        self._attached.clear()

    @contextmanager
    def callback(self) -> Iterator[Any]:
        """Return the callback that attaches the booster of an ``xgboost.train``."""
        try:
            yield Attach(self)
        finally:
            self.release()

    def is_kept(self, iteration: int) -> bool:
        """Return whether a checkpoint has that round."""
        return self.checkpoint is not None and iteration < self.checkpoint.rounds

    def rows(self, booster: Any, data: Any) -> Rows | _Weightless:
        """Return the rows to train the next round on; an empty model gets its start.

        Raises
        ------
        xgboost.core.XGBoostError
            A ValueError too, for unsound labels and weights: on all workers.
        """
        if self._rows is None or not self._reads_once:
            settings = Settings.of(booster)
            self._rows = together(lambda: self._read(data, settings))
            empty = not self._updates and booster.num_boosted_rounds() == 0
            starts = empty and settings.estimates_start
            if starts or is_distributed():
                of_class = summed(np.array(self._rows.labels.of_classes[::-1]))
                together(lambda: _check_whole(of_class))
            if starts:
                start = start_of(self.objective, of_class, settings.scale_pos_weight)
                set_start(booster, start, settings.updater)
        return self._rows

    def _read(self, data: Any, settings: Settings) -> Rows | _Weightless:
        """Return the rows of data."""
        labels, weight = data.get_label(), data.get_weight()
        if is_distributed() and not (labels.size and (not weight.size or weight.any())):
            return _Weightless(labels.size)
        return rows_of(
            self.objective,
            labels,
            weight,
            None,
            class_weight=(1.0, settings.scale_pos_weight),
            reuse=True,
            team=settings.team,
        )

    def gradients(self, rows: Rows | _Weightless, raw_score: Any) -> Any:
        """Return gradient and Hessian of raw scores, in arrays of the training's."""
        return together(lambda: rows.gradient_hessian(raw_score))

    def evaluated(self, booster: Any, evals: Sequence[tuple[Any, str]]) -> str:
        """Return the metrics as XGBoost writes its own, with all their digits."""
        return "".join(
            f"\t{name}-{of}:{value!r}"
            for data, name in (evals if self._metrics else ())
            for raw_score in [booster.predict(data, output_margin=True)]
            for metric in self._metrics
            for of, value in self._values(metric, raw_score, data).items()
        )

    def _values(self, metric: Any, raw_score: Any, data: Any) -> dict[str, float]:
        return {metric.name: of_data(metric, raw_score, data)}


class _Weightless:
    """The rows of a worker that has none, or none with a weight."""

    def __init__(self, size: int) -> None:
        self._size = size
        # They are their own labels.
        self.labels, self.of_classes = self, (0.0, 0.0)

    def gradient_hessian(self, raw_score: Any) -> Any:  # noqa: ARG002
        """Return zeros."""
        return np.zeros(self._size, np.float32), np.zeros(self._size, np.float32)


def _check_whole(of_class: Any) -> None:
    """Raise unless some row of some worker has a weight."""
    if not of_class.any():
        raise ValueError(
            "dtrain must hold rows with a positive weight on some worker, got none"
        )


class FocalBooster(xgb.Booster):
    """A booster while it trains; all that outlives the training is XGBoost's own."""

    def update(self, dtrain: Any, iteration: int, fobj: Any = None) -> None:
        """Boost one round by the objective of the training."""
        if fobj is None:
            training: Training = getattr(self, _TRAINING)
            if iteration == 0 and training.checkpoint is not None:
                training.checkpoint.go_on(self, training.asked, dtrain)
            if training.is_kept(iteration):
                return
            rows = training.rows(self, dtrain)

            def fobj(raw_score: Any, data: Any) -> Any:  # noqa: ARG001
                return training.gradients(rows, raw_score)

            setattr(self, _LENDS, True)
        try:
            super().update(dtrain, iteration, fobj)
        finally:
            self.__dict__.pop(_LENDS, None)

    def predict(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Predict; see ``xgboost.Booster.predict``."""
        # The first call in a round is that for the margins of the gradient.
        margins = lent_margins(self, data) if self.__dict__.pop(_LENDS, False) else None
        return super().predict(data, *args, **kwargs) if margins is None else margins

    def eval_set(
        self,
        evals: Sequence[tuple[Any, str]],
        iteration: int = 0,
        feval: Any = None,
        output_margin: bool = True,
    ) -> str:
        """Evaluate the library's metrics, and then those of the training."""
        training: Training = getattr(self, _TRAINING)
        if training.checkpoint is not None and training.is_kept(iteration):
            return training.checkpoint.evaluated(iteration)
        text: str = super().eval_set(evals, iteration, feval, output_margin)
        return text + training.evaluated(self, evals)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Have the training kept in a file, and go on from there."""
        training: Training = getattr(self, _TRAINING)
        training.checkpoint = checkpoint

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        state.pop(_TRAINING, None)
        return state

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A pickle does not train, and loads without this package.
        return object.__new__, (xgb.Booster,), self.__getstate__()


class Attach(xgb.callback.TrainingCallback):
    """Attaches every booster that is about to train; before that it can be pickled."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self._training = training

    def before_training(self, model: Any) -> Any:
        self._training.attach(model)
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        # A callback may have put another model into its place.
        self._training.attach(model)
        return False

    def after_training(self, model: Any) -> Any:
        self._training.release()
        return model


def runs_code(callbacks: Any, custom_metric: Any = None) -> bool:
    """Return whether code of the caller's runs between rounds: it could change data."""
    theirs = [one for one in callbacks or () if type(one) not in _WITHOUT_CODE]
    return bool(theirs) or custom_metric is not None


def check_objective(objective: Any) -> None:
    """Raise unless it is what XGBoost may be told to train."""
    if objective not in (None, OBJECTIVE):
        raise ValueError(
            f'objective of XGBoost must be "{OBJECTIVE}" or absent,'
            f" got {shown(objective)}"
        )


def on_the_device(
    objective: FocalObjective, device: Any, *, here: bool = True
) -> FocalObjective:
    """Return the objective for XGBoost's parameter `device`, which must be there.

    An objective with a device of its own keeps it; on the CPU it works for all. It is
    not looked for where the training is not `here`.
    """
    named = str(device)
    trains_on = named if named.startswith(("cuda", "gpu")) else "cpu"
    if objective.device is None:
        objective = replace(objective, device=trains_on)
    elif trains_on == "cpu" and objective.device != "cpu":
        raise ValueError(
            'device of the objective must be None or "cpu" where XGBoost trains on'
            f" the CPU, got {shown(objective.device)}"
        )
    if here:
        check_device(str(objective.device))
    return objective
