"""The study's commands: what they fit, that they resume, and what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.measured import read_lines
from benchmarks.study import catboost_defaults, equal_time, study, trees
from benchmarks.study.command import missing
from benchmarks.study.measures import log_loss
from benchmarks.study.records import Key, Records, key_of
from benchmarks.study.sets import DataSet, Fold, split
from benchmarks.study.splits import inner_folds
from estimators import quiet

from focal_boost import FocalObjective
from focal_boost.datasets import make_imbalanced

pytestmark = quiet

KEYS = [Key("s", "xgboost", "careful", "a", 0, fold, "built-in") for fold in range(3)]
SETTINGS = ["defaults", "by hand", "draw 00", "draw 01", "draw 02"]
FITS = [{**key._asdict(), "log_loss": 0.5, "error": None} for key in KEYS]


def data_of(rows: int, prevalence: float, *, weighted: bool = False) -> DataSet:
    X, y, _ = make_imbalanced(rows, prevalence, n_features=5, seed=1)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, y.size) if weighted else None
    return DataSet(X.astype(np.float32), y.astype(np.int8), np.arange(y.size), weight)


class TestRecords:
    def test_an_unfinished_last_line_is_dropped(self, tmp_path):
        path = tmp_path / "fits.jsonl"
        Records(path).add(FITS[:1])
        with path.open("a", encoding="utf-8") as file:
            file.write('{"library": "xgboost", "se')
        records = Records(path)
        assert records.all == FITS[:1]
        records.add(FITS[1:])
        again = Records(path)
        assert again.all == FITS
        assert again.keys == set(KEYS) == set(map(key_of, FITS))

    @pytest.mark.parametrize("line", ["not json", "[1]", '{"library": "xgboost"}'])
    def test_what_is_no_record_is_named(self, tmp_path, line):
        path = tmp_path / "fits.jsonl"
        path.write_text(line + "\n", "utf-8")
        with pytest.raises(ValueError, match=r"must hold a record per line, got .* 1$"):
            Records(path)

    def test_what_is_recorded_is_not_recorded_again(self, tmp_path):
        records = Records(tmp_path / "fits.jsonl")
        records.add(FITS[:1])
        records.add(FITS)
        assert records.all == Records(records.path).all == FITS

    def test_what_a_piece_lacks_is_made(self):
        done = {KEYS[0], KEYS[2]}
        assert missing([KEYS[:1], KEYS[:2], KEYS], done) == [KEYS[1:2], KEYS[1:2]]
        assert missing([KEYS], set()) == [KEYS]


class TestPieces:
    """What is fitted, and in which order."""

    def test_study(self, tmp_path):
        plan = study.Plan(tmp_path, tmp_path, folds=2)
        every = list(study.pieces({"a": 100, "b": 40_000}, plan))
        # Of the larger set there is one repetition; each fold is in both libraries.
        assert [(one[0].set, one[0].repeat, one[0].fold) for one in every[::2]] == [
            *(("a", repeat, fold) for repeat in (0, 1, 2) for fold in (0, 1)),
            *(("b", 0, fold) for fold in (0, 1)),
        ]
        assert [one[0].library for one in every[:2]] == ["xgboost", "lightgbm"]
        assert {len({*one}) for one in every} == {2 * 3}

    def test_trees(self, tmp_path):
        plan = trees.TreesPlan(tmp_path, tmp_path, folds=2, drawn=2)
        every = list(trees.pieces(["a", "b"], plan))
        assert [(one[0].fold, one[0].set) for one in every[::2]] == [
            (0, "a"), (0, "b"), (1, "a"), (1, "b"),
        ]  # fmt: skip
        assert [one.arm for one in every[0]] == SETTINGS[:4]

    def test_equal_time(self, tmp_path):
        budgets = (("1", 2), ("9", 1))
        plan = equal_time.TimePlan(tmp_path, tmp_path, folds=1, budgets=budgets)
        every = list(equal_time.pieces(dict.fromkeys("abc", 0), plan))
        assert [(one[0].size, one[0].library) for one in every] == [
            *[("1", "xgboost"), ("1", "lightgbm")] * 2,
            ("9", "xgboost"), ("9", "lightgbm"),
        ]  # fmt: skip
        # Fewer sets are the first of more.
        assert every[0][0].set == every[4][0].set != every[2][0].set
        assert {len({*one}) for one in every} == {6}


class TestModels:
    @pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
    def test_at_gamma_zero_focal_loss_is_the_built_in_objective(self, library):
        """Both are trained by the study as they are."""
        fold = split(data_of(3_000, 0.1, weighted=True), "made", 0, 0, 0)
        fit, regime = study._FITS[library], study.Regime("careful", 0.1, 60, 12)
        theirs, rounds = fit(None, fold, regime)
        ours, same = fit(FocalObjective(None, 0.0), fold, regime)
        assert rounds == same > 3
        np.testing.assert_allclose(ours, theirs, atol=1e-5)

    @pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
    def test_a_search_ends_in_its_best_models(self, library):
        """With all of the rows known to the model, its posterior beats the rate."""
        data = data_of(1_500, 0.2)
        cv = inner_folds(data.y, data.groups, 2, np.random.default_rng(0))
        rows = equal_time.Parts(data, data, cv)
        found = equal_time.by_search("trees", library, rows, 0.3)
        rate = np.mean(data.y)
        prior = log_loss(data.y, np.full(data.y.size, np.log(rate / (1 - rate))))
        for log_odds in (found.models[0], found.models.mean(0)):
            assert log_loss(data.y, log_odds) < prior
        assert len(found.trials) >= len(equal_time.complete(found.trials)) >= 1
        assert found.chosen["rounds"] >= 1

    def test_only_searches_that_lack_an_arm_are_made(self, made, monkeypatch):
        def search(library: str, rows: Any, seconds: float) -> equal_time.Found:
            models = np.stack([np.zeros(rows.test.y.size), np.arange(rows.test.y.size)])
            return equal_time.Found(models, seconds, [], {"rounds": 1})

        monkeypatch.setattr(equal_time, "_SEARCHES", {"focal": search})
        key = Key("2", "xgboost", "equal time", "first", 0, 0, "search, 5")
        records = equal_time.searched([key], equal_time.TimePlan(made, made))
        assert [one["arm"] for one in records] == ["search", "search, 5"]
        assert [one["roc_auc"] == 0.5 for one in records] == [True, False]
        assert {one["seconds"] for one in records} == {2.0}

    def test_models_are_averaged_while_they_fit_into_the_time(
        self, tmp_path, monkeypatch
    ):
        data = data_of(400, 0.3)
        clock = iter(range(100))
        monkeypatch.setattr(catboost_defaults.time, "process_time", lambda: next(clock))
        plan = trees.TreesPlan(tmp_path, tmp_path, rounds=5)
        setting, half = {"subsample": 0.5, "subsample_freq": 1}, data[::2]
        given = "lightgbm", setting, Fold(data, half, half), plan
        models, seconds = catboost_defaults._in_time(*given, 3.5)
        assert seconds == [1, 1, 1]
        assert len(np.unique(models, axis=0)) == 3
        models, _ = catboost_defaults._in_time(*given, 0.0)
        assert len(models) == 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small binary sets and one of three classes."""
    folder = tmp_path_factory.mktemp("sets")
    for seed, name in enumerate(("first", "second", "three_classes")):
        X, y, _ = make_imbalanced(400 + seed, prevalence=0.2, seed=seed)
        values = {"X": X.astype(np.float32), "y": y.astype(np.int8)}
        values["feature_names"] = np.array([f"x{i}" for i in range(X.shape[1])])
        if name == "three_classes":
            values["y"][:9] = 2
        if seed:
            values["sample_weight"] = np.where(y == 1, 2, 1)
        np.savez(folder / name, **values)
    return folder


def without_time(records: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps({**one, "seconds": 0}, sort_keys=True) for one in records)


class TestCommand:
    @pytest.mark.parametrize(
        ("command", "fits", "tables", "table", "arms"),
        # Sets, folds, libraries, then regimes and arms or settings.
        [
            (study, 2 * 2 * 2 * 2 * 3, 4, "study_lightgbm_careful", study.ARMS),
            (trees, 2 * 2 * 2 * 5, 2, "trees", SETTINGS),
        ],
        ids=["study", "trees"],
    )
    def test_interrupted_run_goes_on_where_it_stopped(
        self, made, tmp_path, capsys, command, fits, tables, table, arms
    ):
        given = ["--quick", "--jobs", "1", "--data", str(made), "--out", str(tmp_path)]
        assert command.main(given) == 0
        path, others = tmp_path / command.STUDY.fits, tmp_path / "tables"
        records = read_lines(path)
        assert len(records) == fits
        assert {one["set"] for one in records} == {"first", "second"}
        # In the midst of a fold and of a line.
        whole = path.read_text("utf-8").splitlines()
        path.write_text("\n".join([*whole[:33], whole[33][:40]]), "utf-8")
        capsys.readouterr()
        assert command.main(given) == 0
        text = capsys.readouterr().out
        assert text.count(", 2 sets") == tables
        assert read_lines(path)[:33] == records[:33]
        assert without_time(read_lines(path)) == without_time(records)
        # The report alone is the same, and makes nothing.
        before = path.read_bytes()
        assert command.main([*given, "--report", "--tables", str(others)]) == 0
        assert capsys.readouterr().out == text
        assert path.read_bytes() == before
        assert set(pd.read_csv(others / f"{table}.csv")["arm"]) == set(arms)
        assert command.main([*given, "--seed", "5"]) == 2
        error = capsys.readouterr().err
        assert "must be a new folder for other settings" in error
        assert error.count("\n") == 1

    def test_processes_of_a_command(self, made, tmp_path):
        """It is run as its page says, and so that any warning is an error."""
        given = ("--quick", "--jobs", "2", "--data", str(made), "--out", str(tmp_path))
        done = subprocess.run(
            [sys.executable, "-W", "error", trees.__file__, *given],
            capture_output=True, text=True, encoding="utf-8", check=False, timeout=600,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for line in done.stderr.splitlines():
            assert " of 8 folds, " in line
        assert len(read_lines(tmp_path / "trees.jsonl")) == 40
        assert done.stdout == (tmp_path / "trees.md").read_text("utf-8") + "\n"

    def test_quick_runs_on_the_shared_sets(self, shared_data, tmp_path):
        data = ("--data", str(shared_data), "--out", str(tmp_path))
        assert study.main(["--quick", "--jobs", "1", *data]) == 0
        sets = {one["set"] for one in read_lines(tmp_path / "fits.jsonl")}
        assert sets == {"ozone_1hr", "us_crime"}

    @pytest.mark.parametrize(
        ("command", "data", "more", "said"),
        [
            (study, None, ["--report"], "--out must hold fits to report, got none"),
            (study, ".", [], "--data must be a folder of binary sets, got "),
            (study, "no", [], "--data must be a folder of binary sets, got "),
            (catboost_defaults, None, [], "--out must hold what trees.py has fitted"),
        ],
        ids=["fits", "sets", "folder", "trees"],
    )
    def test_what_is_absent_is_told_in_one_sentence(
        self, made, tmp_path, capsys, command, data, more, said
    ):
        folder, out = made if data is None else tmp_path / data, tmp_path / "out"
        assert command.main(["--data", str(folder), "--out", str(out), *more]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"{Path(command.__file__).name}: {said}")
        assert out.exists() == bool(more)


def test_modules_of_the_benchmarks_have_names_of_their_own() -> None:
    """Below tests they are found by their names alone."""
    tests = Path(__file__).parent
    files = [*tests.glob("*.py"), *(tests / "benchmarks").rglob("*.py")]
    names = sorted(one.name for one in files if one.name != "__init__.py")
    for name, following in pairwise(names):
        assert name != following
