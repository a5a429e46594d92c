"""``focal-boost compare --tune``: alpha and gamma chosen inside every training part."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import BOTH
from estimators import quiet
from searches import make_search
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from focal_boost.command import main
from focal_boost.command._run import Settings, run
from focal_boost.command._table import InputError, Table
from focal_boost.comparison._methods import BUILT_IN, FOCAL
from focal_boost.datasets import make_imbalanced
from focal_boost.loss import FocalLoss
from focal_boost.tuning import DEFAULT_SPACE

both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)
SETTINGS = Settings(folds=2, rounds=8, threads=1, tune=True)
pytestmark = quiet


def make_table(grouped: bool = False) -> Table:
    X, y, _ = make_imbalanced(900, prevalence=0.1, seed=3)
    features = pd.DataFrame(X).add_prefix("x")
    groups = np.arange(900) % 30 if grouped else None
    return Table("made", features, y.astype(np.int64), "y", "1", "0", groups, "ward")


@both
@pytest.mark.parametrize("grouped", [False, True])
def test_the_search_is_that_of_the_training_part(library: Any, grouped: bool) -> None:
    table = make_table(grouped)
    found = run(table, replace(SETTINGS, boosters=(library.name,)))
    chosen = found.losses[library.name, FOCAL]
    assert len(chosen) == 2
    for fold, loss in zip(found.splits, chosen, strict=True):
        X, y = table.features.iloc[fold.train], table.target[fold.train]
        groups = None if table.groups is None else table.groups[fold.train]
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        model = library.focal_classifier(
            n_estimators=8, random_state=0, **library.quiet_estimator
        )
        search = make_search(
            library, DEFAULT_SPACE, model=model, min_rounds=10, refit=False,
            cv=list(kind(3).split(X, y, groups)),
        ).fit(X, y)  # fmt: skip
        best = search.best_params_
        alpha, gamma = best["focal_alpha"], best["focal_gamma"]
        if alpha == "balanced":
            alpha = FocalLoss.balanced(y).alpha
        assert loss == FocalLoss(alpha, gamma)


@both
def test_the_training_is_that_of_the_chosen_loss(library: Any) -> None:
    table = make_table()
    tuned = run(table, replace(SETTINGS, boosters=(library.name,)))
    assert list(tuned.losses) == [(library.name, FOCAL)]
    for split, loss in zip(
        tuned.splits, tuned.losses[library.name, FOCAL], strict=True
    ):
        given = replace(SETTINGS, boosters=(library.name,), tune=False, loss=loss)
        plain = run(table, given).predictions[library.name, FOCAL]
        posterior = tuned.predictions[library.name, FOCAL]
        assert np.array_equal(posterior[split.test], plain[split.test])


def test_too_few_positives_for_the_inner_folds() -> None:
    table = make_table()
    y = np.zeros_like(table.target)
    y[[0, 1, 450, 451]] = 1
    sentence = (
        "^--tune needs 3 folds inside every training part: cv must be at most the 2"
        " rows with class '1', got 3$"
    )
    settings = replace(SETTINGS, boosters=("lightgbm",))
    with pytest.raises(InputError, match=sentence):
        run(replace(table, target=y), settings)


@pytest.mark.parametrize("tune", [False, True])
def test_the_command_reports_what_was_chosen(
    tune: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y, _ = make_imbalanced(900, prevalence=0.1, seed=3)
    file, out = tmp_path / "made.csv", tmp_path / "out"
    pd.DataFrame(X).add_prefix("x").assign(y=y).to_csv(file, index=False)
    arguments = ["compare", str(file), "--target", "y", "--booster", "lightgbm"]
    arguments += ["--folds", "2", "--rounds", "5", "--threads", "1", "--out", str(out)]
    assert main([*arguments, *(["--tune"] if tune else [])]) == 0
    content = json.loads((out / "results.json").read_text("utf-8"))
    results = content["results"]["lightgbm"]
    printed = capsys.readouterr().out
    sentence = "alpha and gamma chosen by log loss inside every training part"
    assert (sentence in printed) == tune
    assert ("chosen" in results[FOCAL]) == tune
    assert "chosen" not in results[BUILT_IN]
    assert content["settings"]["alpha"] == ("tuned" if tune else 0.25)
    assert content["settings"]["gamma"] == ("tuned" if tune else 2.0)
    if tune:
        chosen = results[FOCAL]["chosen"]
        assert len(chosen) == 2
        assert {one["gamma"] for one in chosen} <= set(DEFAULT_SPACE["focal_gamma"])
