"""The start value of an XGBoost model, as XGBoost's own objective estimates it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost as xgb
from scipy.special import logit

from focal_boost._rows import Team
from focal_boost.objective import FocalObjective

#: What XGBoost is told to train.
OBJECTIVE = "binary:logistic"
# Before this version XGBoost began elsewhere.
_STARTS_AT_PREVALENCE = (3, 0)
# Since then a model has a start value for every output.
_STARTS_PER_OUTPUT = (3, 1)
# XGBoost's own bounds of a probability that it turns into a margin.
_BASE_SCORE_MIN, _BASE_SCORE_MAX = 1e-6, 1 - 1e-6


@dataclass(frozen=True)
class Settings:
    """What a booster has made of its parameters."""

    scale_pos_weight: float
    estimates_start: bool
    #: None unless the caller chose it.
    updater: str | None
    #: 0 for all there are.
    threads: int

    @property
    def team(self) -> Team:
        """The threads that XGBoost trains on."""
        return Team.of(xgb.core._LIB, self.threads)

    @classmethod
    def of(cls, booster: Any) -> Settings:
        learner = json.loads(booster.save_config())["learner"]
        trees = learner["gradient_booster"]
        trees = trees.get("gbtree", trees)
        chosen = trees.get("specified_updater", False)
        objective = learner["objective"]
        if "reg_loss_param" not in objective:
            # XGBoost's classifier on Dask names another where it finds more labels.
            raise ValueError(
                "y must hold the labels 0 and 1, got labels for which XGBoost trains"
                f' "{objective["name"]}"'
            )
        return cls(
            float(objective["reg_loss_param"]["scale_pos_weight"]),
            learner["learner_model_param"]["boost_from_average"] == "1",
            trees["gbtree_train_param"]["updater"] if chosen else None,
            int(learner["generic_param"]["nthread"]),
        )


def set_start(booster: Any, base_score: Any, updater: str | None) -> None:
    """Give an empty model its start value, or those of its outputs, (K,).

    It is as if XGBoost had estimated them.
    """
    bounded = np.clip(base_score, _BASE_SCORE_MIN, _BASE_SCORE_MAX).tolist()
    start = {"base_score": str(bounded).replace(" ", ""), "boost_from_average": 1}
    # A parameter makes XGBoost forget the updater, and warn of unknown ones again.
    with xgb.config_context(verbosity=0):
        booster.set_param({**start, "updater": updater})
        booster.save_config()


def start_of(
    objective: FocalObjective, of_class: Any, scale_pos_weight: float
) -> float:
    """Return the base_score to begin with, from the weight of all rows of a class."""
    if objective.link == "logit":
        return _start_of_the_library(of_class, scale_pos_weight)
    share = _share(of_class, scale_pos_weight)
    return _sigmoid(float(objective.raw_score(share)))


def start_of_columns(
    objectives: Sequence[FocalObjective], of_classes: Any, scale_pos_weight: float
) -> Any:
    """Return the base_score of every output, (K,), or what older versions have.

    Before XGBoost 3.1 that is one for all outputs: the mean of theirs, or of their
    raw scores where they are steps from 0.
    """
    pairs = zip(objectives, of_classes, strict=True)
    starts = np.array([start_of(one, of, scale_pos_weight) for one, of in pairs])
    if version() >= _STARTS_PER_OUTPUT:
        return starts
    if objectives[0].link == "logit" and _is_prevalence(scale_pos_weight):
        return float(starts.mean())
    return _sigmoid(float(logit(starts).mean()))


def _start_of_the_library(of_class: Any, scale_pos_weight: float) -> float:
    """Return the base_score that XGBoost's own objective begins with.

    That is the prevalence, but with scale_pos_weight, and always before XGBoost 3.0, it
    is one Newton step of log loss from the raw score 0.
    """
    if _is_prevalence(scale_pos_weight):
        return _share(of_class, 1.0)
    return _sigmoid(4 * _share(of_class, scale_pos_weight) - 2)


def _is_prevalence(scale_pos_weight: float) -> bool:
    # XGBoost's own tolerance.
    return abs(scale_pos_weight - 1) <= 1e-6 and version() >= _STARTS_AT_PREVALENCE


def _share(of_class: Any, scale_pos_weight: float) -> float:
    """Return the weighted share of positives."""
    negative, positive = of_class[0], of_class[1] * scale_pos_weight
    return float(positive / (negative + positive)) if negative + positive else 0.5


def _sigmoid(raw_score: float) -> float:
    return 1 / (1 + math.exp(min(-raw_score, 700.0)))


def version() -> tuple[int, ...]:
    """Return XGBoost's major and minor version."""
    return tuple(int(part) for part in xgb.__version__.split(".")[:2])
