"""The benchmark: its figures agree with each other, and failures are rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"
QUICK = ("--rows", "2000", "--rounds", "3", "--threads", "1")
ROUNDING = 1e-12


def bench(*arguments: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--out", str(out)]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=300,
    )


def results_in(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Two repetitions of two libraries' trainings and of two kernels."""
    out = tmp_path_factory.mktemp("bench")
    only = ("--only", "built-in,focal-boost,lightgbm/numpy,kernel,numpy,copy")
    parts = ("--what", "training,kernel", "--library", "lightgbm")
    done = bench(*parts, *only, *QUICK, "--repeats", "2", out=out)
    assert done.returncode == 0, done.stderr
    assert (out / "results.png").stat().st_size > 10_000
    return done, results_in(out)


def summaries(node: Any) -> list[dict[str, Any]]:
    """Return every summary of repetitions in the results."""
    if isinstance(node, dict) and "values" in node:
        return [node]
    inner = node.values() if isinstance(node, dict) else node
    if not isinstance(node, dict | list):
        return []
    return [one for item in inner for one in summaries(item)]


def by_method(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["method"]: one for one in results["training"]["competitors"]}


class TestFigures:
    def test_summaries_are_those_of_their_values(self, run):
        found = summaries(run[1])
        assert len(found) > 50
        for one in found:
            assert len(one["values"]) == 2
            assert one["median"] == median(one["values"])
            assert (one["low"], one["high"]) == (min(one["values"]), max(one["values"]))

    def test_training_is_compared_within_repetitions(self, run):
        methods = by_method(run[1])
        assert list(methods) == ["built-in", "focal-boost", "numpy"]
        base = methods["built-in"]
        for one in methods.values():
            times = zip(
                one["seconds"]["values"], base["seconds"]["values"], strict=True
            )
            extra = [method["extra_bytes_per_row"]["values"] for method in (one, base)]
            expected = [a / b for a, b in times]
            assert one["of_built_in"]["values"] == pytest.approx(expected, ROUNDING)
            expected = [a - b for a, b in zip(*extra, strict=True)]
            found = one["bytes_per_row_over_built_in"]["values"]
            assert found == pytest.approx(expected, ROUNDING)

    def test_time_per_row_and_round_is_the_time(self, run):
        for one in by_method(run[1]).values():
            expected = [s / (2000 * 3) * 1e9 for s in one["seconds"]["values"]]
            found = one["ns_per_row_and_round"]["values"]
            assert found == pytest.approx(expected, ROUNDING)
            assert all(0 < s < 60 for s in one["seconds"]["values"])
            assert all(b > 10**6 for b in one["bytes_peak"]["values"])

    def test_kernel_is_compared_within_repetitions(self, run):
        cells = run[1]["kernel"]
        assert len(cells) == (2 + 1 + 1) * 2 * 4
        times = {key(one): one["ns_per_row"]["values"] for one in cells}
        for one in cells:
            for base in ("numpy", "copy"):
                link = {"numpy": "focal", "copy": "none"}[base]
                theirs = times[(base, link, *key(one)[2:])]
                pairs = zip(one["ns_per_row"]["values"], theirs, strict=True)
                expected = [a / b for a, b in pairs]
                assert one[f"of_{base}"]["values"] == pytest.approx(expected, ROUNDING)

    def test_links_are_compared_in_pairs(self, run):
        done, results = run
        kernels = [one for one in results["kernel"] if one["competitor"] == "kernel"]
        assert {one["link"] for one in kernels} == {"logit", "focal"}
        for one in results["kernel"]:
            if one["competitor"] != "kernel":
                assert one["of_focal"] is None
            elif one["link"] == "focal":
                assert one["of_focal"]["values"] == [1.0, 1.0]
            else:
                assert all(0.01 < ratio < 100 for ratio in one["of_focal"]["values"])
        assert "kernel logit of focal" in done.stdout

    def test_objectives_are_judged(self, run):
        methods = by_method(run[1])
        assert methods["built-in"]["derivatives"] is None
        for method in ("focal-boost", "numpy"):
            verdict = methods[method]["derivatives"]
            assert verdict["gradient"]["share_wrong"] == 0
            assert verdict["hessian"]["share_wrong"] == 0
            assert verdict["hessian"]["nearest"] == "upper"
        assert all(0 < one["average_precision"] < 1 for one in methods.values())
        assert methods["focal-boost"]["log_loss"] < 0.2

    def test_everything_is_printed(self, run):
        done, results = run
        for one in results["training"]["competitors"]:
            assert f"lightgbm/{one['method']}" in done.stdout
        assert "Training, 2,000 rows, 10 features, 3 rounds" in done.stdout
        assert "float64" in done.stdout


def key(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell["competitor"], cell["link"], cell["rows"], cell["dtype"], cell["gamma"]


def test_growth_varies_rows_and_rounds(run, monkeypatch, tmp_path, capsys) -> None:
    """Trainings that are measured already stand for those of all sizes."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import parts
    from plots import save_plot
    from report import print_report

    def point(_settings, _competitors, rows, rounds, features):
        measured = run[1]["training"]
        return {**measured, "rows": rows, "rounds": rounds, "features": features}

    monkeypatch.setattr(parts, "_point", point)
    given = {"rows": (2000, 1000), "rounds": (3, 9), "libraries": (), "only": ()}
    others = dict.fromkeys(("features", "prevalence", "threads", "repeats"), 1)
    paths = {"peers": tmp_path, "timeout": 1, "scratch": tmp_path}
    growth = parts.growth(parts.Settings(**given, **others, **paths))
    where = [[(p["rows"], p["rounds"]) for p in growth[k]] for k in ("rows", "rounds")]
    assert where == [[(1000, 3), (2000, 3)], [(2000, 3), (2000, 9)]]
    results = {"machine": "", "versions": {}, "growth": growth}
    assert save_plot(results, tmp_path / "results.png")
    print_report(results)
    printed = capsys.readouterr().out
    assert printed.index("Growth with rows") < printed.index("Growth with rounds")
    assert printed.count("lightgbm/focal-boost") == 4


def test_rounds_of_either_loss_are_measured_in_turn(tmp_path: Path) -> None:
    arguments = ("--what", "round", *QUICK, "--threads", "2", "--repeats", "1")
    done = bench(*arguments, out=tmp_path)
    assert done.returncode == 0, done.stderr
    records = results_in(tmp_path)["round"]
    seen = [(one["library"], one["gamma"], one["threads"]) for one in records]
    assert seen == [
        (library, gamma, threads)
        for library in ("xgboost", "lightgbm")
        for gamma in (0, 1)
        for threads in (1, 2)
    ]
    for one in records:
        ms = {key: found["median"] for key, found in one["ms"].items()}
        assert 0 < ms["gradients"] < ms["ours"]
        assert one["ratio"]["median"] > 0
        assert ("predicted" in one) <= (one["threads"] == 2)
    table = done.stdout.partition("either loss in turn")[2]
    assert table.count("lightgbm") == table.count("xgboost") == 4


def test_what_stays_serial_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import parts

    def of(threads: int, **ms: float) -> dict[str, Any]:
        found = {key: {"median": value} for key, value in ms.items()}
        return {"threads": threads, "error": None, "ms": found}

    # 2 + 8/k and 3 + 8/k milliseconds.
    records = [of(1, built_in=10.0, ours=11.0), of(2, built_in=6.0, ours=7.0)]
    parts._predict(records)
    assert "predicted" not in records[0]
    assert records[1]["predicted"] == pytest.approx(
        {4: 5 / 4, 16: 3.5 / 2.5, 64: 3.125 / 2.125}
    )


def test_failing_competitors_are_rows(tmp_path: Path) -> None:
    # This environment has all but the package that it is for.
    python = tmp_path / "peers" / "imlightgbm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    python.chmod(0o755)
    peers = ("--peers", str(tmp_path / "peers"), "--repeats", "2")
    only = ("--what", "training", "--only", "imlightgbm,ydf/focal")
    done = bench(*only, *peers, *QUICK, out=tmp_path)
    assert done.returncode == 0, done.stderr
    broken, absent = results_in(tmp_path)["training"]["competitors"]
    assert broken["name"] == "lightgbm/imlightgbm"
    assert broken["error"] == "ModuleNotFoundError: No module named 'imlightgbm'"
    assert absent["error"] == "not installed: run with --install-peers"
    assert f"lightgbm/imlightgbm  error: {broken['error']}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--rows", "99"), "--rows: must be an integer >= 100, got '99'"),
        (("--rows", "1000,x"), "--rows: must be an integer >= 100, got 'x'"),
        (("--features", "4"), "--features: must be an integer >= 5, got '4'"),
        (("--repeats", "0"), "--repeats: must be an integer >= 1, got '0'"),
        (("--prevalence", "1"), "--prevalence: must be a number in (0, 1), got '1'"),
        (("--what", "kernels"), "must be of kernel, training, growth, round, got"),
        (("--only", "nobody"), "got 'nobody'"),
        (("--speed",), "unrecognized arguments: --speed"),
    ],
)
def test_bad_options_get_one_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    rule: str,
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from bench import main

    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bench.py: ")
    assert err.count("\n") == 1
    assert rule in err
