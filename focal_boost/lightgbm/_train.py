"""``train`` and ``metric`` for LightGBM."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np

from focal_boost.lightgbm._device import check_computes_on_host, with_advice
from focal_boost.lightgbm._metrics import LightGBMMetric, without_misreading
from focal_boost.lightgbm._model import self_contained
from focal_boost.loss import FocalLoss
from focal_boost.metrics import FocalMetric, focal_metrics
from focal_boost.objective import FocalObjective, Gradients, OneTraining

_OBJECTIVE = ("objective", "objective_type", "app", "application", "loss")
_BOOSTING = ("boosting", "boosting_type", "boost")
_METRIC = ("metric", "metrics", "metric_types")
_MAX_STEP = ("max_delta_step", "max_tree_output", "max_leaf_output")
# Bound of a leaf's output before the learning rate; no step of sound data reaches it.
MAX_DELTA_STEP = 5.0
_NOT_TRAINED_WITH = ("none", "null", "custom", "na")
# What LightGBM applies inside its own objectives only, the value that asks for
# nothing, and what to use instead.
_IGNORED = {
    ("scale_pos_weight",): (1, "use alpha"),
    ("is_unbalance", "unbalance", "unbalanced_sets"): (
        False,
        'use alpha or "balanced"',
    ),
    (
        "pos_bagging_fraction",
        "pos_sub_row",
        "pos_subsample",
        "pos_bagging",
    ): (1, "use bagging_fraction or weights"),
    (
        "neg_bagging_fraction",
        "neg_sub_row",
        "neg_subsample",
        "neg_bagging",
    ): (1, "use bagging_fraction or weights"),
    ("boost_from_average",): (True, "use init_score to start elsewhere"),
    ("sigmoid",): (1, "use the margin"),
}


def metric(name: str, loss: FocalLoss) -> LightGBMMetric:
    """Return a metric for LightGBM's native and scikit-learn APIs.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        See :class:`focal_boost.metrics.FocalMetric`.
    loss : FocalLoss
        The loss that is trained with.

    Returns
    -------
    callable
        For ``lgb.train(feval=)``, ``lgb.cv(feval=)`` and
        ``LGBMClassifier.fit(eval_metric=)``; early stopping knows its direction.

    Raises
    ------
    ValueError
        If the name is not known or loss is not a FocalLoss.
    """
    return LightGBMMetric(FocalMetric(name, loss))


def train(
    params: dict[str, Any],
    train_set: Any,
    num_boost_round: int = 100,
    valid_sets: Any = None,
    valid_names: Any = None,
    feval: Any = None,
    init_model: Any = None,
    keep_training_booster: bool = False,
    callbacks: list[Callable[..., Any]] | None = None,
    *,
    objective: FocalObjective = FocalObjective(),  # noqa: B008 (immutable)
    metrics: str | Sequence[str] = ("log_loss",),
) -> Any:
    """Train like ``lightgbm.train``, with focal loss and from the best constant.

    The datasets are left as they are: the start value is added where gradient and
    metrics are computed, and folded into the first tree at the end.

    Parameters
    ----------
    params : dict
        LightGBM's parameters. Where gamma > 0, "max_delta_step" defaults to 5 (in
        LightGBM to 0, unbounded), which keeps trainings with few positives and small
        gamma from running away.
    train_set : lightgbm.Dataset
        Data with labels 0 and 1 and, optionally, weights. An ``init_score`` of its
        own replaces the best constant; as always in LightGBM the model does not
        hold it.
    num_boost_round, valid_sets, valid_names, feval, init_model, callbacks
        As in ``lightgbm.train``; `feval` gets margins that include the start value.
    keep_training_booster : False
        True is not supported: the start value is not in the trees while they grow.
    objective : FocalObjective
        The loss to train with. It computes on the CPU, wherever LightGBM's
        "device_type" grows the trees.
    metrics : sequence of str, default ("log_loss",)
        Metrics of the posterior, evaluated on every set of `valid_sets`.

    Returns
    -------
    lightgbm.Booster
        Self-contained: it holds its start value and reloads without this package.
        Its ``predict`` is σ(margin), *not* a probability; that is
        ``objective.loss.posterior(booster.predict(X, raw_score=True))``.

    Warns
    -----
    UserWarning
        For parameters that a custom objective makes LightGBM ignore or misread.

    Raises
    ------
    ValueError
        For labels other than 0 and 1, one class only, bad weights, an unknown
        metric, ``boosting="rf"``, an objective on a CUDA device, and parameters that
        contradict the objective.
    lightgbm.basic.LightGBMError
        Also for a "device_type" that this build or machine does not have.
    """
    if not isinstance(objective, FocalObjective):
        raise ValueError(f"objective must be a FocalObjective, got {objective!r}")
    check_computes_on_host(objective)
    if keep_training_booster:
        raise ValueError(
            "keep_training_booster must be False, got True: continue the returned"
            " booster with init_model instead"
        )
    settings = settings_of(dict(params), objective.loss)
    if not _is_constructed(train_set):
        # With a custom objective LightGBM rejects data of fewer than 40 rows otherwise.
        settings.setdefault("feature_pre_filter", False)
    run = _Run(objective, continued=init_model is not None)
    settings["objective"] = run.gradients()
    evaluations = run.evaluations(focal_metrics(metrics, objective.loss), feval)
    with with_advice():
        booster = lgb.train(
            settings,
            train_set,
            num_boost_round,
            valid_sets=valid_sets,
            valid_names=valid_names,
            feval=evaluations,
            init_model=init_model,
            callbacks=callbacks_of(settings, callbacks),
        )
    return self_contained(booster, run.start or 0.0)


def settings_of(params: dict[str, Any], loss: FocalLoss) -> dict[str, Any]:
    """Return parameters that fit a custom objective, warning of those that do not."""
    objective = _pop(params, _OBJECTIVE)
    if objective not in (None, "binary", *_NOT_TRAINED_WITH):
        raise ValueError(
            f'objective in params must be "binary" or absent, got {objective!r}'
        )
    if boosting_of(params) in ("rf", "random_forest"):
        raise ValueError(
            'boosting must be "gbdt" or "dart" with a custom objective, got "rf"'
        )
    for names, (nothing, instead) in _IGNORED.items():
        for name in names:
            if params.pop(name, nothing) not in (nothing, None):
                _warn(f"{name} is ignored by a custom objective; {instead} instead")
    params["metric"] = _metric_of(_pop(params, _METRIC))
    # A badly misclassified row has hardly any curvature, and LightGBM regularises by
    # none: for small gamma and rare positives one Newton step of a leaf can go so far
    # that the model never comes back. gamma 0 stays the built-in objective.
    if loss.gamma > 0 and not any(name in params for name in _MAX_STEP):
        params["max_delta_step"] = MAX_DELTA_STEP
    return params


def _metric_of(named: Any) -> Any:
    """Return the built-in metrics that make sense of a margin, or "None"."""
    if named is None:
        return "None"
    names = named.split(",") if isinstance(named, str) else list(named)
    advice = 'metrics=("log_loss", "brier_score")'
    return without_misreading(names, "metric", advice) or "None"


def boosting_of(params: dict[str, Any]) -> Any:
    """Return the kind of boosting that the parameters ask for, or None."""
    return next((params[name] for name in _BOOSTING if name in params), None)


def callbacks_of(
    params: dict[str, Any], callbacks: list[Callable[..., Any]] | None
) -> list[Callable[..., Any]] | None:
    """Return callbacks that make the kind of boosting reproducible."""
    if boosting_of(params) != "dart":
        return callbacks
    return [*(callbacks or ()), _read_margins_once()]


def _read_margins_once() -> Callable[[Any], None]:
    """Return a callback that has DART decide before training which trees to drop.

    LightGBM keeps a flag for whether it has dropped trees in this round, sets it after
    the first tree only, and asks it when a custom objective reads the margins: in some
    runs the first round draws a random number and in others it does not. Once the
    margins have been read, the flag is set, and the first round, which resets the
    random numbers, is the same in all runs. The margins are read for a metric only.
    """

    def read(env: Any) -> None:
        if env.iteration == env.begin_iteration:
            env.model.eval_train(lambda _preds, _data: [])

    read.before_iteration = True  # type: ignore[attr-defined]
    return read


def _pop(params: dict[str, Any], names: Sequence[str]) -> Any:
    """Remove a parameter under all its names and return the first value."""
    values = [params.pop(name) for name in names if name in params]
    return values[0] if values else None


def _warn(message: str) -> None:
    # The caller of train() or fit() wrote the parameter.
    warnings.warn(message, UserWarning, stacklevel=4)


def _is_constructed(dataset: Any) -> bool:
    try:
        dataset.num_data()
    except lgb.basic.LightGBMError:
        return False
    return True


class _Run:
    """One training: the objective and the start value, known from the first round.

    LightGBM copies a callable objective deeply, but not a function, so that what it
    is given are functions that close over this.
    """

    def __init__(self, objective: FocalObjective, *, continued: bool) -> None:
        self.objective = objective
        self.start: float | None = 0.0 if continued else None

    def gradients(self) -> Callable[[Any, Any], Gradients]:
        """Return the objective for ``lightgbm.train``."""
        training = OneTraining(self.objective)

        def focal_objective(preds: Any, data: Any) -> Gradients:
            if self.start is None:
                self.start = self._best_constant(data)
            return training.gradient_hessian(preds, data, self.start)

        return focal_objective

    def evaluations(
        self, metrics: Sequence[FocalMetric], feval: Any
    ) -> list[Callable[[Any, Any], Any]]:
        """Return our metrics and the caller's, at margins with the start value."""
        theirs = [feval] if callable(feval) else list(feval or ())
        ours = [LightGBMMetric(one) for one in metrics]
        return [self._shifted(evaluate) for evaluate in (*ours, *theirs)]

    def _shifted(self, evaluate: Any) -> Callable[[Any, Any], Any]:
        def shifted(preds: Any, data: Any) -> Any:
            return evaluate(preds + self.start if self.start else preds, data)

        return shifted

    def _best_constant(self, data: Any) -> float:
        init_score = data.get_init_score()
        if init_score is not None and np.any(init_score):
            return 0.0
        loss = self.objective.loss
        return loss.initial_margin(data.get_label(), data.get_weight())
