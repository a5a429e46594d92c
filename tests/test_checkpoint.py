"""A training that was stopped goes on from its file: the same bits."""

from __future__ import annotations

import checkpoints
import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from checkpoints import KEEP, LIBRARIES, OBJECTIVE, ROWS, VALID, model_of, train
from estimators import best_of, logs_of
from ranks import part

from focal_boost import FocalObjective

both = pytest.mark.parametrize("library", LIBRARIES)

DRAWN = {"seed_per_iteration": True}
# Before 3.4 XGBoost drew others with histograms.
DRAWS_THE_SAME = checkpoints.xgboost_version() >= (3, 4)
SAMPLED = {"subsample": 0.5, "colsample_bytree": 0.5, "tree_method": "exact"}
# Where it does not go on to the same model the library draws other rows and columns. If
# it does, the library has mended what docs/clusters.md says of it.
STOPPED = [
    ("xgboost", {}, True),
    ("xgboost", {**SAMPLED, **DRAWN}, True),
    ("xgboost", {"updater": "grow_colmaker,prune", **DRAWN}, True),
    ("xgboost", {"booster": "gblinear", "updater": "coord_descent", **DRAWN}, True),
    (
        "xgboost",
        {"tree_method": "hist", "subsample": 0.5, "colsample_bynode": 0.5, **DRAWN},
        DRAWS_THE_SAME,
    ),
    ("xgboost", {"subsample": 0.5}, False),
    ("xgboost", {"colsample_bytree": 0.5}, False),
    ("xgboost", {"booster": "dart", "rate_drop": 0.2, **DRAWN}, False),
    ("lightgbm", {}, True),
    ("lightgbm", {"is_unbalance": True, "boost_from_average": False}, True),
    ("lightgbm", {"linear_tree": True}, True),
    ("lightgbm", {"early_stopping_round": 40, "learning_rate": 0.3}, True),
    ("lightgbm", {"bagging_fraction": 0.5, "bagging_freq": 1}, False),
    ("lightgbm", {"feature_fraction": 0.5}, False),
    ("lightgbm", {"extra_trees": True}, False),
]


@pytest.mark.parametrize(("library", "params", "same"), STOPPED)
def test_a_stopped_training_goes_on_to_the_same_model(library, params, same, tmp_path):
    quiet = {"verbosity": 0} if library == "xgboost" else {}
    params, path = {**params, **quiet}, tmp_path / "model.ubj"
    through, log = train(library, **params)
    train(library, 25, path, **params)
    booster, both_logs = train(library, 60, path, **params)
    assert (model_of(library, booster) == model_of(library, through)) is same
    assert (both_logs == log) is same
    best = (getattr(one, "best_iteration", None) for one in (booster, through))
    assert next(best) == next(best)


@both
def test_early_stopping_goes_on(library, tmp_path):
    path, patience = tmp_path / "model.ubj", 15
    through, log = train(library, 300, early_stopping_rounds=patience)
    best = through.best_iteration
    # Half of the patience is used up when it stops.
    train(library, best + patience // 2, path, 3, early_stopping_rounds=patience)
    booster, both_logs = train(library, 300, path, 3, early_stopping_rounds=patience)
    assert booster.best_iteration == best
    assert booster.best_score == through.best_score
    assert model_of(library, booster) == model_of(library, through)
    assert both_logs == log


@both
def test_a_checkpoint_is_a_model_with_its_loss(library, tmp_path):
    train(library, 25, tmp_path / "model.ubj")
    found = LIBRARIES[library].ours.load(tmp_path / "model.ubj")
    assert found.objective == OBJECTIVE
    assert model_of(library, found.booster) == model_of(library, train(library, 20)[0])


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
    train(library, 15, path)
    before = path.read_bytes()
    with pytest.raises((ValueError, lgb.basic.LightGBMError), match=message):
        train(library, path=path, **{"rounds": 20, **change})
    assert path.read_bytes() == before


@both
@pytest.mark.parametrize("content", [b"", b"a text", b"{}", None])
def test_another_file_is_refused(library, content, tmp_path):
    path = tmp_path / "model.ubj"
    booster, _ = train(library, 3)
    path.write_bytes(model_of(library, booster) if content is None else content)
    with pytest.raises(ValueError, match="path must be that of a checkpoint or of no"):
        train(library, 10, path)


def fitted(library, rounds, *callbacks, **params):
    given = {"sample_weight": ROWS.weight, "eval_set": [(VALID.X, VALID.y)]}
    if library == "xgboost":
        params |= {"early_stopping_rounds": 15, "callbacks": [*callbacks]}
        params["eval_metric"] = ["logloss", "average_precision"]
        given["verbose"] = False
    else:
        params["early_stopping_round"] = 15
        given |= {"eval_metric": ["auc", "focal_loss"], "callbacks": [*callbacks]}
    by = LIBRARIES[library]
    params |= {"n_estimators": rounds, "learning_rate": 0.1, **by.quiet_estimator}
    return by.focal_classifier(**params).fit(ROWS.X, ROWS.y, **given)


@both
@pytest.mark.filterwarnings("ignore:.*'eval_set' is deprecated", "ignore:X does not")
def test_classifiers_go_on(library, tmp_path):
    by, path = LIBRARIES[library], tmp_path / "model.ubj"
    through = fitted(library, 100)
    best = best_of(by, through)
    fitted(library, best[0] + 5, KEEP[library](path, 4))
    model = fitted(library, 100, KEEP[library](path, 4))
    assert best_of(by, model) == best
    assert logs_of(model) == logs_of(through)
    assert model.n_estimators == 100
    found, expected = (one.predict_proba(VALID.X) for one in (model, through))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="focal gamma must be that of the checkpoint"):
        fitted(library, 100, KEEP[library](path, 4), focal_gamma=1.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"machines": "127.0.0.1:12400,127.0.0.1:12401"}, "machines must be absent"),
        ({"boosting": "dart"}, "boosting must be gbdt without GOSS"),
        ({"data_sample_strategy": "goss"}, "boosting must be gbdt without GOSS"),
        ({"rows": ROWS._replace(margin=np.ones(3000))}, "init_score must be absent"),
        ({"first": "model of three rounds"}, "init_model must be absent"),
    ],
)
def test_what_lightgbm_cannot_go_on_with_is_refused(given, message, tmp_path):
    path = tmp_path / "model.txt"
    if "first" in given:
        given = {"first": train("lightgbm", 3)[0]}
    with pytest.raises(ValueError, match=f"{message} with a"):
        train("lightgbm", 3, path, **given)
    assert not path.exists()


@both
def test_the_library_alone_has_no_use_for_it(library, tmp_path):
    by, kept = LIBRARIES[library], [KEEP[library](tmp_path / "model.ubj")]
    data = checkpoints.data_of(library, ROWS)
    with pytest.raises(ValueError, match="heckpoint must be given to focal_boost"):
        by.own.train(by.quiet, data, 3, callbacks=kept)


def schedule(library, folder):
    """Return callbacks of the library's own."""
    if library == "lightgbm":
        return [lgb.reset_parameter(learning_rate=lambda i: 0.3 / (1 + i))]
    folder.mkdir(exist_ok=True)
    return [
        xgb.callback.TrainingCheckPoint(folder, interval=5),
        xgb.callback.LearningRateScheduler(lambda i: 0.3 / (1 + i)),
    ]


@both
def test_schedules_and_xgboosts_own_checkpoints_stay_what_they_are(library, tmp_path):
    def trained(rounds, path, folder):
        callbacks = schedule(library, tmp_path / folder)
        return train(library, rounds, path, 4, callbacks=callbacks)[0]

    through, path = trained(30, None, "own"), tmp_path / "model.ubj"
    trained(12, path, "first")
    booster = trained(30, path, "second")
    assert model_of(library, booster) == model_of(library, through)
    if library == "xgboost":
        file = tmp_path / "own" / "model_20.ubj"
        assert xgb.Booster(model_file=file).num_boosted_rounds() == 21


@both
def test_killed_at_random_moments_it_goes_on(library, tmp_path):
    found = checkpoints.kill(library, tmp_path, 3)
    assert len(found) == 3
    assert all(0 <= rounds <= checkpoints.ROUNDS for rounds in found)


@both
def test_a_fault_in_writing_leaves_the_file(library, tmp_path, monkeypatch):
    path = tmp_path / "model.ubj"
    train(library, 15, path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        train(library, 25, path)
    assert path.read_bytes() == before
