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

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from command import LIBRARIES, check_settings, exit_code, make, parser_of
from measures import measures
from records import Key, Record, Records, frame_of
from sets import FOLDS, Fold, Size, binary_sets, load_set, split
from tables import BASE, markdown, summary, write_table

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

ARMS: dict[str, FocalObjective | None] = {
    BASE: None,
    "focal": FocalObjective(),
    "focal γ=1": FocalObjective(gamma=1.0),
}
_FEW, _REPEATS = 30_000, 3


@dataclass(frozen=True)
class Regime:
    """How a user trains: the learning rate, if not the library's, and when it ends."""

    name: str
    rate: float | None
    rounds: int
    patience: int


@dataclass(frozen=True)
class Plan:
    """What decides a fit besides its key."""

    data: Path
    seed: int = 0
    size: Size = Size()  # noqa: RUF009 (immutable)
    folds: int = FOLDS
    repeats: int = _REPEATS
    regimes: tuple[Regime, ...] = (
        Regime("defaults", None, 500, 30),
        Regime("careful", 0.1, 1_000, 50),
    )


@dataclass(frozen=True)
class Fits:
    """All fits on one fold in one library."""

    library: str
    set: str
    repeat: int
    fold: int

    def key(self, regime: str, arm: str) -> Key:
        """Return the key of the record of one of them."""
        return Key("whole", self.library, regime, self.set, self.repeat, self.fold, arm)


def todo(rows: dict[str, int], plan: Plan, done: set[Key]) -> Iterator[Fits]:
    """Yield what is not done, those of a set together."""
    for name, number in rows.items():
        for repeat in range(plan.repeats if number < _FEW else 1):
            for fold in range(plan.folds):
                for library in LIBRARIES:
                    one = Fits(library, name, repeat, fold)
                    keys = (one.key(r.name, arm) for r in plan.regimes for arm in ARMS)
                    if not done.issuperset(keys):
                        yield one


def fitted(one: Fits, plan: Plan) -> list[Record]:
    """Train all arms on one fold, and measure them on its test part."""
    fold = split(
        load_set(plan.data, one.set, plan.size, plan.seed),
        one.set,
        one.repeat,
        one.fold,
        plan.seed,
    )
    found = []
    for regime in plan.regimes:
        for arm, objective in ARMS.items():
            begin = time.perf_counter()
            log_odds, rounds = _FITS[one.library](objective, fold, regime)
            found.append({
                **one.key(regime.name, arm)._asdict(),
                **measures(fold.test.y, log_odds, fold.test.weight), "rounds": rounds,
                "seconds": round(time.perf_counter() - begin, 3), "error": None,
            })  # fmt: skip
    return found


def _xgboost(objective: Any, fold: Fold, regime: Regime) -> tuple[Any, int]:
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


def _lightgbm(objective: Any, fold: Fold, regime: Regime) -> tuple[Any, int]:
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


def report(records: Sequence[Record], folder: Path) -> str:
    """Write the tables, and return them as text."""
    text, folder = ["# Does focal loss help where nothing is tuned?"], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for (library, regime), own in frame_of(records).groupby(["library", "regime"]):
        table = summary(own).reset_index()
        write_table(table, folder / f"study_{library}_{regime}.csv")
        text.append(f"{library}, {regime}, {own['set'].nunique()} sets:")
        text.append(markdown(table))
    whole = "\n\n".join(text) + "\n"
    (folder / "study.md").write_text(whole, "utf-8")
    return whole


def _run(options: argparse.Namespace) -> None:
    rows, plan = binary_sets(options.data), Plan(options.data, options.seed)
    if options.quick:
        rows = dict(sorted(rows.items(), key=lambda item: item[1])[:2])
        short = tuple(replace(one, rounds=30, patience=5) for one in plan.regimes)
        plan = replace(plan, size=Size(1_000), folds=2, repeats=1, regimes=short)
    options.out.mkdir(parents=True, exist_ok=True)
    fields = ("seed", "size", "folds", "repeats", "regimes")
    check_settings(plan, fields, options.out / "study_settings.json")
    records = Records(options.out / "fits.jsonl")
    if not options.report:
        make("study", todo(rows, plan, records.keys), fitted, plan, records, options)
    print(report(records.all, options.tables or options.out))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("study.py", __doc__).parse_args(argv)
    return exit_code("study.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
