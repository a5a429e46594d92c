"""FocalXGBClassifier: focal loss behind scikit-learn's interface."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from focal_boost._adapter.estimator import (
    FOCAL_PARAMETERS,
    adopt,
    bound_arguments,
    focal_objective,
    library_parameters,
    of_second_class,
    warn_of_majority,
)
from focal_boost._adapter.protocol import Trainable
from focal_boost._adapter.saved import described, description
from focal_boost._kernels.cuda import is_on_device
from focal_boost.metrics import FocalMetric
from focal_boost.objective import FocalObjective
from focal_boost.xgboost import _binned
from focal_boost.xgboost._collective import is_distributed, summed, target_of_all
from focal_boost.xgboost._metrics import direct, ours_of, split
from focal_boost.xgboost._saved import holding, taken_from
from focal_boost.xgboost._training import (
    OBJECTIVE,
    Training,
    check_objective,
    on_the_device,
    runs_code,
)


class FocalXGBClassifier(xgb.XGBClassifier):
    """XGBClassifier trained with focal loss; with gamma 0 it is XGBClassifier itself.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter.
    positive_class : label, optional
        Whose weight `focal_alpha` is; by default the second of ``classes_``, which
        stay in order. Raw score, metrics, `loss_` and the library's own weights are
        those of the second in any case.
    **kwargs
        All parameters of ``xgboost.XGBClassifier``; ``alpha`` and ``gamma`` among them
        are XGBoost's own, the L1 term and the least loss reduction. ``eval_metric``
        may name metrics of this package among XGBoost's; they come after these.

    Attributes
    ----------
    loss_ : FocalLoss
        The loss that was trained with.
    focal_objective_ : FocalObjective
        The objective that minimises it.
    classes_ : ndarray, (2,)
        The two labels, in order.

    Notes
    -----
    The raw score is the log-odds of the posterior: ``predict_proba`` is the posterior,
    and ``decision_function`` is 0 where the label changes.
    """

    #: What a search pauses its trainings with.
    _in_pauses: ClassVar[Trainable] = _binned

    def __init__(
        self,
        *,
        focal_alpha: float | str | None = 0.25,
        focal_gamma: float = 2.0,
        positive_class: Any = None,
        **kwargs: Any,
    ) -> None:
        self.focal_alpha = focal_alpha
        self.focal_gamma = focal_gamma
        self.positive_class = positive_class
        super().__init__(**kwargs)

    @functools.wraps(xgb.XGBClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalXGBClassifier:
        given = bound_arguments(xgb.XGBClassifier.fit, self, *args, **kwargs)
        classes = _encode(given)
        # Parameters draw a seed from a random state whenever they are asked for.
        settled = type(self)(**self.get_params(deep=False))
        check_objective(settled.objective)
        known = (0, 1) if classes is None else classes
        objective = focal_objective(settled, *_rows_of_all(given), known)
        if classes is not None:
            warn_of_majority(self, classes, given["y"])
        parameters, training = settings_of(settled, objective, given)
        inner = xgb.XGBClassifier(**parameters)
        with training.callback() as attach:
            inner.callbacks = [attach, *(inner.callbacks or ())]
            inner.fit(**given)
        adopt(self, inner, skip=["kwargs"])
        self._remember(objective, classes)
        return self

    def _remember(
        self, objective: FocalObjective, classes: NDArray[Any] | None
    ) -> None:
        self.focal_objective_, self.loss_ = objective, objective.loss
        self._focal_classes = classes

    @property
    def classes_(self) -> NDArray[Any]:
        """The two labels, in order."""
        classes = getattr(self, "_focal_classes", None)
        return np.asarray(super().classes_ if classes is None else classes)

    def get_xgb_params(self) -> dict[str, Any]:
        """Return XGBoost's parameters, which are neither ours nor name our metrics."""
        return plain_parameters(super().get_xgb_params())

    def decision_function(self, X: Any, **kwargs: Any) -> NDArray[np.float32]:
        """Return the log-odds, (n,); `kwargs` as in ``XGBClassifier.predict``."""
        return np.asarray(super().predict(X, output_margin=True, **kwargs))

    @functools.wraps(xgb.XGBClassifier.predict)
    def predict(self, X: Any, *args: Any, **kwargs: Any) -> NDArray[Any]:
        parent = xgb.XGBClassifier.predict
        given = bound_arguments(parent, self, X, *args, **kwargs)
        found = np.asarray(super().predict(**given))
        classes = getattr(self, "_focal_classes", None)
        if classes is None or given.get("output_margin"):
            return found
        return np.asarray(classes[found])

    def save_model(self, fname: Any) -> None:
        """Save the model, with loss and labels, for XGBoost and for this class."""
        text = description(self.focal_objective_, self._focal_classes)
        with holding(self.get_booster(), text):
            super().save_model(fname)

    def load_model(self, fname: Any) -> None:
        """Load a model that this class saved, or any XGBoost model of two classes.

        A model without a description is read with this estimator's own parameters
        and the labels 0 and 1.
        """
        super().load_model(fname)
        booster = self.get_booster()
        text = taken_from(booster)
        if text is None:
            alpha: Any = self.focal_alpha
            objective = FocalObjective(alpha, self.focal_gamma)
            self._remember(of_second_class(objective, self, (0, 1)), None)
            return
        found = described(booster, text, fname)
        self._remember(found.objective, found.classes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = False
        return tags


def settings_of(
    estimator: Any, objective: FocalObjective, given: dict[str, Any], **where: bool
) -> tuple[dict[str, Any], Training]:
    """Return the parameters of an unfitted parent, and its training."""
    parameters = {**library_parameters(estimator), "objective": OBJECTIVE}
    ours, others = split(parameters["eval_metric"])
    metrics = ours_of(ours, objective)
    if metrics:
        parameters["eval_metric"] = others
        if others is None:
            parameters["disable_default_eval_metric"] = True
        _direct_stopping(metrics, parameters, given)
    training = Training(
        on_the_device(objective, estimator.device, **where),
        metrics,
        reads_once=not runs_code(parameters["callbacks"]),
        updates=parameters.get("process_type") == "update",
    )
    return parameters, training


def plain_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """Return XGBoost's parameters without ours and the names of our metrics."""
    ours, others = split(given.get("eval_metric"))
    if ours:
        given["eval_metric"] = None if callable(others) else others
    return {k: v for k, v in given.items() if k not in FOCAL_PARAMETERS}


def _encode(given: dict[str, Any]) -> NDArray[Any] | None:
    """Make labels 0 and 1 that XGBClassifier would not take; return what they were."""
    y = given["y"]
    if is_on_device(y):
        return None
    target = target_of_all(y)
    labels = target.classes.tolist()
    if labels in ([0], [0, 1]):
        return None
    if len(labels) == 1:
        raise ValueError(f"y must hold two classes, or 0 alone, got 1 class: {labels}")
    given["y"] = target.y_true
    if given.get("eval_set"):
        # XGBoost sees by identity which of them is the training set.
        given["eval_set"] = [
            (X, target.y_true if of is y else target.encode(of, "eval_set labels"))
            for X, of in given["eval_set"]
        ]
    return target.classes


def _rows_of_all(given: dict[str, Any]) -> tuple[Any, Any]:
    """Return labels and weights, those of several workers as one row of each class."""
    y_true, weight = given["y"], given.get("sample_weight")
    if not is_distributed():
        return y_true, weight
    return np.arange(2), summed(np.bincount(y_true, weight, 2).astype(float))


def _direct_stopping(
    metrics: Sequence[FocalMetric], parameters: dict[str, Any], given: dict[str, Any]
) -> None:
    """See that early stopping goes the way of our metrics.

    XGBoost takes a name that it does not know for that of a loss: where the last one is
    not, early stopping and what is printed before it become callbacks.
    """
    callbacks = list(parameters["callbacks"] or ())
    direct(callbacks, metrics)
    rounds = parameters["early_stopping_rounds"]
    if not rounds or not metrics[-1].higher_is_better:
        return
    period = int(given.get("verbose", True) or 0)
    if period:
        callbacks.append(xgb.callback.EvaluationMonitor(period=period))
    callbacks.append(xgb.callback.EarlyStopping(rounds=rounds, maximize=True))
    parameters.update(callbacks=callbacks, early_stopping_rounds=None)
    given["verbose"] = False
