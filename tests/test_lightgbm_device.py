"""LightGBM on OpenCL and CUDA: the same model, and what to do where it cannot train.

Histograms on OpenCL add in another order, which moves a raw score by 1e-8 at most with
gpu_use_dp=True and by 1e-6 without, where they are float32. Two splits that part the
training rows alike may then change places, so that raw scores of these are compared.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from boosters import LightGBM
from estimators import fit_watched, make, quiet
from populations import Sample
from searches import make_search

import focal_boost.lightgbm as flgb
from focal_boost import FocalObjective

pytestmark = quiet

QUIET = {"verbosity": -1, "num_threads": 1}
DOUBLE = {"device_type": "gpu", "gpu_use_dp": True}
SINGLE = {"device_type": "gpu"}
FOCAL = FocalObjective(alpha=0.25, gamma=2.0)
NO_OPENCL = (
    'LightGBM\'s device_type="gpu" needs OpenCL:'
    " apt-get install pocl-opencl-icd ocl-icd-libopencl1"
)
# It runs on its own because a broken OpenCL ends the process. All threads compile.
PROBE = """
import lightgbm as lgb, numpy as np
X = np.random.default_rng(0).normal(size=(500, 4))
for double in (True, False):
    params = {"objective": "binary", "device_type": "gpu", "gpu_use_dp": double}
    lgb.train({**params, "verbosity": -1}, lgb.Dataset(X, X[:, 0] > 0), 1)
"""
CUDA_ADVICE = (
    "; build LightGBM with CUDA as its installation guide says, or use"
    ' device_type="cpu" or "gpu"'
)
OPENCL_ADVICE = (
    "; install the OpenCL driver of the GPU (or pocl-opencl-icd, which computes on"
    ' the CPU), or use device_type="cpu"'
)


def python(code: str, *arguments: str, **variables: str) -> Any:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True,
        env={**os.environ, **variables}, check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def opencl(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip without OpenCL, and have its programs compiled by one process only."""
    fcntl = pytest.importorskip("fcntl", reason=NO_OPENCL)
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / "opencl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        probe = python(PROBE)
    if probe.returncode != 0:
        pytest.skip(NO_OPENCL)


@pytest.fixture(scope="module")
def cuda_error(sample: Sample) -> str:
    """Return on one line what LightGBM says without CUDA."""
    params = {**QUIET, "objective": "binary", "device_type": "cuda"}
    try:
        lgb.train(params, lgb.Dataset(sample.X, sample.y), 1)
    except lgb.basic.LightGBMError as error:
        return " ".join(str(error).split())
    pytest.skip("this LightGBM has CUDA")


def dataset(sample: Sample, **kwargs: Any) -> lgb.Dataset:
    return lgb.Dataset(sample.X, sample.y, weight=sample.weight, **kwargs)


def raw_score_of(booster: Any, sample: Sample) -> Any:
    return booster.predict(sample.X, raw_score=True)


def labels_drawn_again(sample: Sample) -> Any:
    """Return other labels of the same rows, which a model can be stopped on."""
    rng = np.random.default_rng(7)
    return (rng.random(len(sample.y)) < sample.posterior).astype(np.int64)


@pytest.mark.usefixtures("opencl")
class TestOpenCL:
    @pytest.mark.parametrize(
        ("device", "tolerance"), [(DOUBLE, 1e-8), (SINGLE, 1e-6)], ids=["dp", "sp"]
    )
    def test_trains_as_on_the_cpu_with_weights(
        self, sample: Sample, device: dict[str, Any], tolerance: float
    ) -> None:
        # LightGBM by itself, from an initial score.
        start = FOCAL.initial_score(sample.y, sample.weight)
        data = dataset(sample, init_score=np.full(len(sample.y), start))
        params = {**QUIET, "objective": FOCAL, "metric": "None"}
        expected = raw_score_of(lgb.train(params, data, 12), sample) + start
        booster = flgb.train({**QUIET, **device}, dataset(sample), 12, objective=FOCAL)
        assert "[device_type: gpu]" in booster.model_to_string()
        raw_score = raw_score_of(booster, sample)
        np.testing.assert_allclose(raw_score, expected, rtol=0, atol=tolerance)
        mean = np.average(booster.predict(sample.X), weights=sample.weight)
        assert mean == pytest.approx(
            np.average(sample.y, weights=sample.weight), rel=0.1
        )

    def test_stops_where_the_cpu_does(self, sample: Sample) -> None:
        boosters = []
        for device in ({}, DOUBLE):
            train = dataset(sample)
            valid = train.create_valid(sample.X, labels_drawn_again(sample))
            stop = lgb.early_stopping(5, verbose=False)
            params = {**QUIET, **device}
            boosters.append(
                flgb.train(params, train, 200, valid_sets=[valid], callbacks=[stop])
            )
        cpu, gpu = boosters
        assert gpu.best_iteration == cpu.best_iteration < 190
        expected = cpu.best_score["valid_0"]["binary_logloss"]
        found = gpu.best_score["valid_0"]["binary_logloss"]
        assert found == pytest.approx(expected, 1e-7)

    def test_classifier_is_the_one_of_the_cpu(self, sample: Sample) -> None:
        evals = [(sample.X, labels_drawn_again(sample))]
        cpu, gpu = (
            fit_watched(
                LightGBM, (sample.X, sample.y, sample.weight), evals, stop=5,
                n_estimators=200, **device,
            )
            for device in ({}, DOUBLE)
        )  # fmt: skip
        assert gpu.best_iteration_ == cpu.best_iteration_ < 190
        assert gpu.loss_ == cpu.loss_
        np.testing.assert_allclose(
            gpu.predict_proba(sample.X), cpu.predict_proba(sample.X), rtol=0, atol=1e-8
        )

    def test_model_predicts_where_there_is_no_opencl(
        self, sample: Sample, tmp_path: Path
    ) -> None:
        model, rows = tmp_path / "model.txt", tmp_path / "X.npy"
        booster = flgb.train({**QUIET, **DOUBLE}, dataset(sample), 3)
        booster.save_model(model)
        np.save(rows, sample.X[:50])
        code = (
            "import sys, numpy as np, lightgbm as lgb\n"
            "X = np.load(sys.argv[2])\n"
            "for z in lgb.Booster(model_file=sys.argv[1]).predict(X, raw_score=True):\n"
            "    print(repr(float(z)))"
        )
        done = python(code, str(model), str(rows), OCL_ICD_VENDORS="/nonexistent")
        assert done.returncode == 0, done.stderr
        found = [float(line) for line in done.stdout.split()]
        np.testing.assert_array_equal(found, raw_score_of(booster, sample)[:50])


def on_cuda() -> Any:
    return make(LightGBM, device_type="cuda")


ON_CUDA: dict[str, Callable[[Sample], Any]] = {
    "device_type": lambda rows: LightGBM.train(
        dataset(rows), 1, FOCAL, {"device_type": "cuda"}
    ),
    "device": lambda rows: LightGBM.train(dataset(rows), 1, FOCAL, {"device": "cuda"}),
    "classifier": lambda rows: on_cuda().fit(rows.X, rows.y),
    "search": lambda rows: make_search(LightGBM, model=on_cuda()).fit(rows.X, rows.y),
}


class TestMissingDevice:
    @pytest.mark.parametrize("fit", ON_CUDA.values(), ids=ON_CUDA)
    def test_it_is_said_what_to_do_without_cuda(
        self, sample: Sample, cuda_error: str, fit: Callable[..., Any]
    ) -> None:
        with pytest.raises(lgb.basic.LightGBMError) as raised:
            fit(sample)
        assert str(raised.value) == cuda_error + CUDA_ADVICE
        assert isinstance(raised.value.__cause__, lgb.basic.LightGBMError)

    def test_train_says_what_to_do_without_opencl(self) -> None:
        code = (
            "import lightgbm as lgb, numpy as np, focal_boost.lightgbm as flgb\n"
            "X = np.random.default_rng(0).normal(size=(500, 4))\n"
            "data = lgb.Dataset(X, X[:, 0] > 0)\n"
            "try: flgb.train({'device_type': 'gpu', 'verbosity': -1}, data, 1)\n"
            "except lgb.basic.LightGBMError as error: print(error)"
        )
        done = python(code, OCL_ICD_VENDORS="/nonexistent")
        assert done.stdout == f"No OpenCL device found{OPENCL_ADVICE}\n", done.stderr

    def test_other_errors_are_left_as_they_are(self, sample: Sample) -> None:
        with pytest.raises(lgb.basic.LightGBMError, match="num_leaves") as raised:
            flgb.train({**QUIET, "num_leaves": 1}, dataset(sample), 1)
        assert raised.value.__cause__ is None


class TestObjectiveOnADevice:
    @pytest.mark.parametrize("device", ["cuda", "cuda:1", "gpu"])
    def test_cuda_is_refused_before_training(self, device: str) -> None:
        objective = FocalObjective(device=device)
        message = (
            'device of the objective must be None or "cpu", because LightGBM takes'
            f" NumPy arrays only, got '{device}'"
        )
        with pytest.raises(ValueError, match=f"^{message}$"):
            flgb.train(QUIET, object(), 1, objective=objective)

    def test_cpu_is_the_default(self, sample: Sample) -> None:
        found = [
            flgb.train(QUIET, dataset(sample), 3, objective=FocalObjective(device=one))
            for one in ("cpu", None)
        ]
        np.testing.assert_array_equal(*(raw_score_of(one, sample) for one in found))
