"""Are the recommended trees as good as CatBoost's defaults, in its time?

    pip install catboost
    python tests/benchmarks/study/trees.py
    python tests/benchmarks/study/catboost_defaults.py
    python tests/benchmarks/study/catboost_defaults.py --report

On the sets and folds of trees.py, whose fits must be in --out: CatBoost with its
defaults at the rate 0.1, and the default focal loss with that setting which the rule of
trees.py chooses without the set at hand. Either has up to 1,000 rounds on one thread
and ends after 30 without a better log loss on the inner part. "averaged" are as many of
the latter, with other seeds, as fit into CatBoost's time on that fold, by the
processor's clock, as one model: the mean of their log-odds.

Every fold is written to catboost.jsonl when it is done: an interrupted run goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.measured import Record
from benchmarks.study.command import LIBRARIES, Report, Study, run
from benchmarks.study.ranking import compared, geometric_mean
from benchmarks.study.records import Key, record_of
from benchmarks.study.sets import Fold, fold_of
from benchmarks.study.trees import STUDY as TREES
from benchmarks.study.trees import TreesPlan, chosen, settings, trained

# More of them than that bring nothing (Lakshminarayanan et al. 2017 use 5).
_MOST = 10
_ARMS = ("recommended", "averaged")


def pieces(rows: dict[str, int], plan: TreesPlan) -> Iterator[list[Key]]:
    """Yield a fold at a time, the first of all sets before the second of any."""
    arms = [("catboost", "defaults"), *product(LIBRARIES, _ARMS)]
    for fold, name in product(range(plan.folds), chosen(plan)):
        yield [
            Key("trees", library, "catboost", name, 0, fold, arm)
            for library, arm in arms
        ]


def fitted(keys: list[Key], plan: TreesPlan) -> list[Record]:
    """Train all of one fold, CatBoost first: its time is that of the others."""
    key, fold = keys[0], fold_of(keys[0], plan)
    begin = time.process_time()
    theirs = _catboost(fold, plan)
    given = time.process_time() - begin
    found = [("catboost", "defaults", theirs, 1, given)]
    for library, name in chosen(plan)[key.set].items():
        setting = settings(library, plan)[name]
        models, seconds = _in_time(library, setting, fold, plan, given)
        found += [
            (library, "recommended", models[0], 1, seconds[0]),
            (library, "averaged", models.mean(axis=0), len(models), sum(seconds)),
        ]
    return [
        record_of(key._replace(library=library, arm=arm), fold.test, *rest)
        for library, arm, *rest in found
    ]


def _catboost(fold: Fold, plan: TreesPlan) -> Any:
    from catboost import CatBoostClassifier, Pool

    model = CatBoostClassifier(
        iterations=plan.rounds, learning_rate=0.1, od_type="Iter",
        od_wait=plan.patience, thread_count=1, random_seed=plan.seed, verbose=False,
        allow_writing_files=False,
    )  # fmt: skip
    train, valid = (Pool(one.X, one.y, weight=one.weight)
                    for one in (fold.train, fold.valid))  # fmt: skip
    model.fit(train, eval_set=valid)
    return np.asarray(model.predict(fold.test.X, prediction_type="RawFormulaVal"))


def _in_time(
    library: str, setting: dict[str, Any], fold: Fold, plan: TreesPlan, given: float
) -> tuple[Any, list[float]]:
    """Return the log-odds of as many models as fit, at least one, and their seconds."""
    models: list[Any] = []
    seconds: list[float] = []
    while not models or (len(models) < _MOST and sum(seconds) + max(seconds) <= given):
        begin = time.process_time()
        own = {**setting, "random_state": plan.seed + len(models)}
        models.append(trained(library, own, fold, plan)[0])
        seconds.append(time.process_time() - begin)
    return np.array(models), seconds


def against_catboost(fits: pd.DataFrame) -> pd.DataFrame:
    """Return a row per library and arm: ratios over the sets."""
    columns = ["average_precision", "log_loss", "seconds", "rounds"]
    means = fits.groupby(["library", "arm", "set"])[columns].mean()
    theirs, rows = means.loc["catboost", "defaults"], []
    for library, arm in product(LIBRARIES, _ARMS):
        own = means.loc[library, arm]
        ratio = own / theirs
        rows.append({
            "library": library, "arm": arm,
            **compared(ratio["average_precision"], ratio["log_loss"]),
            "time": f"{geometric_mean(ratio['seconds'])[0]:.2f}",
            "models": own["rounds"].mean(),
        })  # fmt: skip
    return pd.DataFrame(rows)


def report(fits: pd.DataFrame, plan: TreesPlan) -> Report:
    """Return what is compared, of the sets that have all folds."""
    done = fits.groupby("set")["fold"].nunique()
    fits = fits[fits["set"].isin(done.index[done == plan.folds])]
    if fits["set"].nunique() < 2:
        raise ValueError("--out must hold all folds of two sets, got fewer")
    table = against_catboost(fits)
    title = f"# CatBoost's defaults, {fits['set'].nunique()} sets"
    return [title, table], {"catboost": table}


STUDY = Study(
    "catboost_defaults.py", __doc__, TreesPlan, TREES.quick,
    pieces=pieces, fitted=fitted, report=report,
    name="catboost", fits="catboost.jsonl", settings=TREES.settings,
)  # fmt: skip
main = partial(run, STUDY)


if __name__ == "__main__":
    sys.exit(main())
