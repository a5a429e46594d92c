"""The benchmarks of the search, on few rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import candidates, tuning
from estimators import quiet

from focal_boost.tuning import DEFAULT_SPACE

pytestmark = quiet

ONE = ["--repeats", "1", "--library", "lightgbm"]


def test_measures_all_searches_over_the_same_candidates(
    tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "results.json"
    arguments = ["--rows", "2000", "--features", "10", "--rounds", "9", "--folds", "2"]
    arguments += ["--threads", "1", "--min-rounds", "1", "--prevalence", "0.1", *ONE]
    assert tuning.main([*arguments, "--out", str(out)]) == 0
    content = json.loads(out.read_text("utf-8"))
    assert content["options"]["rows"] == 2000
    result = content["lightgbm"]
    for name, one in result.items():
        assert len(one["seconds"]) == 1
        expected = result["grid"]["seconds"][0] / one["seconds"][0]
        assert one["times_faster"] == pytest.approx(expected)
        assert one["winner"].keys() == DEFAULT_SPACE.keys()
        assert one["same_winner"] == (one["winner"] == result["grid"]["winner"])
        assert one["gap"] >= -1e-9, name
    assert result["exhaustive"]["same_winner"]
    first, *lines = capsys.readouterr().out.splitlines()
    assert content["versions"]["lightgbm"] in first
    assert [line.split()[1] for line in lines] == list(result)
    assert list(result) == ["grid", "exhaustive", "halving"]


@pytest.mark.parametrize(
    ("given", "said", "out"),
    [
        (["--prevalence", "0.01"], "must leave at least 20 positives", "new.json"),
        (["--prevalence", "0.5"], "Is a directory", "."),
    ],
    ids=["positives", "file"],
)
def test_what_cannot_be_is_said_before_anything_is_measured(
    given: list[str], said: str, out: str, tmp_path: Path, capsys: Any
) -> None:
    small = ["--rows", "100", "--features", "5", "--folds", "20"]
    assert tuning.main([*small, *given, "--out", str(tmp_path / out)]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what measures one candidate in this process."""
    monkeypatch.setattr(candidates, "_alone", lambda task, *rest: task(*rest))

    def measure(*given: str) -> Any:
        out = tmp_path / "results.json"
        options = ["--candidates", "1", *ONE, "--out", str(out)]
        assert candidates.main([*given, *options]) == 0
        return json.loads(out.read_text("utf-8"))["lightgbm"]

    return measure


def test_candidates_a_second(measured: Any, capsys: Any) -> None:
    reason = "the callbacks of Optuna are a package of their own"
    pytest.importorskip("optuna_integration", reason=reason)
    found = measured("--rows", "2000")
    assert list(found) == ["optuna", "trees", "all"]
    assert found["optuna"]["times_faster"] == 1
    assert capsys.readouterr().out.count("s a candidate") == 3


def test_memory_of_candidates(measured: Any, capsys: Any) -> None:
    found = measured("--rows", "20000", "--memory")
    needs = found["training"] + found["bins"]
    assert found["times"] == pytest.approx(found["search"] / needs)
    assert "binned folds" in capsys.readouterr().out
