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

from focal_boost._adapter.splits import Split, rows_of, stratified
from focal_boost._recommended import recommended
from focal_boost.comparison._searched import Search, searched
from focal_boost.ensemble._models import Part, fit_model, last_step, stops_early
from focal_boost.loss import FocalLoss

BUILT_IN, CLASS_WEIGHTS, FOCAL = METHODS = ("built-in", "class weights", "focal loss")
#: With other trees than the caller's: those that are recommended, those of a search.
RECOMMENDED, TUNED = "recommended", "tuned"
#: What the classifiers of the caller are listed under.
FURTHER = "further"

# Of the rows of a training part one in so many is kept for early stopping.
_STOPPING_FOLDS = 5
# Of recommended trees.
_ROUNDS, _PATIENCE = 1000, 30


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


#: From a training part to a fitted classifier, or a fitted search for one.
Train = Callable[[Training], Any]


class Prediction(NamedTuple):
    """The probabilities of the test rows, what they cost and what trained them.

    The posterior is that of the positive class, (n,), or of each of many, (n, K). The
    seconds are those of the training, with its search, if any. The loss is None where
    the objective is not focal loss.
    """

    posterior: NDArray[np.float64]
    seconds: float
    loss: Any
    search: Search | None


@dataclass(frozen=True)
class Method:
    """A classifier to be trained on every fold.

    Attributes
    ----------
    library : str
        "xgboost", "lightgbm" or "further".
    name : str
        One of `METHODS`, alone or with the trees it has, or what the caller calls it.
    train : callable
        What trains it.
    """

    library: str
    name: str
    train: Train

    def train_and_predict(self, training: Training, test: Any) -> Prediction:
        """Train on one part and predict the other.

        The seconds hold the library's binning of the features, which it does at the
        start of every training.
        """
        start = time.perf_counter()
        model = self.train(training)
        seconds = time.perf_counter() - start
        found = np.asarray(model.predict_proba(test), np.float64)
        posterior = found if training.n_classes > 2 else found[:, 1]
        best: Any = getattr(model, "best_estimator_", model)
        focal = self.library != FURTHER and self.name.startswith(FOCAL)
        search = Search.of(model) if best is not model else None
        return Prediction(posterior, seconds, best.loss_ if focal else None, search)


def reference_of(name: str) -> str:
    """Return what a library's method is compared with.

    Focal loss is compared with the built-in objective with the same trees.
    """
    return name.replace(FOCAL, BUILT_IN) if name.startswith(FOCAL) else BUILT_IN


def fitted(model: Any, training: Training) -> Any:
    """Return a fitted model; one that stops early does so on rows it is not given."""
    part = training.part
    if not stops_early(last_step(model)):
        return fit_model(model, part, part, {})
    kept = kept_for_stopping(part.y, training.groups, training.seed, training.n_classes)
    return fit_model(model, _some(part, kept.train), _some(part, kept.test), {})


def kept_for_stopping(
    y: NDArray[Any], groups: NDArray[Any] | None, seed: int, n_classes: int
) -> Split:
    """Return the rows to train on, and those that are kept for early stopping."""
    return stratified(
        _STOPPING_FOLDS,
        y,
        groups,
        seed,
        name="the parts for early stopping",
        classes=[f"class {k}" for k in range(n_classes)],
    )[0]


def _some(part: Part, rows: NDArray[np.intp]) -> Part:
    weight = part.sample_weight
    return Part(
        rows_of(part.X, rows), part.y[rows], None if weight is None else weight[rows]
    )


@dataclass(frozen=True)
class Wanted:
    """What is to be trained of every library.

    Attributes
    ----------
    loss : FocalLoss
        Where it is not searched for.
    recommended : bool
        Whether with recommended trees too.
    seconds : float or None
        Of a search, if it is to be searched too.
    seed : int
    """

    loss: FocalLoss
    recommended: bool
    seconds: float | None
    seed: int

    def methods(
        self, boosters: Mapping[str, Mapping[str, Any]], estimators: Mapping[str, Any]
    ) -> list[Method]:
        """Return the methods of every library, and the caller's own."""
        found = [
            Method(library, name, train)
            for library, given in boosters.items()
            for name, train in self._of(library, given).items()
        ]
        further = {name: partial(_cloned, one) for name, one in estimators.items()}
        return found + [Method(FURTHER, name, one) for name, one in further.items()]

    def _of(self, library: str, given: Mapping[str, Any]) -> dict[str, Train]:
        plain, focal, params = _classes(library)
        params = {**params, "random_state": self.seed, **given}
        # It is a method of its own.
        scale = params.pop("scale_pos_weight", None)
        loss = {"focal_alpha": self.loss.alpha, "focal_gamma": self.loss.gamma}
        found: dict[str, Train] = {
            BUILT_IN: partial(_plain, plain, params),
            CLASS_WEIGHTS: partial(_weighted, plain, params, scale),
            FOCAL: partial(_plain, focal, {**loss, **params}),
        }
        if self.recommended:
            known = {**params, **recommended(library)}
            if not stops_early(plain(**params)):
                known |= {"n_estimators": _ROUNDS, _STOPPING[library]: _PATIENCE}
            found[f"{BUILT_IN}, {RECOMMENDED}"] = partial(_plain, plain, known)
            found[f"{FOCAL}, {RECOMMENDED}"] = partial(_plain, focal, {**loss, **known})
        if self.seconds is not None:
            log_loss = {"focal_alpha": None, "focal_gamma": 0.0, **params}
            for name, space, start in (
                (BUILT_IN, "trees", log_loss),
                (FOCAL, "all", {**loss, **params}),
            ):
                search = partial(searched, focal, start, space, self.seconds)
                found[f"{name}, {TUNED}"] = search
        return found


_STOPPING = {"xgboost": "early_stopping_rounds", "lightgbm": "early_stopping_round"}


def _classes(library: str) -> tuple[Any, Any, dict[str, Any]]:
    """Return the library's classifier, ours, and what both must be told."""
    if library == "xgboost":
        import focal_boost.xgboost as fxgb

        categorical = {"enable_categorical": True}
        return fxgb.xgb.XGBClassifier, fxgb.FocalXGBClassifier, categorical
    import focal_boost.lightgbm as flgb

    return flgb.lgb.LGBMClassifier, flgb.FocalLGBMClassifier, {"verbosity": -1}


def _plain(kind: Any, params: dict[str, Any], training: Training) -> Any:
    return fitted(kind(**params), training)


def _weighted(
    kind: Any, params: dict[str, Any], scale: float | None, training: Training
) -> Any:
    if training.n_classes > 2:
        return fitted(kind(**params), training.balanced())
    if scale is None:
        y, weight = training.part.y, training.part.sample_weight
        share = float(np.average(y, weights=weight))
        scale = (1 - share) / share
    return fitted(kind(**params, scale_pos_weight=scale), training)


def warm_up(library: str, training: Training, *, search: bool) -> None:
    """Have the focal loss compiled and the library loaded, and what a search takes."""
    _, focal, params = _classes(library)
    part, gammas = training.part, [2.0]
    if search:
        import focal_boost.tuning  # noqa: F401 (loads Optuna)

        # Log loss, and what has no power of its own, have kernels of their own.
        gammas += [0.0, 1.5]
    for gamma in gammas:
        focal(n_estimators=1, focal_gamma=gamma, **params).fit(
            part.X, part.y, sample_weight=part.sample_weight
        )


def _cloned(estimator: Any, training: Training) -> Any:
    return fitted(clone(estimator), training)
