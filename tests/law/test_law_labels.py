"""At γ = 0 labels of every kind mean what they mean to the library.

What the library refuses, ours may take; where it does not, it says so in a sentence.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from law_arms import Library
from law_differences import Raised, differences
from law_labels import KINDS, scenarios
from law_matrix import LIGHTGBM, XGBOOST, other_arm
from law_watch import observed
from sklearn import __version__ as sklearn_version
from sklearn.utils.fixes import parse_version

CELLS = [(library, kind) for library in ("xgboost", "lightgbm") for kind in KINDS]
TOLERANCES = {"xgboost": XGBOOST, "lightgbm": LIGHTGBM}


@pytest.mark.parametrize(("library", "kind"), CELLS, ids=str)
def test_labels(library: str, kind: str, tmp_path: Path, capfd: Any) -> None:
    if kind == "bytes" and parse_version(sklearn_version) < parse_version("1.7"):
        pytest.skip("scikit-learn 1.6 warns of bytes as often as they are looked at")
    scenario = scenarios(library)[kind]
    first = observed(scenario, Library(tmp_path), capfd)
    second = observed(scenario, other_arm(tmp_path), capfd)
    if isinstance(first["fitted"], Raised):
        refused = second["fitted"]
        assert not isinstance(refused, Raised) or refused.is_sentence, refused
        return
    found = list(differences(first, second, TOLERANCES[library]))
    assert not found, "\n".join(found)


def test_libraries_take_most_kinds(tmp_path: Path) -> None:
    """Most cells compare something."""
    taken = {"xgboost": 0, "lightgbm": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library, kind in CELLS:
            seen = scenarios(library)[kind](Library(tmp_path))
            taken[library] += not isinstance(seen["fitted"], Raised)
    assert taken["xgboost"] >= 20
    assert taken["lightgbm"] >= 30
