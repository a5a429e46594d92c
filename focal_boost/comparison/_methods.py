"""The methods that a comparison compares, in both libraries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from focal_boost._adapter.splits import rows_of, stratified
from focal_boost.ensemble._models import Part, fit_model, last_step, stops_early
from focal_boost.loss import FocalLoss

BUILT_IN, CLASS_WEIGHTS, FOCAL = METHODS = ("built-in", "class weights", "focal loss")
#: What the classifiers of the caller are listed under.
FURTHER = "further"

# Of the search inside a training part.
INNER_FOLDS = 3
# Of the rows of a training part one in so many is kept for early stopping.
_STOPPING_FOLDS = 5


class Training(NamedTuple):
    """The rows that a method is trained on, and their groups."""

    part: Part
    groups: NDArray[Any] | None
    seed: int
    n_classes: int = 2

    def balanced(self) -> Training:
        """Return them with weights by which all classes weigh the same."""
        y, weight = self.part.y, self.part.sample_weight
        of_class = np.bincount(y, weight, minlength=self.n_classes)
        each = of_class.sum() / (self.n_classes * of_class[y])
        own = each if weight is None else each * weight
        return self._replace(part=self.part._replace(sample_weight=own))


class Prediction(NamedTuple):
    """The probabilities of the test rows, what they cost and what trained them.

    The posterior is that of the positive class, (n,), or of each of many, (n, K). The
    seconds are those of the training, with the search for its loss, if any. The loss is
    None where the objective is not focal loss.
    """

    posterior: NDArray[np.float64]
    seconds: float
    loss: Any


@dataclass(frozen=True)
class Method:
    """A classifier to be trained on every fold.

    Attributes
    ----------
    library : str
        "xgboost", "lightgbm" or "further".
    name : str
        One of `METHODS`, or what the caller calls it.
    make : callable
        From a :class:`Training` to an unfitted classifier, its search included.
    """

    library: str
    name: str
    make: Callable[[Training], Any]

    def train_and_predict(self, training: Training, test: Any) -> Prediction:
        """Train on one part and predict the other.

        The seconds hold the library's binning of the features, which it does at the
        start of every training.
        """
        if self.name == CLASS_WEIGHTS and training.n_classes > 2:
            training = training.balanced()
        start = time.perf_counter()
        model = fitted(self.make(training), training)
        seconds = time.perf_counter() - start
        found = np.asarray(model.predict_proba(test), np.float64)
        posterior = found if training.n_classes > 2 else found[:, 1]
        loss = model.loss_ if self.name == FOCAL and self.library != FURTHER else None
        return Prediction(posterior, seconds, loss)


def fitted(model: Any, training: Training) -> Any:
    """Return a fitted model; one that stops early does so on rows it is not given."""
    part = training.part
    if not stops_early(last_step(model)):
        return fit_model(model, part, part, {})
    kept = stratified(
        _STOPPING_FOLDS,
        part.y,
        training.groups,
        training.seed,
        name="the parts for early stopping",
        classes=[f"class {k}" for k in range(training.n_classes)],
    )[0]
    return fit_model(model, _some(part, kept.train), _some(part, kept.test), {})


def _some(part: Part, rows: NDArray[np.intp]) -> Part:
    weight = part.sample_weight
    return Part(
        rows_of(part.X, rows), part.y[rows], None if weight is None else weight[rows]
    )


def methods_of(
    boosters: Mapping[str, Mapping[str, Any]],
    estimators: Mapping[str, Any],
    loss: FocalLoss,
    *,
    tune: bool,
    seed: int,
) -> list[Method]:
    """Return the three methods of every library, and the caller's own."""
    found = []
    for library, given in boosters.items():
        plain, focal, params = _classes(library)
        params = {**params, "random_state": seed, **given}
        # It is a method of its own.
        scale = params.pop("scale_pos_weight", None)
        own = {"focal_alpha": loss.alpha, "focal_gamma": loss.gamma, **params}
        made: dict[str, Callable[[Training], Any]] = {
            BUILT_IN: partial(_plain, plain, params),
            CLASS_WEIGHTS: partial(_weighted, plain, params, scale),
            FOCAL: partial(_tuned if tune else _plain, focal, own),
        }
        found += [Method(library, name, make) for name, make in made.items()]
    further = {name: partial(_cloned, one) for name, one in estimators.items()}
    return [*found, *(Method(FURTHER, name, make) for name, make in further.items())]


def _classes(library: str) -> tuple[Any, Any, dict[str, Any]]:
    """Return the library's classifier, ours, and what both must be told."""
    if library == "xgboost":
        import focal_boost.xgboost as fxgb

        categorical = {"enable_categorical": True}
        return fxgb.xgb.XGBClassifier, fxgb.FocalXGBClassifier, categorical
    import focal_boost.lightgbm as flgb

    return flgb.lgb.LGBMClassifier, flgb.FocalLGBMClassifier, {"verbosity": -1}


def _plain(kind: Any, params: dict[str, Any], _: Training) -> Any:
    return kind(**params)


def _weighted(
    kind: Any, params: dict[str, Any], scale: float | None, training: Training
) -> Any:
    if training.n_classes > 2:
        # The rows have the weights.
        return kind(**params)
    if scale is None:
        y, weight = training.part.y, training.part.sample_weight
        share = float(np.average(y, weights=weight))
        scale = (1 - share) / share
    return kind(**params, scale_pos_weight=scale)


def _tuned(kind: Any, params: dict[str, Any], training: Training) -> Any:
    """Return a classifier with the best log loss inside the training part."""
    from focal_boost.tuning import DEFAULT_SPACE, FocalSearchCV

    model, part = kind(**params), training.part
    search = FocalSearchCV(model, DEFAULT_SPACE, cv=INNER_FOLDS, refit=False)
    search.fit(part.X, part.y, part.sample_weight, groups=training.groups)
    return model.set_params(**search.best_params_)


def warm_up(library: str, training: Training) -> None:
    """Have the focal loss compiled and the library loaded."""
    _, focal, params = _classes(library)
    part = training.part
    focal(n_estimators=1, **params).fit(
        part.X, part.y, sample_weight=part.sample_weight
    )


def _cloned(estimator: Any, _: Training) -> Any:
    return clone(estimator)
