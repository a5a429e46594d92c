"""LightGBM on Dask: its workers fit a classifier that knows the labels of all."""

from __future__ import annotations

import functools
from typing import Any

import dask.array
import lightgbm as lgb
import numpy as np
from sklearn.preprocessing import LabelEncoder

from focal_boost._adapter.estimator import library_parameters
from focal_boost._adapter.target import Target
from focal_boost.dask._balance import needs_classes, objective_of, weight_of_classes
from focal_boost.lightgbm._binned import STOPPING
from focal_boost.lightgbm._checkpoint import Checkpoint
from focal_boost.lightgbm._classifier import FocalLGBMClassifier
from focal_boost.lightgbm._inner import Inner
from focal_boost.objective import FocalObjective


class FocalDaskLGBMClassifier(lgb.DaskLGBMClassifier):
    """DaskLGBMClassifier trained with focal loss; with gamma 0 it is that itself.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter.
    **kwargs
        All parameters of ``lightgbm.DaskLGBMClassifier``.

    Attributes
    ----------
    loss_ : FocalLoss
        The loss that was trained with.
    focal_objective_ : FocalObjective
        The objective that minimises it.
    classes_ : ndarray, (2,)
        The two labels; the second is the positive class.

    Notes
    -----
    ``predict_proba`` is the posterior. A worker may have rows of one class only.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> X, y = da.from_array(X, chunks=(1_000, -1)), da.from_array(y, chunks=1_000)
    >>> with Client(n_workers=2, dashboard_address=None):
    ...     model = FocalDaskLGBMClassifier(n_estimators=5, verbosity=-1).fit(X, y)
    ...     p = model.predict_proba(X).compute()
    Finding random open ports for workers
    >>> p.shape, type(model.to_local()).__name__
    ((2000, 2), 'FocalLGBMClassifier')
    """

    def __init__(
        self,
        *,
        focal_alpha: float | str | None = 0.25,
        focal_gamma: float = 2.0,
        **kwargs: Any,
    ) -> None:
        self.focal_alpha = focal_alpha
        self.focal_gamma = focal_gamma
        super().__init__(**kwargs)

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any
    ) -> FocalDaskLGBMClassifier:
        """Fit as ``DaskLGBMClassifier.fit`` does, whose arguments these are.

        Raises
        ------
        ValueError
            For more than two labels; for early stopping, because LightGBM scores the
            rows of every worker by themselves, and workers would stop at different
            rounds; and for a checkpoint, which it goes on from on one machine only.
        """
        self._check_stopping()
        _check_callbacks(kwargs.get("callbacks"))
        target, lazy = _target(y), None
        if needs_classes(self):
            sums = weight_of_classes(y, target.classes[-1], sample_weight)
            total, positive = dask.compute(*sums)
            lazy = [float(total - positive), float(positive)]
        objective = objective_of(self, lazy)
        encoded = functools.partial(_encoded, target, {})
        for name in ("eval_set", "eval_y"):
            if kwargs.get(name) is not None:
                kwargs[name] = _replaced(kwargs[name], encoded)
        self._lgb_dask_fit(
            model_factory=OnWorker,
            X=X,
            y=encoded(y),
            sample_weight=sample_weight,
            objective=objective,
            classes=target.classes,
            **kwargs,
        )
        return self

    def _check_stopping(self) -> None:
        for name in STOPPING:
            value = self.get_params(deep=False).get(name)
            if value:
                raise ValueError(
                    f"{name} must be absent on Dask, because LightGBM scores the rows"
                    " of every worker by themselves and workers would stop at"
                    f" different rounds, got {value!r}"
                )

    def to_local(self) -> FocalLGBMClassifier:
        """Return the fitted FocalLGBMClassifier, which needs no cluster."""
        local: FocalLGBMClassifier = self._lgb_dask_to_local(FocalLGBMClassifier)
        return local

    def decision_function(self, X: Any, **kwargs: Any) -> Any:
        """Return the log-odds as a collection, (n,); `kwargs` as in ``predict``."""
        return self.predict_proba(X, raw_score=True, **kwargs)


class OnWorker(FocalLGBMClassifier):
    """The classifier that one worker fits to its rows."""

    def fit(
        self, X: Any, y: Any, *, objective: FocalObjective, classes: Any, **given: Any
    ) -> OnWorker:
        """Fit to labels 0 and 1, which stand for the two classes of all workers."""
        inner = _OnWorker(**library_parameters(self))
        inner._le = LabelEncoder().fit(classes)
        self._fit(inner, objective, {"X": X, "y": y, **given}, None)
        return self


class _OnWorker(Inner):
    """The parent, which does not number the labels of its rows by themselves."""

    def fit(self, X: Any, y: Any, **given: Any) -> Any:
        self._classes = self._le.classes_
        self._n_classes = len(self._classes)
        self._class_map = {label: i for i, label in enumerate(self._classes)}
        if isinstance(self.class_weight, dict):
            weights = self.class_weight.items()
            self._class_weight = {self._class_map[one]: w for one, w in weights}
        return lgb.LGBMModel.fit(self, X, np.asarray(y), **given)


def _check_callbacks(callbacks: Any) -> None:
    for one in callbacks or ():
        if isinstance(one, Checkpoint | type(lgb.early_stopping(1))):
            raise ValueError(
                "callbacks must hold no checkpoint and no early stopping on Dask,"
                f" because LightGBM has neither there, got a {type(one).__name__}"
            )


def _target(y: Any) -> Target:
    """Return the two classes of a collection."""
    several = dask.array.unique(y.values if hasattr(y, "values") else y)
    target = Target.of(np.asarray(several.compute()), warn=False)
    if len(target.classes) == 1:
        raise ValueError(f"y must hold two classes, got one: {target.classes.tolist()}")
    return target


def _encoded(target: Target, known: dict[int, Any], labels: Any) -> Any:
    """Return labels as 0 and 1, the same object for one that is known by now.

    LightGBM sees by identity which evaluation set is the training set.
    """
    if target.classes.tolist() == [0, 1]:
        return labels
    if id(labels) not in known:
        encode = functools.partial(target.encode, name="y")
        is_array = not hasattr(labels, "map_partitions")
        array = labels if is_array else labels.to_dask_array(lengths=True)
        known[id(labels)] = array.map_blocks(encode, dtype=np.int64)
    return known[id(labels)]


def _replaced(given: Any, change: Any) -> Any:
    """Return evaluation sets, or labels of some, with the labels changed."""
    if isinstance(given, list):
        return [(X, change(y)) for X, y in given]
    return tuple(map(change, given)) if isinstance(given, tuple) else change(given)
