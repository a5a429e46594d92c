"""The command: what it prints and what it writes, in one complete run."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import FILES, QUICK, check_progress, in_process, results_of
from matplotlib.image import imread
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

import focal_boost
from focal_boost.comparison._measures import difference, mean_and_error

METHODS = ("built-in", "class weights", "focal loss")
METHODS += ("built-in, recommended", "focal loss, recommended")
MEASURES = ("average_precision", "roc_auc", "log_loss", "brier", "seconds")
Finished = tuple[subprocess.CompletedProcess[str], Path]


@pytest.fixture(scope="module")
def finished(claims: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One complete run, in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    words = ["-m", "focal_boost", "compare", str(claims), "--target", "fraud", *QUICK]
    further = ["--group", "customer", "--out", "deep/report"]
    done = in_process(*words, *further, folder=folder)
    return done, folder / "deep" / "report"


def test_it_succeeds_and_is_silent_but_for_the_report(finished: Finished) -> None:
    done, out = finished
    assert done.returncode == 0
    check_progress(done.stderr, 30)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


def test_the_report_describes_the_data(finished: Finished) -> None:
    done, out = finished
    data = results_of(out)["data"]
    share = f"{data['positives']:,} positives ({data['prevalence']:.2%})"
    lines = done.stdout.splitlines()
    assert lines[0] == f"claims.csv.gz: 900 rows, 6 features, {share}"
    assert lines[1] == "positive: fraud = yes, negative: fraud = no"
    missing = f"{data['missing']:,} values missing"
    assert lines[2] == f"read as CSV: 5 numbers, 1 category; {missing}"
    assert lines[3] == ("3 folds, grouped by customer; 6 rounds, seed 4, threads 1")
    assert lines[4] == "focal loss: alpha 0.25, gamma 2.0"
    assert lines[5].startswith("recommended: trees for rare events, stopped early")
    assert f"xgboost {version('xgboost')}" in lines[6]
    assert f"lightgbm {version('lightgbm')}" in lines[6]
    assert lines[-1] == (
        f"written: report.png and results.json in {Path('deep/report')}"
    )


def test_the_report_fits_into_80_columns(finished: Finished) -> None:
    done, _ = finished
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "…" not in done.stdout


def test_the_tables_hold_the_figures(finished: Finished) -> None:
    """Every mean and difference of results.json is found, rounded, in its table."""
    done, out = finished
    results = results_of(out)["results"]
    xgboost, _, lightgbm = done.stdout.partition("\nLightGBM")
    for library, text in (("xgboost", xgboost), ("lightgbm", lightgbm)):
        rows = [line.split("│")[1:-1] for line in text.splitlines() if "│" in line]
        _check_rows(rows, METHODS[0], results[library][METHODS[0]], "")
        for number, method in enumerate(METHODS[1:]):
            figures, at = results[library][method], 5 * number + 2
            _check_rows(rows[at:], method, figures, "")
            less = {name: one["difference"] for name, one in figures.items()}
            _check_rows(rows[at + 2 :], f"- {_reference(method)}", less, "+")


def _reference(method: str) -> str:
    return METHODS[-2 if method == METHODS[-1] else 0]


def _check_rows(rows: list[Any], name: str, figures: Any, sign: str) -> None:
    """Check a mean, the error below it, and below a difference the verdict."""
    first, second = (row[0].strip() for row in rows[:2])
    assert f"{first} {second}".strip() == name
    for column, measure in enumerate(MEASURES, 1):
        figure = figures[measure]
        shown, error = (row[column].strip() for row in rows[:2])
        decimals = len(shown.partition(".")[2])
        assert 2 <= decimals <= 5
        assert shown == f"{figure['mean']:{sign}.{decimals}f}"
        assert error == f"±{figure['standard_error']:.{decimals}f}"
        if sign:
            verdict = figure["verdict"].replace("within noise", "≈")
            assert rows[2][column].strip() == verdict


def test_the_differences_are_those_of_the_folds(finished: Finished) -> None:
    """Their arithmetic is looked at in test_compare.py."""
    libraries = results_of(finished[1])["results"]
    assert list(libraries) == ["xgboost", "lightgbm"]
    verdicts = set()
    for methods in libraries.values():
        assert tuple(methods) == METHODS
        for method, figures in methods.items():
            assert tuple(figures) == MEASURES
            for measure, figure in figures.items():
                folds = np.array(figure["folds"])
                assert folds.shape == (3,)
                assert (figure["mean"], figure["standard_error"]) == pytest.approx(
                    mean_and_error(folds), rel=1e-9
                )
                if method == "built-in":
                    assert "difference" not in figure
                    continue
                other = np.array(methods[_reference(method)][measure]["folds"])
                expected = difference(measure, folds, other)
                *numbers, verdict = figure["difference"].values()
                assert numbers == pytest.approx(expected[:2], rel=1e-9)
                assert verdict == expected.verdict
                verdicts.add(verdict)
    assert {"worse", "within noise"} <= verdicts


def test_the_average_precision_is_recomputed(finished: Finished, claims: Path) -> None:
    """From the file to the figure without a line of ours in between."""
    xgb = pytest.importorskip("xgboost")
    frame = pd.read_csv(claims)
    y = (frame["fraud"] == "yes").to_numpy(dtype=int)
    groups = pd.factorize(frame["customer"])[0]
    X = frame.drop(columns=["fraud", "customer"]).astype({"region": "category"})
    expected = []
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=4)
    for train, test in splitter.split(X, y, groups):
        rows = xgb.DMatrix(X.iloc[train], y[train], enable_categorical=True)
        params = {"objective": "binary:logistic", "seed": 4, "nthread": 1}
        booster = xgb.train(params, rows, 6)
        unseen = xgb.DMatrix(X.iloc[test], enable_categorical=True)
        expected.append(average_precision_score(y[test], booster.predict(unseen)))
    built_in = results_of(finished[1])["results"]["xgboost"]["built-in"]
    np.testing.assert_allclose(
        built_in["average_precision"]["folds"], expected, rtol=1e-6
    )


def test_the_json_says_what_was_run(finished: Finished, claims: Path) -> None:
    results = results_of(finished[1])
    y = pd.read_csv(claims)["fraud"] == "yes"
    assert results["data"] == {
        "name": "claims.csv.gz",
        "rows": 900,
        "features": 6,
        "categorical_features": 1,
        "target": "fraud",
        "positive": "yes",
        "negative": "no",
        "positives": int(y.sum()),
        "prevalence": y.mean(),
        "group": "customer",
        "read_as": "CSV",
        "kinds": {**dict.fromkeys("abcde", "number"), "region": "category"},
        "left_out": {},
        "said": {},
        "missing": 100 + 129,
        "groups": 225,
    }
    assert results["settings"] == {
        "folds": 3,
        "rounds": 6,
        "seed": 4,
        "threads": 1,
        "alpha": 0.25,
        "gamma": 2.0,
        "recommended": {
            name: focal_boost.recommended(name) for name in ("xgboost", "lightgbm")
        },
        "hessian": "upper",
    }
    assert results["versions"]["focal-boost"] == focal_boost.__version__
    for package in ("xgboost", "lightgbm", "scikit-learn", "numpy", "pandas"):
        assert results["versions"][package] == version(package)
    assert sum(fold["test_rows"] for fold in results["folds"]) == 900
    assert sum(fold["test_positives"] for fold in results["folds"]) == y.sum()
    for fold in results["folds"]:
        assert fold["train_rows"] + fold["test_rows"] == 900
        assert fold["train_positives"] + fold["test_positives"] == y.sum()


def test_no_path_of_the_machine_is_written(finished: Finished, claims: Path) -> None:
    _, out = finished
    for name in FILES:
        content = (out / name).read_bytes()
        for folder in (claims.parent, out, Path(focal_boost.__file__).parent):
            assert str(folder).encode() not in content


def test_the_picture_has_a_row_for_each_library(finished: Finished) -> None:
    height, width, _ = imread(finished[1] / "report.png").shape
    assert (height, width) == (1260, 1425)
