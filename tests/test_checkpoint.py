"""A training that was stopped goes on from its file: the same bits."""

from __future__ import annotations

import checkpoints
import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from checkpoints import BYTES, LOAD, OBJECTIVE, ROWS, TRAIN, VALID
from ranks import part

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalLGBMClassifier, FocalObjective, FocalXGBClassifier

both = pytest.mark.parametrize("library", ["xgboost", "lightgbm"])


@both
def test_a_stopped_training_goes_on_to_the_same_model(library, tmp_path):
    train, path = TRAIN[library], tmp_path / "model.ubj"
    through, log = train()
    train(25, path)
    booster, both_logs = train(60, path)
    assert BYTES[library](booster) == BYTES[library](through)
    assert both_logs == log


@both
def test_early_stopping_goes_on(library, tmp_path):
    train, path, patience = TRAIN[library], tmp_path / "model.ubj", 15
    through, log = train(300, early_stopping_rounds=patience)
    best = through.best_iteration
    # Half of the patience is used up when it stops.
    train(best + patience // 2, path, 3, early_stopping_rounds=patience)
    booster, both_logs = train(300, path, 3, early_stopping_rounds=patience)
    assert booster.best_iteration == best
    assert booster.best_score == through.best_score
    assert BYTES[library](booster) == BYTES[library](through)
    assert both_logs == log


@both
def test_a_checkpoint_is_a_model_with_its_loss(library, tmp_path):
    TRAIN[library](25, tmp_path / "model.ubj")
    found = LOAD[library](tmp_path / "model.ubj")
    assert found.objective == OBJECTIVE
    assert BYTES[library](found.booster) == BYTES[library](TRAIN[library](20)[0])


@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": FocalObjective(0.25, 1.0)}, "focal gamma must be .* 2.0, got 1"),
        ({"objective": FocalObjective(None, 2.0)}, "focal alpha must be .* got None"),
        ({"max_bin": 100}, "max_bin must be that of the checkpoint 'model.ubj'"),
        (
            {"rows": ROWS._replace(X=ROWS.X[:, :4])},
            "number of (columns must .* 4|features in data .4.)",
        ),
        ({"rows": part(3000, 0.05, 5, weighted=True)}, "of labels and"),
        (
            {"rows": ROWS._replace(y=ROWS.y[::-1].copy())},
            "print of labels and weights",
        ),
        (
            {"rounds": 5},
            "must end after the 10 rounds of its checkpoint, got .* 5",
        ),
    ],
)
def test_another_training_is_refused(library, change, message, tmp_path):
    path = tmp_path / "model.ubj"
    TRAIN[library](15, path)
    before = path.read_bytes()
    with pytest.raises((ValueError, lgb.basic.LightGBMError), match=message):
        TRAIN[library](path=path, **{"rounds": 20, **change})
    assert path.read_bytes() == before


@both
@pytest.mark.parametrize("content", [b"", b"a text", b"{}", None])
def test_another_file_is_refused(library, content, tmp_path):
    path = tmp_path / "model.ubj"
    booster, _ = TRAIN[library](3)
    path.write_bytes(BYTES[library](booster) if content is None else content)
    with pytest.raises(ValueError, match="path must be that of a checkpoint or of no"):
        TRAIN[library](10, path)


@pytest.mark.parametrize(
    "params",
    [
        {"tree_method": "exact", "subsample": 0.5, "colsample_bytree": 0.5},
        {"updater": "grow_colmaker,prune"},
        {"booster": "gblinear", "updater": "coord_descent"},
        {"tree_method": "hist", "subsample": 0.5, "colsample_bynode": 0.5},
    ],
)
def test_xgboost_draws_the_same_rows_and_columns_if_asked_to(params, tmp_path):
    draws_anew = params.get("tree_method") == "hist"
    draws_anew &= checkpoints.xgboost_version() < (3, 4)
    params = {**params, "seed_per_iteration": True, "verbosity": 0}
    through, log = TRAIN["xgboost"](**params)
    TRAIN["xgboost"](25, tmp_path / "model.ubj", **params)
    booster, both_logs = TRAIN["xgboost"](60, tmp_path / "model.ubj", **params)
    same = BYTES["xgboost"](booster) == BYTES["xgboost"](through)
    # If this fails, XGBoost has mended what docs/clusters.md says of it.
    assert same is not draws_anew
    assert (both_logs == log) is same


@pytest.mark.parametrize(
    "params",
    [
        {"subsample": 0.5},
        {"colsample_bytree": 0.5},
        {"booster": "dart", "rate_drop": 0.2, "seed_per_iteration": True},
    ],
)
def test_xgboost_draws_others_otherwise(params, tmp_path):
    # If this fails, XGBoost has mended what docs/clusters.md says of it.
    params = {**params, "verbosity": 0}
    through, _ = TRAIN["xgboost"](**params)
    TRAIN["xgboost"](25, tmp_path / "model.ubj", **params)
    booster, _ = TRAIN["xgboost"](60, tmp_path / "model.ubj", **params)
    assert BYTES["xgboost"](booster) != BYTES["xgboost"](through)


def test_xgboosts_classifier_goes_on(tmp_path):
    def fit(rounds, *callbacks):
        model = FocalXGBClassifier(
            n_estimators=rounds, n_jobs=1, early_stopping_rounds=15, learning_rate=0.1,
            eval_metric=["logloss", "average_precision"], callbacks=list(callbacks),
        )  # fmt: skip
        given = {"sample_weight": ROWS.weight, "eval_set": [(VALID.X, VALID.y)]}
        return model.fit(ROWS.X, ROWS.y, verbose=False, **given)

    path = tmp_path / "model.ubj"
    through = fit(100)
    fit(through.best_iteration + 5, fxgb.Checkpoint(path, 4))
    model = fit(100, fxgb.Checkpoint(path, 4))
    assert model.best_iteration == through.best_iteration
    assert model.evals_result() == through.evals_result()
    np.testing.assert_array_equal(
        model.predict_proba(VALID.X), through.predict_proba(VALID.X)
    )


@pytest.mark.filterwarnings("ignore:.*'eval_set' is deprecated", "ignore:X does not")
def test_lightgbms_classifier_goes_on(tmp_path):
    def fit(rounds, *callbacks, **params):
        model = FocalLGBMClassifier(
            n_estimators=rounds, n_jobs=1, verbosity=-1, early_stopping_round=15,
            **params,
        )  # fmt: skip
        given = {"sample_weight": ROWS.weight, "eval_set": [(VALID.X, VALID.y)]}
        given["eval_metric"] = ["auc", "focal_loss"]
        return model.fit(ROWS.X, ROWS.y, callbacks=list(callbacks), **given)

    path = tmp_path / "model.txt"
    through = fit(100)
    fit(through.best_iteration_ + 5, flgb.checkpoint(path, 4))
    model = fit(100, flgb.checkpoint(path, 4))
    assert model.best_iteration_ == through.best_iteration_
    assert model.best_score_ == through.best_score_
    assert model.evals_result_ == through.evals_result_
    assert model.n_estimators == 100
    np.testing.assert_array_equal(
        model.predict_proba(VALID.X), through.predict_proba(VALID.X)
    )
    with pytest.raises(ValueError, match="focal gamma must be that of the checkpoint"):
        fit(100, flgb.checkpoint(path, 4), focal_gamma=1.0)


@pytest.mark.parametrize(
    "params",
    [
        {"is_unbalance": True, "boost_from_average": False},
        {"linear_tree": True},
        {"early_stopping_round": 40, "learning_rate": 0.3},
    ],
)
def test_lightgbms_parameters_act_after_it_as_before(params, tmp_path):
    through, log = TRAIN["lightgbm"](**params)
    TRAIN["lightgbm"](25, tmp_path / "model.txt", **params)
    booster, both_logs = TRAIN["lightgbm"](60, tmp_path / "model.txt", **params)
    assert BYTES["lightgbm"](booster) == BYTES["lightgbm"](through)
    assert booster.best_iteration == through.best_iteration
    assert both_logs == log


@pytest.mark.parametrize(
    "params",
    [
        {"bagging_fraction": 0.5, "bagging_freq": 1},
        {"feature_fraction": 0.5},
        {"extra_trees": True},
    ],
)
def test_lightgbm_draws_others(params, tmp_path):
    # If this fails, LightGBM has mended what docs/clusters.md says of it.
    through, _ = TRAIN["lightgbm"](**params)
    TRAIN["lightgbm"](25, tmp_path / "model.txt", **params)
    booster, _ = TRAIN["lightgbm"](60, tmp_path / "model.txt", **params)
    assert BYTES["lightgbm"](booster) != BYTES["lightgbm"](through)


def test_lightgbm_on_several_machines_is_refused(tmp_path):
    path, machines = tmp_path / "model.txt", "127.0.0.1:12400,127.0.0.1:12401"
    with pytest.raises(ValueError, match="machines must be absent with a checkpoint"):
        TRAIN["lightgbm"](3, path, machines=machines)
    assert not path.exists()


@pytest.mark.parametrize(
    "params", [{"boosting": "dart"}, {"data_sample_strategy": "goss"}]
)
def test_lightgbm_cannot_go_on_with_all(params, tmp_path):
    with pytest.raises(ValueError, match="boosting must be gbdt without GOSS with a"):
        TRAIN["lightgbm"](10, tmp_path / "model.txt", **params)


def test_lightgbms_schedules_go_on(tmp_path):
    def train(rounds, *callbacks):
        data = lgb.Dataset(ROWS.X, ROWS.y)
        schedule = lgb.reset_parameter(learning_rate=lambda i: 0.3 / (1 + i))
        return flgb.train(
            checkpoints.SETTINGS, data, rounds, callbacks=[*callbacks, schedule]
        )

    through, path = train(30), tmp_path / "model.txt"
    train(12, flgb.checkpoint(path, 4))
    booster = train(30, flgb.checkpoint(path, 4))
    assert BYTES["lightgbm"](booster) == BYTES["lightgbm"](through)


def test_what_a_model_of_lightgbm_lacks_is_refused(tmp_path):
    kept = [flgb.checkpoint(tmp_path / "model.txt")]
    data = lgb.Dataset(ROWS.X, ROWS.y, init_score=np.ones(3000))
    with pytest.raises(ValueError, match="init_score must be absent with a checkpoint"):
        flgb.train(checkpoints.SETTINGS, data, 3, callbacks=kept)
    first, data = TRAIN["lightgbm"](3)[0], lgb.Dataset(ROWS.X, ROWS.y)
    with pytest.raises(ValueError, match="init_model must be absent with a checkpoint"):
        flgb.train(checkpoints.SETTINGS, data, 3, init_model=first, callbacks=kept)


def test_lightgbm_alone_has_no_use_for_it(tmp_path):
    kept, data = [flgb.checkpoint(tmp_path / "model")], lgb.Dataset(ROWS.X, ROWS.y)
    with pytest.raises(ValueError, match="checkpoint must be given to focal_boost"):
        lgb.train({"verbosity": -1}, data, 3, callbacks=kept)


def test_xgboost_alone_has_no_use_for_it(tmp_path):
    callbacks = [fxgb.Checkpoint(tmp_path / "model.ubj")]
    with pytest.raises(ValueError, match="Checkpoint must be given to focal_boost"):
        xgb.train({}, ROWS.matrix(), 3, callbacks=callbacks)


def test_xgboosts_own_checkpoints_and_schedules_stay_what_they_are(tmp_path):
    def train(rounds, folder, *callbacks):
        folder.mkdir(exist_ok=True)
        own = [
            xgb.callback.TrainingCheckPoint(folder, interval=5),
            xgb.callback.LearningRateScheduler(lambda i: 0.3 / (1 + i)),
        ]
        callbacks = [*callbacks, *own]
        return fxgb.train({}, ROWS.matrix(), rounds, callbacks=callbacks)

    through = train(30, tmp_path / "own")
    path = tmp_path / "own" / "model_20.ubj"
    booster = fxgb.train({}, ROWS.matrix(), 0, xgb_model=path)
    assert booster.num_boosted_rounds() == 21
    train(12, tmp_path / "first", fxgb.Checkpoint(tmp_path / "model.ubj", 4))
    second = train(30, tmp_path / "second", fxgb.Checkpoint(tmp_path / "model.ubj", 4))
    assert BYTES["xgboost"](second) == BYTES["xgboost"](through)


@both
def test_killed_at_random_moments_it_goes_on(library, tmp_path):
    found = checkpoints.kill(library, tmp_path, 3)
    assert len(found) == 3
    assert all(0 <= rounds <= checkpoints.ROUNDS for rounds in found)


@both
def test_a_fault_in_writing_leaves_the_file(library, tmp_path, monkeypatch):
    path = tmp_path / "model.ubj"
    TRAIN[library](15, path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        TRAIN[library](25, path)
    assert path.read_bytes() == before
