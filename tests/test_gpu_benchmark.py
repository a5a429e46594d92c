"""The CUDA benchmark, as far as it goes without a CUDA device."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import gpu
from benchmarks.gpu_parts import (
    TABLES,
    compare_trainings,
    failed,
    kernel_records,
    upload_records,
)
from benchmarks.measured import print_parts, summary, write_lines
from benchmarks.memory import DevicePeak
from benchmarks.on_gpu import ulps
from benchmarks.resident import train_resident
from boosters import xgb
from populations import Sample

import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective


@pytest.mark.parametrize(
    "params",
    [{}, {"subsample": 0.5, "colsample_bynode": 0.5, "seed": 3}, {"max_depth": 1}],
    ids=["default", "drawn", "stumps"],
)
def test_resident_training_is_our_training(
    sample: Sample, params: dict[str, Any]
) -> None:
    objective = FocalObjective(alpha=0.25, gamma=2.0)
    X, y = sample.X.astype(np.float32), sample.y
    data = xgb.QuantileDMatrix(X, y)
    expected = fxgb.train({"nthread": 1, **params}, data, 12, objective=objective)
    start = objective.posterior(objective.initial_score(y))
    settings = {
        "nthread": 1, "objective": "binary:logistic", "base_score": float(start),
    }  # fmt: skip
    booster = train_resident(
        {**settings, **params}, data, X, 12, lambda z: objective(y, z)
    )
    assert booster.num_boosted_rounds() == 12
    assert booster.get_dump(with_stats=True) == expected.get_dump(with_stats=True)
    rows = xgb.DMatrix(X)
    np.testing.assert_array_equal(booster.predict(rows), expected.predict(rows))


def test_machine_without_cuda_gets_one_sentence(tmp_path: Path) -> None:
    out = tmp_path / "gpu"
    done = subprocess.run(
        [sys.executable, gpu.__file__, "--out", str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("gpu.py: needs a CUDA device: ")
    assert done.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("build", "version", "sentence"),
    [
        ({"USE_CUDA": False}, "3.4.0", "an XGBoost that was built with CUDA"),
        ({"USE_CUDA": True}, "3.3.9", "XGBoost 3.4 or later, got 3.3.9"),
    ],
)
def test_unfit_xgboost_is_named(
    monkeypatch: pytest.MonkeyPatch, build: dict[str, bool], version: str, sentence: str
) -> None:
    monkeypatch.setattr(xgb, "build_info", lambda: build)
    monkeypatch.setattr(gpu, "version", lambda name: version)
    with pytest.raises(gpu.UnableError, match=f"^needs {sentence}$"):
        gpu._check_xgboost()


def test_errors_count_units_in_the_last_place() -> None:
    truth = np.array([1.0, 1.5, -3.0e-20, 2.0])
    near = truth.astype(np.float32)
    for steps in (0, 1, 2, 7):
        away = near.copy()
        for _ in range(steps):
            away = np.nextafter(away, np.float32(np.inf))
        np.testing.assert_allclose(ulps(away, near.astype(float)), steps)
    truth = FocalLoss().gradient(
        np.ones(1000), np.random.default_rng(0).normal(size=1000)
    )
    assert 0.4 < ulps(truth.astype(np.float32), truth).max() <= 0.5


def test_peak_is_the_most_that_was_seen() -> None:
    seen = iter([5, 7, 90, 3])

    with DevicePeak(lambda: next(seen, 4)) as peak:
        stop = time.monotonic() + 30
        while peak.bytes < 90 and time.monotonic() < stop:
            time.sleep(0.001)
    assert peak.bytes == 90


class TestRecords:
    """Two repetitions whose medians and ratios are known."""

    def kernel(self) -> list[dict[str, Any]]:
        cell = {
            "rows": 1000, "weighted": True, "link": "logit", "gamma": 2.0,
            "bytes_per_row": 17, "call_seconds": 1e-4,
        }  # fmt: skip
        speeds = ((8e11, 1e12), (9e11, 2e12))
        names = ("bytes_per_second", "copy_bytes_per_second")
        pairs = [dict(zip(names, pair, strict=True)) for pair in speeds]
        return kernel_records([{"cells": [{**cell, **one}]} for one in pairs])

    def training(self) -> list[dict[str, Any]]:
        def one(method: str, seconds: list[float], held: list[int]) -> dict[str, Any]:
            return {
                "name": method, "method": method, "library": "xgboost", "error": None,
                "seconds": summary(seconds), "device_MB": summary(held),
            }  # fmt: skip

        records = [
            one("built-in", [1.0, 2.0], [1000, 2000]),
            one("resident", [1.5, 8.0], [3000, 3000]),
            {"name": "numpy", "error": "MemoryError: none left"},
        ]
        compare_trainings(records)
        return records

    def test_share_of_the_copy_is_within_repetitions(self) -> None:
        (record,) = self.kernel()
        assert record["share_of_copy"]["values"] == pytest.approx([0.8, 0.45])
        assert record["GB_per_second"]["median"] == pytest.approx(850)
        assert record["call_us"]["median"] == pytest.approx(100)
        assert (record["rows"], record["weighted"]) == (1000, True)

    def test_uploads_are_compared_to_pageable_memory(self) -> None:
        results = [
            {"seconds": {"pageable": 4e-3, "pinned": 1e-3}},
            {"seconds": {"pageable": 2e-3, "pinned": 1e-3}},
        ]
        pageable, pinned = upload_records(results, 10**6)
        assert pageable["of_pageable"]["values"] == [1, 1]
        assert pinned["of_pageable"]["values"] == pytest.approx([0.25, 0.5])
        assert pinned["GB_per_second"]["median"] == pytest.approx(4)

    def test_trainings_are_compared_to_the_built_in_loss(self) -> None:
        built_in, resident, broken = self.training()
        assert built_in["of_built_in"]["values"] == [1, 1]
        assert resident["of_built_in"]["values"] == pytest.approx([1.5, 4.0])
        assert resident["MB_over_built_in"]["values"] == [2000, 1000]
        assert "of_built_in" not in broken

    def test_everything_is_printed(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        parts = {"kernel": self.kernel(), "training": self.training(),
                 "accuracy": failed([{"error": "no kernel"}])}  # fmt: skip
        found = [{"part": k, **one} for k, records in parts.items() for one in records]
        write_lines(tmp_path / "results.jsonl", found)
        print_parts(found, TABLES)
        printed = capsys.readouterr().out
        assert "| 1,000 | logit | 2.000 | yes | 850.0 (800.0 to 900.0) |" in printed
        assert "\nnumpy: error: MemoryError: none left\n" in printed
        assert "\naccuracy: error: no kernel\n" in printed
        assert "| 1,500 (1,000 to 2,000) |" in printed
