"""The methods that a comparison compares, in both libraries."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focal_boost.compare._table import InputError
from focal_boost.loss import FocalLoss

if TYPE_CHECKING:
    import pandas as pd

BUILT_IN, CLASS_WEIGHTS, FOCAL = METHODS = ("built-in", "class weights", "focal loss")

# Of the search inside a training part.
_INNER_FOLDS = 3


@dataclass(frozen=True)
class Settings:
    """What a comparison is run with; the defaults are those of the command."""

    boosters: tuple[str, ...] = ("xgboost", "lightgbm")
    folds: int = 5
    rounds: int = 100
    seed: int = 0
    threads: int | None = None
    loss: FocalLoss = field(default_factory=FocalLoss)
    tune: bool = False


class Part(NamedTuple):
    """The features, the labels and the groups of some rows."""

    features: pd.DataFrame
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None


class Prediction(NamedTuple):
    """The probabilities of the test rows, what they cost and what trained them.

    The seconds are those of the training, with the search for its loss, if any. The
    loss is None where the objective is the library's own.
    """

    posterior: NDArray[np.float64]
    seconds: float
    loss: FocalLoss | None


def train_and_predict(
    library: str, method: str, train: Part, test: pd.DataFrame, settings: Settings
) -> Prediction:
    """Train on one part and predict the other.

    All methods have the tree parameters that are the library's default, and the same
    number of rounds. The seconds hold the library's binning of the features, which it
    does at the start of every training.
    """
    start = time.perf_counter()
    model = _classifier(library, method, train, settings)
    if method == FOCAL and settings.tune:
        model.set_params(**_best_params(model, train))
    model.fit(train.features, train.labels)
    seconds = time.perf_counter() - start
    posterior = np.asarray(model.predict_proba(test)[:, 1], np.float64)
    return Prediction(posterior, seconds, model.loss_ if method == FOCAL else None)


def _classifier(library: str, method: str, train: Part, settings: Settings) -> Any:
    """Return an unfitted classifier."""
    plain, focal, params = _classes(library)
    params["n_estimators"] = settings.rounds
    params["random_state"] = settings.seed
    params["n_jobs"] = settings.threads
    if method == FOCAL:
        loss = settings.loss
        return focal(focal_alpha=loss.alpha, focal_gamma=loss.gamma, **params)
    if method == CLASS_WEIGHTS:
        positives = int(train.labels.sum())
        params["scale_pos_weight"] = (len(train.labels) - positives) / positives
    return plain(**params)


def _classes(library: str) -> tuple[Any, Any, dict[str, Any]]:
    """Return the library's classifier, ours, and what both must be told."""
    if library == "xgboost":
        import focal_boost.xgboost as fxgb

        categorical = {"enable_categorical": True}
        return fxgb.xgb.XGBClassifier, fxgb.FocalXGBClassifier, categorical
    import focal_boost.lightgbm as flgb

    return flgb.lgb.LGBMClassifier, flgb.FocalLGBMClassifier, {"verbosity": -1}


def _best_params(model: Any, train: Part) -> dict[str, Any]:
    """Return the alpha and gamma with the best log loss inside the training part."""
    from focal_boost.tuning import FocalSearchCV

    search = FocalSearchCV(model, cv=_INNER_FOLDS, refit=False)
    try:
        search.fit(train.features, train.labels, groups=train.groups)
    except ValueError as error:
        raise InputError(
            f"--tune needs {_INNER_FOLDS} folds inside every training part: {error}"
        ) from None
    return search.best_params_
