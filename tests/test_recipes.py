"""The recipes run one after another, are short, and do what they say."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimators import quiet

import focal_boost.datasets
import focal_boost.thresholds

_RECIPES = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
_MAX_LINES = 15
pytestmark = quiet


def recipes() -> dict[str, list[str]]:
    """Return the blocks of every section."""
    found = {}
    for section in re.split(r"^## ", _RECIPES.read_text("utf-8"), flags=re.MULTILINE):
        title = section.splitlines()[0]
        blocks = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        found[title] = blocks
    return found


def lines_of(block: str) -> list[str]:
    return [line for line in block.splitlines() if line.strip()]


def run(block: str, names: dict[str, Any]) -> None:
    exec(compile(block, "recipes.md", "exec"), names)


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the first block defines, of every fifth flight."""
    monkeypatch.chdir(tmp_path)
    whole = focal_boost.datasets.load_flights()
    few = whole._replace(train=whole.train[::5], test=whole.test[::2])
    monkeypatch.setattr(focal_boost.datasets, "load_flights", lambda: few)
    known: dict[str, Any] = {}
    (first,) = recipes()["# Recipes"]
    run(first, known)
    return known


def titled(begins: str) -> list[str]:
    (found,) = [blocks for title, blocks in recipes().items() if begins in title]
    return found


def test_every_recipe_is_short() -> None:
    found = recipes()
    assert len(found) == 7
    for title, blocks in found.items():
        assert blocks, title
        for block in blocks:
            assert len(lines_of(block)) <= _MAX_LINES, title


def test_tuning_on_f1(names: dict[str, Any]) -> None:
    optuna = pytest.importorskip("optuna", reason="the recipe needs Optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    (block,) = titled("Tune on F1")
    run(block, names)
    # At one half no candidate calls a row positive, and F1 would be 0.
    assert 0.1 < names["study"].best_value < 1
    assert names["model"].focal_gamma == names["study"].best_params["focal_gamma"]


def test_folds_cost_and_stages(names: dict[str, Any]) -> None:
    (block,) = titled("Average K folds")
    run(block, names)
    written = pd.read_csv("submission.csv")
    assert len(written) == len(names["X_test"])
    assert 0 < written["target"].mean() < 0.2
    cost, logged = titled("Decide by cost")
    run(cost, names)
    assert names["chosen"].threshold == pytest.approx(1 / 21, rel=0.05)
    # To alarm never costs 20 times the prevalence.
    assert names["cost_per_flight"] < 20 * names["y_test"].mean()
    (block,) = titled("Two stages")
    run(block, names)
    passed, found = names["passed"], names["y"] == 1
    assert passed[found].mean() >= 0.95
    assert passed.mean() < 0.9
    assert (names["score"][~names["passes"]] == 0).all()
    assert "mlflow" in logged


def test_logging_to_mlflow(names: dict[str, Any]) -> None:
    pytest.importorskip("mlflow", reason="the recipe needs MLflow")
    (block,) = titled("Average K folds")
    run(block, names)
    for one in titled("Decide by cost"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(one, names)
    assert Path("model.txt").exists()


def test_unequal_weights(names: dict[str, Any]) -> None:
    names["choose_threshold"] = focal_boost.thresholds.choose_threshold
    names["Cost"] = focal_boost.thresholds.Cost
    (block,) = titled("Rows that count")
    run(block, names)
    again = names["FoldEnsembleClassifier"](names["model"], cv=5)
    again.fit(names["X"], names["y"], groups=names["groups"])
    differ = np.abs(again.oof_posterior_ - names["weighted"].oof_posterior_)
    assert differ.max() > 1e-3


def test_many_classes(names: dict[str, Any]) -> None:
    (block,) = titled("Many classes")
    run(block, names)
    np.testing.assert_allclose(names["posterior"].sum(axis=1), 1)
    assert names["accuracy"] > 0.9
