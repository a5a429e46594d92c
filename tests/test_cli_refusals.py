"""The command refuses in one sentence, before anything is trained; and its help."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import in_process

from focal_boost.command import _cli, main


def refused(printed: Any, sentence: str) -> None:
    """Check that this sentence is all that was printed."""
    assert printed.err == f"focal-boost compare: {sentence}\n"
    assert printed.out == ""


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--folds", "1", "an integer >= 2"),
        ("--folds", "2.5", "an integer >= 2"),
        ("--rounds", "0", "an integer >= 1"),
        ("--threads", "0", "an integer >= 1"),
        ("--seed", "-1", "an integer from 0 to 2147483647"),
        ("--seed", "2147483648", "an integer from 0 to 2147483647"),
        ("--booster", "catboost", "xgboost, lightgbm or both"),
        ("--tune", "0", "a number of seconds > 0"),
        ("--tune", "inf", "a number of seconds > 0"),
    ],
)
def test_wrong_options(option: str, value: str, rule: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", option, value])
    assert caught.value.code == 2
    refused(capsys.readouterr(), f"{option} must be {rule}, got '{value}'")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", ": the following arguments are required: COMMAND"),
        ("compare --fold", ": unrecognized arguments: --fold"),
        ("compare --folds", " compare: --folds: expected one argument"),
        (
            "compare --tune a.csv",
            " compare: --tune must be a number of seconds > 0, got 'a.csv': DATA comes "
            "before it",
        ),
    ],
)
def test_wrong_commands(arguments: str, message: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert (printed.err, printed.out) == (f"focal-boost{message}\n", "")


# What is wrong with a file in itself, test_table.py tells.
WRONG_INPUT = [
    ("{data}", "--target must name a column of DATA, got none"),
    (
        "{data} --target froud",
        "--target must be one of the 8 columns of '{data}' "
        "(a, b, c, d, e, region, customer, fraud), got 'froud': did you mean 'fraud'?",
    ),
    (
        "{data} --target fraud --group region",
        "the group 'region' must have no missing values, got 100: leave such rows out",
    ),
    (
        "{data} --target fraud --folds 900",
        "--folds must be at most the {positives} rows with fraud = yes, got 900",
    ),
    ("--target late", "--target must be 'cancelled' without DATA, got 'late'"),
    (
        "--group carrier",
        "--group must be left out without DATA, because the flights are grouped by "
        "day, got 'carrier'",
    ),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG_INPUT)
def test_wrong_input(
    claims: Path, tmp_path: Path, arguments: str, sentence: str, capsys: Any
) -> None:
    positives = int((pd.read_csv(claims)["fraud"] == "yes").sum())
    names = {"data": claims, "positives": positives}
    given = [argument.format(**names) for argument in arguments.split()]
    out = tmp_path / "out"
    assert main(["compare", *given, "--out", str(out)]) == 2
    refused(capsys.readouterr(), sentence.format(**names))
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--folds 1", "--folds must be an integer >= 2, got '1'"),
        ("none.csv --target y", "DATA must be an existing file, got 'none.csv'"),
        (
            "data --target y --folds 2 --rounds 1",
            "DATA must hold text without NUL, got one in 'data':"
            " it is no CSV file, or has to be written again",
        ),
    ],
)
def test_errors_of_the_process(tmp_path: Path, arguments: str, sentence: str) -> None:
    rows = "".join(f"{i},b,{i % 2}\n" for i in range(8)).replace("3,b", "3,a\0")
    (tmp_path / "data").write_text(f"z,kind,y\n{rows}", encoding="utf-8")
    words = ["-m", "focal_boost", "compare", *arguments.split()]
    done = in_process(*words, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"focal-boost compare: {sentence}\n"
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_the_report_must_go_into_a_folder(
    tmp_path: Path, below: str, capsys: Any
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    out = tmp_path / "file" / below
    assert main(["compare", "--out", str(out)]) == 2
    sentence = f"--out must be a folder that can be written, got '{out}'"
    refused(capsys.readouterr(), sentence)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("package", "options"),
    [
        ("pandas", ""),
        ("rich", ""),
        ("duckdb", ""),
        ("matplotlib", ""),
        ("sklearn", ""),
        ("xgboost", ""),
        ("xgboost", "--booster xgboost"),
        ("lightgbm", ""),
        ("optuna", "--tune 5"),
    ],
)
def test_a_missing_package_says_what_to_install(
    tmp_path: Path, monkeypatch: Any, capsys: Any, package: str, options: str
) -> None:
    installed = "scikit-learn" if package == "sklearn" else package
    monkeypatch.setitem(sys.modules, package, None)
    out = tmp_path / "out"
    assert main(["compare", *options.split(), "--out", str(out)]) == 2
    sentence = f"this needs {package}, which is not installed: pip install {installed}"
    refused(capsys.readouterr(), sentence)
    assert not out.exists()


def test_without_a_search_optuna_is_not_needed(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["compare", "none.csv", "--target", "y", "--out", str(tmp_path)]) == 2
    refused(capsys.readouterr(), "DATA must be an existing file, got 'none.csv'")


def test_an_interrupt_ends_it_quietly(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_cli, "_load", interrupt)
    assert main(["compare", "--out", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == ""


def test_the_help_shows_examples_and_defaults(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--help"])
    assert caught.value.code == 0
    words = capsys.readouterr().out.split()
    assert "focal-boost compare claims.csv.gz --target fraud" in " ".join(words)
    assert {"--group", "--booster", "--folds", "--rounds", "--seed", "--out"} < {*words}
    for default in ("both", "5", "100", "0", "focal-boost-report"):
        assert f"(default:{default})" in "".join(words)


def test_asking_for_help_loads_no_optional_package(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from focal_boost.command import main\n"
        "try:\n    main(['compare', '--help'])\n"
        "except SystemExit:\n"
        "    heavy = 'pandas sklearn matplotlib rich xgboost lightgbm'.split()\n"
        "    print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr)"
    )
    done = in_process("-c", code, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "[]\n")
