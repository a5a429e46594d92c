"""What was trained on Dask is stored and served as what was trained here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focal_boost import FocalXGBClassifier
from focal_boost.datasets import make_imbalanced

distributed = pytest.importorskip("distributed", reason='Dask needs ".[dask]"')
da = pytest.importorskip("dask.array", reason='Dask needs ".[dask]"')
runtime = pytest.importorskip("onnxruntime", reason='ONNX needs ".[onnx]"')
mlflow = pytest.importorskip("mlflow", reason='MLflow needs ".[mlflow]"')

import focal_boost.mlflow  # noqa: E402, F401
from focal_boost.onnx import export  # noqa: E402

# The engines warn of what is theirs: ports, threads, deprecated arguments.
pytestmark = pytest.mark.filterwarnings("ignore")

_X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
X = _X.astype(np.float32)
SETTINGS: dict[str, Any] = {"n_estimators": 8, "focal_alpha": 0.3, "focal_gamma": 1.5}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as started,
    ):
        yield started


def trained(name: str, client: Any, folder: Path) -> tuple[Any, Any]:
    """Return the classifier that needs no cluster, and what that of Dask says."""
    from focal_boost import dask

    rows, labels = (
        da.from_array(one, chunks=(1_000, -1)[: one.ndim]) for one in (X, y)
    )
    model = getattr(dask, name)(**SETTINGS)
    model.client = client
    model.fit(rows, labels)
    expected = model.predict_proba(rows).compute()[:, 1]
    if name == "FocalDaskLGBMClassifier":
        return model.to_local(), expected
    model.save_model(folder / "model.json")
    local = FocalXGBClassifier()
    local.load_model(folder / "model.json")
    return local, expected


@pytest.mark.parametrize("name", ["FocalDaskXGBClassifier", "FocalDaskLGBMClassifier"])
def test_a_model_of_dask_goes_where_models_go(
    client: Any, name: str, tmp_path: Path
) -> None:
    local, expected = trained(name, client, tmp_path)
    assert (local.loss_.alpha, local.loss_.gamma) == (0.3, 1.5)
    np.testing.assert_allclose(
        local.predict_proba(X)[:, 1], expected, rtol=0, atol=1e-6
    )
    assert expected.std() > 0.01

    export(local, tmp_path / "model.onnx")
    session = runtime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    labels, probabilities = session.run(None, {"input": X})
    np.testing.assert_allclose(probabilities[:, 1], expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(labels, local.predict(X))
    said = session.get_modelmeta().custom_metadata_map
    assert (said["focal_alpha"], said["focal_gamma"]) == ("0.3", "1.5")

    flavour = mlflow.xgboost if "XGB" in name else mlflow.lightgbm
    flavour.save_model(local, tmp_path / "mlflow", pip_requirements=["focal-boost"])
    loaded = flavour.load_model(tmp_path / "mlflow")
    assert type(loaded) is type(local)
    np.testing.assert_array_equal(loaded.predict_proba(X), local.predict_proba(X))
    assert loaded.focal_objective_ == local.focal_objective_
