"""``train`` and ``metric`` for LightGBM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightgbm as lgb

from focal_boost._adapter.warned import warn
from focal_boost._validation import shown
from focal_boost.lightgbm._booster import FocalBooster
from focal_boost.lightgbm._checkpoint import Checkpoint, among
from focal_boost.lightgbm._device import check_computes_on_host, with_advice
from focal_boost.lightgbm._evaluation import is_ours
from focal_boost.lightgbm._many import OBJECTIVES, ManyTraining, num_class_of
from focal_boost.lightgbm._metrics import LightGBMMetric
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._start import starts_from_average
from focal_boost.lightgbm._training import Training, injected
from focal_boost.metrics import FocalMetric, focal_metrics
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import multi_metrics
from focal_boost.objective import FocalObjective

OBJECTIVE = ("objective", "objective_type", "app", "application", "loss")
BOOSTING = ("boosting", "boosting_type", "boost")
METRIC = ("metric", "metrics", "metric_types")


def metric(name: str, objective: FocalObjective) -> LightGBMMetric:
    """Return a metric for LightGBM's native and scikit-learn APIs.

    Parameters
    ----------
    name : {"focal_loss", "log_loss", "brier_score", "average_precision"}
        See :class:`focal_boost.metrics.FocalMetric`.
    objective : FocalObjective
        What is trained with.

    Returns
    -------
    callable
        For ``lgb.train(feval=)``, ``lgb.cv(feval=)`` and
        ``LGBMClassifier.fit(eval_metric=)``; early stopping knows its direction.

    Raises
    ------
    ValueError
        If the name is not known or objective is not a FocalObjective.

    Examples
    --------
    >>> from focal_boost import FocalObjective
    >>> metric("brier_score", FocalObjective())([0, 1], [0.0, 0.0])
    ('brier_score', 0.25, False)
    """
    return LightGBMMetric(FocalMetric(name, objective))


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
    objective: FocalObjective | MultiFocalObjective = FocalObjective(),  # noqa: B008
    metrics: str | Sequence[str] = (),
) -> Any:
    """Train like ``lightgbm.train`` with the objective "binary", with focal loss.

    With a MultiFocalObjective and "num_class" K it is "multiclassova", of labels from 0
    to K − 1. At gamma 0 and alpha None nothing tells them apart.

    Parameters
    ----------
    params : dict
        LightGBM's parameters; "objective" may be "binary" or absent.
    train_set : lightgbm.Dataset
        Data with labels 0 and 1 and, optionally, weights. An ``init_score`` of its
        own replaces the best constant; as always in LightGBM the model does not
        hold it.
    num_boost_round, valid_sets, valid_names, init_model, callbacks
        As in ``lightgbm.train``.
    feval : callable or list of callables, optional
        As in ``lightgbm.train``: it gets the probabilities.
    keep_training_booster : bool, default False
        As in ``lightgbm.train``: the booster goes on training with focal loss.
    objective : FocalObjective or MultiFocalObjective
        The loss to train with. It computes on the CPU, wherever LightGBM's
        "device_type" grows the trees.
    metrics : str or sequence of str
        Metrics of this package to evaluate on every set of `valid_sets`, after
        LightGBM's own and `feval`: see :class:`focal_boost.metrics.FocalMetric` and,
        for many classes, :class:`focal_boost.multi_metrics.MultiFocalMetric`.

    Returns
    -------
    lightgbm.Booster
        Self-contained: it holds its start value from the first round on, reloads
        without this package, and its ``predict`` is the posterior, (n,), or that of
        each class against all others, (n, K).

    Warns
    -----
    UserWarning
        If the objective's link is "focal": σ(raw score) is then not the posterior.

    Raises
    ------
    ValueError
        For labels other than 0 and 1 or those of the classes, a "num_class" that is no
        integer >= 2 or not that of the objective, bad weights, an unknown metric,
        ``boosting="rf"``, several machines that train many classes,
        an objective on a CUDA device, and parameters that contradict the objective.
    lightgbm.basic.LightGBMError
        As from ``lightgbm.train``.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> from focal_boost import FocalObjective
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> data, objective = lgb.Dataset(X, y), FocalObjective(0.25, 2.0)
    >>> booster = train({"verbosity": -1}, data, 5, objective=objective)
    >>> booster.predict(X).shape  # probabilities
    (2000,)
    """
    check_focal(objective, many=True)
    warn_of_names(params, "FocalObjective({}=)")
    settings, seen = settings_of(dict(params), objective)
    given = (feval, *(callbacks or ()))
    may_change = any(runs_code(one) for one in given)
    training = _training(objective, settings, metrics, may_change=may_change)
    callbacks = list(callbacks or ())
    checkpoint = training.checkpoint = among(callbacks)
    if checkpoint is not None:
        own = getattr(train_set, "init_score", None)
        init_model = checkpoint.found(init_model=init_model, init_score=own)
        settings = checkpoint.settle(settings, num_boost_round, callbacks)
    with with_advice(), given_back(training):
        own = init_model is None and not names_machines(settings)
        if own and starts_from_average(settings):
            training.lend_start(train_set, _sets(valid_sets))
        booster = lgb.train(
            settings,
            train_set,
            num_boost_round,
            valid_sets=valid_sets,
            valid_names=valid_names,
            feval=feval,
            init_model=(
                init_model.plain()
                if isinstance(init_model, FocalBooster)
                else init_model
            ),
            keep_training_booster=keep_training_booster,
            callbacks=[*callbacks, injected(training, seen)],
        )
    return FocalBooster.release(booster, keeps_training=keep_training_booster)


def _training(
    objective: Any, params: dict[str, Any], metrics: Any, *, may_change: bool
) -> Training:
    if isinstance(objective, FocalObjective):
        ours = focal_metrics(metrics, objective)
        return Training(objective, ours, may_change=may_change)
    if names_machines(params):
        raise ValueError("machines must be absent for many classes, got several")
    several = multi_metrics(metrics, objective)
    return ManyTraining(objective, num_class_of(params), several, may_change=may_change)


def check_focal(objective: Any, *, many: bool = False) -> None:
    """Raise unless it is an objective, and warn of a raw score that is no log-odds."""
    kinds = FocalObjective, *((MultiFocalObjective,) if many else ())
    if not isinstance(objective, kinds):
        raise ValueError(f"objective must be a FocalObjective, got {shown(objective)}")
    if objective.link == "focal":
        warn(
            'the raw score of link="focal" is not the log-odds: predict is not the'
            ' posterior, objective.posterior(raw score) is; link="logit" has both',
        )


def warn_of_names(params: dict[str, Any], ours: str) -> None:
    """Warn of the loss's alpha and gamma among LightGBM's parameters.

    There they change nothing: `ours` is where they belong.
    """
    for name in ("alpha", "gamma", "focal_alpha", "focal_gamma"):
        if params.get(name) is not None:
            of = name.removeprefix("focal_")
            warn(
                f"{name}={shown(params[name])} changes nothing in LightGBM's binary"
                f" objective; that of the focal loss is {ours.format(of)}"
            )


def _sets(valid_sets: Any) -> list[Any]:
    return (
        list(valid_sets)
        if isinstance(valid_sets, list | tuple)
        else [one for one in (valid_sets,) if one is not None]
    )


@contextmanager
def given_back(training: Training) -> Iterator[None]:
    """Have sets what they had, whatever happens."""
    try:
        yield
    finally:
        training.take_back()


def settings_of(
    params: dict[str, Any], objective: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return parameters for a custom objective, and what callbacks shall see instead.

    There a value of None stands for a parameter that was not given.
    """
    if isinstance(objective, FocalObjective):
        check_computes_on_host(objective)
    many = isinstance(objective, MultiFocalObjective)
    names = OBJECTIVES if many else ("binary",)
    given = [params.pop(name) for name in OBJECTIVE if name in params]
    if given and given[0] not in (None, *names):
        # The classifier has wrapped a callable.
        named = getattr(given[0], "func", given[0])
        raise ValueError(
            f'objective in params must be "{names[0]}" or absent, got {shown(named)}'
        )
    # Whichever LightGBM takes where there are several.
    if any(params.get(name) in ("rf", "random_forest") for name in BOOSTING):
        raise ValueError(
            'boosting must be "gbdt" or "dart" with a custom objective, got "rf"'
        )
    seen: dict[str, Any] = {"objective": given[0] if many and given else names[0]}
    params["objective"] = "none"
    if not any(params.get(name) for name in METRIC):
        name = next((name for name in METRIC if name in params), "metric")
        default = "multi_logloss" if many else "binary_logloss"
        params[name], seen[name] = default, params.get(name)
    return params, seen


def runs_code(given: Any) -> bool:
    """Return whether it is code of the caller's, which could change labels."""
    if given is None or is_ours(given) or isinstance(given, Checkpoint):
        return False
    if isinstance(given, list | tuple):
        return any(map(runs_code, given))
    return type(given).__module__ != "lightgbm.callback" and not getattr(
        given, "__module__", ""
    ).startswith("lightgbm.callback")
