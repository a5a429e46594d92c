"""Everything that can be seen of a training by LightGBM."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm as lgb
from law_data import PROBE, TRAIN, VALID, Rows
from law_watch import Asked, attempt, frozen, in_order, pickled, plain

KINDS: dict[str, dict[str, Any]] = {
    "probability": {},
    "raw score": {"raw_score": True},
    "leaves": {"pred_leaf": True},
    "contributions": {"pred_contrib": True},
    "first two rounds": {"num_iteration": 2},
    "raw score of one round": {"num_iteration": 1, "raw_score": True},
    "from round 1": {"start_iteration": 1, "raw_score": True},
    "two from round 2": {"start_iteration": 2, "num_iteration": 2},
    "stopped early": {"pred_early_stop": True, "pred_early_stop_freq": 1},
}


def dataset(rows: Rows, X: Any = None, **kwargs: Any) -> Any:
    """Return rows without their weights as LightGBM's data."""
    X = rows.X if X is None else X
    return lgb.Dataset(X, rows.y, **{"free_raw_data": False, **kwargs})


# LightGBM ends the process where contributions are asked of a model in training.
KINDS_IN_TRAINING = {name: KINDS[name] for name in KINDS if name != "contributions"}


def predictions(booster: Any, X: Any, kinds: Any = KINDS) -> dict[str, Any]:
    return {name: attempt(booster.predict, X, **kind) for name, kind in kinds.items()}


def short_of(booster: Any) -> dict[str, Any]:
    """Return what a booster says of itself in a word."""
    return {
        "is a booster": isinstance(booster, lgb.Booster),
        "params": in_order(booster.params),
        "iteration": booster.current_iteration(),
        "trees": booster.num_trees(),
        "per round": booster.num_model_per_iteration(),
        "features": booster.feature_name(),
        "best iteration": booster.best_iteration,
        "best score": frozen(getattr(booster, "best_score", None)),
        "lower": booster.lower_bound(),
        "upper": booster.upper_bound(),
    }


def parts_of(text: str) -> dict[str, dict[str, str]]:
    """Return a model's text by part (head, trees, end) and by line."""
    parts = {}
    for block in filter(None, text.split("\n\n")):
        lines = block.strip().splitlines()
        pairs = (line.replace(":", "=", 1).partition("=") for line in lines)
        parts[lines[0]] = {name: value for name, _, value in pairs}
    # How long the trees' texts are, down to the last digits of numbers.
    parts["tree"]["tree_sizes"] = ""
    return parts


def texts_of(booster: Any) -> dict[str, Any]:
    return {
        "model": parts_of(booster.model_to_string()),
        "model of two rounds": parts_of(booster.model_to_string(num_iteration=2)),
        "dump": plain(booster.dump_model()),
        "table of trees": attempt(booster.trees_to_dataframe),
        "importances": {
            kind: booster.feature_importance(kind) for kind in ("split", "gain")
        },
        "first leaf": attempt(booster.get_leaf_output, 0, 0),
    }


def copies_of(booster: Any, X: Any, folder: Path | None) -> dict[str, Any]:
    """Return what copies and files of a booster say."""
    again, by_pickle = pickled(booster)
    text = booster.model_to_string()
    seen = {
        "pickle": {**by_pickle, **copy_of(again, X)},
        "deep copy": copy_of(copy.deepcopy(booster), X),
        "text": copy_of(lgb.Booster(model_str=text), X),
        "needs us": "focal_boost" in text,
    }
    if folder is not None:
        path = folder / "end.txt"
        booster.save_model(path)
        seen["file"] = copy_of(lgb.Booster(model_file=path), X)
    return seen


def copy_of(booster: Any, X: Any) -> dict[str, Any]:
    return {
        "type": type(booster),
        "raw score": booster.predict(X, raw_score=True),
        "probability": booster.predict(X),
        "best iteration": booster.best_iteration,
        "params": in_order(booster.params),
    }


def see(booster: Any, X: Any = None, folder: Path | None = None) -> dict[str, Any]:
    """Return everything that a trained booster shows."""
    X = PROBE.X if X is None else X
    return {
        "type": type(booster),
        **short_of(booster),
        "predictions": predictions(booster, X),
        **texts_of(booster),
        "copies": copies_of(booster, X, folder),
    }


class Watch:
    """A callback that writes down all it is handed, and looks at the model."""

    def __init__(
        self, X: Any, closely: Sequence[int] = (0, 3), *, predicts: bool = True
    ) -> None:
        self.seen: list[Any] = []
        self._X, self._closely, self._predicts = X, closely, predicts

    def __call__(self, env: Any) -> None:
        entry = {
            "params": in_order(env.params),
            "round": (env.iteration, env.begin_iteration, env.end_iteration),
            "results": frozen(env.evaluation_result_list),
            "model": short_of(env.model),
        }
        # With linear trees LightGBM ends the process where a callback predicts.
        if self._predicts:
            entry["raw score"] = env.model.predict(self._X, raw_score=True)
        if self._predicts and env.iteration - env.begin_iteration in self._closely:
            entry["predictions"] = predictions(env.model, self._X, KINDS_IN_TRAINING)
            entry["text"] = parts_of(env.model.model_to_string())
            entry["copies"] = copies_of(env.model, self._X, None)
        self.seen.append(entry)


class WatchBefore:
    """A callback that is called before every round."""

    before_iteration = True

    def __init__(self, X: Any, *, predicts: bool = True) -> None:
        self.seen: list[Any] = []
        self._X, self._predicts = X, predicts

    def __call__(self, env: Any) -> None:
        entry = {
            "params": in_order(env.params),
            "results": frozen(env.evaluation_result_list),
            "iteration": env.model.current_iteration(),
        }
        if self._predicts and env.model.current_iteration():
            entry["raw score"] = env.model.predict(self._X, raw_score=True)
        self.seen.append(entry)


def watches(X: Any, params: Any, closely: Sequence[int]) -> tuple[Watch, WatchBefore]:
    """Return callbacks that watch, and do not predict where that ends the process."""
    predicts = "linear_tree" not in (params or {})
    return Watch(X, closely, predicts=predicts), WatchBefore(X, predicts=predicts)


def run(
    arm: Any,
    params: dict[str, Any] | None = None,
    rounds: int = 8,
    *,
    train: Any = None,
    valid: Any = None,
    X: Any = None,
    closely: Sequence[int] = (0, 3),
    **kwargs: Any,
) -> dict[str, Any]:
    """Train while callbacks and a metric watch, and return everything seen."""
    train = dataset(TRAIN) if train is None else train
    valid = dataset(VALID, reference=train) if valid is None else valid
    probe = PROBE.X if X is None else X
    watch, before, log = *watches(probe, params, closely), dict[str, Any]()
    asked = Asked(train, valid)
    given = {
        "valid_sets": [train, valid],
        "valid_names": ["train", "valid"],
        "feval": asked,
        **kwargs,
    }
    callbacks = [lgb.record_evaluation(log), lgb.log_evaluation(3), before, watch]
    given["callbacks"] = [*callbacks, *given.get("callbacks", [])]
    booster = arm.lightgbm(params or {}, train, rounds, **given)
    return {
        "log": plain(log),
        "callback": watch.seen,
        "before": before.seen,
        "metric": asked.seen,
        "booster": see(booster, X, arm.folder),
        "start": [attempt(one.get_init_score) for one in (train, valid)],
    }
