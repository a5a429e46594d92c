"""``cv``: XGBoost's own cross-validation, every fold of it trained with focal loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import xgboost as xgb

from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MULTI_METRICS, multi_metrics
from focal_boost.objective import FocalObjective
from focal_boost.xgboost._many import ManyTraining, as_matrices, labels_of
from focal_boost.xgboost._metrics import XGBoostMetric, direct, ours_of, split
from focal_boost.xgboost._start import OBJECTIVE
from focal_boost.xgboost._train import check_arguments
from focal_boost.xgboost._training import (
    Training,
    check_objective,
    on_the_device,
    runs_code,
)


def cv(
    params: Any,
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    objective: FocalObjective | MultiFocalObjective = FocalObjective(),  # noqa: B008
    metrics: str | Sequence[Any] = (),
    **kwargs: Any,
) -> Any:
    """Cross-validate like ``xgboost.cv`` with "binary:logistic", but with focal loss.

    Every fold starts at the prevalence of its own training rows, or at that of every
    class, weights counted. With gamma 0 and alpha None it is XGBoost's own, up to
    rounding.

    Parameters
    ----------
    params : dict or list of pairs
        XGBoost's parameters, as for :func:`train`.
    dtrain : xgboost.DMatrix
        Data with labels 0 and 1 and, optionally, weights; for a MultiFocalObjective
        as for :func:`train`. Class numbers are what folds are stratified by.
    num_boost_round : int, default 10
        Number of rounds.
    objective : FocalObjective or MultiFocalObjective
        What to train with.
    metrics : str or sequence, default ()
        XGBoost's metrics, as in ``xgboost.cv``, and metrics of this package among
        them, which come after all others and in full precision. See
        :class:`focal_boost.metrics.FocalMetric` and, for many classes,
        :class:`focal_boost.multi_metrics.MultiFocalMetric`.
    **kwargs
        All other arguments of ``xgboost.cv``: nfold, stratified, folds, maximize,
        early_stopping_rounds, fpreproc, as_pandas, verbose_eval, show_stdv, seed,
        callbacks, shuffle, custom_metric.

    Returns
    -------
    pandas.DataFrame or dict of str to list of float
        Mean and standard deviation over folds of every metric, by round.

    Warns
    -----
    UserWarning
        For the link "focal", with which ``predict`` is not the posterior.

    Raises
    ------
    ValueError
        As from :func:`train`, and for folds stratified by a label matrix.
    ModuleNotFoundError
        As from :func:`train`.

    Examples
    --------
    >>> import xgboost as xgb
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> table = cv({"max_depth": 3}, xgb.DMatrix(X, y), 5, nfold=3, metrics="aucpr")
    >>> [*table.columns]
    ['train-aucpr-mean', 'train-aucpr-std', 'test-aucpr-mean', 'test-aucpr-std']
    """
    named = dict(params or {})
    check_arguments(objective, named, kwargs, many=True)
    many = isinstance(objective, MultiFocalObjective)
    if many:
        _split_by_labels(dtrain, kwargs, numbered="num_class" in named)
    params = _without(("objective", *(("num_class",) if many else ())), params)
    _name_objective(params)
    ours, metrics = _apart(metrics, objective, kwargs)
    callbacks = list(kwargs.pop("callbacks", None) or ())
    reads_once = not runs_code(
        callbacks, kwargs.get("custom_metric") or kwargs.get("feval")
    )
    if kwargs.get("fpreproc") is not None:
        kwargs["fpreproc"] = _checked(kwargs["fpreproc"])
    if ours:
        direct(callbacks, ours)
        if kwargs.get("maximize") is None:
            kwargs["maximize"] = ours[-1].higher_is_better
    training = _training(objective, named, ours, reads_once=reads_once)
    labels = as_matrices(named, [dtrain]) if many else nullcontext()
    with labels, _attached(training) as attach:
        callbacks = [attach, *callbacks]
        return xgb.cv(
            params,
            dtrain,
            num_boost_round,
            metrics=metrics,
            callbacks=callbacks,
            **kwargs,
        )


def _training(
    objective: Any, params: dict[str, Any], ours: Any, *, reads_once: bool
) -> Callable[[], Training]:
    """Return what makes the training of a fold."""
    given = {
        "reads_once": reads_once,
        "updates": params.get("process_type") == "update",
    }
    if isinstance(objective, MultiFocalObjective):
        return lambda: ManyTraining(objective, ours, **given)
    there = on_the_device(objective, params.get("device"))
    return lambda: Training(there, ours, **given)


def _split_by_labels(dtrain: Any, kwargs: dict[str, Any], *, numbered: bool) -> None:
    """Have XGBoost given the folds that it would make of labels in one column."""
    labels = labels_of(dtrain)
    folds: Any = kwargs.get("folds")
    if folds is None and kwargs.get("stratified"):
        if not numbered or labels.ndim != 1:
            raise ValueError(
                "stratified must be False for a label matrix, got True: give folds, or"
                " class numbers and num_class"
            )
        from sklearn.model_selection import StratifiedKFold

        folds = StratifiedKFold(
            kwargs.get("nfold", 3), shuffle=True, random_state=kwargs.get("seed", 0)
        )
    if hasattr(folds, "split"):
        kwargs["folds"] = [*folds.split(labels, labels)]


def _without(names: Sequence[str], params: Any) -> Any:
    """Return parameters, pairs or a dict, without some."""
    if isinstance(params, list):
        return [one for one in params if one[0] not in names]
    return {k: v for k, v in dict(params or {}).items() if k not in names}


def _name_objective(params: Any) -> None:
    if isinstance(params, list):
        params.append(("objective", OBJECTIVE))
    else:
        params["objective"] = OBJECTIVE


def _apart(asked: Any, objective: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Return our metrics, and those that XGBoost is asked for."""
    if isinstance(objective, MultiFocalObjective):
        ours, others = split(asked, MULTI_METRICS)
        return multi_metrics(ours, objective), () if others is None else others
    ours, others = split(asked)
    if isinstance(kwargs.get("custom_metric"), XGBoostMetric):
        ours.append(kwargs.pop("custom_metric"))
    return ours_of(ours, objective), () if others is None else others


def _checked(fpreproc: Any) -> Callable[[Any, Any, Any], Any]:
    """Return the caller's preparation of a fold, whose parameters are looked at."""

    def prepare(dtrain: Any, dtest: Any, params: Any) -> Any:
        prepared = dtrain, dtest, params = fpreproc(dtrain, dtest, params)
        check_objective(dict(params).get("objective"))
        return prepared

    return prepare


@contextmanager
def _attached(training: Callable[[], Training]) -> Iterator[Any]:
    """Return the callback that attaches every fold to a training of its own."""
    attach = _AttachFolds(training)
    try:
        yield attach
    finally:
        for one in attach.trainings:
            one.release()


class _AttachFolds(xgb.callback.TrainingCallback):
    def __init__(self, training: Callable[[], Training]) -> None:
        super().__init__()
        self._training = training
        self.trainings: list[Training] = []

    def before_training(self, model: Any) -> Any:
        for fold in model.cvfolds:
            self.trainings.append(self._training())
            self.trainings[-1].attach(fold.bst)
        return model
