"""FocalLGBMClassifier: focal loss behind scikit-learn's interface."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from focal_boost._adapter.estimator import (
    FOCAL_PARAMETERS,
    adopt,
    bound_arguments,
    finishing,
    focal_objective,
    library_parameters,
    like,
    loss_of,
    multi_objective,
    of_second_class,
    warn_of_majority,
)
from focal_boost._adapter.protocol import Trainable
from focal_boost._adapter.saved import described
from focal_boost._adapter.target import Target, dtype_of, label_matrix
from focal_boost._rows import Labels, labels_of_columns
from focal_boost.lightgbm import _binned
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._inner import Inner, training_of
from focal_boost.lightgbm._labels import fit_labels, of_one_booster
from focal_boost.lightgbm._many import OBJECTIVES
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._saved import check_binary, parent_of, save, text_in
from focal_boost.lightgbm._sets import check_part, plain_labels, start_from
from focal_boost.lightgbm._train import warn_of_names
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import normalised
from focal_boost.objective import FocalObjective

# What predictions can be asked for instead.
_OTHER_THAN_POSTERIORS = ("raw_score", "pred_leaf", "pred_contrib")


class FocalLGBMClassifier(lgb.LGBMClassifier):
    """LGBMClassifier trained with focal loss; at gamma 0 and alpha None the same.

    Parameters
    ----------
    focal_alpha : float in (0, 1), "balanced" or None, default 0.25
        Weight of the positive class; "balanced" is 1 − its (weighted) share. Of more
        than two classes, and of labels, one value or one of each.
    focal_gamma : float >= 0, default 2.0
        Focusing parameter, likewise.
    positive_class : label, optional
        Whose weight `focal_alpha` is; by default the second of ``classes_``, which
        stay in order. Raw score, metrics, `loss_` and the library's own weights are
        those of the second in any case.
    **kwargs
        All parameters of ``lightgbm.LGBMClassifier``.

    Attributes
    ----------
    focal_objective_ : FocalObjective or MultiFocalObjective
        What was trained with.
    loss_ : FocalLoss
        The loss of the paper's margin, or a tuple of one per class.
    classes_ : ndarray, (K,), or list of ndarray
        The labels in order; of a label matrix 0 and 1 for every column.
    estimators_ : list of FocalLGBMClassifier
        Of a label matrix, one per column.

    Notes
    -----
    ``predict_proba`` is the posterior, ``predict`` its more probable label, and
    ``decision_function`` its log-odds. ``fit(eval_metric=)`` takes the names of this
    package's metrics too, which come after LightGBM's own.

    Three classes and more are trained one against the rest, as "multiclassova" does.
    ``predict_proba`` divides a row's posteriors by their sum, and so do
    "multi_logloss" and "multi_error". See :class:`FocalXGBClassifier` for what these
    probabilities are and are not; the posteriors themselves are
    ``focal_objective_.posterior(decision_function(X))``.

    `y` may also be a matrix of 0 and 1, dense or sparse, with a column per label:
    each gets a booster of its own, several at once on ``n_jobs`` threads, or one after
    the other where there are ``callbacks``.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> wine = load_wine(as_frame=True)
    >>> model = FocalLGBMClassifier(n_estimators=5, verbosity=-1)
    >>> model.fit(wine.data, wine.target).predict_proba(wine.data).shape
    (178, 3)
    """

    _in_pauses: ClassVar[Trainable] = _binned
    # Stored models name the class by where it may be imported from.
    __module__ = "focal_boost.lightgbm"

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

    booster_ = of_one_booster("booster_")
    best_iteration_ = of_one_booster("best_iteration_")
    best_score_ = of_one_booster("best_score_")
    evals_result_ = of_one_booster("evals_result_")
    feature_importances_ = of_one_booster("feature_importances_")

    @like(lgb.LGBMClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalLGBMClassifier:
        parent = lgb.LGBMClassifier.fit
        given = bound_arguments(parent, self, *args, **kwargs)
        matrix = label_matrix(given["y"])
        if matrix is not None:
            return self._fit_labels(given, matrix)
        target = plain_labels(given)
        if names_machines(self.get_params(deep=False)):
            check_part(self.focal_alpha, target)
        weight, n_classes = self._weight(given, target), len(target.classes)
        warn_of_names(library_parameters(self), "focal_{}")
        inner = Inner(**library_parameters(self))
        if n_classes > 2:
            objective: Any = multi_objective(self, target.y_true, weight, n_classes)
            labels: Any = functools.partial(
                labels_of_columns, target.y_true, weight, n_classes
            )
            if inner.objective is None:
                inner.set_params(objective=OBJECTIVES[0])
        else:
            objective = focal_objective(self, target.y_true, weight, target.classes)
            labels = functools.partial(Labels.of, target.y_true, weight)
        if n_classes == 2:
            warn_of_majority(self, target.classes, target.y_true)
        return self._fit(inner, objective, given, labels, n_classes)

    def _fit(
        self,
        inner: Inner,
        objective: FocalObjective | MultiFocalObjective,
        given: Any,
        labels: Any,
        n_classes: int = 2,
    ) -> FocalLGBMClassifier:
        """Fit by way of an unfitted parent."""
        training = training_of(objective, given, n_classes)
        if inner.starts_from_average(given):
            start_from(training.start_from(labels()), given)
        finish = functools.partial(self._take, inner, objective, n_classes)
        with with_advice(), finishing(inner, finish):
            inner.train(training, given)
        return finish()

    def _take(
        self, inner: Inner, objective: Any, n_classes: int
    ) -> FocalLGBMClassifier:
        """Take what a fit found."""
        inner.release()
        adopt(self, inner, skip=["_other_params"])
        self._forget_labels()
        self.focal_objective_ = objective
        self.loss_ = loss_of(objective, n_classes)
        return self

    def _forget_labels(self) -> None:
        if hasattr(self, "estimators_"):
            del self.estimators_

    def _fit_labels(self, given: Any, matrix: NDArray[Any]) -> FocalLGBMClassifier:
        """Fit a booster per label."""
        self.estimators_ = fit_labels(self, given, matrix)
        adopt(self, self.estimators_[0], skip=["_other_params"])
        # They are each label's, and not the first one's.
        self._Booster, self._evals_result = None, None
        self._classes, self._n_classes = [np.arange(2)] * matrix.shape[1], 2
        self._label_dtype = dtype_of(given["y"])
        several = [one.focal_objective_ for one in self.estimators_]
        alpha, gamma = [one.alpha for one in several], [one.gamma for one in several]
        self.focal_objective_ = MultiFocalObjective(alpha, gamma)
        self.loss_ = loss_of(self.focal_objective_, matrix.shape[1])
        return self

    def _weight(self, given: dict[str, Any], target: Target) -> Any:
        """Return sample weights times class weights, as LightGBM will hold them."""
        weight = given.get("sample_weight")
        if self.class_weight is not None:
            from sklearn.utils.class_weight import compute_sample_weight

            labels = target.classes[target.y_true]
            of_class = compute_sample_weight(self.class_weight, labels)
            weight = of_class if weight is None else of_class * np.asarray(weight)
        return None if weight is None else np.asarray(weight, np.float32)

    def decision_function(self, X: Any, **kwargs: Any) -> NDArray[np.float64]:
        """Return log-odds, (n,) or (n, K); `kwargs` are those of ``predict``."""
        check_is_fitted(self, "loss_")
        return np.asarray(self.predict_proba(X, raw_score=True, **kwargs))

    @like(lgb.LGBMClassifier.predict_proba)
    def predict_proba(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        parent = lgb.LGBMClassifier.predict_proba
        given = bound_arguments(parent, self, X, *args, **kwargs)
        if hasattr(self, "estimators_"):
            return self._of_labels(given)
        asked = any(given.get(name) for name in _OTHER_THAN_POSTERIORS)
        if asked or not isinstance(
            getattr(self, "focal_objective_", None), MultiFocalObjective
        ):
            return super().predict_proba(**_flat(given))
        raw = {**_flat(given), "raw_score": True}
        return normalised(super().predict_proba(**raw))

    @like(lgb.LGBMClassifier.predict)
    def predict(self, X: Any, *args: Any, **kwargs: Any) -> Any:
        parent = lgb.LGBMClassifier.predict
        given = bound_arguments(parent, self, X, *args, **kwargs)
        if not hasattr(self, "estimators_"):
            return super().predict(**_flat(given))
        found = self._of_labels(given)
        asked = any(given.get(name) for name in _OTHER_THAN_POSTERIORS)
        return found if asked else (found > 0.5).astype(self._label_dtype)

    def _of_labels(self, given: dict[str, Any]) -> Any:
        """Return what all labels predict: posteriors, log-odds, or a list of others."""
        several = [one.predict_proba(**_flat(given)) for one in self.estimators_]
        if given.get("pred_leaf") or given.get("pred_contrib"):
            return several
        raw = given.get("raw_score")
        return np.column_stack([one if raw else one[:, 1] for one in several])

    def save_model(self, filename: Any) -> None:
        """Save the model, with loss and labels, for LightGBM and for this class.

        Of a model that was stopped early, the rounds up to the best one.
        """
        check_is_fitted(self, "loss_")
        if hasattr(self, "estimators_"):
            raise ValueError(
                "estimators_ must be saved one by one, or pickled, because LightGBM has"
                f" a model per label, got {len(self.estimators_)}"
            )
        save(self.booster_, filename, self.focal_objective_, self.classes_)

    def load_model(self, filename: Any) -> None:
        """Load a model that this class saved, or any LightGBM model of two classes.

        A model without its loss is read with this estimator's own parameters and the
        labels 0 and 1. Parameters stay what they are; a faulty file changes nothing.
        """
        booster, text = lgb.Booster(model_file=filename), text_in(filename)
        labels: Any = None
        if text is None:
            check_binary(filename)
            alpha: Any = self.focal_alpha
            objective: Any = FocalObjective(alpha, self.focal_gamma)
            objective = of_second_class(objective, self, (0, 1))
        else:
            _, objective, labels, _ = described(booster, text, filename)
        classes = max(booster.num_model_per_iteration(), 2)
        labels = np.arange(classes) if labels is None else labels
        adopt(self, parent_of(booster, labels), skip=["_other_params"])
        self._forget_labels()
        if isinstance(objective, MultiFocalObjective):
            self._objective = OBJECTIVES[0]
        self.focal_objective_ = objective
        self.loss_ = loss_of(objective, len(labels))

    def _process_params(self, stage: str) -> dict[str, Any]:
        # LightGBM's code for prediction would call ours unknown parameters.
        params: dict[str, Any] = super()._process_params(stage)
        for name in FOCAL_PARAMETERS:
            params.pop(name, None)
        return params

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        tags.classifier_tags.multi_label = True
        return tags


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    """Return bound arguments with those of LightGBM's own that have no name."""
    rest = {name: value for name, value in given.items() if name != "kwargs"}
    return {**rest, **given.get("kwargs", {})}
