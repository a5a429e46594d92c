"""The benchmark of the search, on few rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from estimators import quiet

sys.path.insert(0, str(Path(__file__).with_name("benchmarks")))

import candidates
from tuning import main

from focal_boost.tuning import DEFAULT_SPACE

pytestmark = quiet


def test_measures_all_searches_over_the_same_candidates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.json"
    arguments = ["--rows", "2000", "--features", "10", "--rounds", "9", "--folds", "2"]
    arguments += ["--repeats", "1", "--threads", "1", "--min-rounds", "1"]
    given = ["--prevalence", "0.1", "--library", "lightgbm", "--out", str(out)]
    assert main([*arguments, *given]) == 0
    content = json.loads(out.read_text("utf-8"))
    assert content["options"]["rows"] == 2000
    result = content["lightgbm"]
    assert set(result) == {"grid", "exhaustive", "halving"}
    for name, one in result.items():
        assert len(one["seconds"]) == 1
        expected = result["grid"]["seconds"][0] / one["seconds"][0]
        assert one["times_faster"] == pytest.approx(expected)
        assert one["winner"].keys() == DEFAULT_SPACE.keys()
        assert one["same_winner"] == (one["winner"] == result["grid"]["winner"])
        assert one["gap"] >= -1e-9, name
    assert result["exhaustive"]["same_winner"]
    assert content["versions"]["lightgbm"] in (printed := capsys.readouterr().out)
    assert [line.split()[1] for line in printed.splitlines()[1:]] == list(result)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--rows", "0"], "--rows: must be an integer >= 100, got '0'"),
        (["--library", "catboost"], "must be of xgboost, lightgbm, got 'catboost'"),
        (["--prevalence", "1"], "must be a number in (0, 1), got '1'"),
    ],
)
def test_wrong_options_are_one_sentence(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(given)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_too_few_positives_are_said_before_a_file_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results.json"
    given = ["--rows", "100", "--prevalence", "0.01", "--out", str(out)]
    assert main([*given, "--features", "5", "--folds", "20"]) == 2
    assert "must leave at least 20 positives" in capsys.readouterr().err
    assert not out.exists()


def test_an_unwritable_file_is_said_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--rows", "1000", "--prevalence", "0.1", "--features", "5"]
    assert main([*given, "--out", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("what", ["speed", "memory"])
def test_candidates_a_second_and_memory(
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = ["--rows", "20000"] if what == "memory" else ["--rows", "2000"]
    given = [*rows, "--candidates", "1", "--repeats", "1", "--library", "lightgbm"]
    if what == "speed":
        reason = "the callbacks of Optuna are a package of their own"
        pytest.importorskip("optuna_integration", reason=reason)
    else:
        given.append("--memory")
    monkeypatch.setattr(candidates, "_alone", lambda task, *rest: task(*rest))
    out = tmp_path / "results.json"
    assert candidates.main([*given, "--out", str(out)]) == 0
    found = json.loads(out.read_text("utf-8"))["lightgbm"]
    printed = capsys.readouterr().out
    if what == "speed":
        assert list(found) == ["optuna", "trees", "all"]
        assert found["optuna"]["times_faster"] == 1
        assert printed.count("s a candidate") == 3
    else:
        needs = found["training"] + found["bins"]
        assert found["times"] == pytest.approx(found["search"] / needs)
        assert "binned folds" in printed
