"""Does focal loss help where nothing is tuned?

    python tests/benchmarks/study/study.py
    python tests/benchmarks/study/study.py --report

Every binary set of the benchmark data, in both libraries, in two regimes: "defaults" is
the library's trees, at most 500 rounds, ended by 30 without a better log loss on a
fifth of the training rows; "careful" is the learning rate 0.1, at most 1,000 rounds and
a patience of 50, all else the library's. The built-in objective and focal loss with the
default α and γ and with γ = 1, both trained as anybody does. Stratified five folds,
three times where a set has fewer than 30,000 rows; groups stay together; official test
parts where there are any; at most 50,000 rows of a set, and all of the frauds.

Every fold is written to fits.jsonl when it is done: an interrupted run goes on.
Everything random depends on --seed and the names of set and fold.

How α, γ, the raw score, the curvature and their scale were chosen is told by the tables
in ``results``, of a study that needed arms which the package does not have.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb

sys.path.append(str(Path(__file__).resolve().parents[2]))

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from benchmarks.study import sets
from benchmarks.study.command import LIBRARIES, Report, Study, each, run
from benchmarks.study.ranking import BASE, complete_cells, summary
from benchmarks.study.records import Key
from focal_boost import FocalObjective

ARMS: dict[str, FocalObjective | None] = {
    BASE: None,
    "focal": FocalObjective(),
    "focal γ=1": FocalObjective(gamma=1.0),
}
_FEW = 30_000


@dataclass(frozen=True)
class Regime:
    """How a user trains: the learning rate, if not the library's, and when it ends."""

    name: str
    rate: float | None
    rounds: int
    patience: int


@dataclass(frozen=True)
class Plan(sets.Plan):
    """What decides a fit besides its key."""

    folds: int = sets.FOLDS
    repeats: int = 3
    regimes: tuple[Regime, ...] = (
        Regime("defaults", None, 500, 30),
        Regime("careful", 0.1, 1_000, 50),
    )


def pieces(rows: dict[str, int], plan: Plan) -> Iterator[list[Key]]:
    """Yield all fits on one fold in one library, those of a set together."""
    regimes = [one.name for one in plan.regimes]
    for name, number in rows.items():
        repeats = range(plan.repeats if number < _FEW else 1)
        for repeat, fold, library in product(repeats, range(plan.folds), LIBRARIES):
            where = name, repeat, fold
            yield [
                Key("whole", library, regime, *where, arm)
                for regime, arm in product(regimes, ARMS)
            ]


def fit(key: Key, fold: sets.Fold, plan: Plan) -> tuple[Any, int]:
    """Return the log-odds of the test part, and the rounds."""
    regime = next(one for one in plan.regimes if one.name == key.regime)
    return _FITS[key.library](ARMS[key.arm], fold, regime)


def _xgboost(objective: Any, fold: sets.Fold, regime: Regime) -> tuple[Any, int]:
    data = [
        xgb.DMatrix(part.X, part.y, weight=part.weight, nthread=1)
        for part in (fold.train, fold.valid, fold.test)
    ]
    params = {"nthread": 1, "verbosity": 0, "eval_metric": "logloss"}
    if regime.rate is not None:
        params["eta"] = regime.rate
    if objective is None:
        params["objective"] = "binary:logistic"
    given: Any = {} if objective is None else {"objective": objective}
    booster = (xgb if objective is None else fxgb).train(
        params, data[0], regime.rounds, evals=[(data[1], "valid")],
        early_stopping_rounds=regime.patience, verbose_eval=False, **given,
    )  # fmt: skip
    rounds = booster.best_iteration + 1
    raw = booster.predict(data[2], output_margin=True, iteration_range=(0, rounds))
    return raw.astype(np.float64), rounds


def _lightgbm(objective: Any, fold: sets.Fold, regime: Regime) -> tuple[Any, int]:
    train, valid = fold.train, fold.valid
    params = {
        "num_threads": 1, "verbosity": -1, "metric": "binary_logloss",
        # With a custom objective LightGBM rejects fewer than 40 rows otherwise.
        "feature_pre_filter": False,
    }  # fmt: skip
    if regime.rate is not None:
        params["learning_rate"] = regime.rate
    if objective is None:
        params["objective"] = "binary"
    first = lgb.Dataset(train.X, train.y, weight=train.weight, params=params)
    second = lgb.Dataset(valid.X, valid.y, weight=valid.weight, reference=first)
    given: Any = {} if objective is None else {"objective": objective}
    booster = (lgb if objective is None else flgb).train(
        params, first, regime.rounds, valid_sets=[second],
        callbacks=[lgb.early_stopping(regime.patience, verbose=False)], **given,
    )  # fmt: skip
    raw = booster.predict(fold.test.X, raw_score=True, num_threads=1)
    return raw, booster.best_iteration or booster.current_iteration()


_FITS = {"xgboost": _xgboost, "lightgbm": _lightgbm}


def report(fits: pd.DataFrame, plan: Plan) -> Report:
    """Return the table of each library and regime."""
    text, tables = ["# Does focal loss help where nothing is tuned?"], {}
    for (library, regime), own in fits.groupby(["library", "regime"]):
        whole = complete_cells(own, list(ARMS))
        table = summary(whole).reset_index()
        text += [f"{library}, {regime}, {whole['set'].nunique()} sets:", table]
        tables[f"study_{library}_{regime}"] = table
    return text, tables


STUDY = Study(
    "study.py", __doc__, Plan,
    quick={
        "size": sets.Size(1_000), "folds": 2, "repeats": 1,
        "regimes": tuple(replace(one, rounds=30, patience=5) for one in Plan.regimes),
    },
    pieces=pieces, fitted=partial(each, fit), report=report,
    name="study", fits="fits.jsonl", settings="study_settings.json",
)  # fmt: skip
main = partial(run, STUDY)


if __name__ == "__main__":
    sys.exit(main())
