"""LightGBM's start: what is said of it, and the memory of scores that were lent."""

from __future__ import annotations

import mmap
import sys
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from boosters import LightGBM
from populations import Sample

import focal_boost.lightgbm as flgb
from focal_boost import FocalObjective
from focal_boost.lightgbm import _start

PLAIN = FocalObjective(alpha=None, gamma=0.0)


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_the_start_is_told_where_lightgbm_tells_it(
    sample: Sample, verbosity: int, capfd: Any
) -> None:
    said = []
    for objective in (None, PLAIN):
        data = lgb.Dataset(sample.X, sample.y)
        LightGBM.train(data, 2, objective, params={"verbosity": verbosity})
        lines = capfd.readouterr().out.splitlines()
        said.append([line for line in lines if "core" in line])
    assert said[0] == said[1]
    assert len(said[0]) == 2 * (verbosity > 0)


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux")
def test_lent_scores_leave_no_memory() -> None:
    n = 50_000
    data = lgb.Dataset(np.arange(n)[:, None] % 7, np.arange(n) % 2).construct()
    data.set_field("init_score", np.ones(n))
    _start._give_back_pages(data)
    # A page that the system has back reads as zeros; the ends share theirs.
    left = np.count_nonzero(data.get_field("init_score"))
    assert left <= 2 * mmap.PAGESIZE // 8


@pytest.mark.filterwarnings("ignore:Found `application` in params", "ignore:Found 'app")
def test_of_two_names_of_the_objective_lightgbms_counts(sample: Sample) -> None:
    data = lgb.Dataset(sample.X, sample.y, free_raw_data=False)
    named = {"verbosity": -1, "objective": "binary", "application": "cross_entropy"}
    text = flgb.train(named, data, 1, objective=PLAIN).model_to_string()
    assert "\nobjective=binary sigmoid:1\n" in text
    assert (
        "\nobjective=binary sigmoid:1\n" in lgb.train(named, data, 1).model_to_string()
    )
    turned = {"verbosity": -1, "objective": "cross_entropy", "application": "binary"}
    with pytest.raises(ValueError, match="objective in params must be"):
        flgb.train(turned, data, 1, objective=PLAIN)
