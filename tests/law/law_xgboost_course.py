"""Scenarios of ``xgboost.train``: callbacks, stopping, continuing, errors."""

from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from law_data import PROBE, TRAIN, VALID
from law_optuna import pruned_study
from law_see_xgboost import copy_of, matrix, model_of, run, see
from law_watch import Scenarios, attempt, frozen
from law_xgboost_train import DART

SCENARIOS = Scenarios()
STOP = xgb.callback.EarlyStopping
# A rate at which more trees soon make things worse.
FAST = {"eta": 0.9}


def _stopping(
    arm: Any, params: Any = None, how: Any = None, **kwargs: Any
) -> dict[str, Any]:
    if how is not None:
        kwargs["callbacks"] = [STOP(**how)]
    return run(arm, {**FAST, **(params or {})}, 25, closely=(0,), **kwargs)


SCENARIOS.each(_stopping, {
    "parameter": {"early_stopping_rounds": 3},
    "several_metrics": {
        "params": {"eval_metric": ["logloss", "auc", "error"]},
        "early_stopping_rounds": 3, "custom_metric": None,
    },
    "own_metric_is_last": {
        "params": {"eval_metric": "logloss"}, "early_stopping_rounds": 3,
        "maximize": True,
    },
    "maximize_said_wrongly": {
        "params": {"eval_metric": "auc"}, "early_stopping_rounds": 2,
        "maximize": False, "custom_metric": None,
    },
    "callback": {"how": {"rounds": 3}},
    "min_delta": {"how": {"rounds": 3, "min_delta": 0.01}, "custom_metric": None},
    "metric_name": {"how": {"rounds": 3, "metric_name": "logloss"}},
    "data_name": {
        "params": {"eval_metric": ["logloss", "auc"]},
        "how": {"rounds": 2, "metric_name": "logloss", "data_name": "train"},
    },
    "save_best": {"how": {"rounds": 3, "save_best": True, "metric_name": "logloss"}},
    "own_metric_by_name": {
        "how": {"rounds": 3, "metric_name": "share_right", "maximize": True},
    },
    "two_at_once": {
        "params": {"eval_metric": ["logloss", "auc"]}, "custom_metric": None,
        "how": {"rounds": 4, "metric_name": "auc"}, "early_stopping_rounds": 2,
    },
    "dart": {"params": DART, "early_stopping_rounds": 3},
}, "stopping_")  # fmt: skip


@SCENARIOS
def stopping_without_a_metric(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN)
    params = {"disable_default_eval_metric": True}
    given = {"evals": [(train, "train")], "early_stopping_rounds": 2}
    return {"error": attempt(arm.xgboost, params, train, 4, **given)}


@SCENARIOS
def stopping_without_a_set(arm: Any) -> dict[str, Any]:
    given = {"early_stopping_rounds": 2}
    return {"error": attempt(arm.xgboost, {}, matrix(TRAIN), 4, **given)}


@SCENARIOS
def dart_without_the_training_set(arm: Any) -> dict[str, Any]:
    valid = matrix(VALID)
    return run(arm, DART, valid=valid, evals=[(valid, "valid")])


@SCENARIOS
def dart_unwatched(arm: Any) -> dict[str, Any]:
    valid, log = matrix(VALID), {}
    given = {"evals": [(valid, "valid")], "evals_result": log}
    booster = arm.xgboost(DART, matrix(TRAIN), 8, **given)
    return {"booster": see(booster), "log": frozen(log)}


def _checkpoints(arm: Any, as_pickle: bool) -> dict[str, Any]:
    folder = arm.folder / "points"
    folder.mkdir()
    point = xgb.callback.TrainingCheckPoint(
        folder, name="point", as_pickle=as_pickle, interval=2
    )
    seen = run(arm, callbacks=[point], at=matrix(PROBE))
    files = sorted(folder.iterdir())
    return {
        **seen,
        "files": {path.name: _loaded(path) for path in files},
        "need us": [b"focal_boost" in path.read_bytes() for path in files],
    }


def _loaded(path: Path) -> dict[str, Any]:
    if path.suffix == ".pkl":
        model = pickle.loads(path.read_bytes())
    else:
        model = xgb.Booster(model_file=path)
    return {**copy_of(model, matrix(PROBE)), "model": model_of(model)}


SCENARIOS.under("checkpoints", partial(_checkpoints, as_pickle=False))
SCENARIOS.under("checkpoints_by_pickle", partial(_checkpoints, as_pickle=True))


class Each(xgb.callback.TrainingCallback):
    """A callback made of one function of model and round."""

    def __init__(self, what: Any) -> None:
        self._what = what
        self.seen: list[Any] = []
        super().__init__()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.seen.append(self._what(model, epoch))
        return self.seen[-1] is True


@SCENARIOS
def files_saved_by_a_callback(arm: Any) -> dict[str, Any]:
    def save(model: Any, epoch: int) -> Any:
        path = arm.folder / f"{epoch}.ubj"
        model.save_model(path)
        again = xgb.Booster(model_file=path)
        return {**copy_of(again, matrix(PROBE)), "model": model_of(again)}

    each = Each(save)
    return {**run(arm, callbacks=[each]), "saved": each.seen}


@SCENARIOS
def a_callback_asks_the_model(arm: Any) -> dict[str, Any]:
    train, valid = matrix(TRAIN), matrix(VALID)

    def ask(model: Any, epoch: int) -> Any:
        model.set_attr(round=str(epoch))
        return {
            "training rows": model.predict(train),
            "in place": model.inplace_predict(TRAIN.X),
            "evaluated": model.eval_set([(train, "a"), (valid, "b")], epoch),
            "settings": json.loads(model.save_config()),
            "trees": model.get_dump(with_stats=True),
        }

    each = Each(ask)
    return {**run(arm, train=train, valid=valid, callbacks=[each]), "asked": each.seen}


@SCENARIOS
def a_callback_stops(arm: Any) -> dict[str, Any]:
    return run(arm, callbacks=[Each(lambda model, epoch: epoch == 3)])


@SCENARIOS
def learning_rates(arm: Any) -> dict[str, Any]:
    schedule = xgb.callback.LearningRateScheduler
    falling = schedule(lambda epoch: 0.5 * 0.8**epoch)
    listed = schedule([0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01])
    return {
        "function": run(arm, callbacks=[falling]),
        "list": run(arm, DART, callbacks=[listed]),
    }


def _setting(arm: Any, **params: list[Any]) -> dict[str, Any]:
    def change(model: Any, epoch: int) -> None:
        model.set_param({name: values[epoch % 3] for name, values in params.items()})

    return run(arm, callbacks=[Each(change)])


SCENARIOS.each(_setting, {
    "depth": {"max_depth": [2, 3, 4]},
    "scale_pos_weight": {"scale_pos_weight": [1, 2, 3]},
}, "a_callback_sets_")  # fmt: skip


@SCENARIOS
def a_callback_changes_labels(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN)

    def change(model: Any, epoch: int) -> None:
        if epoch == 2:
            train.set_label(1 - TRAIN.y)

    return run(arm, train=train, callbacks=[Each(change)])


@SCENARIOS
def a_callback_changes_weights(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN)

    def change(model: Any, epoch: int) -> None:
        if epoch in (1, 3):
            train.set_weight(TRAIN.weight**epoch)

    return run(arm, train=train, callbacks=[Each(change)])


@SCENARIOS
def a_metric_changes_labels(arm: Any) -> dict[str, Any]:
    train = matrix(TRAIN)

    def metric(preds: Any, data: Any) -> tuple[str, float]:
        flipped = np.where(preds > 0.9, 0, TRAIN.y) if data is train else None
        if flipped is not None:
            train.set_label(flipped)
        return "mean", float(preds.mean())

    return run(arm, train=train, custom_metric=metric)


@SCENARIOS
def several_own_metrics(arm: Any) -> dict[str, Any]:
    def metric(preds: Any, data: Any) -> list[tuple[str, float]]:
        return [("low", float(preds.min())), ("high", float(preds.max()))]

    return run(arm, {"eval_metric": "auc"}, custom_metric=metric)


@SCENARIOS
def sets_of_all_sorts(arm: Any) -> dict[str, Any]:
    train, valid = matrix(TRAIN), matrix(VALID)
    evals = [(valid, "b"), (train, "a_1"), (valid, "c+d"), (valid, "b")]
    return run(arm, train=train, valid=valid, evals=evals)


@SCENARIOS
def printed_now_and_then(arm: Any) -> dict[str, Any]:
    monitor = xgb.callback.EvaluationMonitor(rank=0, period=4)
    return {
        "period": run(arm, verbose_eval=3),
        "never": run(arm, verbose_eval=False),
        "monitor": run(arm, verbose_eval=False, callbacks=[monitor]),
    }


@SCENARIOS
def a_log_with_entries(arm: Any) -> dict[str, Any]:
    log = {"old": {"logloss": [1.0]}}
    train = matrix(TRAIN)
    arm.xgboost({}, train, 3, evals=[(train, "new")], evals_result=log)
    return {"log": frozen(log)}


@SCENARIOS
def optuna_prunes(arm: Any) -> dict[str, Any]:
    train, valid = matrix(TRAIN), matrix(VALID)

    def train_one(rate: float, report: Any) -> float:
        class Prune(xgb.callback.TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                report(epoch, evals_log["valid"]["auc"][-1])
                return False

        log: dict[str, Any] = {}
        arm.xgboost(
            {"eta": rate, "eval_metric": ["logloss", "auc"]}, train, 8,
            evals=[(valid, "valid")], evals_result=log, callbacks=[Prune()],
            verbose_eval=False,
        )  # fmt: skip
        return float(log["valid"]["auc"][-1])

    return {"study": pruned_study(train_one)}
