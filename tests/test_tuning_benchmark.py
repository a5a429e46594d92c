"""The benchmark of the search, on few rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from estimators import quiet

sys.path.insert(0, str(Path(__file__).with_name("benchmarks")))

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
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines()] == list(result)
