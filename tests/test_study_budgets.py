"""The studies of equal time and of CatBoost: what is made, resumed and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimators import quiet

from focal_boost.datasets import make_imbalanced

pytestmark = quiet

STUDY = Path(__file__).parent / "benchmarks" / "study"
COLUMNS = ("average_precision", "log_loss", "seconds", "rounds")


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


def test_fewer_sets_are_the_first_of_more():
    from budgets import chosen_sets

    names = [f"set {number}" for number in range(9)]
    many = chosen_sets(names, 7, 0)
    assert chosen_sets(names, 3, 0) == many[:3]
    assert len(set(many)) == 7
    assert chosen_sets(names, 9, 1) != chosen_sets(names, 9, 0)


def test_a_fold_that_lacks_an_arm_is_searched_again(tmp_path):
    from budgets import ARMS, Plan
    from equal_time import todo

    plan = Plan(tmp_path, folds=2, budgets=(("1", 1),))
    every = list(todo(["a"], plan, set()))
    assert [(one.fold, one.library) for one in every] == [
        (0, "xgboost"), (0, "lightgbm"), (1, "xgboost"), (1, "lightgbm"),
    ]  # fmt: skip
    arms = [arm for both in ARMS.values() for arm in both]
    done = {every[0].key(arm) for arm in arms}
    assert list(todo(["a"], plan, done)) == every[1:]
    begun = list(todo(["a"], plan, done - {every[0].key(arms[-1])}))
    assert begun == [replace(every[0], names=("focal",)), *every[1:]]


def test_ratios_are_of_the_named_arms():
    """Of two sets, AP is 1.1 and 1.2 times the other arm's, log loss half of it."""
    from budgets import ARMS
    from equal_time import compared

    rows = []
    for name, ap in (("x", 1.1), ("y", 1.2)):
        for arm in (arm for both in ARMS.values() for arm in both):
            ours = arm == "search"
            rows.append({
                "size": "1", "library": "l", "regime": "equal time", "set": name,
                "repeat": 0, "fold": 0, "arm": arm,
                "average_precision": 0.5 * (ap if ours else 1),
                "log_loss": 0.1 if ours else 0.2,
            })  # fmt: skip
    table = compared(pd.DataFrame(rows)).set_index("what")
    assert table.loc["the whole", "AP"].startswith(f"{np.sqrt(1.1 * 1.2):.3f}")
    assert table.loc["the whole", "log loss"] == "0.500 (0.500 to 0.500)"
    assert list(table.loc["the engine", ["AP won", "log loss won"]]) == ["0 of 2"] * 2


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_search_ends_in_its_best_model_and_in_a_mean(library):
    """With all of the rows known to the model, its posterior beats the prevalence."""
    from budgets import Parts, by_search
    from measures import log_loss
    from sets import DataSet
    from splits import inner_folds

    X, y, _ = make_imbalanced(1_500, 0.2, n_features=5, seed=5)
    data = DataSet(X.astype(np.float32), y.astype(np.int8), np.arange(y.size))
    cv = inner_folds(y, data.groups, 2, np.random.default_rng(0))
    found = by_search("trees")(library, Parts(data, data, cv), 0.3)
    prior = log_loss(y, np.full(y.size, np.log(np.mean(y) / (1 - np.mean(y)))))
    assert log_loss(y, found.single) < prior
    assert log_loss(y, found.averaged) < prior
    assert found.candidates >= found.complete >= 1
    assert found.chosen["rounds"] >= 1


def test_catboost_is_what_ratios_are_of():
    from catboost_defaults import compared

    values = {
        ("catboost", "defaults"): (0.5, 0.2, 4.0, 1),
        ("xgboost", "recommended"): (0.55, 0.1, 1.0, 1),
        ("xgboost", "averaged"): (0.6, 0.2, 4.0, 4),
        ("lightgbm", "recommended"): (0.25, 0.4, 2.0, 1),
        ("lightgbm", "averaged"): (0.5, 0.2, 4.0, 2),
    }
    rows = [
        dict(zip(COLUMNS, one, strict=True))
        | {"library": where[0], "arm": where[1], "set": name}
        for where, one in values.items()
        for name in "ab"
    ]
    table = compared(pd.DataFrame(rows)).set_index(["library", "arm"])
    assert table.loc[("xgboost", "recommended"), "AP"] == "1.100 (1.100 to 1.100)"
    assert table.loc[("xgboost", "recommended"), "log loss won"] == "2 of 2"
    assert table.loc[("lightgbm", "recommended"), "AP won"] == "0 of 2"
    assert table.loc[("xgboost", "averaged"), "time"] == "1.00"
    assert table.loc[("xgboost", "averaged"), "models"] == 4


def test_models_are_averaged_while_they_fit_into_the_time(tmp_path, monkeypatch):
    import catboost_defaults
    from sets import DataSet, Fold
    from trees import TreesPlan

    X, y, _ = make_imbalanced(400, 0.3, n_features=5, seed=1)
    data = DataSet(X.astype(np.float32), y.astype(np.int8), np.arange(y.size))
    half = data[::2]
    clock = iter(range(100))
    monkeypatch.setattr(catboost_defaults.time, "process_time", lambda: next(clock))
    plan = TreesPlan(tmp_path, rounds=5)
    given = "lightgbm", {"subsample": 0.5, "subsample_freq": 1}, Fold(data, half, half)
    models, seconds = catboost_defaults._in_time(*given, plan, 3.5)
    assert seconds == [1, 1, 1]
    assert len(np.unique(models, axis=0)) == 3
    models, _ = catboost_defaults._in_time(*given, plan, 0.0)
    assert len(models) == 1
