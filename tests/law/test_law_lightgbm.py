"""At γ = 0 nobody can tell ``flgb.train`` from ``lgb.train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import law_lightgbm_after
import law_lightgbm_course
import law_lightgbm_data
import law_lightgbm_train
import pytest
from law_matrix import LIGHTGBM, check

SCENARIOS = {
    **law_lightgbm_train.SCENARIOS,
    **law_lightgbm_data.SCENARIOS,
    **law_lightgbm_course.SCENARIOS,
    **law_lightgbm_after.SCENARIOS,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_can_tell(name: str, tmp_path: Path, capfd: Any) -> None:
    check(SCENARIOS[name], tmp_path, capfd, LIGHTGBM)
