"""Other trees in a comparison: recommended ones, and those of a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM
from estimators import both, quiet
from matplotlib.image import imread
from searches import OWN_RANDOM_NUMBERS
from sentences import says
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from focal_boost import compare, recommended
from focal_boost.command import main
from focal_boost.command._run import Settings, fitting, make_folds, run
from focal_boost.command._table import InputError, Table
from focal_boost.comparison._searched import TUNE_SECONDS, seconds_of
from focal_boost.datasets import make_imbalanced
from focal_boost.ensemble._models import Part, fit_model

SETTINGS = Settings(folds=2, rounds=8, threads=1, recommended=False, tune=0.3)
TUNED = ("built-in, tuned", "focal loss, tuned")
RECOMMENDED = ("built-in, recommended", "focal loss, recommended")
pytestmark = quiet


def make_table(grouped: bool = False) -> Table:
    X, y, _ = make_imbalanced(900, prevalence=0.1, seed=3)
    features = pd.DataFrame(X).add_prefix("x")
    groups = np.arange(900) % 30 if grouped else None
    return Table("made", features, y.astype(np.int64), "y", "1", "0", groups, "ward")


def by_hand(library: Any, method: str, params: dict[str, Any]) -> Any:
    """Return an unfitted classifier: the library's own where the loss is built in."""
    params = {"n_jobs": 1, "random_state": 0, **library.quiet_estimator, **params}
    if method.startswith("focal loss"):
        return library.focal_classifier(**params)
    assert params.pop("focal_gamma", 0.0) == 0.0
    assert params.pop("focal_alpha", None) is None
    return library.classifier(**params)


@both
def test_a_search_is_of_its_training_part(library: Any) -> None:
    grouped = library is LightGBM
    table = make_table(grouped)
    found = run(table, replace(SETTINGS, boosters=(library.name,)))
    assert [name for _, name in found.searches] == [*TUNED]
    for key, folds in found.searches.items():
        for number, (split, one) in enumerate(zip(found.splits, folds, strict=True)):
            X, y = table.features.iloc[split.train], table.target[split.train]
            model = by_hand(library, key[1], one.chosen).fit(X, y)
            posterior = model.predict_proba(table.features.iloc[split.test])[:, 1]
            told = found.predictions[key][split.test]
            np.testing.assert_allclose(told, posterior, rtol=1e-5)
            kind: Any = StratifiedGroupKFold if grouped else StratifiedKFold
            groups = None if table.groups is None else table.groups[split.train]
            inner = []
            for train, test in kind(3).split(X, y, groups):
                model.fit(X.iloc[train], y[train])
                inner.append(log_loss(y[test], model.predict_proba(X.iloc[test])))
            if library is LightGBM or OWN_RANDOM_NUMBERS:
                assert one.log_loss[-1] == pytest.approx(np.mean(inner), rel=1e-5)
            assert one.candidates >= len(one.seconds) >= 1
            assert (np.diff(one.seconds) > 0).all()
            assert (np.diff(one.log_loss) <= 0).all()
            assert found.scores.loc[(*key, number), "seconds"] >= one.seconds[-1]
    assert (
        found.losses[library.name, TUNED[1]][0].gamma
        == (found.searches[library.name, TUNED[1]][0].chosen["focal_gamma"])
    )


@both
def test_recommended_trees_are_stopped_on_rows_of_the_training_part(
    library: Any,
) -> None:
    table = make_table()
    settings = replace(SETTINGS, boosters=(library.name,), recommended=True, tune=False)
    found = run(table, settings)
    assert [name for _, name in found.methods][3:] == [*RECOMMENDED]
    stopping = {"xgboost": "early_stopping_rounds", "lightgbm": "early_stopping_round"}
    params = {
        **recommended(library.name), "n_estimators": 1000, stopping[library.name]: 30,
    }  # fmt: skip
    for name in RECOMMENDED:
        for split in found.splits:
            X, y = table.features.iloc[split.train], table.target[split.train]
            splitter = StratifiedKFold(5, shuffle=True, random_state=0)
            train, kept = next(splitter.split(X, y))
            model = by_hand(library, name, params)
            parts = (Part(X.iloc[rows], y[rows], None) for rows in (train, kept))
            fit_model(model, *parts, {})
            posterior = model.predict_proba(table.features.iloc[split.test])[:, 1]
            told = found.predictions[library.name, name][split.test]
            np.testing.assert_allclose(told, posterior, rtol=1e-5)


def test_each_is_compared_with_what_has_its_trees() -> None:
    found = run(
        make_table(), replace(SETTINGS, boosters=("lightgbm",), recommended=True)
    )
    reference = {name: found.reference((of, name))[1] for of, name in found.methods}
    assert reference == {
        **dict.fromkeys(("built-in", "class weights", "focal loss"), "built-in"),
        **dict.fromkeys((RECOMMENDED[0], TUNED[0]), "built-in"),
        RECOMMENDED[1]: RECOMMENDED[0],
        TUNED[1]: TUNED[0],
    }
    (panel,) = found.plot_search().axes
    for line, method in zip(panel.lines, TUNED, strict=True):
        folds = found.searches["lightgbm", method]
        x, best = np.asarray(line.get_data())
        assert x[0] == max(one.seconds[0] for one in folds)
        last = np.mean([one.log_loss[-1] for one in folds])
        assert best[-1] == pytest.approx(last)
        assert line.get_label() == f"{method}: {last:.4f}"


def test_early_stopping_of_the_callers_own_is_kept() -> None:
    table = make_table()
    trees = {"n_estimators": 7, "early_stopping_rounds": 3, "n_jobs": 1}
    given = {"boosters": {"xgboost": trees}, "cv": 2, "recommended": True}
    found = compare(table.features, table.target, **given)
    params = {**trees, **recommended("xgboost")}
    both_ways = {"boosters": {"xgboost": params}, "cv": 2}
    same = compare(table.features, table.target, **both_ways)
    for method, name in zip(RECOMMENDED, ("built-in", "focal loss"), strict=True):
        np.testing.assert_array_equal(
            found.predictions["xgboost", method], same.predictions["xgboost", name]
        )


@pytest.mark.parametrize("tune", [0, -1.0, np.nan, np.inf, "60", None, [60]])
def test_seconds_are_a_number(tune: Any) -> None:
    table = make_table()
    sentence = "^tune must be True, False or a number of seconds > 0, got "
    with pytest.raises(ValueError, match=sentence):
        compare(table.features, table.target, tune=tune)


def test_too_few_positives() -> None:
    table = make_table()
    y = np.zeros_like(table.target)
    y[[0, 1, 450, 451]] = 1
    table = replace(table, target=y)
    settings = replace(SETTINGS, boosters=("lightgbm",))
    with says(
        "--tune needs 3 folds inside every training part: cv must be at most the 2 "
        "rows with class '1', got 3",
        InputError,
    ):
        run(table, settings)
    with says(
        "recommended needs early stopping in every training part: the parts for early "
        "stopping must be at most the 2 rows with class 1, got 5"
    ):
        compare(table.features, y, cv=2, recommended=True)
    # The command does without.
    plain = replace(settings, recommended=True, tune=False)
    folds = make_folds(table, 2, 0)
    assert not fitting(table, plain, folds).recommended
    assert fitting(make_table(), plain, make_folds(make_table(), 2, 0)) == plain


@pytest.mark.parametrize("tune", [[], ["--tune", "0.2"]])
def test_the_command_tells_of_its_searches(
    tune: list[str], claims: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "search.png").write_bytes(b"of an earlier run")
    few = ["--folds", "2", "--rounds", "5", *tune]
    assert commands.compare(claims, tmp_path, *few) == 0
    content = commands.results_of(tmp_path)
    printed = capsys.readouterr().out
    assert (tmp_path / "search.png").exists() == bool(tune)
    assert content["settings"].get("tune_seconds") == (0.2 if tune else None)
    for said in ("tuned: 0.2 s of search", "candidates tried", "search.png"):
        assert (said in printed) == bool(tune)
    results = content["results"]["lightgbm"]
    assert {name for name, one in results.items() if "searches" in one} == (
        set(TUNED) if tune else set()
    )
    if tune:
        assert "  of LightGBM: 0.0133 minutes, and the last trainings" in printed
        assert imread(tmp_path / "search.png").shape[1] == 712
        first = results[TUNED[1]]["searches"][0]
        assert first["chosen"]["n_estimators"] >= 1
        assert len(first["seconds"]) == len(first["log_loss"])


def test_the_help_says_what_no_number_means(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    assert f"(alone: {TUNE_SECONDS:g})" in " ".join(capsys.readouterr().out.split())
    assert seconds_of(True) == TUNE_SECONDS
    assert seconds_of(False) is None
