"""Scenarios of ``lightgbm.train``: callbacks, stopping, continuing, errors."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
from law_data import PROBE, TRAIN, VALID
from law_lightgbm_train import BAGGING, DART
from law_optuna import pruned_study
from law_see_lightgbm import copy_of, dataset, parts_of, run, see
from law_watch import Scenarios, attempt, plain

SCENARIOS = Scenarios()
# A rate at which more trees soon make things worse.
FAST = {"learning_rate": 0.9}


def _stopping(
    arm: Any, params: Any = None, how: Any = None, **kwargs: Any
) -> dict[str, Any]:
    if how is not None:
        kwargs["callbacks"] = [lgb.early_stopping(**how)]
    return run(arm, {**FAST, **(params or {})}, 25, closely=(0,), **kwargs)


_TWO = {"metric": ["auc", "binary_logloss"]}
SCENARIOS.each(_stopping, {
    "parameter": {"params": {"early_stopping_round": 3}},
    "parameter_by_alias": {
        "params": {"n_iter_no_change": 3, "metric": "auc"}, "feval": None,
    },
    "first_metric_by_parameter": {
        "params": {"early_stopping_round": 3, "first_metric_only": True, **_TWO},
    },
    "min_delta_by_parameter": {
        "params": {"early_stopping_round": 3, "early_stopping_min_delta": 0.01},
        "feval": None,
    },
    "quietly": {"params": {"early_stopping_round": 3, "verbosity": -1}},
    "callback": {"how": {"stopping_rounds": 3}},
    "first_metric": {
        "params": _TWO,
        "how": {"stopping_rounds": 4, "first_metric_only": True, "verbose": False},
    },
    "min_delta": {"how": {"stopping_rounds": 3, "min_delta": 0.005}, "feval": None},
    "min_delta_per_metric": {
        "params": _TWO, "feval": None,
        "how": {"stopping_rounds": 4, "min_delta": [0.001, 0.01]},
    },
    "own_metric_only": {
        "params": {"metric": "None"}, "how": {"stopping_rounds": 3},
    },
    "dart": {"params": {**DART, "early_stopping_round": 3}, "feval": None},
    "never": {"params": {"learning_rate": 0.05}, "how": {"stopping_rounds": 24}},
}, "stopping_")  # fmt: skip


def _attempted(arm: Any, params: dict[str, Any], watched: bool) -> dict[str, Any]:
    given = {"valid_sets": [dataset(VALID)] if watched else None}
    return {"error": attempt(arm.lightgbm, params, dataset(TRAIN), 4, **given)}


SCENARIOS.each(_attempted, {
    "without_a_metric": {
        "params": {"early_stopping_round": 2, "metric": "None"}, "watched": True,
    },
    "without_a_set": {"params": {"early_stopping_round": 2}, "watched": False},
}, "stopping_")  # fmt: skip


@SCENARIOS
def dart_without_the_training_set(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)
    valid = dataset(VALID, reference=train)
    return run(
        arm, DART, train=train, valid=valid, valid_sets=[valid], valid_names=["v"]
    )


@SCENARIOS
def dart_and_built_in_metrics(arm: Any) -> dict[str, Any]:
    params = {**DART, "metric": ["binary_logloss", "auc", "binary_error"]}
    return run(arm, params, feval=None)


@SCENARIOS
def dart_unwatched(arm: Any) -> dict[str, Any]:
    return {"booster": see(arm.lightgbm(DART, dataset(TRAIN), 8))}


@SCENARIOS
def checkpoints(arm: Any) -> dict[str, Any]:
    saved: list[Any] = []

    def save(env: Any) -> None:
        path = arm.folder / f"{env.iteration}.txt"
        env.model.save_model(path)
        text = pickle.dumps(env.model)
        deep = copy.deepcopy(env.model)
        saved.append(
            {
                "file": parts_of(path.read_text()),
                "loaded": see(lgb.Booster(model_file=path)),
                "pickle": copy_of(pickle.loads(text), PROBE.X),
                "needs us": b"focal_boost" in text,
                "deep copy": copy_of(deep, PROBE.X),
                "first": parts_of(env.model.model_to_string(num_iteration=1)),
            }
        )

    return {**run(arm, callbacks=[save], closely=()), "saved": saved}


def _asked(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    train = dataset(TRAIN)
    valid, seen = dataset(VALID, reference=train), []

    def ask(env: Any) -> None:
        seen.append(
            {
                "valid": plain(env.model.eval_valid()),
                "train": plain(env.model.eval_train()),
                "training rows": env.model.predict(TRAIN.X),
                "dump": env.model.dump_model(),
                "leaf": env.model.get_leaf_output(0, 0),
                "importance": env.model.feature_importance("gain"),
            }
        )

    seen_by_run = run(arm, params, train=train, valid=valid, callbacks=[ask])
    return {**seen_by_run, "asked": seen}


SCENARIOS.under("a_callback_asks_the_model", partial(_asked, params={}))
SCENARIOS.under("a_callback_asks_another", partial(_asked, params=BAGGING))


@SCENARIOS
def a_callback_stops(arm: Any) -> dict[str, Any]:
    def stop(env: Any) -> None:
        if env.iteration == 3:
            raise lgb.callback.EarlyStopException(2, env.evaluation_result_list)

    return run(arm, callbacks=[stop])


@SCENARIOS
def learning_rates(arm: Any) -> dict[str, Any]:
    falling = lgb.reset_parameter(learning_rate=lambda k: 0.5 * 0.8**k)
    listed = lgb.reset_parameter(learning_rate=[0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.2, 1])
    return {
        "function": run(arm, callbacks=[falling]),
        "list": run(arm, BAGGING, callbacks=[listed]),
    }


@SCENARIOS
def other_parameters_on_the_way(arm: Any) -> dict[str, Any]:
    change = lgb.reset_parameter(
        lambda_l2=[0, 1, 2, 3, 4, 5, 6, 7], bagging_fraction=lambda k: 0.9 - 0.05 * k
    )
    return run(arm, BAGGING, callbacks=[change])


@SCENARIOS
def learning_rates_in_dart(arm: Any) -> dict[str, Any]:
    falling = lgb.reset_parameter(learning_rate=lambda k: 0.5 * 0.8**k)
    return run(arm, DART, callbacks=[falling], feval=None)


@SCENARIOS
def dart_and_an_own_metric_of_the_training_set(arm: Any) -> dict[str, Any]:
    return run(arm, DART)


@SCENARIOS
def a_callback_changes_labels(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)

    def change(env: Any) -> None:
        if env.iteration == 2:
            train.set_label(1 - TRAIN.y)

    return run(arm, train=train, callbacks=[change])


@SCENARIOS
def a_callback_changes_weights(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN, weight=TRAIN.weight)

    def change(env: Any) -> None:
        if env.iteration in (1, 3):
            train.set_weight(TRAIN.weight**env.iteration)

    # Its pointwise metrics go on dividing by the sum of the first weights.
    return run(arm, {"metric": "auc"}, train=train, callbacks=[change])


@SCENARIOS
def a_metric_changes_labels(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)

    def metric(preds: Any, data: Any) -> tuple[str, float, bool]:
        if data is train:
            train.set_label(np.where(preds > 0.9, 0, TRAIN.y))
        return "mean", float(preds.mean()), False

    return run(arm, train=train, feval=metric)


@SCENARIOS
def several_own_metrics(arm: Any) -> dict[str, Any]:
    def edges(preds: Any, data: Any) -> list[tuple[str, float, bool]]:
        return [("low", float(preds.min()), True), ("high", float(preds.max()), False)]

    def spread(preds: Any, data: Any) -> tuple[str, float, bool]:
        return "spread", float(np.std(preds)), True

    return run(arm, {"metric": "auc"}, feval=[edges, spread])


@SCENARIOS
def sets_of_all_sorts(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)
    valid = dataset(VALID, reference=train)
    return {
        "named in part": run(
            arm, train=train, valid=valid, valid_sets=[valid, train, valid],
            valid_names=["a b", "c"],
        ),
        "one": run(arm, train=train, valid_sets=valid, valid_names="one"),
        "unnamed": run(
            arm, train=train, valid_sets=[train, valid], valid_names=None
        ),
        "training alone": run(
            arm, train=train, valid_sets=[train], valid_names=None
        ),
    }  # fmt: skip


@SCENARIOS
def optuna_prunes(arm: Any) -> dict[str, Any]:
    train = dataset(TRAIN)
    valid = dataset(VALID, reference=train)

    def train_one(rate: float, report: Any) -> float:
        def prune(env: Any) -> None:
            for name, metric, score, higher, *_ in env.evaluation_result_list:
                if (name, metric, higher) == ("valid_0", "auc", True):
                    report(env.iteration, score)

        booster = arm.lightgbm(
            {"learning_rate": rate, "metric": ["binary_logloss", "auc"]}, train, 8,
            valid_sets=[valid], callbacks=[prune],
        )  # fmt: skip
        return float(booster.best_score["valid_0"]["auc"])

    return {"study": pruned_study(train_one)}
