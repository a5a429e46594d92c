"""The command: what it prints, what it writes and how it fails."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

import focal_boost
from focal_boost.command import _cli, main
from focal_boost.datasets import make_imbalanced

METHODS = ("built-in", "class weights", "focal loss")
METHODS += ("built-in, recommended", "focal loss, recommended")
MEASURES = ("average_precision", "roc_auc", "log_loss", "brier", "seconds")
MORE_IS_BETTER = ("average_precision", "roc_auc")
FILES = ["report.png", "results.json"]
QUICK = ["--folds", "3", "--rounds", "6", "--threads", "1", "--seed", "4"]


def _environment(**changes: str) -> dict[str, str]:
    root = str(Path(focal_boost.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    plain = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
    return {**plain, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **changes}


def _run(
    *arguments: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "focal_boost", *arguments],
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=_environment(**environment),
        check=False,
    )


def _no_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def _results(folder: Path) -> dict[str, Any]:
    text = (folder / "results.json").read_text(encoding="utf-8")
    results: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
    return results


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with numbers, strings, gaps, groups and a target of words."""
    X, y, _ = make_imbalanced(900, prevalence=0.12, seed=0, n_features=5)
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "e"])
    frame["region"] = np.where(X[:, 0] > 0, "north", "süd")
    frame.loc[::9, "region"] = None
    frame.loc[::7, "b"] = np.nan
    frame["customer"] = [f"c{i // 4}" for i in range(900)]
    frame["fraud"] = np.where(y == 1, "yes", "no")
    path = tmp_path_factory.mktemp("data") / "claims.csv.gz"
    frame.to_csv(path, index=False, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(
    claims: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One complete run, in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--target", "fraud", "--group", "customer", "--out", "deep/report"]
    done = _run("compare", str(claims), *arguments, *QUICK, folder=folder)
    return done, folder / "deep" / "report"


Finished = tuple[subprocess.CompletedProcess[str], Path]


def test_it_succeeds_and_is_silent_but_for_the_report(finished: Finished) -> None:
    done, out = finished
    assert done.returncode == 0
    _check_progress(done.stderr, 30)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


def _check_progress(told: str, trainings: int) -> None:
    """Without a terminal a line comes now and then, of what takes long."""
    line = re.compile(rf"\d+ of {trainings} trainings, \d+ s")
    assert all(map(line.fullmatch, told.splitlines()))


def test_the_report_describes_the_data(finished: Finished) -> None:
    done, out = finished
    data = _results(out)["data"]
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
    results = _results(out)["results"]
    xgboost, _, lightgbm = done.stdout.partition("\nLightGBM")
    for library, text in (("xgboost", xgboost), ("lightgbm", lightgbm)):
        rows = [line.split("│")[1:-1] for line in text.splitlines() if "│" in line]
        for row, method, sign in [
            (0, "built-in", ""),
            (2, "class weights", ""),
            (4, "class weights", "+"),
            (7, "focal loss", ""),
            (9, "focal loss", "+"),
            (12, "built-in, recommended", ""),
            (14, "built-in, recommended", "+"),
            (17, "focal loss, recommended", ""),
            (19, "focal loss, recommended", "+"),
        ]:
            reference = METHODS[-2 if method == METHODS[-1] else 0]
            name = f"- {reference}" if sign else method
            first, *second = (one[0].strip() for one in rows[row : row + 2])
            assert " ".join([first, *second]).strip() == name
            for column, measure in enumerate(MEASURES, 1):
                figure = results[library][method][measure]
                figure = figure["difference"] if sign else figure
                shown = rows[row][column].strip()
                decimals = len(shown.partition(".")[2])
                assert 2 <= decimals <= 5
                assert shown == f"{figure['mean']:{sign}.{decimals}f}"
                error = rows[row + 1][column].strip()
                assert error == f"±{figure['standard_error']:.{decimals}f}"
                if sign:
                    verdict = {"within noise": "≈"}.get(
                        figure["verdict"], figure["verdict"]
                    )
                    assert rows[row + 2][column].strip() == verdict


def test_the_differences_are_those_of_the_folds(finished: Finished) -> None:
    libraries = _results(finished[1])["results"]
    assert list(libraries) == ["xgboost", "lightgbm"]
    verdicts = set()
    for methods in libraries.values():
        assert tuple(methods) == METHODS
        for method, figures in methods.items():
            assert tuple(figures) == MEASURES
            for measure, figure in figures.items():
                folds = np.array(figure["folds"])
                assert folds.shape == (3,)
                assert figure["mean"] == pytest.approx(folds.mean(), rel=1e-12)
                error = folds.std(ddof=1) / np.sqrt(3)
                assert figure["standard_error"] == pytest.approx(error, rel=1e-9)
                if method == "built-in":
                    assert "difference" not in figure
                    continue
                reference = METHODS[-2 if method == METHODS[-1] else 0]
                paired = folds - np.array(methods[reference][measure]["folds"])
                mean, error = paired.mean(), paired.std(ddof=1) / np.sqrt(3)
                found = figure["difference"]
                assert found["mean"] == pytest.approx(mean, rel=1e-9)
                assert found["standard_error"] == pytest.approx(error, rel=1e-9)
                good = (mean > 0) == (measure in MORE_IS_BETTER)
                expected = "better" if good else "worse"
                expected = expected if abs(mean) > 2 * error else "within noise"
                assert found["verdict"] == expected
                verdicts.add(expected)
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
    built_in = _results(finished[1])["results"]["xgboost"]["built-in"]
    np.testing.assert_allclose(
        built_in["average_precision"]["folds"], expected, rtol=1e-6
    )


def test_the_json_says_what_was_run(finished: Finished, claims: Path) -> None:
    results = _results(finished[1])
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


def test_the_flights_need_no_arguments(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ["--folds", "2", "--rounds", "1", "--threads", "1"]
    assert main(["compare", *quick, "--target", "cancelled"]) == 0
    printed = capsys.readouterr()
    _check_progress(printed.err, 20)
    first, second, third, *_ = printed.out.splitlines()
    assert first == "flights: 20,000 rows, 15 features, 460 positives (2.30%)"
    assert second == "positive: cancelled = 1, negative: cancelled = 0"
    assert third == "2 folds, grouped by day; 1 rounds, seed 0, threads 1"
    out = tmp_path / "focal-boost-report"
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert _results(out)["data"]["groups"] == 365
    assert list(_results(out)["results"]) == ["xgboost", "lightgbm"]


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_one_booster_without_groups(
    claims: Path, tmp_path: Path, library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [str(claims), "--target", "fraud", "--booster", library]
    assert main(["compare", *arguments, "--out", str(out), *QUICK]) == 0
    results = _results(out)
    assert list(results["results"]) == [library]
    assert results["data"]["group"] is None
    assert "groups" not in results["data"]
    assert results["data"]["categorical_features"] == 1
    assert list(results["data"]["left_out"]) == ["customer"]
    assert results["settings"]["threads"] == 1
    other = {"xgboost": "LightGBM", "lightgbm": "XGBoost"}[library]
    printed = capsys.readouterr().out
    assert "3 folds, not grouped" in printed
    assert other not in printed
    assert imread(out / "report.png").shape[0] == 630


def test_a_second_run_replaces_the_report(claims: Path, tmp_path: Path) -> None:
    arguments = [str(claims), "--target", "fraud", "--booster", "lightgbm"]
    for seed in ("1", "2"):
        run = ["compare", *arguments, "--out", str(tmp_path), *QUICK, "--seed", seed]
        assert main(run) == 0
        assert _results(tmp_path)["settings"]["seed"] == int(seed)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_an_output_without_unicode_gets_ascii(
    claims: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "kläger.csv.gz"
    named.write_bytes(claims.read_bytes())
    arguments = [str(named), "--target", "fraud", "--booster", "lightgbm", *QUICK]
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert main(["compare", *arguments, "--out", str(tmp_path / "söhne")]) == 0
    output.seek(0)
    printed = output.read()
    assert printed.startswith("kl?ger.csv.gz: 900 rows")
    assert "Mean +- standard error" in printed
    assert printed.endswith("s?hne\n")
    # In the table of five methods: five means, and four differences.
    assert len(re.findall(r"\+-\d", printed)) == 9 * len(MEASURES)


def test_colours_add_nothing_to_the_words(
    claims: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    arguments = [str(claims), "--target", "fraud", "--booster", "lightgbm", *QUICK]
    assert main(["compare", *arguments, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    coloured = {
        colour: {part.split("\x1b")[0] for part in printed.split(code)[1:]}
        for colour, code in (("red", "\x1b[31m"), ("green", "\x1b[32m"))
    }
    words = {
        colour: {text.strip() for text in texts if text.strip().isalpha()}
        for colour, texts in coloured.items()
    }
    assert words["red"] == {"worse"}
    assert words["green"] <= {"better"}


def test_names_are_not_taken_for_markup(
    claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.read_csv(claims).rename(columns={"fraud": "[red]", "a": "x[0] <b>"})
    frame.to_csv(tmp_path / "[bold].csv", index=False)
    arguments = [str(tmp_path / "[bold].csv"), "--target", "[red]"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["compare", *arguments, *QUICK, *out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[bold].csv: 900 rows")
    assert lines[1] == "positive: [red] = yes, negative: [red] = no"


def test_a_terminal_gets_a_progress_bar(claims: Path, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    arguments = [str(claims), "--target", "fraud", "--booster", "lightgbm", *QUICK]
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "focal_boost", "compare", *arguments],
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=tmp_path,
        env=_environment(TERM="xterm", COLUMNS="100"),
    ) as process:
        os.close(follower)
        seen = _read_all(leader)
        assert process.stdout is not None
        printed = process.stdout.read().decode("utf-8")
    assert process.returncode == 0
    assert "trainings" in seen
    assert "%" in seen
    assert "trainings" not in printed


def _read_all(descriptor: int) -> str:
    """Read from a terminal until its other end is closed, which is an error there."""
    parts = []
    try:
        while part := os.read(descriptor, 4096):
            parts.append(part)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return b"".join(parts).decode("utf-8")


WRONG_OPTIONS = [
    (["--folds", "1"], "--folds must be an integer >= 2, got '1'"),
    (["--folds", "2.5"], "--folds must be an integer >= 2, got '2.5'"),
    (["--rounds", "0"], "--rounds must be an integer >= 1, got '0'"),
    (["--threads", "0"], "--threads must be an integer >= 1, got '0'"),
    (["--seed", "-1"], "--seed must be an integer from 0 to 2147483647, got '-1'"),
    (
        ["--seed", "2147483648"],
        "--seed must be an integer from 0 to 2147483647, got '2147483648'",
    ),
    (
        ["--booster", "catboost"],
        "--booster must be xgboost, lightgbm or both, got 'catboost'",
    ),
    (["--folds"], "--folds: expected one argument"),
]


@pytest.mark.parametrize(("options", "message"), WRONG_OPTIONS)
def test_wrong_options(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", *options])
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.err == f"focal-boost compare: {message}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "focal-boost: the following arguments are required: COMMAND\n"),
        (["compare", "--fold"], "focal-boost: unrecognized arguments: --fold\n"),
    ],
)
def test_wrong_commands(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err == message


WRONG_INPUT = [
    (["{data}"], "--target must name a column of DATA, got none"),
    (
        ["{data}", "--target", "froud"],
        "--target must be one of the 8 columns of '{data}' "
        "(a, b, c, d, e, region, customer, fraud), got 'froud': did you mean 'fraud'?",
    ),
    (
        ["{data}", "--target", "fraud", "--group", "client"],
        "--group must be one of the 8 columns of '{data}' "
        "(a, b, c, d, e, region, customer, fraud), got 'client'",
    ),
    (
        ["{data}", "--target", "region"],
        "the target 'region' must have no missing values, got 100: leave such rows out",
    ),
    (
        ["{data}", "--target", "fraud", "--group", "region"],
        "the group 'region' must have no missing values, got 100: leave such rows out",
    ),
    (
        ["{data}", "--target", "customer"],
        "the target 'customer' must have two different values, or up to 100 that are "
        "no fractions and occur twice on average, got 225 (c0, c1, c2, c3, c4, …) in "
        "900 rows",
    ),
    (
        ["{data}", "--target", "fraud", "--folds", "900"],
        "--folds must be at most the {positives} rows with fraud = yes, got 900",
    ),
    (
        ["{folder}/none.csv", "--target", "y"],
        "DATA must be an existing file, got '{folder}/none.csv'",
    ),
    (
        ["--target", "late"],
        "--target must be 'cancelled' without DATA, got 'late'",
    ),
    (
        ["--group", "carrier"],
        "--group must be left out without DATA, because the flights are grouped by "
        "day, got 'carrier'",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_INPUT)
def test_wrong_input(
    claims: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    positives = int((pd.read_csv(claims)["fraud"] == "yes").sum())
    names = {"data": claims, "folder": claims.parent, "positives": positives}
    filled = [argument.format(**names) for argument in arguments]
    out = tmp_path / "out"
    assert main(["compare", *filled, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.err == f"focal-boost compare: {message.format(**names)}\n"
    assert printed.out == ""
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "1"], "--folds must be an integer >= 2, got '1'"),
        (
            ["none.csv", "--target", "y"],
            "DATA must be an existing file, got 'none.csv'",
        ),
    ],
)
def test_errors_of_the_process(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = _run("compare", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"focal-boost compare: {message}\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_nul_in_a_text_is_one_sentence(tmp_path: Path) -> None:
    rows = [f"{i},b,{i % 2}" for i in range(8)]
    rows[3] = "3,a\0,1"
    text = "\n".join(["z,kind,y", *rows])
    (tmp_path / "nul.csv").write_text(text, encoding="utf-8")
    options = ["--target", "y", "--folds", "2", "--rounds", "1", "--out", "out"]
    done = _run("compare", "nul.csv", *options, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "focal-boost compare: DATA must hold text without NUL, got one in 'nul.csv':"
        " it is no CSV file, or has to be written again\n"
    )
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_the_report_must_go_into_a_folder(
    tmp_path: Path, below: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    out = tmp_path / "file" / below
    assert main(["compare", "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        "focal-boost compare: --out must be a folder that can be written, "
        f"got '{out}'\n"
    )
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("package", "booster"),
    [
        ("pandas", "both"),
        ("rich", "both"),
        ("duckdb", "both"),
        ("matplotlib", "both"),
        ("sklearn", "both"),
        ("xgboost", "both"),
        ("xgboost", "xgboost"),
        ("lightgbm", "both"),
    ],
)
def test_a_missing_package_says_what_to_install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: str,
    booster: str,
) -> None:
    installed = "scikit-learn" if package == "sklearn" else package
    monkeypatch.setitem(sys.modules, package, None)
    out = tmp_path / "out"
    assert main(["compare", "--booster", booster, "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"focal-boost compare: this needs {package}, which is not installed: "
        f"pip install {installed}\n"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("library", "other"), [("xgboost", "lightgbm"), ("lightgbm", "xgboost")]
)
def test_the_other_booster_need_not_be_installed(
    claims: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    library: str,
    other: str,
) -> None:
    for module in (other, f"focal_boost.{other}"):
        monkeypatch.setitem(sys.modules, module, None)
    arguments = [str(claims), "--target", "fraud", "--booster", library, *QUICK]
    assert main(["compare", *arguments, "--out", str(tmp_path)]) == 0
    assert list(_results(tmp_path)["results"]) == [library]


def test_an_interrupt_ends_it_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(_cli, "_load", interrupt)
    assert main(["compare", "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == ""


def test_the_help_shows_examples_and_defaults(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--help"])
    assert caught.value.code == 0
    words = capsys.readouterr().out.split()
    text = " ".join(words)
    assert "focal-boost compare claims.csv.gz --target fraud" in text
    for option in ("--group", "--booster", "--folds", "--rounds", "--seed", "--out"):
        assert option in words
    for default in ("both", "5", "100", "0", "focal-boost-report"):
        assert f"(default:{default})" in "".join(words)


def test_asking_for_help_loads_no_optional_package() -> None:
    code = (
        "import sys\n"
        "from focal_boost.command import main\n"
        "try:\n    main(['compare', '--help'])\n"
        "except SystemExit:\n"
        "    heavy = 'pandas sklearn matplotlib rich xgboost lightgbm'.split()\n"
        "    print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=_environment(),
        check=True,
    )
    assert done.stderr == "[]\n"
