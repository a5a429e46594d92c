"""MultiFocalObjective as the libraries call it: at γ = 0 it is their own."""

import warnings

import numpy as np
import pytest
from grids import K, as_matrix, of_columns

from focal_boost import MultiFocalObjective

PLAIN = MultiFocalObjective(None, 0.0)


def features(n=400):
    y, matrix, _, weight = of_columns(n)
    X = np.random.default_rng(5).normal(size=(n, 3))
    X[:, 0] += y + matrix[:, 1]
    return X, y, matrix, weight


class TestXGBoost:
    """At γ = 0 from its own start: XGBoost's own log loss of every column."""

    PARAMS = {"nthread": 1, "base_score": 0.5}  # noqa: RUF012

    def own(self, xgb, X, labels, weight):
        data = xgb.DMatrix(X, labels, weight=weight)
        params = {**self.PARAMS, "objective": "binary:logistic"}
        return xgb.train(params, data, 5).predict(data, output_margin=True)

    @pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
    def test_label_matrix(self, strategy):
        xgb = pytest.importorskip("xgboost")
        X, _, matrix, weight = features()
        data = xgb.DMatrix(X, matrix, weight=weight)
        params = {**self.PARAMS, "multi_strategy": strategy, "tree_method": "hist"}
        params["objective"] = "binary:logistic"
        own = xgb.train(params, data, 5)
        ours = xgb.train(params, data, 5, obj=PLAIN)
        found = [one.predict(data, output_margin=True) for one in (ours, own)]
        assert found[0] == pytest.approx(found[1], rel=2e-6, abs=2e-6)

    def test_class_numbers(self):
        xgb = pytest.importorskip("xgboost")
        X, y, _, weight = features()
        data = xgb.DMatrix(X, y, weight=weight)
        params = {"nthread": 1, "num_class": K, "base_score": 0.0}
        found = xgb.train(params, data, 5, obj=PLAIN).predict(data, output_margin=True)
        for k in range(K):
            own = self.own(xgb, X, y == k, weight)
            assert found[:, k] == pytest.approx(own, rel=2e-6, abs=2e-6)

    @pytest.mark.parametrize("many_labels", [False, True])
    def test_scikit_learn(self, many_labels):
        xgb = pytest.importorskip("xgboost")
        if many_labels and int(xgb.__version__.split(".")[0]) < 3:
            pytest.skip("XGBoost 2 hands label matrices out flat, and weights not so")
        X, y, matrix, weight = features()
        labels = matrix if many_labels else y
        model = xgb.XGBClassifier(
            objective=PLAIN, n_estimators=5, n_jobs=1,
            base_score=0.5 if many_labels else 0.0,
        )  # fmt: skip
        model.fit(X, labels, sample_weight=weight)
        found = model.predict(X, output_margin=True)
        for k, column in enumerate((matrix if many_labels else as_matrix(y)).T):
            own = self.own(xgb, X, column, weight)
            assert found[:, k] == pytest.approx(own, rel=2e-6, abs=2e-6)


class TestLightGBM:
    """At γ = 0 from 0: LightGBM's own one-vs-rest."""

    PARAMS = {  # noqa: RUF012
        "num_class": K,
        "verbosity": -1,
        "num_threads": 1,
        "boost_from_average": False,
    }

    @pytest.mark.parametrize("weighted", [False, True])
    def test_train(self, weighted):
        lgb = pytest.importorskip("lightgbm")
        X, y, _, weight = features()
        found = []
        for objective in (PLAIN, "multiclassova"):
            data = lgb.Dataset(X, y, weight=weight if weighted else None)
            params = {**self.PARAMS, "objective": objective}
            found.append(lgb.train(params, data, 5).predict(X, raw_score=True))
        assert found[0] == pytest.approx(found[1], rel=1e-12, abs=1e-12)

    def test_scikit_learn(self):
        lgb = pytest.importorskip("lightgbm")
        X, y, _, weight = features()
        found = []
        given = {k: v for k, v in self.PARAMS.items() if k != "num_class"}
        for objective in (PLAIN, "multiclassova"):
            model = lgb.LGBMClassifier(n_estimators=5, objective=objective, **given)
            model.fit(X, y, sample_weight=weight)
            with warnings.catch_warnings():
                # LightGBM's own, of a custom objective.
                warnings.simplefilter("ignore")
                found.append(model.predict_proba(X, raw_score=True))
        assert found[0] == pytest.approx(found[1], rel=1e-12, abs=1e-12)
