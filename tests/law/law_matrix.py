"""One cell of the matrix: a scenario under both arms, and how near they must be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from law_arms import Library, Ours
from law_differences import Tolerance, differences
from law_watch import Scenario, observed

# Raw scores, and what is made of them. Of its trees XGBoost also tells sums of single
# precision over rows, gains that are differences of such sums, and texts of both.
XGBOOST = Tolerance(
    2e-6,
    looser=(
        (r"loss_changes|gain|Gain", Tolerance(2e-5, 1e-5)),
        (r"(?<!model\.)trees\[|trees as json", Tolerance(2e-5, 1e-5)),
        (r"sum_hessian|cover|Cover|importance", Tolerance(2e-6, 1e-5)),
    ),
)
# LightGBM writes the values of inner nodes, which nothing reads, with six digits.
LIGHTGBM = Tolerance(
    1e-12,
    1e-12,
    looser=((r"internal_value|table of trees\.value", Tolerance(1e-5, 1e-5)),),
)
_SHOWN = 40


def other_arm(folder: Path, alpha: float | None = None, gamma: float = 0.0) -> Any:
    """Return our arm.

    FOCAL_BOOST_LAW=library compares the library with itself: whatever that finds is
    a fault of the scenario.
    """
    itself = os.environ.get("FOCAL_BOOST_LAW") == "library"
    return Library(folder) if itself else Ours(folder, alpha, gamma)


def told_apart(
    scenario: Scenario, first: Any, second: Any, capture: Any, tolerance: Tolerance
) -> list[str]:
    """Return by what an observer could tell the arms apart."""
    for arm in (first, second):
        arm.folder.mkdir(parents=True, exist_ok=True)
    seen = [observed(scenario, arm, capture) for arm in (first, second)]
    return list(differences(*seen, tolerance))


def check(scenario: Scenario, folder: Path, capture: Any, tolerance: Tolerance) -> None:
    """Fail with a line for everything that tells our arm from the library's."""
    first, second = Library(folder / "library"), other_arm(folder / "other")
    found = told_apart(scenario, first, second, capture, tolerance)
    assert not found, "\n".join([f"{len(found)} differences", *found[:_SHOWN]])
