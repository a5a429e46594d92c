"""``fxgb.train`` with a label matrix against XGBoost's own "binary:logistic"."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("xgboost", reason="needs XGBoost")

import xgboost as xgb

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, MultiFocalObjective

K = 3
PLAIN = MultiFocalObjective(None, 0.0)
TOLERANCE = 2e-6
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
# Before 3.1 there is one start value for all labels, and not that of each.
START = {} if VERSION >= (3, 1) else {"base_score": 0.3}
strategies = pytest.mark.parametrize(
    "strategy", ["one_output_per_tree", "multi_output_tree"]
)


def sample(n=500, seed=3):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, K)) < [0.4, 0.1, 0.04]).astype(int)
    X = rng.normal(size=(n, 4))
    X[:, :K] += y
    return X, y, rng.exponential(size=n)


def trained(params=None, rounds=6, objective=None, weighted=True, **given):
    """Return booster and evaluations, of XGBoost's own without an objective."""
    X, y, weight = sample()
    train = xgb.DMatrix(X, y, weight=weight if weighted else None)
    test, seen = xgb.DMatrix(*sample(seed=4)[:2]), {}
    params = {"nthread": 1, "tree_method": "hist", **(params or {})}
    given |= {"evals": [(train, "train"), (test, "test")], "evals_result": seen}
    given.setdefault("verbose_eval", False)
    if objective is None:
        params["objective"] = "binary:logistic"
        return xgb.train(params, train, rounds, **given), seen
    return fxgb.train(params, train, rounds, objective=objective, **given), seen


def flat(evaluations):
    return [v for of in evaluations.values() for one in of.values() for v in one]


def start_of(booster):
    learner = json.loads(booster.save_config())["learner"]
    return json.loads(learner["learner_model_param"]["base_score"])


def assert_same(params=None, **given):
    """Compare start values, predictions and evaluations."""
    (ours, seen), (own, expected) = (
        trained(params, objective=one, **given) for one in (PLAIN, None)
    )
    data = xgb.DMatrix(sample(seed=9)[0])
    for kind in ({}, {"output_margin": True}):
        found, other = (one.predict(data, **kind) for one in (ours, own))
        assert found == pytest.approx(other, rel=TOLERANCE, abs=TOLERANCE)
    assert start_of(ours) == pytest.approx(start_of(own), rel=TOLERANCE)
    assert {k: list(v) for k, v in seen.items()} == {
        k: list(v) for k, v in expected.items()
    }
    assert flat(seen) == pytest.approx(flat(expected), rel=TOLERANCE)
    return ours, own


SETTINGS = {
    "plain": {},
    "weighted": {"scale_pos_weight": 3.0},
    "start given": {"base_score": 0.3},
    "sampled": {"subsample": 0.6, "seed": 2},
    "metrics": {"eval_metric": ["error", "logloss"]},
}


class TestLaw:
    """At γ = 0 and α None nobody can tell."""

    @strategies
    @pytest.mark.parametrize("name", SETTINGS)
    def test_training(self, name, strategy):
        assert_same({**SETTINGS[name], "multi_strategy": strategy})

    def test_without_weights(self):
        assert_same(weighted=False)

    def test_early_stopping(self):
        ours, own = assert_same({"eta": 0.7}, rounds=40, early_stopping_rounds=2)
        assert ours.best_iteration == own.best_iteration < 37

    def test_callables_get_probabilities(self):
        def metric(preds, data):
            return "mean", float(preds[:, 1].mean() + (preds.ndim == 2))

        assert_same(custom_metric=metric)

    def test_continuation(self):
        first, _ = trained(rounds=3)
        assert_same(xgb_model=first)

    def test_each_label_is_a_separate_training(self):
        X, y, weight = sample()
        booster, _ = trained(START, objective=PLAIN)
        found = booster.predict(xgb.DMatrix(X))
        for k in range(K):
            data = xgb.DMatrix(X, y[:, k], weight=weight)
            params = {"nthread": 1, "objective": "binary:logistic", **START}
            own = xgb.train(params, data, 6).predict(data)
            assert found[:, k] == pytest.approx(own, rel=TOLERANCE)


class TestFocal:
    def test_each_label_is_a_binary_training(self):
        objective = MultiFocalObjective((0.25, None, 0.6), (2.0, 1.0, 0.0))
        booster, _ = trained(START, objective=objective)
        X, y, weight = sample()
        found = booster.predict(xgb.DMatrix(X))
        for k, one in enumerate(objective.of_columns(K)):
            data = xgb.DMatrix(X, y[:, k], weight=weight)
            binary = fxgb.train({"nthread": 1, **START}, data, 6, objective=one)
            assert found[:, k] == pytest.approx(binary.predict(data), rel=TOLERANCE)

    @strategies
    def test_saved_model_predicts_the_same_bits_without_the_package(
        self, tmp_path, strategy
    ):
        params = {"multi_strategy": strategy}
        booster, _ = trained(params, objective=MultiFocalObjective())
        assert type(booster) is xgb.Booster
        X = sample(seed=9)[0]
        booster.save_model(tmp_path / "model.ubj")
        np.save(tmp_path / "X.npy", X)
        code = (
            "import sys, numpy as np, xgboost as xgb\n"
            "model = xgb.Booster(model_file='model.ubj')\n"
            "np.save('found.npy', model.predict(xgb.DMatrix(np.load('X.npy'))))\n"
            "assert 'focal_boost' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        found = np.load(tmp_path / "found.npy")
        assert (found == booster.predict(xgb.DMatrix(X))).all()


class TestClassNumbers:
    """``num_class`` and class numbers are a label matrix of one class per row."""

    def sets(self, as_matrix):
        sets = []
        for seed in (3, 4):
            rng = np.random.default_rng(seed)
            y, X = rng.choice(K, 300, p=[0.7, 0.2, 0.1]), rng.normal(size=(300, 4))
            X[:, 0] += y
            matrix = (y[:, None] == np.arange(K)).astype(float)
            weight = rng.exponential(size=300)
            sets.append(xgb.DMatrix(X, matrix if as_matrix else y, weight=weight))
        return sets

    @pytest.mark.parametrize("metrics", [(), ["mlogloss", "average_precision"]])
    def test_training_is_that_of_the_matrix(self, metrics):
        boosters, logs = [], []
        for as_matrix in (True, False):
            train, test = self.sets(as_matrix)
            seen, before = {}, train.get_label()
            params = {"nthread": 1, **({} if as_matrix else {"num_class": K})}
            boosters.append(
                fxgb.train(
                    params,
                    train,
                    6,
                    objective=MultiFocalObjective(),
                    metrics=metrics,
                    evals=[(train, "train"), (test, "test")],
                    evals_result=seen,
                    verbose_eval=False,
                )
            )
            logs.append(seen)
            assert (train.get_label() == before).all()
            assert params.get("num_class") == (None if as_matrix else K)
        data = self.sets(as_matrix=True)[1]
        assert (boosters[0].predict(data) == boosters[1].predict(data)).all()
        assert logs[0] == logs[1]
        assert list(logs[0]["test"]) == ["logloss", *metrics]

    def test_labels_come_back_after_an_error(self):
        train, _ = self.sets(as_matrix=False)
        before = train.get_label()
        with pytest.raises(xgb.core.XGBoostError):
            fxgb.train(
                {"num_class": K, "tree_method": "none"}, train, 1, objective=PLAIN
            )
        assert (train.get_label() == before).all()

    @pytest.mark.parametrize(
        ("num_class", "message"),
        [
            (1, "num_class must be an integer >= 2, got 1"),
            (2, "y_true must contain only whole numbers from 0 to 1, got 2"),
        ],
    )
    def test_bad_numbers_are_named(self, num_class, message):
        train, _ = self.sets(as_matrix=False)
        with pytest.raises(ValueError, match=f"^{message}"):
            fxgb.train({"num_class": num_class}, train, 1, objective=PLAIN)


class TestBadInput:
    @pytest.mark.parametrize(
        ("labels", "objective", "message"),
        [
            (
                [0, 1, 2, 0],
                PLAIN,
                "dtrain must have a label matrix of 0 and 1, a column per class",
            ),
            ([[0, 1], [2, 0], [1, 1], [0, 0]], PLAIN, "y_true must contain only 0 and"),
            (
                [[0, 1], [1, 0], [1, 1], [0, 0]],
                MultiFocalObjective((0.2, 0.3, 0.4)),
                "alpha must have one value per class, 2, got 3",
            ),
        ],
    )
    def test_labels(self, labels, objective, message):
        data = xgb.DMatrix(np.zeros((4, 1)), labels)
        with pytest.raises(ValueError, match=message):
            fxgb.train({"nthread": 1}, data, 1, objective=objective)

    def test_metrics_of_this_package(self):
        with pytest.raises(ValueError, match=r"^metric must be one of .*got 'ndcg'$"):
            trained(objective=PLAIN, metrics="ndcg")

    def test_a_binary_objective_takes_no_matrix(self):
        # Before 3.1 a matrix of labels is handed out as one long row.
        message = "one value per row" if VERSION >= (3, 1) else "the shape of y_true"
        with pytest.raises(ValueError, match=message):
            trained(objective=FocalObjective())
