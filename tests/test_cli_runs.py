"""The command on other data, with other options and to other outputs."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import FILES, QUICK, check_progress, compare, environment, results_of
from matplotlib.image import imread

from focal_boost.command import main


def test_the_flights_need_no_arguments(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ["--folds", "2", "--rounds", "1", "--threads", "1"]
    assert main(["compare", *quick, "--target", "cancelled"]) == 0
    printed = capsys.readouterr()
    check_progress(printed.err, 20)
    first, second, third, *_ = printed.out.splitlines()
    assert first == "flights: 20,000 rows, 15 features, 460 positives (2.30%)"
    assert second == "positive: cancelled = 1, negative: cancelled = 0"
    assert third == "2 folds, grouped by day; 1 rounds, seed 0, threads 1"
    out = tmp_path / "focal-boost-report"
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert results_of(out)["data"]["groups"] == 365
    assert list(results_of(out)["results"]) == ["xgboost", "lightgbm"]


@pytest.mark.parametrize(
    ("library", "other", "title"),
    [("xgboost", "lightgbm", "LightGBM"), ("lightgbm", "xgboost", "XGBoost")],
)
def test_one_booster_without_groups_and_without_the_other(
    claims: Path, tmp_path: Path, monkeypatch: Any, capsys: Any,
    library: str, other: str, title: str
) -> None:  # fmt: skip
    for module in (other, f"focal_boost.{other}"):
        monkeypatch.setitem(sys.modules, module, None)
    assert compare(claims, tmp_path, "--booster", library) == 0
    results = results_of(tmp_path)
    assert list(results["results"]) == [library]
    assert results["data"]["group"] is None
    assert "groups" not in results["data"]
    assert results["data"]["categorical_features"] == 1
    assert list(results["data"]["left_out"]) == ["customer"]
    assert results["settings"]["threads"] == 1
    printed = capsys.readouterr().out
    assert "3 folds, not grouped" in printed
    assert title not in printed
    assert imread(tmp_path / "report.png").shape[0] == 630


def test_a_second_run_replaces_the_report(claims: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        assert compare(claims, tmp_path, "--seed", str(seed)) == 0
        assert results_of(tmp_path)["settings"]["seed"] == seed
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_an_output_without_unicode_gets_ascii(
    claims: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    named = tmp_path / "kläger.csv.gz"
    named.write_bytes(claims.read_bytes())
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        assert compare(named, tmp_path / "söhne") == 0
    output.seek(0)
    printed = output.read()
    assert printed.startswith("kl?ger.csv.gz: 900 rows")
    assert "Mean +- standard error" in printed
    assert printed.endswith("s?hne\n")
    # In the table of five methods: five means, and four differences, of five measures.
    assert len(re.findall(r"\+-\d", printed)) == 9 * 5


def test_colours_add_nothing_to_the_words(
    claims: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert compare(claims, tmp_path) == 0
    printed = capsys.readouterr().out
    red, green = (
        {part.split("\x1b")[0].strip() for part in printed.split(code)[1:]}
        for code in ("\x1b[31m", "\x1b[32m")
    )
    assert set(filter(str.isalpha, red)) == {"worse"}
    assert set(filter(str.isalpha, green)) <= {"better"}


def test_names_are_not_taken_for_markup(
    claims: Path, tmp_path: Path, capsys: Any
) -> None:
    data = tmp_path / "[bold].csv"
    frame = pd.read_csv(claims).rename(columns={"fraud": "[red]", "a": "x[0] <b>"})
    frame.to_csv(data, index=False)
    further = ["--target", "[red]", "--booster", "both"]
    assert compare(data, tmp_path / "out", *further) == 0
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
        env=environment(TERM="xterm", COLUMNS="100"),
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
