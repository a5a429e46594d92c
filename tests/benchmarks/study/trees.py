"""Which trees go with focal loss on rare events?

    python tests/benchmarks/study/trees.py
    python tests/benchmarks/study/trees.py --report

One set of tree parameters per library, by random search over sets: every setting is
trained with the default focal loss on every binary set of the benchmark data, at most
5,000 rows of it (of the frauds too, with all their positives), three of the folds of
study.py, at most 1,000 rounds, ended by 30 without a better log loss on the inner part.
The settings are the library's defaults at the learning rate 0.1, a candidate made by
hand, and 28 draws from the usual ranges, as in "Better by default" (Holzmüller et al.
2024). The first is what ratios are of.

The rule, written before the run: no setting may collapse (AP below half of the best
setting's on any set); among the rest the best mean of the mean ranks of AP and log
loss. As a check every set is left out once: the rule chooses on the other sets, and
what it chose is judged on the one left out.

Every fit is a line in trees.jsonl, written when it is done: an interrupted run goes on
where it stopped. The first fold of all sets comes before the second of any, and only
sets where all settings have the same folds are reported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import ParameterSampler

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.searching import LIBRARIES as CLASSIFIERS
from benchmarks.study import sets
from benchmarks.study.command import LIBRARIES, Report, Study, each, run
from benchmarks.study.ranking import (
    by_rule,
    chosen_on_others,
    complete_cells,
    judged_means,
    ratios,
    told,
)
from benchmarks.study.records import Key, Records

Setting = dict[str, Any]
DEFAULTS, BY_HAND = "defaults", "by hand"
_SHARED = {
    "learning_rate": loguniform(0.02, 0.2),
    "subsample": uniform(0.5, 0.5),
    "colsample_bytree": uniform(0.3, 0.7),
    "reg_lambda": loguniform(0.01, 100),
}
_OWN = {
    "xgboost": {"max_depth": randint(2, 9), "min_child_weight": loguniform(1e-3, 30)},
    "lightgbm": {
        "num_leaves": [4, 6, 8, 11, 15, 22, 31, 45, 63],
        "min_child_samples": [5, 10, 20, 40, 80],
        "subsample_freq": [1],
    },
}
_HAND = {
    "learning_rate": 0.05, "subsample": 0.8, "colsample_bytree": 0.5, "reg_lambda": 3.0,
}  # fmt: skip
_HAND_OWN: dict[str, Setting] = {
    "xgboost": {"max_depth": 4},
    "lightgbm": {"num_leaves": 15, "subsample_freq": 1},
}


@dataclass(frozen=True)
class TreesPlan(sets.Plan):
    """What decides a fit besides its key."""

    size: sets.Size = sets.Size(5_000, 5_000)  # noqa: RUF009 (immutable)
    rounds: int = 1_000
    patience: int = 30
    folds: int = 3
    drawn: int = 28


def settings(library: str, plan: TreesPlan) -> dict[str, Setting]:
    """Return the tree parameters of every setting, by name."""
    space = {**_SHARED, **_OWN[library]}
    drawn = ParameterSampler(space, plan.drawn, random_state=plan.seed)
    named = {f"draw {number:02}": _rounded(one) for number, one in enumerate(drawn)}
    hand = {**_HAND, **_HAND_OWN[library]}
    return {DEFAULTS: {"learning_rate": 0.1}, BY_HAND: hand, **named}


def _rounded(setting: Mapping[str, Any]) -> Setting:
    """Return values of two digits, which is what they are good for."""
    return {
        name: float(f"{value:.2g}") if isinstance(value, float) else int(value)
        for name, value in setting.items()
    }


def pieces(names: Iterable[str], plan: TreesPlan) -> Iterator[list[Key]]:
    """Yield a fold at a time, the first of all sets before the second of any."""
    for fold, name, library in product(range(plan.folds), names, LIBRARIES):
        arms = settings(library, plan)
        yield [Key("trees", library, "focal", name, 0, fold, arm) for arm in arms]


def fit(key: Key, fold: sets.Fold, plan: TreesPlan) -> tuple[Any, int]:
    """Return the log-odds of the test part, and the rounds."""
    return trained(key.library, settings(key.library, plan)[key.arm], fold, plan)


def trained(
    library: str, setting: Setting, fold: sets.Fold, plan: TreesPlan
) -> tuple[Any, int]:
    """Train a focal classifier with these trees, stopped by the inner part."""
    model = CLASSIFIERS[library](
        n_estimators=plan.rounds, early_stopping_rounds=plan.patience, n_jobs=1,
        **{"random_state": plan.seed, **setting},
    )  # fmt: skip
    train, valid, xgboost = fold.train, fold.valid, library == "xgboost"
    weight = None if valid.weight is None else [valid.weight]
    others: dict[str, Any] = {"eval_set": [(valid.X, valid.y)]}
    others |= (
        {"sample_weight_eval_set": weight, "verbose": False}
        if xgboost
        else {"eval_sample_weight": weight}
    )
    with warnings.catch_warnings():
        # The name that replaces it is not in the lowest LightGBM that is supported.
        warnings.filterwarnings("ignore", message="The argument 'eval_set'")
        model.fit(train.X, train.y, sample_weight=train.weight, **others)
    log_odds = np.asarray(model.decision_function(fold.test.X), np.float64)
    rounds = model.best_iteration + 1 if xgboost else model.best_iteration_
    return log_odds, int(rounds)


@cache
def chosen(plan: TreesPlan) -> dict[str, dict[str, str]]:
    """Return by set each library's setting that the rule chooses on the other sets."""
    records = Records(plan.out / "trees.jsonl").all
    if not records:
        raise ValueError(f"--out must hold what trees.py has fitted, got {plan.out}")
    found: dict[str, dict[str, str]] = {}
    for library, own in pd.DataFrame(records).groupby("library"):
        fits = complete_cells(own, list(settings(str(library), plan)))
        for cell, arm in chosen_on_others(*judged_means(fits)).items():
            found.setdefault(cell[-1], {})[str(library)] = arm
    return {name: one for name, one in found.items() if len(one) == len(LIBRARIES)}


def left_out(ap: pd.DataFrame, loss: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return ratios to the defaults of what the rule chose without each set."""
    arms = chosen_on_others(ap, loss)
    judged, losses = (
        pd.Series({cell[-1]: found.loc[cell, arm] for cell, arm in arms.items()})
        for found in (ratios(ap, DEFAULTS), ratios(loss, DEFAULTS))
    )
    return judged, losses


def report(found: pd.DataFrame, plan: TreesPlan) -> Report:
    """Return the best settings of both libraries, and all of them as a table."""
    text, tables = ["# Trees that go with focal loss"], []
    for library, own in found.groupby("library"):
        given = settings(str(library), plan)
        fits = complete_cells(own, list(given))
        if fits["set"].nunique() < 2:
            raise ValueError(f"--out must hold all fits of two sets in {library}")
        ap, loss = judged_means(fits)
        rule, of_ap = by_rule(ap, loss), ratios(ap, DEFAULTS)
        rule["AP"] = np.exp(np.log(of_ap).mean())
        rule["worst AP"] = of_ap.min()
        rule["log loss"] = np.exp(np.log(ratios(loss, DEFAULTS)).mean())
        rule["setting"] = [str(given[arm]) for arm in rule.index]
        table = rule.rename_axis("arm").reset_index()
        shown = (table.index < 5) | table["arm"].isin([DEFAULTS, BY_HAND])
        spans = [told(one, higher_is_better=True)[0] for one in left_out(ap, loss)]
        text += [
            f"{library}, {len(ap)} sets, ratios to the defaults:", table[shown],
            f"Sets left out: AP {spans[0]}, log loss {spans[1]}",
        ]  # fmt: skip
        tables.append(table.assign(library=library))
    return text, {"trees": pd.concat(tables)}


STUDY = Study(
    "trees.py", __doc__, TreesPlan,
    quick={"size": sets.Size(1_000, 1_000), "rounds": 20, "folds": 2, "drawn": 3},
    pieces=pieces, fitted=partial(each, fit), report=report,
    name="trees", fits="trees.jsonl", settings="trees_settings.json",
)  # fmt: skip
main = partial(run, STUDY)


if __name__ == "__main__":
    sys.exit(main())
