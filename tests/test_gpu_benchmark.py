"""The CUDA benchmark, as far as it goes without a CUDA device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import xgb
from populations import Sample

import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective

sys.path.insert(0, str(Path(__file__).with_name("benchmarks")))

import gpu
from child_gpu_accuracy import ulps
from device_memory import Peak
from figures import summary
from gpu_parts import compare_trainings, kernel_records, upload_records
from gpu_report import print_gpu_report
from resident import train_resident

COMMAND = Path(__file__).with_name("benchmarks") / "gpu.py"


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
        [sys.executable, str(COMMAND), "--out", str(out)],
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


def test_options_reach_the_settings() -> None:
    given = "--rows 2000 --features 6 --rounds 3 --repeats 2 --kernel-rows 1000,5000"
    options = gpu._parser().parse_args([*given.split(), "--only", "resident"])
    settings = gpu._settings(options, Path("scratch"))
    assert (settings.rows, settings.rounds, settings.features) == ((2000,), (3,), 6)
    assert (settings.repeats, settings.only) == (2, ("resident",))
    assert options.kernel_rows == (1000, 5000)
    defaults = gpu._parser().parse_args([])
    assert (defaults.rows, defaults.features, defaults.rounds) == (10**7, 28, 100)
    assert defaults.kernel_rows == (10**7, 10**8)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--rows", "999"), "--rows: must be an integer >= 1000, got '999'"),
        (("--kernel-rows", "1000,x"), "must be an integer >= 1000, got 'x'"),
        (("--what", "kernels"), "must be of kernel, accuracy, upload, training, got"),
        (("--only", "lightgbm"), "built-in, numpy, focal-boost, resident, got"),
        (("--speed",), "unrecognized arguments: --speed"),
    ],
)
def test_bad_options_get_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], rule: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        gpu.main(arguments)
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("gpu.py: ")
    assert err.count("\n") == 1
    assert rule in err


def test_cuda_numbers_its_versions() -> None:
    assert gpu.dotted(12040) == "12.4"
    assert gpu.dotted(13010) == "13.1"


def test_errors_count_units_in_the_last_place() -> None:
    truth = np.array([1.0, 1.5, -3.0e-20, 2.0])
    near = truth.astype(np.float32)
    assert ulps(near, near.astype(float)).tolist() == [0] * 4
    for steps in (1, 2, 7):
        away = near.copy()
        for _ in range(steps):
            away = np.nextafter(away, np.float32(np.inf))
        np.testing.assert_allclose(ulps(away, near.astype(float)), steps)


def test_ulps_of_rounding_are_at_most_half() -> None:
    margin = np.random.default_rng(0).normal(size=1000)
    truth = FocalLoss().gradient(np.ones(1000), margin)
    errors = ulps(truth.astype(np.float32), truth)
    assert 0.4 < errors.max() <= 0.5


def test_peak_is_the_most_that_was_seen() -> None:
    seen = iter([5, 7, 90, 3])

    with Peak(lambda: next(seen, 4)) as peak:
        stop = time.monotonic() + 30
        while peak.bytes < 90 and time.monotonic() < stop:
            time.sleep(0.001)
    assert peak.bytes == 90


def test_peak_looks_before_and_after() -> None:
    seen = iter([5, 11])
    with Peak(lambda: next(seen, 0)) as peak:
        pass
    assert peak.bytes >= 5


class TestRecords:
    """Two repetitions whose medians and ratios are known."""

    cell: dict[str, Any] = {  # noqa: RUF012
        "rows": 1000, "weighted": True, "link": "logit", "gamma": 2.0,
        "bytes_per_row": 17, "call_seconds": 1e-4,
    }  # fmt: skip

    def kernel(self) -> list[dict[str, Any]]:
        speeds = ((8e11, 1e12), (9e11, 2e12))
        names = ("bytes_per_second", "copy_bytes_per_second")
        return kernel_records(
            [
                {"cells": [{**self.cell, **dict(zip(names, pair, strict=True))}]}
                for pair in speeds
            ]
        )

    def training(self) -> list[dict[str, Any]]:
        def one(method: str, seconds: list[float], held: list[int]) -> dict[str, Any]:
            return {
                "method": method, "error": None, "seconds": summary(seconds),
                "ms_per_round": summary(seconds), "average_precision": 0.5,
                "log_loss": 0.1, "device_bytes_peak": summary(held),
            }  # fmt: skip

        records = [
            one("built-in", [1.0, 2.0], [10**9, 2 * 10**9]),
            one("resident", [1.5, 8.0], [3 * 10**9, 3 * 10**9]),
            {"method": "numpy", "error": "MemoryError: none left"},
        ]
        compare_trainings(records)
        return records

    def test_share_of_the_copy_is_within_repetitions(self) -> None:
        (record,) = self.kernel()
        assert record["share_of_copy"]["values"] == pytest.approx([0.8, 0.45])
        assert record["bytes_per_second"]["median"] == pytest.approx(8.5e11)
        assert (record["rows"], record["weighted"]) == (1000, True)
        assert (record["link"], record["gamma"]) == ("logit", 2.0)

    def test_uploads_are_compared_to_pageable_memory(self) -> None:
        results = [
            {"seconds": {"pageable": 4e-3, "pinned": 1e-3}},
            {"seconds": {"pageable": 2e-3, "pinned": 1e-3}},
        ]
        pageable, pinned = upload_records(results, 10**6)
        assert pageable["of_pageable"]["values"] == [1, 1]
        assert pinned["of_pageable"]["values"] == pytest.approx([0.25, 0.5])
        assert pinned["bytes_per_second"]["median"] == pytest.approx(4e9)

    def test_trainings_are_compared_to_the_built_in_loss(self) -> None:
        built_in, resident, failed = self.training()
        assert built_in["of_built_in"]["values"] == [1, 1]
        assert resident["of_built_in"]["values"] == pytest.approx([1.5, 4.0])
        assert resident["bytes_over_built_in"]["values"] == [2 * 10**9, 10**9]
        assert "of_built_in" not in failed

    def test_everything_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        upload = upload_records([{"seconds": {"pageable": 4e-3}}], 10**6)
        sizes = ("gradient_largest", "gradient_mean", "hessian_largest", "hessian_mean")
        results = {
            "device": {"name": "a device"},
            "machine": "a machine",
            "versions": {"cupy": "14"},
            "kernel": self.kernel(),
            "accuracy": [
                {"error": None, "link": "focal", "gamma": 1.7}
                | dict.fromkeys(sizes, 0.51)
            ],
            "upload": upload,
            "training": self.training(),
        }
        json.dumps(results, allow_nan=False)
        print_gpu_report(results)
        printed = capsys.readouterr().out
        for text in (
            "a device",
            "cupy 14",
            "850",
            "logit",
            "1.7",
            "focal",
            "0.510",
            "pageable",
        ):
            assert text in printed
        assert "numpy  error: MemoryError: none left" in printed
        assert "3,000" in printed
