"""Two Ray Train workers with rows of very different prevalence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from ranks import part, whole

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

ray = pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')
pytest.importorskip("ray.train", reason='needs Ray: pip install ".[ray]"')

# Ray warns of what is its own.
pytestmark = pytest.mark.filterwarnings("ignore")

PARTS = [part(6000, 0.001, 0), part(2500, 0.1, 1)]
PROBE = part(500, 0.1, 99)
PARAMS = {"nthread": 1, "max_depth": 4, "tree_method": "hist"}


@pytest.fixture(scope="module")
def cluster():
    # This module, what it imports, and the package.
    paths = ":".join(map(str, Path(__file__).parents[:3]))
    environment = {"env_vars": {"PYTHONPATH": paths}}
    ray.init(num_cpus=3, include_dashboard=False, runtime_env=environment)
    yield
    ray.shutdown()


def loop(config):
    """Train on this worker's rows; every worker saves what it has got."""
    rank = ray.train.get_context().get_world_rank()
    data = config["parts"][rank].matrix()
    params = {**PARAMS, "objective": "binary:logistic"}
    for name, gamma in (("built_in", None), ("plain", 0.0), ("focal", 2.0)):
        if gamma is None:
            booster = xgb.train(params, data, 8)
        else:
            objective = FocalObjective(0.25 if gamma else None, gamma)
            booster = fxgb.train(params, data, 8, objective=objective)
        booster.save_model(Path(config["folder"]) / f"{name}_{rank}.ubj")


def test_workers_share_one_start_value_and_one_model(cluster, tmp_path):
    from ray.train import RunConfig, ScalingConfig
    from ray.train.xgboost import XGBoostTrainer

    XGBoostTrainer(
        loop,
        train_loop_config={"parts": PARTS, "folder": str(tmp_path)},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(tmp_path / "ray")),
    ).fit()

    def margin(name, rank):
        booster = xgb.Booster(model_file=tmp_path / f"{name}_{rank}.ubj")
        return booster.predict(PROBE.matrix(), output_margin=True)

    for name in ("built_in", "plain", "focal"):
        np.testing.assert_array_equal(margin(name, 0), margin(name, 1))
    np.testing.assert_allclose(
        margin("plain", 0), margin("built_in", 0), rtol=0, atol=1e-6
    )
    alone = fxgb.train(
        PARAMS, whole(PARTS).matrix(), 8, objective=FocalObjective(0.25, 2.0)
    )
    expected = alone.predict(PROBE.matrix(), output_margin=True)
    np.testing.assert_allclose(margin("focal", 0), expected, rtol=0, atol=1e-5)
