"""Both ``train`` functions: boosters afterwards, saved models, bad arguments."""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, quiet
from populations import Sample

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet

FOCAL = FocalObjective(alpha=0.25, gamma=2.0)


def data_of(library: Any, sample: Sample, weighted: bool = False) -> Any:
    return library.data(sample.X, sample.y, sample.weight if weighted else None)


# The booster that trains


# LightGBM's booster stays one that trains for a callback that failed and kept it.
@pytest.mark.parametrize(
    ("library", "fails"), [(XGBoost, False), (XGBoost, True), (LightGBM, False)]
)
def test_it_is_the_librarys_own_again(
    library: Any, sample: Sample, fails: bool
) -> None:
    seen = []

    def keep(model: Any, _: int) -> None:
        seen.append(model)
        if fails:
            raise RuntimeError("enough")

    given = {"callbacks": [library.each(keep)]}
    ends = pytest.raises(RuntimeError, match="enough") if fails else nullcontext()
    with ends:
        seen.append(library.train(data_of(library, sample), 2, FOCAL, **given))
    for one in seen:
        assert type(one) is library.own.Booster
        assert not [name for name in vars(one) if "focal" in name]


# Saved models

_RELOAD = """
import pickle, sys
sys.modules["focal_boost"] = None  # an import of it would raise
import numpy as np
folder = sys.argv[2]
X = np.load(folder + "/X.npy")
if sys.argv[1] == "xgboost":
    import xgboost as library
    def predict(booster): return booster.predict(library.DMatrix(X))
else:
    import lightgbm as library
    def predict(booster): return booster.predict(X)
for name in ("middle", "end"):
    np.save(f"{folder}/{name}_file.npy",
            predict(library.Booster(model_file=f"{folder}/{name}.json")))
    with open(f"{folder}/{name}.pickle", "rb") as file:
        np.save(f"{folder}/{name}_pickle.npy", predict(pickle.load(file)))
"""


@both
@pytest.mark.parametrize("boosting", ["tree", "dart", "linear"])
def test_saved_models_need_no_focal_boost(
    library: Any, sample: Sample, tmp_path: Path, boosting: str
) -> None:
    params: dict[str, Any] = {"tree": {}, "dart": library.dart, "linear": {}}[boosting]
    if boosting == "linear":
        if library is XGBoost:
            pytest.skip("XGBoost has no linear trees")
        params = {"linear_tree": True}
    predicted = {}

    def save(booster: Any, name: str) -> None:
        booster.save_model(str(tmp_path / f"{name}.json"))
        (tmp_path / f"{name}.pickle").write_bytes(pickle.dumps(booster))
        if (name, boosting) != ("middle", "linear"):
            # LightGBM crashes where linear trees predict inside a callback.
            predicted[name] = library.probability(booster, sample.X)

    data = data_of(library, sample, weighted=True)
    middle = library.each(lambda model, k: save(model, "middle") if k == 4 else None)
    booster = library.train(data, 12, FOCAL, params, callbacks=[middle])
    save(booster, "end")
    if boosting == "linear":
        predicted["middle"] = booster.predict(sample.X, num_iteration=5)
    np.save(tmp_path / "X.npy", sample.X)
    code = [sys.executable, "-c", _RELOAD, library.name, str(tmp_path)]
    subprocess.run(code, check=True)
    for name, expected in predicted.items():
        for kind in ("file", "pickle"):
            found = np.load(tmp_path / f"{name}_{kind}.npy")
            np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert np.abs(predicted["end"] - predicted["middle"]).max() > 0.01


# Arguments


@both
@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        ([0, 1, 2, 1], None, "y_true must contain only 0 and 1, got 2"),
        ([-1, 1, -1, 1], None, "y_true must contain only 0 and 1, got -1"),
        ([0, 1, 0, 1], [0, 0, 0, 0], "sample_weight must not be all zero"),
    ],
)
def test_bad_data_is_named(
    library: Any, y: list[int], weight: list[int] | None, message: str
) -> None:
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match=f"^{message}"):
        library.train(library.data(X, y, weight), 3, FOCAL)


@both
@pytest.mark.parametrize(
    ("objective", "given", "message"),
    [
        (FOCAL, {"metrics": ("auc",)}, "metric must be one of .*, got 'auc'$"),
        (FocalLoss(), {}, "objective must be a FocalObjective, got F"),
        ("focal", {}, "objective must be a FocalObjective, got 'focal'$"),
        (FOCAL, {"params": {"objective": "rank"}},
         "objective .* or absent, got 'rank'$"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(
    library: Any, sample: Sample, objective: Any, given: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        library.train(data_of(library, sample), 1, objective, **given)


@both
def test_the_callers_parameters_are_left_alone(library: Any, sample: Sample) -> None:
    params = {"learning_rate": 0.2, **library.quiet}
    kept = dict(params)
    library.train(data_of(library, sample), 2, FOCAL, params)
    assert params == kept
