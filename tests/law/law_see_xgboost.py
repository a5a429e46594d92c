"""Everything that can be seen of a training by XGBoost."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xgboost as xgb
from law_arms import XGB
from law_data import PROBE, TRAIN, VALID, Rows
from law_watch import Asked, attempt, frozen, pickled, plain

KINDS: dict[str, dict[str, Any]] = {
    "probability": {},
    "margin": {"output_margin": True},
    "leaves": {"pred_leaf": True},
    "contributions": {"pred_contribs": True},
    "approximate contributions": {"pred_contribs": True, "approx_contribs": True},
    "interactions": {"pred_interactions": True},
    "strict shape": {"strict_shape": True},
    "first two rounds": {"iteration_range": (0, 2)},
    "margin of later rounds": {"iteration_range": (1, 3), "output_margin": True},
    "as in training": {"training": True},
}
# XGBoost 2 calls callbacks in the order of a set, by chance; there nobody watches
# where others are called too.
ORDERED = XGB >= (3, 0)
IMPORTANCES = ("weight", "gain", "cover", "total_gain", "total_cover")


def matrix(rows: Rows, kind: Any = xgb.DMatrix, **kwargs: Any) -> Any:
    """Return rows without their weights as XGBoost's data."""
    return kind(rows.X, rows.y, **{"nthread": 1, **kwargs})


def predictions(booster: Any, at: Any) -> dict[str, Any]:
    return {name: attempt(booster.predict, at, **kind) for name, kind in KINDS.items()}


def in_place(booster: Any, X: Any) -> dict[str, Any]:
    return {
        kind: attempt(booster.inplace_predict, X, predict_type=kind)
        for kind in ("value", "margin")
    }


def model_of(booster: Any) -> Any:
    """Return the saved model, number by number."""
    return json.loads(bytes(booster.save_raw("json")))


def texts_of(booster: Any) -> dict[str, Any]:
    return {
        "model": model_of(booster),
        "settings": json.loads(booster.save_config()),
        "trees": attempt(booster.get_dump, with_stats=True),
        "trees as json": attempt(booster.get_dump, dump_format="json"),
        "table of trees": attempt(booster.trees_to_dataframe),
        "importances": {
            kind: attempt(booster.get_score, importance_type=kind)
            for kind in IMPORTANCES
        },
    }


def short_of(booster: Any) -> dict[str, Any]:
    """Return what a booster says of itself in a word."""
    return {
        "is a booster": isinstance(booster, xgb.Booster),
        "rounds": booster.num_boosted_rounds(),
        "features": booster.num_features(),
        "names": booster.feature_names,
        "kinds": booster.feature_types,
        "attributes": booster.attributes(),
        "best iteration": attempt(getattr, booster, "best_iteration"),
        "best score": attempt(getattr, booster, "best_score"),
    }


def copies_of(booster: Any, at: Any, folder: Path | None) -> dict[str, Any]:
    """Return what copies, slices and files of a booster say."""
    again, by_pickle = pickled(booster)
    seen = {
        "pickle": {**by_pickle, "margin": again.predict(at, output_margin=True)},
        "deep copy": copy_of(copy.deepcopy(booster), at),
        "copy": copy_of(booster.copy(), at),
        "slice": attempt(lambda: copy_of(booster[0:2], at)),
    }
    if folder is not None:
        for kind in ("json", "ubj"):
            path = folder / f"end.{kind}"
            booster.save_model(path)
            seen[kind] = copy_of(xgb.Booster(model_file=path), at)
    return seen


def copy_of(booster: Any, at: Any) -> dict[str, Any]:
    return {
        "type": type(booster),
        "margin": booster.predict(at, output_margin=True),
        "probability": booster.predict(at),
        "attributes": booster.attributes(),
        "rounds": booster.num_boosted_rounds(),
    }


def see(booster: Any, at: Any = None, folder: Path | None = None) -> dict[str, Any]:
    """Return everything that a trained booster shows."""
    X = PROBE.X if at is None else None
    at = matrix(PROBE) if at is None else at
    return {
        "type": type(booster),
        **short_of(booster),
        "predictions": predictions(booster, at),
        **({} if X is None else {"in place": in_place(booster, X)}),
        **texts_of(booster),
        "copies": copies_of(booster, at, folder),
    }


class Watch(xgb.callback.TrainingCallback):
    """A callback that writes down all it is handed, and looks at the model."""

    def __init__(self, at: Any, closely: Sequence[int] = (0, 3)) -> None:
        self.seen: list[Any] = []
        self._at, self._closely = at, closely
        super().__init__()

    def before_training(self, model: Any) -> Any:
        self.seen.append(["before training", short_of(model)])
        return model

    def after_training(self, model: Any) -> Any:
        self.seen.append(["after training", short_of(model), self._look(model)])
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.seen.append(["before", epoch, frozen(evals_log), short_of(model)])
        return False

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        entry = ["after", epoch, frozen(evals_log), type(evals_log), short_of(model)]
        entry.append(model.predict(self._at, output_margin=True))
        if epoch in self._closely:
            entry.append(self._look(model))
        self.seen.append(entry)
        return False

    def _look(self, model: Any) -> dict[str, Any]:
        return {
            "model": model_of(model),
            "settings": json.loads(model.save_config()),
            "predictions": predictions(model, self._at),
            "copies": copies_of(model, self._at, None),
            "evaluated": attempt(model.eval, matrix(VALID, weight=VALID.weight)),
        }


def run(
    arm: Any,
    params: dict[str, Any] | None = None,
    rounds: int = 8,
    *,
    train: Any = None,
    valid: Any = None,
    at: Any = None,
    closely: Sequence[int] = (0, 3),
    **kwargs: Any,
) -> dict[str, Any]:
    """Train while a callback and a metric watch, and return everything seen."""
    train = matrix(TRAIN) if train is None else train
    valid = matrix(VALID) if valid is None else valid
    probe = matrix(PROBE) if at is None else at
    watch, asked, log = Watch(probe, closely), Asked(train, valid), {}
    given = {
        "evals": [(train, "train"), (valid, "valid")],
        "custom_metric": asked,
        "evals_result": log,
        **kwargs,
    }
    if ORDERED or not {"callbacks", "early_stopping_rounds"} & set(given):
        given["callbacks"] = [watch, *given.get("callbacks", [])]
    else:
        # What prints a line would come before or after what stops.
        given["verbose_eval"] = False
    booster = arm.xgboost(params or {}, train, rounds, **given)
    return {
        "log": plain(log),
        "type of log": {name: type(one) for name, one in log.items()},
        "callback": watch.seen,
        "metric": asked.seen,
        "booster": see(booster, at, arm.folder),
    }
