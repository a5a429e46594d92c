"""At γ = 0 nobody can tell our classifiers from the libraries' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import law_lightgbm_classifier
import law_lightgbm_watched
import law_xgboost_classifier
import pytest
from law_matrix import LIGHTGBM, XGBOOST, check

OF_XGBOOST = law_xgboost_classifier.SCENARIOS
OF_LIGHTGBM = {**law_lightgbm_classifier.SCENARIOS, **law_lightgbm_watched.SCENARIOS}


@pytest.mark.parametrize("name", OF_XGBOOST)
def test_nobody_can_tell_xgboost(name: str, tmp_path: Path, capfd: Any) -> None:
    check(OF_XGBOOST[name], tmp_path, capfd, XGBOOST)


@pytest.mark.parametrize("name", OF_LIGHTGBM)
def test_nobody_can_tell_lightgbm(name: str, tmp_path: Path, capfd: Any) -> None:
    check(OF_LIGHTGBM[name], tmp_path, capfd, LIGHTGBM)
