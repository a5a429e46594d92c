"""``cv``: LightGBM's own cross-validation, every fold trained with focal loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightgbm as lgb

from focal_boost.lightgbm._booster import FocalBooster
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._many import ManyTraining, num_class_of
from focal_boost.lightgbm._metrics import apart
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._start import starts_from_average
from focal_boost.lightgbm._train import (
    METRIC,
    check_focal,
    runs_code,
    settings_of,
    warn_of_names,
)
from focal_boost.lightgbm._training import Training, restore
from focal_boost.metrics import focal_metrics
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MULTI_METRICS, multi_metrics
from focal_boost.objective import FocalObjective


def cv(
    params: dict[str, Any],
    train_set: Any,
    num_boost_round: int = 100,
    folds: Any = None,
    nfold: int = 5,
    stratified: bool = True,
    shuffle: bool = True,
    metrics: str | Sequence[Any] | None = None,
    feval: Any = None,
    init_model: Any = None,
    fpreproc: Callable[..., Any] | None = None,
    seed: int = 0,
    callbacks: list[Callable[..., Any]] | None = None,
    eval_train_metric: bool = False,
    return_cvbooster: bool = False,
    *,
    objective: FocalObjective | MultiFocalObjective = FocalObjective(),  # noqa: B008
) -> dict[str, Any]:
    """Cross-validate like ``lightgbm.cv`` with the objective "binary", with focal loss.

    With a MultiFocalObjective and "num_class" K it is "multiclassova". Every fold
    starts at the prevalence of its own training rows, or at that of every class,
    weights counted. At gamma 0 and alpha None nothing tells the two apart.

    Parameters
    ----------
    params : dict
        LightGBM's parameters, as for :func:`train`.
    train_set : lightgbm.Dataset
        Data with labels 0 and 1, or from 0 to K − 1, and, optionally, weights and an
        ``init_score``.
    num_boost_round, folds, nfold, stratified, shuffle, init_model
        As in ``lightgbm.cv``.
    metrics : str, sequence or None, default None
        LightGBM's metrics, as in ``lightgbm.cv``, and "focal_loss", "log_loss" and
        "brier_score" among them, which come after all others; "average_precision" is
        LightGBM's own. See :class:`focal_boost.metrics.FocalMetric` and, for many
        classes, :class:`focal_boost.multi_metrics.MultiFocalMetric`.
    feval : callable or list of callables, optional
        As in ``lightgbm.cv``: it gets the probabilities.
    fpreproc, seed, callbacks, eval_train_metric, return_cvbooster
        As in ``lightgbm.cv``.
    objective : FocalObjective or MultiFocalObjective
        The loss to train with.

    Returns
    -------
    dict
        As from ``lightgbm.cv``. The boosters of a "cvbooster" are self-contained where
        they are saved, and go on training with focal loss where they are updated.

    Warns
    -----
    UserWarning
        If the objective's link is "focal": σ(raw score) is then not the posterior.

    Raises
    ------
    ValueError
        As from :func:`train`.
    lightgbm.basic.LightGBMError
        As from ``lightgbm.cv``.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> found = cv({"verbosity": -1}, lgb.Dataset(X, y), 5, nfold=3, metrics="auc")
    >>> [*found]
    ['valid auc-mean', 'valid auc-stdv']
    """
    check_focal(objective, many=True)
    many = isinstance(objective, MultiFocalObjective)
    warn_of_names(params, "FocalObjective({}=)")
    settings, seen = settings_of(dict(params), objective)
    theirs, ours = apart(metrics, *((MULTI_METRICS,) if many else ()))
    theirs = theirs if theirs or not ours else None
    if theirs is not None and not any(name in params for name in METRIC):
        del seen["metric"]
    given = (feval, *(callbacks or ()))
    training = _training(
        objective, settings, ours, may_change=any(runs_code(one) for one in given)
    )
    prepared = _Folds(
        objective,
        training,
        seen,
        fpreproc=fpreproc,
        lends_start=init_model is None and not names_machines(settings),
    )
    with with_advice(), prepared.given_back():
        return dict(
            lgb.cv(
                settings,
                train_set,
                num_boost_round,
                folds=folds,
                nfold=nfold,
                stratified=stratified,
                shuffle=shuffle,
                metrics=theirs,
                feval=feval,
                init_model=init_model,
                fpreproc=prepared.prepare,
                seed=seed,
                callbacks=[*(callbacks or ()), prepared.injected()],
                eval_train_metric=eval_train_metric,
                return_cvbooster=return_cvbooster,
            )
        )


def _training(
    objective: Any, params: dict[str, Any], names: list[str], *, may_change: bool
) -> Callable[[], Training]:
    """Return what makes the training of a fold."""
    if isinstance(objective, FocalObjective):
        ours = focal_metrics(names, objective)
        return lambda: Training(objective, ours, may_change=may_change)
    if names_machines(params):
        raise ValueError("machines must be absent for many classes, got several")
    n_classes, several = num_class_of(params), multi_metrics(names, objective)
    return lambda: ManyTraining(objective, n_classes, several, may_change=may_change)


class _Folds:
    """The trainings of all folds, in the order in which LightGBM makes them."""

    def __init__(
        self,
        objective: Any,
        training: Callable[[], Training],
        seen: dict[str, Any],
        *,
        fpreproc: Callable[..., Any] | None,
        lends_start: bool,
    ) -> None:
        self._objective = objective
        self._training = training
        self._seen = seen
        self._fpreproc = fpreproc
        self._lends_start = lends_start
        self._trainings: list[Training] = []

    def prepare(self, train_set: Any, valid_set: Any, params: dict[str, Any]) -> Any:
        """Prepare a fold as the caller does, and lend its sets their start value."""
        if self._fpreproc is not None:
            restore(params, self._seen)
            train_set, valid_set, params = self._fpreproc(train_set, valid_set, params)
            params, _ = settings_of(dict(params), self._objective)
        training = self._training()
        self._trainings.append(training)
        if self._lends_start and starts_from_average(params):
            # Labels of a part are known where it is made.
            sets = train_set.construct(), valid_set.construct()
            training.lend_start(*sets[:1], sets[1:])
        return train_set, valid_set, params

    def injected(self) -> Callable[[Any], None]:
        """Return the callback that has all folds' boosters train with focal loss."""

        def begin(env: Any) -> None:
            boosters = env.model.boosters
            if any(isinstance(one, FocalBooster) for one in boosters):
                return
            restore(env.params, self._seen)
            for booster, training in zip(boosters, self._trainings, strict=True):
                restore(booster.params, self._seen)
                FocalBooster.take(booster, training)

        begin.before_iteration = True  # type: ignore[attr-defined]
        begin.order = -1_000_000  # type: ignore[attr-defined]
        return begin

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Have all sets what they had, whatever happens."""
        try:
            yield
        finally:
            for training in self._trainings:
                training.take_back()
