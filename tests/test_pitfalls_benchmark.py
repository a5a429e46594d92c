"""The command that tries other projects' objectives, on ours and a naive one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent / "benchmarks"


def test_lines_tell_a_sound_objective_from_a_naive_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(_FOLDER))
    from competitors import NUMPY, OURS
    from pitfalls import pitfalls

    ours = pitfalls("xgboost", OURS, (1, 1))
    assert "zero 0, negative 0, not finite 0, weights count, pickled yes" in ours
    assert float(ours.split("gradient ")[1].split(",")[0]) < 1e-6
    naive = pitfalls("xgboost", NUMPY, (0.75, 0.25))
    assert "weights ignored, pickled no" in naive
    assert sys.modules["pitfalls"].__file__ == str(_FOLDER / "pitfalls.py")
