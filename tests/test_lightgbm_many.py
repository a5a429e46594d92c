"""``flgb.train`` with many classes against LightGBM's own "multiclassova"."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="needs LightGBM")

import lightgbm as lgb

import focal_boost.lightgbm as flgb
from focal_boost import FocalObjective, MultiFocalObjective

K = 4
PLAIN = MultiFocalObjective(None, 0.0)
QUIET = {"num_class": K, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}


def sample(n=500, seed=3):
    rng = np.random.default_rng(seed)
    y = rng.choice(K, n, p=[0.6, 0.3, 0.07, 0.03])
    X = rng.normal(size=(n, 4))
    X[:, 0] += y
    return X, y, rng.exponential(size=n)


def datasets(weighted=True):
    X, y, weight = sample()
    of_rows = weight if weighted else None
    train = lgb.Dataset(X, y, weight=of_rows, free_raw_data=False)
    X_test, y_test, _ = sample(seed=4)
    test = lgb.Dataset(X_test, y_test, reference=train, free_raw_data=False)
    return train, test


def trained(params=None, rounds=8, objective=None, weighted=True, **given):
    """Return booster and evaluations, of LightGBM's own without an objective."""
    params, seen = {**QUIET, **(params or {})}, {}
    train, test = datasets(weighted)
    given["callbacks"] = [lgb.record_evaluation(seen), *given.get("callbacks", ())]
    given |= {"valid_sets": [train, test], "valid_names": ["train", "test"]}
    if objective is None:
        params = {"objective": "multiclassova", **params}
        return lgb.train(params, train, rounds, **given), seen
    return flgb.train(params, train, rounds, objective=objective, **given), seen


def both(params=None, **given):
    """Return ours and LightGBM's own."""
    return [trained(params, objective=one, **given) for one in (PLAIN, None)]


def flat(evaluations):
    return [v for of in evaluations.values() for one in of.values() for v in one]


def assert_same(params=None, **given):
    """Compare models, predictions of every kind and evaluations."""
    (ours, seen), (own, expected) = both(params, **given)
    X = sample(seed=9)[0]
    kinds = ["raw_score", "pred_leaf", "pred_contrib"]
    if (params or {}).get("linear_tree"):
        kinds.pop()  # LightGBM has none of linear trees
    for kind in ({}, *({name: True} for name in kinds)):
        found = ours.predict(X, **kind)
        assert found == pytest.approx(own.predict(X, **kind), rel=1e-12, abs=1e-12)
    assert {k: list(v) for k, v in seen.items()} == {
        k: list(v) for k, v in expected.items()
    }
    assert flat(seen) == pytest.approx(flat(expected), rel=1e-12)
    assert ours.best_iteration == own.best_iteration
    return ours, own


SETTINGS = {
    "plain": {},
    "sampled": {"bagging_fraction": 0.6, "bagging_freq": 1, "feature_fraction": 0.6},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.5},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "linear": {"linear_tree": True},
    "unbalanced": {"is_unbalance": True},
    "weighted": {"scale_pos_weight": 3.0},
    "from zero": {"boost_from_average": False},
    "no split": {"min_data_in_leaf": 400},
    "from zero without a split": {"boost_from_average": False, "max_depth": 1},
    "metrics": {"metric": ["multi_error", "auc_mu", "multi_logloss"]},
    "two of the classes": {"metric": "multi_error", "multi_error_top_k": 2},
    "alias": {"objective": "ova"},
    "class without rows": {"num_class": K + 1},
}


class TestLaw:
    """At γ = 0 and α None nobody can tell."""

    @pytest.mark.parametrize("name", SETTINGS)
    def test_training(self, name):
        assert_same(SETTINGS[name])

    def test_without_weights(self):
        assert_same(weighted=False)

    def test_early_stopping(self):
        stopping = lgb.early_stopping(3, verbose=False)
        ours, _ = assert_same({"learning_rate": 0.3}, rounds=60, callbacks=[stopping])
        assert 0 < ours.best_iteration < 57

    def test_callables_get_probabilities(self):
        def metric(preds, data):
            return "mean", float(preds[:, 2].mean() + (preds.shape == (500, K))), False

        assert_same(feval=metric)

    def test_continuation(self):
        first, _ = trained(rounds=3)
        assert_same(init_model=first)

    def test_text_and_dump(self):
        ours, own = (one for one, _ in both())
        drop = ("tree_sizes", "feature_infos")

        def lines(booster):
            text = booster.model_to_string()
            return [x.split("=")[0] for x in text.splitlines() if x[:10] not in drop]

        assert lines(ours) == lines(own)
        assert "objective=multiclassova num_class:4 sigmoid:1\n" in (
            ours.model_to_string()
        )
        pair = [one.dump_model() for one in (ours, own)]
        assert pair[0].keys() == pair[1].keys()
        trees = [one["tree_info"] for one in pair]
        assert json.dumps(trees[0])[:200] == json.dumps(trees[1])[:200]

    def test_checkpoint_in_mid_training(self, tmp_path):
        paths = []

        def save(env):
            paths.append(tmp_path / f"{len(paths)}.txt")
            env.model.save_model(paths[-1])

        X = sample(seed=9)[0]
        both(callbacks=[save])
        half = len(paths) // 2
        for ours, own in zip(paths[:half], paths[half:], strict=True):
            found, expected = (
                lgb.Booster(model_file=p).predict(X) for p in (ours, own)
            )
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)

    def test_data_are_given_back(self):
        train, _ = datasets()
        flgb.train(QUIET, train, 2, objective=PLAIN)
        assert train.get_init_score() is None


class TestFocal:
    """With γ > 0 the trees of each class are the binary objective's."""

    @pytest.mark.parametrize("gamma", [1.0, (2.0, 0.0, 1.7, 3.0)])
    def test_each_class_is_a_binary_training(self, gamma):
        objective = MultiFocalObjective((0.25, None, 0.6, 0.75), gamma)
        booster, _ = trained(objective=objective)
        X, y, weight = sample()
        found = booster.predict(X)
        quiet = {k: v for k, v in QUIET.items() if k != "num_class"}
        for k, one in enumerate(objective.of_columns(K)):
            data = lgb.Dataset(X, y == k, weight=weight)
            binary = flgb.train(quiet, data, 8, objective=one)
            assert found[:, k] == pytest.approx(binary.predict(X), rel=1e-12)

    def test_saved_model_predicts_the_same_bits_without_the_package(self, tmp_path):
        booster, _ = trained(objective=MultiFocalObjective())
        X = sample(seed=9)[0]
        booster.save_model(tmp_path / "model.txt")
        np.save(tmp_path / "X.npy", X)
        code = (
            "import sys, numpy as np, lightgbm as lgb\n"
            "model = lgb.Booster(model_file='model.txt')\n"
            "np.save('found.npy', model.predict(np.load('X.npy')))\n"
            "assert 'focal_boost' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        assert (np.load(tmp_path / "found.npy") == booster.predict(X)).all()


class TestBadInput:
    @pytest.mark.parametrize(
        ("params", "objective", "message"),
        [
            ({"num_class": None}, PLAIN, "num_class must be an integer >= 2, got None"),
            ({"num_class": 1}, PLAIN, "num_class must be an integer >= 2, got 1"),
            ({"num_class": 3}, PLAIN, "y_true must contain only whole numbers from 0"),
            (
                {},
                MultiFocalObjective((0.2, 0.3)),
                "alpha must have one value per class, 4, got 2",
            ),
            (
                {"objective": "multiclass"},
                PLAIN,
                'objective in params must be "multiclassova" or absent, got',
            ),
            (
                {"objective": "multiclassova"},
                FocalObjective(),
                'objective in params must be "binary" or absent, got',
            ),
        ],
    )
    def test_parameters(self, params, objective, message):
        with pytest.raises(ValueError, match=f"^{message}"):
            trained(params, objective=objective)

    def test_metrics_of_this_package(self):
        with pytest.raises(ValueError, match=r"^metric must be one of .*got 'ndcg'$"):
            trained(objective=PLAIN, metrics="ndcg")
