"""At γ = 0 nobody can tell ``fxgb.train`` from ``xgb.train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import law_xgboost_after
import law_xgboost_course
import law_xgboost_data
import law_xgboost_train
import pytest
from law_matrix import XGBOOST, check

SCENARIOS = {
    **law_xgboost_train.SCENARIOS,
    **law_xgboost_data.SCENARIOS,
    **law_xgboost_course.SCENARIOS,
    **law_xgboost_after.SCENARIOS,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_can_tell(name: str, tmp_path: Path, capfd: Any) -> None:
    check(SCENARIOS[name], tmp_path, capfd, XGBOOST)
