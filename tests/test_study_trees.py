"""The search for trees: that it resumes, and what is judged on the set left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimators import quiet

from focal_boost.datasets import make_imbalanced

pytestmark = quiet

STUDY = Path(__file__).parent / "benchmarks" / "study"


@pytest.fixture(scope="module", autouse=True)
def _modules() -> Iterator[None]:
    """Let the tests import the study's modules, which are no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STUDY)
        yield


def test_what_is_done_is_not_made_again(tmp_path):
    from trees import TreesPlan, todo

    plan = TreesPlan(tmp_path, folds=2, drawn=2)
    every = list(todo(["a", "b"], plan, set()))
    assert [(one.fold, one.set) for one in every[::2]] == [
        (0, "a"), (0, "b"), (1, "a"), (1, "b"),
    ]  # fmt: skip
    first = every[0]
    begun = list(todo(["a", "b"], plan, {first.key("by hand")}))
    assert begun[0].arms == ("defaults", "draw 00", "draw 01")
    assert begun[1:] == every[1:]


def test_the_set_left_out_has_no_say():
    """Arm x is the best of sets a and b, and of c the worst."""
    from trees import left_out

    cells = pd.MultiIndex.from_tuples([("l", "focal", name) for name in "abc"])
    ap = pd.DataFrame({"defaults": [0.5, 0.5, 0.5], "x": [0.6, 0.6, 0.4]}, cells)
    judged, losses = left_out(ap, 1 - ap)
    # Without a or b the others are at one each, and the first arm is kept.
    np.testing.assert_allclose(judged, [1.0, 1.0, 0.8])
    np.testing.assert_allclose(losses, [1.0, 1.0, 1.2])


def test_the_command_goes_on_where_it_stopped(tmp_path: Any, capsys: Any) -> None:
    from trees import main

    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    names = np.array([f"x{i}" for i in range(5)])
    for seed in (2, 3):
        X, y, _ = make_imbalanced(700, 0.15, n_features=5, seed=seed)
        values = {"X": X.astype(np.float32), "y": y, "feature_names": names}
        np.savez(data / f"rare{seed}.npz", **values)
    command = ["--data", str(data), "--quick", "--jobs", "1", "--out", str(out)]
    assert main(command) == 0
    first = capsys.readouterr().out
    path = out / "trees.jsonl"
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 2 * 2 * 2 * 5
    assert first.count("Sets left out: AP ") == 2
    # A kill in the middle of a line loses that fit alone, and it comes out the same.
    path.write_text("\n".join([*lines[:-1], lines[-1][:20]]), "utf-8")
    assert main(command) == 0
    assert capsys.readouterr().out == first
    assert len(path.read_text("utf-8").splitlines()) == len(lines)
