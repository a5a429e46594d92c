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

import argparse
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from command import LIBRARIES, check_settings, exit_code, make, parser_of
from measures import measures
from ranking import by_rule, cell_means, complete_cells, ratios
from records import Key, Record, Records, frame_of
from scipy.stats import loguniform, randint, uniform
from sets import Size, binary_sets, load_set, split
from sklearn.model_selection import ParameterSampler
from tables import markdown, told, write_table

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier

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


_SIZE = Size(5_000, 5_000)


@dataclass(frozen=True)
class TreesPlan:
    """What decides a fit besides its key."""

    data: Path
    seed: int = 0
    size: Size = _SIZE
    rounds: int = 1_000
    patience: int = 30
    folds: int = 3
    drawn: int = 28
    QUICK: ClassVar[Setting] = {
        "size": Size(1_000, 1_000), "rounds": 20, "folds": 2, "drawn": 3,
    }  # fmt: skip


@dataclass(frozen=True)
class Fits:
    """The settings to train on one fold."""

    library: str
    set: str
    fold: int
    arms: tuple[str, ...]

    def key(self, arm: str) -> Key:
        """Return the key of the record of a setting."""
        return Key("trees", self.library, "focal", self.set, 0, self.fold, arm)


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


def todo(sets: Sequence[str], plan: TreesPlan, done: set[Key]) -> Iterator[Fits]:
    """Yield what is not done, a fold at a time."""
    arms = {library: tuple(settings(library, plan)) for library in LIBRARIES}
    for fold, name, library in product(range(plan.folds), sets, LIBRARIES):
        every = Fits(library, name, fold, arms[library])
        left = tuple(arm for arm in every.arms if every.key(arm) not in done)
        if left:
            yield replace(every, arms=left)


def fitted(one: Fits, plan: TreesPlan) -> list[Record]:
    """Train the settings and measure them on the fold's test part."""
    fold = split(
        load_set(plan.data, one.set, plan.size, plan.seed),
        one.set,
        0,
        one.fold,
        plan.seed,
    )
    given, found = settings(one.library, plan), []
    for arm in one.arms:
        begin = time.perf_counter()
        model = fit(one.library, given[arm], fold, plan)
        seconds = round(time.perf_counter() - begin, 3)
        log_odds = np.asarray(model.decision_function(fold.test.X), np.float64)
        found.append({
            **one.key(arm)._asdict(),
            **measures(fold.test.y, log_odds, fold.test.weight),
            "rounds": _rounds(model), "seconds": seconds, "error": None,
        })  # fmt: skip
    return found


def fit(library: str, setting: Setting, fold: Any, plan: TreesPlan) -> Any:
    """Return a focal classifier with these trees, stopped by the inner part."""
    given = {
        "n_estimators": plan.rounds, "early_stopping_rounds": plan.patience,
        "n_jobs": 1, "random_state": plan.seed, **setting,
    }  # fmt: skip
    train, valid = fold.train, fold.valid
    weight = None if valid.weight is None else [valid.weight]
    others: dict[str, Any] = {"eval_set": [(valid.X, valid.y)]}
    if library == "xgboost":
        model: Any = FocalXGBClassifier(verbosity=0, **given)
        others |= {"sample_weight_eval_set": weight, "verbose": False}
    else:
        model = FocalLGBMClassifier(verbosity=-1, **given)
        others |= {"eval_sample_weight": weight}
    with warnings.catch_warnings():
        # The name that replaces it is not in the lowest LightGBM that is supported.
        warnings.filterwarnings("ignore", message="The argument 'eval_set'")
        return model.fit(train.X, train.y, sample_weight=train.weight, **others)


def _rounds(model: Any) -> int:
    if isinstance(model, FocalXGBClassifier):
        return int(model.best_iteration) + 1
    return int(model.best_iteration_)


def left_out(ap: pd.DataFrame, loss: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return ratios to the defaults of what the rule chose without each set."""
    found = {}
    for cell in ap.index:
        rest = by_rule(ap.drop(index=[cell]), loss.drop(index=[cell])).index[0]
        own = (
            ratios(cells.loc[[cell]], DEFAULTS)[rest].iloc[0] for cells in (ap, loss)
        )
        found[cell[-1]] = tuple(own)
    table = pd.DataFrame(found, index=["AP", "log loss"]).T
    return table["AP"], table["log loss"]


def report(records: Sequence[Record], plan: TreesPlan, folder: Path) -> str:
    """Write the tables, and return the best settings of both libraries as text."""
    text, tables = ["# Trees that go with focal loss"], []
    for library, own in frame_of(records).groupby("library"):
        given = settings(str(library), plan)
        fits = complete_cells(own, list(given))
        if fits["set"].nunique() < 2:
            raise ValueError(f"--out must hold all fits of two sets in {library}")
        ap, loss = (cell_means(fits, m) for m in ("average_precision", "log_loss"))
        rule = by_rule(ap, loss)
        rule["AP"] = np.exp(np.log(ratios(ap, DEFAULTS)).mean())
        rule["worst AP"] = ratios(ap, DEFAULTS).min()
        rule["log loss"] = np.exp(np.log(ratios(loss, DEFAULTS)).mean())
        rule["setting"] = [str(given[arm]) for arm in rule.index]
        table = rule.rename_axis("arm").reset_index()
        kept = table.index < 5
        text.append(f"{library}, {len(ap)} sets, ratios to the defaults:")
        text.append(markdown(table[kept | table["arm"].isin([DEFAULTS, BY_HAND])]))
        spans = [told(one, higher=True)[0] for one in left_out(ap, loss)]
        text.append(f"Sets left out: AP {spans[0]}, log loss {spans[1]}")
        tables.append(table.assign(library=library))
    folder.mkdir(parents=True, exist_ok=True)
    whole = "\n\n".join(text) + "\n"
    (folder / "trees.md").write_text(whole, "utf-8")
    write_table(pd.concat(tables), folder / "trees.csv")
    return whole


def _run(options: argparse.Namespace) -> None:
    rows, plan = binary_sets(options.data), TreesPlan(options.data, options.seed)
    sets = list(rows)
    if options.quick:
        sets = sorted(rows, key=lambda name: rows[name])[:2]
        plan = replace(plan, **TreesPlan.QUICK)
    options.out.mkdir(parents=True, exist_ok=True)
    fields = ("seed", "size", "rounds", "patience", "folds", "drawn")
    check_settings(plan, fields, options.out / "trees_settings.json")
    records = Records(options.out / "trees.jsonl")
    if not options.report:
        make("trees", todo(sets, plan, records.keys), fitted, plan, records, options)
    print(report(records.all, plan, options.tables or options.out))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser_of("trees.py", __doc__).parse_args(argv)
    return exit_code("trees.py", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
