"""The benchmark: its figures agree with each other, and failures are rows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from benchmarks import bench, candidates, metrics, parts, tuning
from benchmarks.competitors import Competitor
from benchmarks.measured import markdown, read_lines, shown, summary, write_lines
from benchmarks.study import study
from benchmarks.worth import derivatives

from focal_boost import FocalLoss

QUICK = ("--rows", "2000", "--rounds", "3", "--threads", "1")
ROUNDING = 1e-12


def made(*arguments: str, out: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return what the command prints and the records that it writes."""
    command = [sys.executable, bench.__file__, "--out", str(out)]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, read_lines(out / "results.jsonl")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two repetitions of a library's trainings and of two kernels."""
    out = tmp_path_factory.mktemp("bench")
    only = ("--only", "built-in,focal-boost,lightgbm/numpy,kernel,numpy,copy")
    what = ("--what", "training,kernel", "--library", "lightgbm")
    return made(*what, *only, *QUICK, "--repeats", "2", out=out)


def of_part(records: list[dict[str, Any]], part: str) -> list[dict[str, Any]]:
    return [one for one in records if one["part"] == part]


def by_method(run: Any) -> dict[str, dict[str, Any]]:
    return {one["method"]: one for one in of_part(run[1], "training")}


class TestFigures:
    def test_circumstances_come_first(self, run):
        first = run[1][0]
        assert first["part"] == "circumstances"
        assert first["settings"]["repeats"] == 2
        assert first["machine"] in run[0]
        assert f"lightgbm {first['versions']['lightgbm']}" in run[0]

    def test_summaries_are_those_of_their_values(self, run):
        found = [
            value
            for one in run[1][1:]
            for value in one.values()
            if isinstance(value, dict) and "values" in value
        ]
        assert len(found) > 50
        for one in found:
            assert len(one["values"]) == 2
            assert one["median"] == median(one["values"])
            assert (one["low"], one["high"]) == (min(one["values"]), max(one["values"]))

    def test_training_is_compared_within_repetitions(self, run):
        methods = by_method(run)
        assert list(methods) == ["built-in", "focal-boost", "numpy"]
        base = methods["built-in"]
        for key, of, compare in (
            ("of_built_in", "seconds", np.divide),
            ("cpu_of_built_in", "cpu_seconds", np.divide),
            ("bytes_per_row_over_built_in", "extra_bytes_per_row", np.subtract),
        ):
            for one in methods.values():
                expected = compare(one[of]["values"], base[of]["values"])
                assert one[key]["values"] == pytest.approx(list(expected), ROUNDING)

    def test_time_per_row_and_round_is_the_time(self, run):
        for one in by_method(run).values():
            expected = [s / (2000 * 3) * 1e9 for s in one["seconds"]["values"]]
            found = one["ns_per_row_and_round"]["values"]
            assert found == pytest.approx(expected, ROUNDING)
            assert all(0 < s < 60 for s in one["seconds"]["values"])
            assert all(b > 10**6 for b in one["bytes_peak"]["values"])

    def test_kernels_are_compared_within_repetitions(self, run):
        cells = of_part(run[1], "kernel")
        assert len(cells) == (2 + 1 + 1) * 2 * 4
        times = {key(one): one["ns_per_row"]["values"] for one in cells}
        for one in cells:
            for base, link in (("numpy", "focal"), ("copy", "none")):
                theirs = times[(base, link, *key(one)[2:])]
                expected = np.divide(one["ns_per_row"]["values"], theirs)
                found = one[f"of_{base}"]["values"]
                assert found == pytest.approx(list(expected), ROUNDING)
            if one["name"] != "kernel":
                assert one["of_focal"] is None
            elif one["link"] == "focal":
                assert one["of_focal"]["values"] == [1.0, 1.0]
            else:
                assert all(0.01 < ratio < 100 for ratio in one["of_focal"]["values"])

    def test_objectives_are_judged(self, run):
        methods = by_method(run)
        assert methods["built-in"]["gradient"] is None
        for method in ("focal-boost", "numpy"):
            one = methods[method]
            assert (one["gradient"], one["hessian"]) == ("right", "upper")
        assert all(0 < one["average_precision"] < 1 for one in methods.values())
        assert methods["focal-boost"]["log_loss"] < 0.2

    def test_every_record_is_printed(self, run):
        lines = run[0].splitlines()
        for method in by_method(run):
            assert sum(line.startswith(f"| lightgbm/{method} ") for line in lines) == 1
        assert sum(line.startswith("| kernel ") for line in lines) == 16


def key(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell["name"], cell["link"], cell["rows"], cell["dtype"], cell["gamma"]


def test_a_wrong_gradient_is_found_where_it_is() -> None:
    """The Hessian is the exact one, and the gradient 1 % too large for t < -10."""
    score = np.linspace(-20, 20, 41)
    y = np.ones(41)
    loss = FocalLoss(None, 2.0)
    gradient = loss.gradient(y, score) * np.where(score < -10, 1.01, 1)
    given = {"y": y, "raw_score": score, "grad": gradient}
    given["hess"] = loss.hessian(y, score)
    found = derivatives(Competitor("xgboost", "other", (1, 1)), given)
    assert found == {"gradient": "wrong at 24%, t -20 to -11", "hessian": "exact"}


def test_growth_varies_rows_and_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def point(_, competitors, rows, rounds, features):
        return [{"name": one.name, "size": (rows, rounds)} for one in competitors]

    monkeypatch.setattr(parts, "point", point)
    given = Namespace(rows=(2000, 1000), rounds=(3, 9), library=("xgboost",), only=())
    records = parts.growth(Namespace(**vars(given), features=None))
    sizes = [one["size"] for one in records if one["name"] == "xgboost/built-in"]
    assert sizes == [(1000, 3), (2000, 3), (2000, 9)]
    assert len(records) == 9


def test_rounds_of_either_loss_are_measured_in_turn(tmp_path: Path) -> None:
    arguments = ("--what", "round", *QUICK, "--threads", "2", "--repeats", "1")
    printed, records = made(*arguments, out=tmp_path)
    records = of_part(records, "round")
    seen = [(one["library"], one["gamma"], one["threads"]) for one in records]
    assert seen == [
        (library, gamma, threads)
        for library in ("xgboost", "lightgbm")
        for gamma in (0, 1)
        for threads in (1, 2)
    ]
    for one in records:
        assert 0 < one["gradients"]["median"] < one["ours"]["median"]
        assert one["ratio"]["median"] > 0
        assert ("on 4, predicted" in one) == (one["threads"] == 2)
    assert printed.count("\n| lightgbm |") == printed.count("\n| xgboost |") == 4


def test_what_stays_serial_is_predicted() -> None:
    def of(threads: int, **ms: float) -> dict[str, Any]:
        found = {key: {"median": value} for key, value in ms.items()}
        return {"threads": threads, "error": None, **found}

    # 2 + 8/k and 3 + 8/k milliseconds.
    records = [of(1, built_in=10.0, ours=11.0), of(2, built_in=6.0, ours=7.0)]
    parts.predict(records)
    found = [records[1][f"on {n}, predicted"] for n in parts.PREDICTED]
    assert found == pytest.approx([5 / 4, 3.5 / 2.5, 3.125 / 2.125])


def test_failing_competitors_are_rows(tmp_path: Path) -> None:
    # This environment has all but the package that it is for.
    python = tmp_path / "peers" / "imlightgbm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    python.chmod(0o755)
    peers = ("--peers", str(tmp_path / "peers"), "--repeats", "2")
    only = ("--what", "training", "--only", "imlightgbm,ydf/focal")
    printed, records = made(*only, *peers, *QUICK, out=tmp_path)
    broken, absent = of_part(records, "training")
    assert broken["name"] == "lightgbm/imlightgbm"
    assert broken["error"] == "ModuleNotFoundError: No module named 'imlightgbm'"
    assert absent["error"] == "not installed: run with --install-peers"
    assert f"lightgbm/imlightgbm: error: {broken['error']}" in printed


def test_records_and_tables(tmp_path: Path) -> None:
    records = [{"a": summary([2.0, 1.0, 9.0]), "b": "é"}, {"a": None, "b": 1234}]
    write_lines(tmp_path / "new" / "some.jsonl", records)
    assert read_lines(tmp_path / "new" / "some.jsonl") == records
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_lines(tmp_path / "some.jsonl", [{"a": float("nan")}])
    assert markdown(records).splitlines()[2:] == [
        "| 2.000 (1.000 to 9.000) | é |",
        "| - | 1,234 |",
    ]
    numbers = (0.00012345, 12345.678, 0.0, -2.5, float("nan"))
    assert [*map(shown, numbers)] == ["0.000123", "12,346", "0.000", "-2.500", "nan"]


@pytest.mark.parametrize(
    ("command", "arguments", "rule"),
    [
        (bench, "--rows 99", "--rows: must be an integer >= 100, got '99'"),
        (bench, "--rows 1000,x", "--rows: must be an integer >= 100, got 'x'"),
        (bench, "--features 4", "--features: must be an integer >= 5, got '4'"),
        (bench, "--prevalence 1", "--prevalence: must be a number in (0, 1), got '1'"),
        (bench, "--what k", "must be of kernel, training, growth, round, got 'k'"),
        (bench, "--only nobody", "got 'nobody'"),
        (bench, "--speed", "unrecognized arguments: --speed"),
        (tuning, "--rows 0", "--rows: must be an integer >= 100, got '0'"),
        (tuning, "--library catboost", "must be of xgboost, lightgbm, got 'catboost'"),
        (candidates, "--rows 1999", "--rows: must be an integer >= 2000, got '1999'"),
        (study, "--jobs 0", "--jobs: must be an integer >= 1, got '0'"),
        (study, "--seed -1", "--seed: must be an integer >= 0, got '-1'"),
    ],
)
def test_bad_options_get_one_sentence(
    capsys: pytest.CaptureFixture[str], command: Any, arguments: str, rule: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments.split())
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{Path(command.__file__).name}: ")
    assert err.count("\n") == 1
    assert rule in err


def test_metrics_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.main(["--rows", "2000", "--prevalence", "0.1"])
    _, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        theirs, ours, _ = (float(one) for one in re.findall(r"\d+\.\d\d", line))
        assert theirs > 0 <= ours
