"""FocalLGBMClassifier: focal loss behind scikit-learn's interface."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from focal_boost import _classifier
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._metrics import without_misreading
from focal_boost.lightgbm._model import self_contained
from focal_boost.lightgbm._train import (
    callbacks_of,
    metric,
    settings_of,
)
from focal_boost.objective import FocalObjective


class FocalLGBMClassifier(lgb.LGBMClassifier):  # type: ignore[misc]
    """LGBMClassifier trained with focal loss, whose probabilities are probabilities.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter.
    **kwargs
        All parameters of ``lightgbm.LGBMClassifier``.

    Attributes
    ----------
    loss_ : FocalLoss
        The loss that was trained with.
    classes_ : ndarray, (2,)
        The two labels; the second is the positive class.

    Notes
    -----
    ``predict_proba`` is the posterior, ``predict`` its more probable label, and
    ``decision_function`` the margin, at which the label changes where it passes
    ``loss_.margin(0.5)``: 0 for alpha ½, and not far from it otherwise.
    ``fit(eval_metric=)`` may name this package's metrics and defaults to the
    posterior's log loss, which early stopping watches.
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

    @functools.wraps(lgb.LGBMClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalLGBMClassifier:
        parent = lgb.LGBMClassifier.fit
        given = _classifier.bound_arguments(parent, self, *args, **kwargs)
        target = _classifier.Target.of(given["y"])
        target.check_rows(given["X"])
        _use_pairs(given, target)
        weight = self._weight(given)
        objective = _classifier.focal_objective(self, target.y_true, weight)
        start = 0.0
        # A start of the caller's own is not the model's, in LightGBM as here.
        if given.get("init_score") is None and given.get("init_model") is None:
            start = objective.loss.initial_margin(target.y_true, weight)
            _start_from(start, given, len(target.y_true))
        given["eval_metric"] = _metrics(given.get("eval_metric"), objective)
        inner = self._parent(objective)
        given["callbacks"] = callbacks_of(inner.get_params(), given.get("callbacks"))
        with with_advice():
            inner.fit(**given)
        _classifier.adopt(self, inner, skip=["_other_params"])
        self._Booster = self_contained(inner.booster_, start)
        self.loss_ = objective.loss
        return self

    def _weight(self, given: dict[str, Any]) -> Any:
        """Return sample weights times class weights, as LightGBM will hold them."""
        weight = given.get("sample_weight")
        if self.class_weight is not None:
            from sklearn.utils.class_weight import compute_sample_weight

            of_class = compute_sample_weight(self.class_weight, given["y"])
            weight = of_class if weight is None else of_class * np.asarray(weight)
        return None if weight is None else np.asarray(weight, np.float32)

    def _parent(self, objective: FocalObjective) -> Any:
        """Return an unfitted LGBMClassifier with these settings."""
        parameters = _classifier.library_parameters(self)
        settings = settings_of(parameters, objective.loss)
        settings.setdefault("feature_pre_filter", False)
        return _Parent(**{**settings, "objective": objective})

    def decision_function(self, X: Any, **kwargs: Any) -> NDArray[np.float64]:
        """Return the margin per row, (n,); `kwargs` as in ``predict_proba``."""
        kwargs["raw_score"] = True
        check_is_fitted(self, "loss_")
        return np.asarray(super().predict_proba(X, **kwargs))

    @functools.wraps(lgb.LGBMClassifier.predict_proba)
    def predict_proba(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        given, raw = self._asked(X, *args, **kwargs)
        if raw:
            return super().predict_proba(**given)
        margin = self.decision_function(**given)
        return _classifier.probabilities(self.loss_, margin)

    @functools.wraps(lgb.LGBMClassifier.predict)
    def predict(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        given, raw = self._asked(X, *args, **kwargs)
        if raw:
            return super().predict_proba(**given)
        margin = self.decision_function(**given)
        return _classifier.labels(self.loss_, margin, self.classes_)

    def _asked(self, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], bool]:
        """Return a call's arguments and whether it asks for something raw."""
        parent = lgb.LGBMClassifier.predict
        given = _classifier.bound_arguments(parent, self, *args, **kwargs)
        given.update(given.pop("kwargs", {}))
        raw = ("raw_score", "pred_leaf", "pred_contrib")
        return given, any(given.get(name) for name in raw)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class _CurrentNames(lgb.LGBMModel):  # type: ignore[misc]
    """Hands eval_set over as eval_X and eval_y, which LightGBM 4.7 asks for.

    It stands between LGBMClassifier, which encodes the labels of eval_set only and
    knows the training set among them, and LGBMModel, which warns of eval_set.
    """

    def fit(self, *args: Any, eval_set: Any = None, **kwargs: Any) -> Any:
        known = inspect.signature(lgb.LGBMModel.fit).parameters
        if eval_set and "eval_X" in known:
            kwargs["eval_X"], kwargs["eval_y"] = zip(*eval_set, strict=True)
        else:
            kwargs["eval_set"] = eval_set
        return super().fit(*args, **kwargs)


class _Parent(lgb.LGBMClassifier, _CurrentNames):  # type: ignore[misc]
    """LGBMClassifier without its warning."""


def _use_pairs(given: dict[str, Any], target: _classifier.Target) -> None:
    """Name all evaluation sets eval_set, a list of pairs, and check their labels."""
    X, y = given.pop("eval_X", None), given.pop("eval_y", None)
    if (X is None) != (y is None) or (X is not None and given.get("eval_set")):
        raise ValueError("eval_X and eval_y must be given together, without eval_set")
    pairs = given.get("eval_set")
    if X is not None:
        pairs = list(zip(X, y, strict=True)) if isinstance(X, tuple) else (X, y)
    if pairs is None:
        return
    given["eval_set"] = [pairs] if isinstance(pairs, tuple) else list(pairs)
    for _, labels in given["eval_set"]:
        target.encode(labels, "eval_set labels")


def _start_from(start: float, given: dict[str, Any], rows: int) -> None:
    """Set the start value as initial score of all sets."""
    given["init_score"] = np.full(rows, start)
    pairs = given.get("eval_set") or ()
    if pairs and given.get("eval_init_score") is None:
        given["eval_init_score"] = [np.full(len(y), start) for _, y in pairs]


def _metrics(asked: Any, objective: FocalObjective) -> list[Any]:
    """Return evaluation metrics, ours by their names."""
    if asked is None:
        asked = "log_loss"
    several = asked if isinstance(asked, list) else [asked]
    advice = '"log_loss" or "brier_score"'
    return [
        metric(one, objective.loss) if _classifier.is_focal_metric(one) else one
        for one in without_misreading(several, "eval_metric", advice)
    ]
