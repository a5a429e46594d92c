"""Both ``train`` with many classes or labels, against the libraries' own.

XGBoost's own is "binary:logistic" of a label matrix, LightGBM's "multiclassova".
"""

import json

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import both

from focal_boost import MultiFocalObjective

K = 4
PLAIN = MultiFocalObjective(None, 0.0)
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
# Before 3.1 there is one start value for all labels, and not that of each.
START = {} if VERSION >= (3, 1) else {"base_score": 0.3}
TOLERANCE = {"xgboost": 2e-6, "lightgbm": 1e-12}
OWN = {"xgboost": "binary:logistic", "lightgbm": "multiclassova"}
PARAMS = {
    "xgboost": {"tree_method": "hist"},
    "lightgbm": {"num_class": K, "min_data_in_leaf": 5},
}
KINDS = {
    "xgboost": [{}, {"output_margin": True}],
    "lightgbm": [{}, *({k: True} for k in ("raw_score", "pred_leaf", "pred_contrib"))],
}


def sample(library, seed=3):
    """Return features, weights and labels: a matrix, or the numbers of classes."""
    rng = np.random.default_rng(seed)
    X, weight = rng.normal(size=(500, K)), rng.exponential(size=500)
    if library is XGBoost:
        y = (rng.random((500, K)) < [0.4, 0.2, 0.1, 0.04]).astype(int)
        return X + y, y, weight
    y = rng.choice(K, 500, p=[0.6, 0.3, 0.07, 0.03])
    X[:, 0] += y
    return X, y, weight


def trained(library, params=None, rounds=8, objective=None, weighted=True, **given):
    """Return booster and evaluations, of the library's own without an objective."""
    X, y, weight = sample(library)
    train = library.data(X, y, weight if weighted else None)
    test, seen = library.data(*sample(library, seed=4)[:2]), {}
    if library is LightGBM:
        test.set_reference(train)
    stop, callbacks = given.pop("stop", None), given.pop("callbacks", ())
    sets = {"train": train, "test": test}
    given |= library.watching(sets, seen, *callbacks, stop=stop)
    params = {**PARAMS[library.name], **library.quiet, **(params or {})}
    if objective is None:
        params = {"objective": OWN[library.name], **params}
        return library.own.train(params, train, rounds, **given), seen
    return library.ours.train(params, train, rounds, objective=objective, **given), seen


def predicted(library, booster, seed=9, **kind):
    X = sample(library, seed)[0]
    return booster.predict(xgb.DMatrix(X) if library is XGBoost else X, **kind)


def flat(evaluations):
    return [v for of in evaluations.values() for one in of.values() for v in one]


def start_of(booster):
    learner = json.loads(booster.save_config())["learner"]
    return json.loads(learner["learner_model_param"]["base_score"])


def assert_same(library, params=None, **given):
    """Compare start values, predictions of every kind and evaluations."""
    (ours, seen), (own, expected) = (
        trained(library, params, objective=one, **given) for one in (PLAIN, None)
    )
    close = {"rel": TOLERANCE[library.name], "abs": TOLERANCE[library.name]}
    for kind in KINDS[library.name]:
        if "pred_contrib" in kind and "linear_tree" in (params or {}):
            continue  # LightGBM has none of linear trees
        found, other = (predicted(library, one, **kind) for one in (ours, own))
        assert found == pytest.approx(other, **close)
    if library is XGBoost:
        assert start_of(ours) == pytest.approx(start_of(own), rel=2e-6)
    assert {k: list(v) for k, v in seen.items()} == {
        k: list(v) for k, v in expected.items()
    }
    assert flat(seen) == pytest.approx(flat(expected), rel=close["rel"])
    return ours, own


TREES = {"multi_strategy": "multi_output_tree"}
OF_XGBOOST = {
    "plain": {},
    "weighted": {"scale_pos_weight": 3.0},
    "start given": {"base_score": 0.3},
    "sampled": {"subsample": 0.6, "seed": 2},
    "metrics": {"eval_metric": ["error", "logloss"]},
}
OF_LIGHTGBM = {
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
SETTINGS = [
    *((XGBoost, name, params) for name, params in OF_XGBOOST.items()),
    *((XGBoost, f"{name}, one tree", {**p, **TREES}) for name, p in OF_XGBOOST.items()),
    *((LightGBM, name, params) for name, params in OF_LIGHTGBM.items()),
]


class TestLaw:
    """At γ = 0 and α None nobody can tell."""

    @pytest.mark.parametrize(
        ("library", "params"),
        [pytest.param(by, p, id=f"{by.name}, {name}") for by, name, p in SETTINGS],
    )
    def test_training(self, library, params):
        assert_same(library, params)

    @both
    def test_without_weights(self, library):
        assert_same(library, weighted=False)

    @both
    def test_early_stopping(self, library):
        params = {"learning_rate": 0.3, "max_depth": 2}
        ours, own = assert_same(library, params, rounds=60, stop=3)
        assert 0 < ours.best_iteration == own.best_iteration < 57

    @both
    def test_callables_get_probabilities(self, library):
        def metric(preds, data):
            value = "mean", float(preds[:, 2].mean() + (preds.shape == (500, K)))
            return value if library is XGBoost else (*value, False)

        assert_same(library, **{library.metric: metric})

    @both
    def test_continuation(self, library):
        first, _ = trained(library, rounds=3)
        assert_same(library, **{library.first: first})

    def test_text_and_dump_of_lightgbm(self):
        ours, own = (trained(LightGBM, objective=one)[0] for one in (PLAIN, None))
        drop = ("tree_sizes", "feature_infos")

        def lines(booster):
            text = booster.model_to_string()
            return [x.split("=")[0] for x in text.splitlines() if x[:10] not in drop]

        assert lines(ours) == lines(own)
        objective = "objective=multiclassova num_class:4 sigmoid:1\n"
        assert objective in ours.model_to_string()
        pair = [one.dump_model() for one in (ours, own)]
        assert pair[0].keys() == pair[1].keys()
        trees = [json.dumps(one["tree_info"])[:200] for one in pair]
        assert trees[0] == trees[1]

    def test_models_of_lightgbm_in_mid_training(self, tmp_path):
        found = []

        def save(model, k):
            model.save_model(tmp_path / "model.txt")
            again = lgb.Booster(model_file=tmp_path / "model.txt")
            found.append(predicted(LightGBM, again))

        for objective in (PLAIN, None):
            trained(LightGBM, objective=objective, callbacks=[LightGBM.each(save)])
        for ours, own in zip(found[:8], found[8:], strict=True):
            assert ours == pytest.approx(own, rel=1e-12, abs=1e-12)


class TestFocal:
    """With γ > 0 the trees of each class or label are the binary objective's."""

    @both
    @pytest.mark.parametrize("gamma", [1.0, (2.0, 0.0, 1.7, 3.0)])
    def test_each_is_a_binary_training(self, library, gamma):
        objective = MultiFocalObjective((0.25, None, 0.6, 0.75), gamma)
        start = START if library is XGBoost else {}
        found = predicted(library, trained(library, start, objective=objective)[0])
        X, y, weight = sample(library)
        params = {k: v for k, v in PARAMS[library.name].items() if k != "num_class"}
        for k, one in enumerate(objective.of_columns(K)):
            data = library.data(X, y[:, k] if library is XGBoost else y == k, weight)
            binary = library.train(data, 8, one, {**params, **start})
            expected = predicted(library, binary)
            assert found[:, k] == pytest.approx(expected, rel=TOLERANCE[library.name])

    @pytest.mark.parametrize(
        ("library", "params"), [(XGBoost, {}), (XGBoost, TREES), (LightGBM, {})]
    )
    def test_a_saved_model_is_the_librarys(self, library, params, tmp_path):
        booster, _ = trained(library, params, objective=MultiFocalObjective())
        assert type(booster) is library.own.Booster
        booster.save_model(tmp_path / "model.json")
        assert b"focal" not in (tmp_path / "model.json").read_bytes()
        again = library.own.Booster(model_file=tmp_path / "model.json")
        assert (predicted(library, again) == predicted(library, booster)).all()

    def test_lightgbms_data_are_given_back(self):
        train = LightGBM.data(*sample(LightGBM)[:2])
        params = {"num_class": K, **LightGBM.quiet}
        LightGBM.ours.train(params, train, 2, objective=PLAIN)
        assert train.get_init_score() is None
