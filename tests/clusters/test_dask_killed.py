"""A Dask worker that is killed while it trains."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost as xgb
from ranks import part

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

distributed = pytest.importorskip(
    "distributed", reason='needs Dask: pip install ".[dask]"'
)
on_dask = pytest.importorskip("on_dask")

# Dask warns of workers that it has lost.
pytestmark = pytest.mark.filterwarnings("ignore")

PARTS = [part(6000, 0.001, 0), part(2500, 0.1, 1)]
PARAMS = {"max_depth": 4, "tree_method": "hist", "eval_metric": "logloss"}
ROUNDS, PATIENCE = 100, 300
# Of the worker that is left, and of Dask for the rows of the one that is not.
ERRORS = (xgb.core.XGBoostError, ValueError, distributed.client.FutureCancelledError)


@pytest.fixture(scope="module")
def client():
    with on_dask.two_workers() as started:
        yield started


def trained(client, path=None):
    """Return model and evaluations."""
    from focal_boost.dask import train

    client.wait_for_workers(2, timeout=PATIENCE)
    data = on_dask.matrix(client, PARTS)
    found = train(
        client, PARAMS, data, ROUNDS, objective=FocalObjective(0.25, 2.0),
        metrics="log_loss", evals=[(data, "train")], verbose_eval=False,
        callbacks=[] if path is None else [fxgb.Checkpoint(path, 10)],
    )  # fmt: skip
    return bytes(found["booster"].save_raw()), found["history"]


def kill_when_there(client, path, victim):
    """Kill one of the workers as soon as there is a file."""
    processes = client.run(os.getpid)
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(processes[sorted(processes)[victim]], signal.SIGKILL)


def test_the_error_is_the_librarys_and_the_file_goes_on(client, tmp_path):
    through = trained(client)
    for victim in range(2):
        path = tmp_path / f"{victim}.ubj"
        with ThreadPoolExecutor(1) as one:
            training = one.submit(trained, client, path)
            kill_when_there(client, path, victim)
            with pytest.raises(ERRORS):
                training.result(PATIENCE)
        assert 0 < fxgb.load(path).booster.num_boosted_rounds() < ROUNDS
        assert trained(client, path) == through


def test_classifiers_go_on_too(client, tmp_path):
    from focal_boost.dask import FocalDaskXGBClassifier

    X, y, _ = on_dask.collection(client, PARTS)

    def scores(rounds, path=None):
        kept = None if path is None else [fxgb.Checkpoint(path, 10)]
        model = FocalDaskXGBClassifier(n_estimators=rounds, callbacks=kept)
        return model.fit(X, y).decision_function(X).compute()

    scores(25, tmp_path / "model.ubj")
    assert fxgb.load(tmp_path / "model.ubj").booster.num_boosted_rounds() == 20
    np.testing.assert_array_equal(scores(40, tmp_path / "model.ubj"), scores(40))


def test_lightgbm_has_no_checkpoint_there():
    import lightgbm as lgb

    from focal_boost import lightgbm as flgb
    from focal_boost.dask import FocalDaskLGBMClassifier

    for callback in (flgb.checkpoint("model.txt"), lgb.early_stopping(3)):
        with pytest.raises(ValueError, match="callbacks must hold no checkpoint and"):
            FocalDaskLGBMClassifier().fit(None, None, callbacks=[callback])
