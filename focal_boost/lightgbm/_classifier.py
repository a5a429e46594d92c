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
    focal_objective,
    library_parameters,
    of_second_class,
    warn_of_majority,
)
from focal_boost._adapter.protocol import Trainable
from focal_boost._adapter.saved import described
from focal_boost._adapter.target import Target
from focal_boost._rows import Labels
from focal_boost._validation import shown
from focal_boost.lightgbm import _binned
from focal_boost.lightgbm._booster import FocalBooster
from focal_boost.lightgbm._device import with_advice
from focal_boost.lightgbm._metrics import apart
from focal_boost.lightgbm._network import names_machines
from focal_boost.lightgbm._saved import parent_of, save, text_in
from focal_boost.lightgbm._start import starts_from_average
from focal_boost.lightgbm._train import runs_code, settings_of, warn_of_names
from focal_boost.lightgbm._training import Training, injected
from focal_boost.metrics import focal_metrics
from focal_boost.objective import FocalObjective


class FocalLGBMClassifier(lgb.LGBMClassifier):
    """LGBMClassifier trained with focal loss; at gamma 0 and alpha None the same.

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
        All parameters of ``lightgbm.LGBMClassifier``.

    Attributes
    ----------
    focal_objective_ : FocalObjective
        What was trained with, and its ``loss``.
    loss_ : FocalLoss
        The loss of the paper's margin.
    classes_ : ndarray, (2,)
        The two labels, in order.

    Notes
    -----
    ``predict_proba`` is the posterior, ``predict`` its more probable label, and
    ``decision_function`` its log-odds. ``fit(eval_metric=)`` takes the names of this
    package's metrics too, which come after LightGBM's own.
    """

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

    @functools.wraps(lgb.LGBMClassifier.fit)
    def fit(self, *args: Any, **kwargs: Any) -> FocalLGBMClassifier:
        parent = lgb.LGBMClassifier.fit
        given = bound_arguments(parent, self, *args, **kwargs)
        target = _plain_labels(given)
        if names_machines(self.get_params(deep=False)):
            _check_part(self.focal_alpha, target)
        weight = self._weight(given, target)
        objective = focal_objective(self, target.y_true, weight, target.classes)
        warn_of_names(self.get_params(deep=False), "focal_{}")
        if len(target.classes) == 2:
            warn_of_majority(self, target.classes, target.y_true)
        inner = Inner(**library_parameters(self))
        labels = functools.partial(Labels.of, target.y_true, weight)
        return self._fit(inner, objective, given, labels)

    def _fit(
        self, inner: Inner, objective: FocalObjective, given: Any, labels: Any
    ) -> FocalLGBMClassifier:
        """Fit by way of an unfitted parent."""
        theirs, ours = apart(given.get("eval_metric"))
        given["eval_metric"] = theirs
        training = Training(
            objective,
            focal_metrics(ours, objective),
            may_change=runs_code([theirs, given.get("callbacks")]),
        )
        if inner.starts_from_average(given):
            _start_from(training.start_from(labels()), given)
        with with_advice():
            inner.train(training, given)
        adopt(self, inner, skip=["_other_params"])
        self.focal_objective_ = training.objective
        self.loss_ = training.objective.loss
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
        """Return the posterior's log-odds per row, (n,); `kwargs` as in ``predict``."""
        check_is_fitted(self, "loss_")
        return np.asarray(super().predict_proba(X, raw_score=True, **kwargs))

    def save_model(self, filename: Any) -> None:
        """Save the model, with loss and labels, for LightGBM and for this class.

        Of a model that was stopped early, the rounds up to the best one.
        """
        check_is_fitted(self, "loss_")
        save(self.booster_, filename, self.focal_objective_, self.classes_)

    def load_model(self, filename: Any) -> None:
        """Load a model that this class saved, or any LightGBM model of two classes.

        A model without its loss is read with this estimator's own parameters and the
        labels 0 and 1. Parameters stay what they are.
        """
        booster, text = lgb.Booster(model_file=filename), text_in(filename)
        labels: Any = None
        if text is None:
            alpha: Any = self.focal_alpha
            objective = FocalObjective(alpha, self.focal_gamma)
            objective = of_second_class(objective, self, (0, 1))
        else:
            _, objective, labels, _ = described(booster, text, filename)
        labels = np.arange(2) if labels is None else labels
        adopt(self, parent_of(booster, labels), skip=["_other_params"])
        self.focal_objective_, self.loss_ = objective, objective.loss

    def _process_params(self, stage: str) -> dict[str, Any]:
        # LightGBM's code for prediction would call ours unknown parameters.
        params: dict[str, Any] = super()._process_params(stage)
        for name in FOCAL_PARAMETERS:
            params.pop(name, None)
        return params

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class Inner(lgb.LGBMClassifier):
    """The parent, as it fits: its own in all but the objective of the engine."""

    _training: Training | None = None

    def train(self, training: Training, given: dict[str, Any]) -> None:
        """Fit with focal loss."""
        self._training, self._seen = training, dict[str, Any]()
        callbacks = list(given.get("callbacks") or ())
        given["callbacks"] = [*callbacks, injected(training, self._seen)]
        self.fit(**given)
        if not isinstance(self._Booster, FocalBooster):
            raise RuntimeError(
                "lightgbm must call _process_params and callbacks in fit as its"
                f" versions 4.6 and 4.7 do, got version {lgb.__version__}"
            )
        FocalBooster.release(self._Booster)
        del self._training, self._seen

    def starts_from_average(self, given: dict[str, Any]) -> bool:
        """Return whether LightGBM's own objective would choose the start."""
        free = given.get("init_score") is None and given.get("init_model") is None
        params = self.get_params(deep=False)
        return free and not names_machines(params) and starts_from_average(params)

    def _process_params(self, stage: str) -> dict[str, Any]:
        params: dict[str, Any] = super()._process_params(stage)
        if self._training is not None and stage == "fit":
            params, seen = settings_of(params, self._training.objective)
            if isinstance(seen.get("metric"), str):
                # LightGBM makes a list of it, but afterwards.
                seen["metric"] = [seen["metric"]]
            self._seen.update(seen)
        return params


def _check_part(alpha: Any, target: Target) -> None:
    """Raise for what one machine's rows cannot tell of the rows of all."""
    if alpha == "balanced":
        raise ValueError(
            "focal_alpha must be None or a number in (0, 1) on several machines,"
            f" got {shown(alpha)}; focal_boost.dask counts the classes of all"
        )
    if len(target.classes) == 1 and target.classes[0] != 0:
        raise ValueError(
            "y must hold both labels, or 0 alone, on each of several machines, because"
            " LGBMClassifier numbers the labels of each by themselves, as"
            f" focal_boost.lightgbm.train does not; got {target.classes.tolist()}"
        )


def _start_from(start: float, given: dict[str, Any]) -> None:
    """Set the start value as initial score of all sets."""
    given["init_score"] = np.full(_rows_of(given["y"]), start)
    pairs = given.get("eval_set") or []
    labels = [y for _, y in ([pairs] if isinstance(pairs, tuple) else pairs)]
    if given.get("eval_y") is not None:
        several = given["eval_y"]
        labels = list(several) if isinstance(several, tuple) else [several]
    own = given.get("eval_init_score")
    if labels:
        given["eval_init_score"] = [
            np.full(_rows_of(y), start) + _own_of(own, i) for i, y in enumerate(labels)
        ]


def _rows_of(y: Any) -> int:
    # Whatever becomes an array need not have a length.
    return len(np.asarray(y))


def _own_of(own: Any, i: int) -> Any:
    one = own.get(i) if isinstance(own, dict) else own[i] if own is not None else None
    return 0.0 if one is None else np.asarray(one, np.float64)


def _plain_labels(given: dict[str, Any]) -> Target:
    """Return the target, and hand LightGBM labels that it takes.

    The object stays the caller's where that is possible, as LightGBM knows the
    training set among the evaluation sets by it.
    """
    y = given["y"]
    target = Target.of(y, warn=False)
    target.check_rows(given["X"])
    plain = target.plain(y)
    given["y"] = plain
    for name in ("eval_set", "eval_y"):
        if given.get(name) is not None:
            given[name] = _replaced(given[name], lambda one: plain if one is y else one)
    _encode_sets(given, target)
    return target


def _encode_sets(given: dict[str, Any], target: Target) -> None:
    """Make labels 0 and 1 that LightGBM encodes in ``eval_set`` only."""
    several = given.get("eval_y")
    if several is None or len(target.classes) < 2 or target.classes.tolist() == [0, 1]:
        return
    encode = functools.partial(target.encode, name="eval_y")
    is_tuple = isinstance(several, tuple)
    given["eval_y"] = tuple(map(encode, several)) if is_tuple else encode(several)


def _replaced(given: Any, change: Any) -> Any:
    if isinstance(given, list | tuple):
        return type(given)(_replaced(one, change) for one in given)
    return change(given)
