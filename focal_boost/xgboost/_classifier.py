"""FocalXGBClassifier: focal loss behind scikit-learn's interface."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from focal_boost import _classifier
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective, OneTraining
from focal_boost.xgboost._metrics import SCALE, XGBoostMetric
from focal_boost.xgboost._train import base_score_of, metric, on_the_device, settings_of

# Where a saved model keeps what its predictions need beside the trees.
_ATTRIBUTE = "focal_boost"
_NOT_FOR_BOOSTERS = (*_classifier.FOCAL_PARAMETERS, "base_score", "eval_metric")


class FocalXGBClassifier(xgb.XGBClassifier):  # type: ignore[misc]
    """XGBClassifier trained with focal loss, whose probabilities are probabilities.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter.
    **kwargs
        All parameters of ``xgboost.XGBClassifier``; ``alpha`` and ``gamma`` among them
        are XGBoost's own, the L1 term and the least loss reduction. ``eval_metric``
        may name one of this package's metrics and defaults to the posterior's log
        loss, which early stopping then watches.

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

    @functools.wraps(xgb.XGBClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalXGBClassifier:
        given = _classifier.bound_arguments(
            xgb.XGBClassifier.fit, self, *args, **kwargs
        )
        X, target = given.pop("X"), _classifier.Target.of(given.pop("y"))
        target.check_rows(X)
        weight = given.get("sample_weight")
        if weight is not None:
            # As XGBoost will hold them.
            weight = np.asarray(weight, np.float32)
        objective = on_the_device(
            _classifier.focal_objective(self, target.y_true, weight), self.device
        )
        start = objective.loss.initial_margin(target.y_true, weight)
        if given.get("eval_set"):
            given["eval_set"] = [
                (X_eval, target.encode(y_eval, "eval_set labels"))
                for X_eval, y_eval in given["eval_set"]
            ]
        continued = given.get("xgb_model") is not None
        inner = self._parent(objective, None if continued else base_score_of(start))
        inner.fit(X, target.y_true, **given)
        _restore_scale(inner)
        self._adopt(inner, target.classes, objective.loss)
        return self

    def _adopt(self, inner: Any, classes: NDArray[Any], loss: FocalLoss) -> None:
        """Take over a fit, and nothing of an earlier one."""
        # A fit without eval_set leaves it as it is.
        self.__dict__.pop("evals_result_", None)
        _classifier.adopt(self, inner, skip=["kwargs"])
        self._focal_classes = classes
        self.loss_ = loss
        self._describe()

    def _parent(self, objective: FocalObjective, base_score: float | None) -> Any:
        """Return an unfitted XGBClassifier with these settings."""
        parameters = _classifier.library_parameters(self)
        named, custom = _monitored(parameters.pop("eval_metric"), objective.loss)
        settings = settings_of(
            {**parameters, "eval_metric": named}, continued=base_score is None
        )
        if settings.get("base_score") is None:
            settings["base_score"] = base_score
        # Its data are XGBoost's own, where nobody else can set labels.
        training = OneTraining(objective, owns_margin=True, reads_once=True)
        settings.update(objective=training, eval_metric=custom)
        parent = xgb.XGBClassifier(**settings)
        if named:
            # XGBoost 2 takes a callable or a list of names, but among the parameters
            # that it hands on unseen there is room for the other.
            parent.kwargs = {**getattr(parent, "kwargs", {}), "eval_metric": named}
        return parent

    def _describe(self) -> None:
        """Write loss and labels into the model, so that a saved one keeps them."""
        description = {
            "alpha": self.loss_.alpha,
            "gamma": self.loss_.gamma,
            "classes": self._focal_classes.tolist(),
        }
        text = json.dumps(description, default=str)
        self.get_booster().set_attr(**{_ATTRIBUTE: text})

    @property
    def classes_(self) -> NDArray[Any]:
        """The two labels; the second is the positive class."""
        check_is_fitted(self, "_focal_classes")
        return np.asarray(self._focal_classes)

    def get_xgb_params(self) -> dict[str, Any]:
        """Return the parameters that ``set_params`` hands to a trained booster.

        A booster knows neither ours nor our metrics, and base_score would move it.
        """
        given = super().get_xgb_params()
        return {k: v for k, v in given.items() if k not in _NOT_FOR_BOOSTERS}

    def decision_function(self, X: Any, **kwargs: Any) -> NDArray[np.float32]:
        """Return the margin per row, (n,); `kwargs` as in ``XGBClassifier.predict``."""
        check_is_fitted(self, "loss_")
        return np.asarray(super().predict(X, output_margin=True, **kwargs))

    @functools.wraps(xgb.XGBClassifier.predict_proba)
    def predict_proba(self, X: Any, *args: Any, **kwargs: Any) -> NDArray[np.float64]:
        parent = xgb.XGBClassifier.predict_proba
        given = _classifier.bound_arguments(parent, self, X, *args, **kwargs)
        margin = self.decision_function(**given)
        return _classifier.probabilities(self.loss_, margin)

    @functools.wraps(xgb.XGBClassifier.predict)
    def predict(self, X: Any, *args: Any, **kwargs: Any) -> NDArray[Any]:
        parent = xgb.XGBClassifier.predict
        given = _classifier.bound_arguments(parent, self, X, *args, **kwargs)
        as_margin = given.pop("output_margin", False)
        margin = self.decision_function(**given)
        if as_margin:
            return margin
        return _classifier.labels(self.loss_, margin, self.classes_)

    def load_model(self, fname: Any) -> None:
        """Load a model that this class saved, or any XGBoost model of a margin.

        A model without a description is read with this estimator's own parameters
        and the labels 0 and 1.
        """
        kept = self.get_params(deep=False)
        super().load_model(fname)
        # The parent overwrites some parameters with the model's, and a refit would
        # start from the old model's score.
        self.objective, self.base_score = kept["objective"], kept["base_score"]
        text = self.get_booster().attr(_ATTRIBUTE)
        if text is None:
            self._focal_classes = np.array([0, 1])
            self.loss_ = FocalLoss(self.focal_alpha, self.focal_gamma)  # type: ignore[arg-type]
            return
        description = json.loads(text)
        self._focal_classes = np.array(description["classes"])
        self.loss_ = FocalLoss(description["alpha"], description["gamma"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = False
        return tags


def _monitored(asked: Any, loss: FocalLoss) -> tuple[list[str], Any]:
    """Return XGBoost's own metrics by their names, and the one that is not, or None."""
    if asked is None:
        asked = "log_loss"
    several = [asked] if isinstance(asked, str) or callable(asked) else list(asked)
    named = [one for one in several if not _is_custom(one)]
    custom = [one for one in several if _is_custom(one)]
    if len(custom) > 1:
        raise ValueError(
            "eval_metric must hold at most one metric that is not XGBoost's own,"
            f" got {custom}"
        )
    if not custom:
        return named, None
    (one,) = custom
    return named, metric(one, loss) if isinstance(one, str) else one


def _is_custom(one: Any) -> bool:
    return callable(one) or _classifier.is_focal_metric(one)


def _restore_scale(fitted: Any) -> None:
    """Give the log of evaluations our metric's own name and values."""
    ours = fitted.eval_metric
    if not isinstance(ours, XGBoostMetric):
        return
    scaled = []
    for log in getattr(fitted, "evals_result_", {}).values():
        values = log.pop(ours.__name__)
        log[ours.metric.name] = [value / SCALE for value in values]
        scaled += values
    # Early stopping watched this metric, unless a callback of the caller's did not.
    booster = fitted.get_booster()
    best = float(booster.attr("best_score") or "nan")
    if best in scaled:
        booster.set_attr(best_score=repr(best / SCALE))
