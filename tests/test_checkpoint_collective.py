"""Two workers of XGBoost's collective that go on from a file."""

from __future__ import annotations

import pytest
from ranks import part, ranks, whole

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

PARTS = [part(3000, 0.001, 0), part(1500, 0.1, 1)]
VALID = [part(900, 0.05, 7), part(300, 0.2, 8)]
PAIRS = list(zip(PARTS, VALID, strict=True))
PARAMS = {"nthread": 1, "max_depth": 3, "eval_metric": ["logloss", "auc"]}


@pytest.fixture(scope="module")
def two():
    with ranks() as started:
        yield started


def trained(rows, rounds, path=None, alpha=0.25, patience=None):
    """Return the model and the evaluations of a worker, or of one machine."""
    data, valid, log = rows[0].matrix(), rows[1].matrix(), {}
    booster = fxgb.train(
        {**PARAMS, "verbosity": 0}, data, rounds,
        objective=FocalObjective(alpha, 2.0), metrics="average_precision",
        evals=[(valid, "valid")], evals_result=log, verbose_eval=False,
        early_stopping_rounds=patience,
        callbacks=[] if path is None else [fxgb.Checkpoint(path, 5)],
    )  # fmt: skip
    return bytes(booster.save_raw()), dict(log["valid"])


def without_a_file_on_the_first(rows, rounds, path, elsewhere):
    mine = elsewhere if rows[0].y.size == PARTS[0].y.size else path
    return trained(rows, rounds, mine)


@pytest.mark.parametrize("patience", [None, 20])
def test_they_go_on_to_the_same_bits(two, tmp_path, patience):
    path = tmp_path / "model.ubj"
    through = two.run(trained, PAIRS, 60, None, 0.25, patience)
    assert through[0] == through[1]
    two.run(trained, PAIRS, 22, path, 0.25, patience)
    assert fxgb.load(path).booster.num_boosted_rounds() == 20
    assert two.run(trained, PAIRS, 60, path, 0.25, patience) == through


def test_the_file_may_be_where_another_worker_sees_it(two, tmp_path):
    path, elsewhere = tmp_path / "model.ubj", tmp_path / "none.ubj"
    two.run(trained, PAIRS, 12, path)
    through = two.run(trained, PAIRS, 17)
    args = (17, path, elsewhere)
    assert two.run(without_a_file_on_the_first, PAIRS, *args) == through
    # It went on from round 10 and wrote round 15 only.
    assert fxgb.load(elsewhere).booster.num_boosted_rounds() == 15
    assert fxgb.load(path).booster.num_boosted_rounds() == 10


def test_one_machine_goes_on_where_two_stopped(two, tmp_path):
    path = tmp_path / "model.ubj"
    two.run(trained, PAIRS, 12, path)
    rows = whole(PARTS), whole(VALID)
    _, log = trained(rows, 20, path)
    _, alone = trained(rows, 20)
    # XGBoost's own AUC of several workers is the mean of theirs.
    for metric in ("logloss", "average_precision"):
        assert log[metric] == pytest.approx(alone[metric], abs=1e-5), metric


def test_what_is_wrong_with_the_file_is_an_error_of_both(two, tmp_path):
    path = tmp_path / "model.ubj"
    two.run(trained, PAIRS, 12, path)
    for found in two.run(trained, PAIRS, 20, path, 0.5):
        assert found.startswith("XGBoostError: focal alpha must be that of the")
    swapped = [(PARTS[0], VALID[0])] * 2
    for found in two.run(trained, swapped, 20, path):
        assert found.startswith("XGBoostError: number of rows, sum of labels and of")
    for found in two.run(trained, PAIRS, 20, tmp_path / "absent" / "model.ubj"):
        assert found.startswith("XGBoostError: [Errno 2] No such file or directory")
