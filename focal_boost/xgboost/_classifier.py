"""FocalXGBClassifier: focal loss behind scikit-learn's interface."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from focal_boost._adapter.estimator import (
    adopt,
    bound_arguments,
    finishing,
    focal_objective,
    like,
    loss_of,
    multi_objective,
    of_second_class,
    warn_of_majority,
)
from focal_boost._adapter.features import check_names, of_single_precision
from focal_boost._adapter.protocol import Trainable
from focal_boost._adapter.saved import (
    described,
    description,
    labels_in,
    labels_said,
)
from focal_boost._adapter.target import BINARY, MULTICLASS, MULTILABEL, Encoded
from focal_boost.metrics import METRICS
from focal_boost.multi import MultiFocalObjective
from focal_boost.multi_metrics import MULTI_METRICS, normalised
from focal_boost.objective import FocalObjective
from focal_boost.xgboost import _binned
from focal_boost.xgboost._collective import is_distributed, summed
from focal_boost.xgboost._labels import FORBIDDEN, encode
from focal_boost.xgboost._saved import (
    check_binary,
    holding,
    taken_from,
    text_in,
)
from focal_boost.xgboost._settings import (
    plain_parameters,
    settings_of,
    settings_of_many,
)
from focal_boost.xgboost._training import (
    check_objective,
)


class FocalXGBClassifier(xgb.XGBClassifier):
    """XGBClassifier trained with focal loss; with gamma 0 it is XGBClassifier itself.

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
        All parameters of ``xgboost.XGBClassifier``; ``alpha`` and ``gamma`` among them
        are XGBoost's own, the L1 term and the least loss reduction. ``eval_metric``
        may name metrics of this package among XGBoost's; they come after these.

    Attributes
    ----------
    loss_ : FocalLoss
        The loss that was trained with, or a tuple of one per class.
    focal_objective_ : FocalObjective or MultiFocalObjective
        The objective that minimises it.
    classes_ : ndarray, (K,), or list of ndarray
        The labels in order; of a label matrix 0 and 1 for every column.

    Notes
    -----
    The raw score is the log-odds of the posterior: ``predict_proba`` is the posterior,
    and ``decision_function`` is 0 where the label changes.

    Three classes and more are trained one against the rest, on a sigmoid each, as the
    paper does. Each then has a posterior, and ``predict_proba`` divides those of a row
    by their sum. These are probabilities of one class out of K and rank the classes of
    a row as the posteriors do. They are not fitted as such, as a softmax is: a row
    that is like no class looks as sure as one that is like two. The posteriors
    themselves are ``focal_objective_.posterior(decision_function(X))``. ``eval_metric``
    is then by default "mlogloss", of what ``predict_proba`` returns.

    `y` may also be a matrix of 0 and 1, dense or sparse, with a column per label.
    ``predict_proba`` is then every label's posterior, (n, K), and ``predict`` a dense
    matrix.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> wine = load_wine()
    >>> model = FocalXGBClassifier(n_estimators=5).fit(wine.data, wine.target)
    >>> model.predict_proba(wine.data).shape
    (178, 3)
    """

    #: What a search pauses its trainings with.
    _in_pauses: ClassVar[Trainable] = _binned
    # Stored models name the class by where it may be imported from.
    __module__ = "focal_boost.xgboost"

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

    @like(xgb.XGBClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalXGBClassifier:
        given = bound_arguments(xgb.XGBClassifier.fit, self, *args, **kwargs)
        several = [given["X"], *(X for X, _ in given.get("eval_set") or ())]
        for X in several:
            check_names(X, FORBIDDEN)
        encoded = encode(given)
        # Parameters draw a seed from a random state whenever they are asked for.
        settled = type(self)(**self.get_params(deep=False))
        check_objective(settled.objective)
        objective = _objective_of(settled, encoded, given)
        if encoded.kind == BINARY and encoded.classes is not None:
            warn_of_majority(self, encoded.classes, given["y"])
        of: Any = settings_of if encoded.kind == BINARY else settings_of_many
        parameters, training = of(settled, objective, given, encoded.kind)
        inner = xgb.XGBClassifier(**parameters)
        finish = functools.partial(self._take, inner, objective, encoded)
        with (
            training.callback() as attach,
            finishing(inner, finish),
            of_single_precision(*several),
        ):
            inner.callbacks = [attach, *(inner.callbacks or ())]
            inner.fit(**given)
        return finish()

    def _take(self, inner: Any, objective: Any, encoded: Encoded) -> FocalXGBClassifier:
        """Take what a fit found."""
        adopt(self, inner, skip=["kwargs"])
        self._remember(objective, encoded)
        return self

    def _remember(self, objective: Any, encoded: Encoded) -> None:
        # A plain tuple, as what is stored of a model names no type of these rooms.
        self.focal_objective_, self._focal_labels = objective, tuple(encoded)
        self.loss_ = loss_of(objective, encoded.columns)
        if encoded.kind == MULTICLASS:
            self.n_classes_ = encoded.columns

    @property
    def _kind(self) -> str:
        return self._encoded.kind

    @property
    def _encoded(self) -> Encoded:
        return Encoded(*getattr(self, "_focal_labels", ()))

    @property
    def classes_(self) -> Any:
        """The labels in order; of a label matrix 0 and 1 for every column."""
        encoded = self._encoded
        if encoded.kind == MULTILABEL:
            return [np.arange(2)] * encoded.columns
        known = encoded.classes
        return np.asarray(super().classes_ if known is None else known)

    def get_xgb_params(self) -> dict[str, Any]:
        """Return XGBoost's parameters, which are neither ours nor name our metrics."""
        names = METRICS if self._kind == BINARY else MULTI_METRICS
        return plain_parameters(super().get_xgb_params(), names)

    def decision_function(self, X: Any, **kwargs: Any) -> NDArray[np.float32]:
        """Return the log-odds, (n,), or of every class or label, (n, K).

        `kwargs` are those of ``XGBClassifier.predict``.
        """
        return np.asarray(super().predict(X, output_margin=True, **kwargs))

    @like(xgb.XGBClassifier.predict)
    def predict(self, X: Any, *args: Any, **kwargs: Any) -> NDArray[Any]:
        parent = xgb.XGBClassifier.predict
        given = bound_arguments(parent, self, X, *args, **kwargs)
        if given.get("output_margin") or self._kind == MULTILABEL:
            found = np.asarray(super().predict(**given))
            several = self._kind == MULTILABEL and not given.get("output_margin")
            return found.astype(self._encoded.dtype) if several else found
        if self._kind == MULTICLASS:
            given.pop("output_margin", None)
            log_odds = self.decision_function(**given)
            return np.asarray(self.classes_[log_odds.argmax(axis=1)])
        found = np.asarray(super().predict(**given))
        classes = self._encoded.classes
        return found if classes is None else np.asarray(classes[found])

    @like(xgb.XGBClassifier.predict_proba)
    def predict_proba(self, X: Any, *args: Any, **kwargs: Any) -> NDArray[Any]:
        parent = xgb.XGBClassifier.predict_proba
        given = bound_arguments(parent, self, X, *args, **kwargs)
        if self._kind != MULTICLASS:
            return np.asarray(super().predict_proba(**given))
        return normalised(self.decision_function(**given)).astype(np.float32)

    def save_model(self, fname: Any) -> None:
        """Save the model, with loss and labels, for XGBoost and for this class."""
        known = self._encoded
        text = description(self.focal_objective_, known.classes, **labels_said(known))
        with holding(self.get_booster(), text):
            super().save_model(fname)

    def load_model(self, fname: Any) -> None:
        """Load a model that this class saved, or any XGBoost model of two classes.

        A model without a description is read with this estimator's own parameters
        and the labels 0 and 1. What is wrong with a file is said before it is taken.
        """
        booster = xgb.Booster(model_file=fname)
        text, encoded = text_in(booster), Encoded()
        if text is None:
            check_binary(booster)
            alpha: Any = self.focal_alpha
            objective: Any = FocalObjective(alpha, self.focal_gamma)
            objective = of_second_class(objective, self, (0, 1))
        else:
            found = described(booster, text, fname)
            objective, encoded = found.objective, labels_in(text, found)
        super().load_model(fname)
        taken_from(self.get_booster())
        self._remember(objective, encoded)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        tags.classifier_tags.multi_label = True
        return tags


def _objective_of(
    settled: Any, encoded: Encoded, given: dict[str, Any]
) -> FocalObjective | MultiFocalObjective:
    if encoded.kind == BINARY:
        known = (0, 1) if encoded.classes is None else encoded.classes
        return focal_objective(settled, *_rows_of_all(given), known)
    weight = given.get("sample_weight")
    return multi_objective(settled, given["y"], weight, encoded.columns)


def _rows_of_all(given: dict[str, Any]) -> tuple[Any, Any]:
    """Return labels and weights, those of several workers as one row of each class."""
    y_true, weight = given["y"], given.get("sample_weight")
    if not is_distributed():
        return y_true, weight
    return np.arange(2), summed(np.bincount(y_true, weight, 2).astype(float))
