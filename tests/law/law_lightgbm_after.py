"""Scenarios of ``lightgbm.train``: continuing, refitting, keeping, errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import lightgbm as lgb
from law_data import PROBE, TRAIN, VALID, scores
from law_lightgbm_train import BAGGING, DART
from law_see_lightgbm import dataset, parts_of, run, see, short_of
from law_watch import Scenarios, attempt, in_order, plain

SCENARIOS = Scenarios()


def _continued(arm: Any, form: str = "booster", params: Any = None) -> dict[str, Any]:
    params = params or {}
    first = arm.lightgbm(
        params, dataset(VALID), 3, keep_training_booster=form == "kept"
    )
    path = arm.folder / "first.txt"
    first.save_model(path)
    given = path if form == "path" else first
    silent = {"feval": None} if params.get("boosting") == "dart" else {}
    seen = run(arm, params, 4, init_model=given, **silent)
    kind = {"type": lgb.Booster} if form == "kept" else {}
    return {**seen, "first": {**see(first), **kind}}


SCENARIOS.each(_continued, {
    "booster": {}, "path": {"form": "path"}, "kept": {"form": "kept"},
    "dart": {"params": DART},
    "scale_pos_weight": {"params": {"scale_pos_weight": 5.0}},
    "no_average": {"params": {"boost_from_average": False}},
    "bagging": {"params": {**BAGGING, "feature_fraction": 0.6}},
}, "continued_")  # fmt: skip


@SCENARIOS
def continued_with_init_score(arm: Any) -> dict[str, Any]:
    first = arm.lightgbm({}, dataset(VALID), 3)
    train = dataset(TRAIN, init_score=scores(400))
    return run(arm, {}, 4, train=train, init_model=first)


def _refitted(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    first = arm.lightgbm(params, dataset(TRAIN), 6)
    refit = partial(first.refit, VALID.X, VALID.y)
    return {
        "anew": see(refit(decay_rate=0.0)),
        "a little": see(refit(decay_rate=0.9)),
        "weighted": see(refit(weight=VALID.weight)),
        "first": see(first),
    }


SCENARIOS.under("refitted", partial(_refitted, params={}))
SCENARIOS.under(
    "refitted_scale_pos_weight", partial(_refitted, params={"scale_pos_weight": 5.0})
)


def _kept(arm: Any, params: dict[str, Any]) -> dict[str, Any]:
    train = dataset(TRAIN)
    valid = dataset(VALID, reference=train)
    booster = arm.lightgbm(
        params, train, 4, valid_sets=[train, valid], keep_training_booster=True
    )

    def state() -> dict[str, Any]:
        return {
            "short": short_of(booster),
            "text": parts_of(booster.model_to_string()),
            "train": plain(booster.eval_train()),
            "valid": plain(booster.eval_valid()),
            "raw score": booster.predict(PROBE.X, raw_score=True),
        }

    seen: dict[str, Any] = {"kept": state()}
    seen["further"] = [booster.update(), booster.update(), state()]
    booster.rollback_one_iter()
    seen["back"] = state()
    booster.reset_parameter({"learning_rate": 0.5})
    seen["faster"] = [booster.update(), state()]
    return seen


SCENARIOS.under("kept_for_more_training", partial(_kept, params={}))
SCENARIOS.under("kept_and_bagging", partial(_kept, params={
    **BAGGING, "feature_fraction": 0.6
}))  # fmt: skip


@SCENARIOS
def nothing_is_left_behind(arm: Any) -> dict[str, Any]:
    params, train = {"learning_rate": 0.2}, dataset(TRAIN)
    valid = dataset(VALID, reference=train)
    given = {"valid_sets": [valid]}
    boosters = [arm.lightgbm(params, train, 3, **given) for _ in range(2)]
    return {
        "params": params,
        "of data": in_order(train.params),
        "start": [train.get_init_score(), valid.get_init_score()],
        "labels": train.get_label(),
        "boosters": [see(one) for one in boosters],
    }


@SCENARIOS
def trees_are_moved(arm: Any) -> dict[str, Any]:
    booster = arm.lightgbm({}, dataset(TRAIN), 6)
    booster.shuffle_models(1, 4)
    shuffled = see(booster)
    booster.set_leaf_output(0, 0, 1.25)
    return {"shuffled": shuffled, "leaf set": see(booster)}


@SCENARIOS
def errors(arm: Any) -> dict[str, Any]:
    def of(params: Any, data: Any, rounds: int = 2, **kwargs: Any) -> Any:
        params = {"verbosity": -1, **params}
        return attempt(lambda: text_of(params, data, rounds, **kwargs))

    def text_of(*args: Any, **kwargs: Any) -> dict[str, Any]:
        # What LightGBM takes in spite of all.
        return parts_of(arm.lightgbm(*args, **kwargs).model_to_string())

    X, train = TRAIN.X, partial(dataset, TRAIN)
    booster = arm.lightgbm({}, train(), 2)
    return {
        "no labels": of({}, lgb.Dataset(X)),
        "too few labels": of({}, lgb.Dataset(X, TRAIN.y[:9])),
        "no data": of({}, X),
        "valid": of({}, train(), valid_sets=[X]),
        "rounds": of({}, train(), 0),
        "argument": of({}, train(), no_such_argument=1),
        "both weights": of({"scale_pos_weight": 2, "is_unbalance": True}, train()),
        "value": of({"num_leaves": "many"}, train()),
        "range": of({"bagging_fraction": 3.0}, train()),
        "metric": of({"metric": "none_such"}, train(), valid_sets=[train()]),
        "boosting": of({"boosting": "none_such"}, train()),
        "model": of({}, train(), init_model="no_such_file"),
        "fewer columns": attempt(booster.predict, X[:, :3]),
        "update": attempt(booster.update),
        "evaluation": attempt(booster.eval_train),
    }
