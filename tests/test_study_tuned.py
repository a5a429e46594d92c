"""Both losses tuned: the same draws, honest folds, and that the command resumes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimators import quiet

from focal_boost.datasets import make_imbalanced

pytestmark = quiet

TABLES = ("tuned", "tuned_sets")
STUDY = Path(__file__).parent / "benchmarks" / "study"


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """Return a folder with one small set."""
    data = tmp_path_factory.mktemp("data")
    X, y, _ = make_imbalanced(900, 0.15, n_features=5, seed=2)
    names = np.array([f"x{i}" for i in range(5)])
    np.savez(data / "rare.npz", X=X.astype(np.float32), y=y, feature_names=names)
    return data


@pytest.fixture(scope="module")
def plan(folder: Path) -> Any:
    from pairs import TunedPlan

    return TunedPlan(folder, rounds=8, folds=2, inner=2, candidates=3)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_all_arms_draw_the_same_parameters_of_the_library(library):
    from pairs import ARMS, BUILT_IN, DEFAULT, FOCAL, candidates_of

    drawn = {
        arm: candidates_of(library, arm, 40, np.random.default_rng(3)) for arm in ARMS
    }
    assert len(drawn["focal"]) == 40
    for built_in, focal, default in zip(*drawn.values(), strict=True):
        own = {name: v for name, v in focal.items() if name not in FOCAL}
        for other, fixed in ((built_in, BUILT_IN), (default, DEFAULT)):
            assert own == {name: v for name, v in other.items() if name not in FOCAL}
            assert {name: other[name] for name in fixed} == fixed
    for name, values in FOCAL.items():
        found = {repr(point[name][0]) for point in drawn["focal"]}
        assert found == {repr(value) for value in values}
    assert len({repr(point) for point in drawn["built-in"]}) == 40


def test_inner_folds_share_no_group_and_cover_all_rows():
    from pairs import inner_folds
    from sets import DataSet

    rng = np.random.default_rng(0)
    groups = rng.integers(0, 120, 600)
    y = (rng.random(600) < 0.2).astype(np.int8)
    data = DataSet(np.zeros((600, 1), np.float32), y, groups)
    folds = inner_folds(data, 3, np.random.default_rng(1))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(600))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert np.mean(y[test]) == pytest.approx(0.2, abs=0.06)


def test_the_test_part_is_in_no_search(plan, monkeypatch):
    import pairs
    from sets import load_set, split

    given = []

    class Spy(pairs.FocalSearchCV):  # type: ignore[misc, name-defined]
        def fit(self, X: Any, y: Any, **others: Any) -> Any:
            given.append(X)
            return super().fit(X, y, **others)

    monkeypatch.setattr(pairs, "FocalSearchCV", Spy)
    found = pairs.searched(pairs.Search("lightgbm", "rare", 1, "neg_log_loss"), plan)
    data = load_set(plan.data, "rare", plan.size, plan.seed)
    test = split(data, "rare", 0, 1, plan.seed).test
    assert len(given) == len(found) == 3
    for X in given:
        assert len(X) + len(test.X) == len(data.X)
        assert not {row.tobytes() for row in X} & {row.tobytes() for row in test.X}


def test_the_built_in_arm_is_the_built_in_objective(plan, monkeypatch):
    """The winner's log loss is that of a plain LGBMClassifier with its parameters."""
    import lightgbm as lgb
    import pairs
    from sets import load_set, split
    from sklearn.metrics import log_loss

    # LightGBM draws other columns for a custom objective than for its own.
    monkeypatch.setitem(pairs._SHARED, "colsample_bytree", [1.0])
    one = pairs.Search("lightgbm", "rare", 0, "neg_log_loss")
    built_in = pairs.searched(one, plan)[0]
    chosen = {k: v for k, v in built_in["chosen"].items() if "focal" not in k}
    fold = split(
        load_set(plan.data, "rare", plan.size, plan.seed), "rare", 0, 0, plan.seed
    )
    train = pairs.joined(fold.train, fold.valid)
    model = lgb.LGBMClassifier(
        n_estimators=built_in["rounds"], n_jobs=1, random_state=0, verbosity=-1,
        **chosen,
    ).fit(train.X, train.y)  # fmt: skip
    expected = log_loss(fold.test.y, model.booster_.predict(fold.test.X))
    assert built_in["log_loss"] == pytest.approx(expected, rel=1e-9)


def test_a_run_goes_on_where_it_stopped(plan):
    from pairs import ARMS, SCORINGS, Search
    from tuned import searches

    every = list(searches(["rare"], plan, set()))
    assert len(every) == 2 * 2 * len(SCORINGS)
    first = Search("xgboost", "rare", 0, "neg_log_loss")
    assert first in every
    assert first.arms == tuple(ARMS)
    # Only the searches that are not done are made.
    begun = list(searches(["rare"], plan, {first.key("focal")}))
    assert begun[1:] == every[1:]
    assert begun[0].arms == ("built-in", "focal, default")
    done = {first.key(arm) for arm in ARMS}
    assert list(searches(["rare"], plan, done)) == every[1:]


def test_a_search_makes_the_arms_that_are_left(plan):
    from pairs import Search, searched

    one = Search("lightgbm", "rare", 0, "average_precision", ("focal, default",))
    (found,) = searched(one, plan)
    assert found["arm"] == "focal, default average_precision"
    chosen = found["chosen"]
    assert (chosen["focal_alpha"], chosen["focal_gamma"]) == (0.25, 2.0)


def test_the_command_reports_every_library_and_score(folder, tmp_path):
    command = [sys.executable, STUDY / "tuned.py", "--data", folder, "--quick"]
    command += ["--jobs", "2", "--out", tmp_path]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    records = (tmp_path / "tuned.jsonl").read_text("utf-8").splitlines()
    assert len(records) == 3 * 2 * 2 * 2
    assert (tmp_path / "tuned.md").read_text("utf-8").strip() == first.stdout.strip()
    arms = ("xgboost | focal |", "lightgbm | focal, default |")
    for text in (*arms, "AP ratio", "log loss ratio"):
        assert text in first.stdout
    tables = {name: pd.read_csv(tmp_path / f"{name}.csv") for name in TABLES}
    for table in tables.values():
        assert set(table["scoring"]) == {"neg_log_loss", "average_precision"}
        assert set(table["arm"]) == {"built-in", "focal", "focal, default"}
    assert len(tables["tuned"]) == len(tables["tuned_sets"]) == 3 * 2 * 2
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout == first.stdout
    assert (tmp_path / "tuned.jsonl").read_text("utf-8").splitlines() == records
    wrong = [*command, "--seed", "1"]
    refused = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--out must be a new folder for other settings" in refused.stderr
