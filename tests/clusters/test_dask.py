"""Two Dask workers with rows of very different prevalence."""

from __future__ import annotations

import numpy as np
import pytest
from ranks import part, whole
from sklearn.metrics import average_precision_score

import focal_boost.xgboost as fxgb
from focal_boost import FocalLGBMClassifier, FocalObjective

pytest.importorskip("distributed", reason='needs Dask: pip install ".[dask]"')
da = pytest.importorskip("dask.array")
on_dask = pytest.importorskip("on_dask")
collection, frame, matrix = on_dask.collection, on_dask.frame, on_dask.matrix

# The engines warn of what is theirs: ports, threads, deprecated arguments.
pytestmark = pytest.mark.filterwarnings("ignore")

PARTS = [part(6000, 0.001, 0), part(2500, 0.1, 1)]
WEIGHTED = [part(3000, 0.01, 2, weighted=True), part(2500, 0.1, 3, weighted=True)]
VALID = [part(900, 0.05, 7), part(300, 0.2, 8)]
ONE_CLASS = [part(2000, 0, 4), part(2500, 0.1, 1)]
PROBE = part(500, 0.1, 99)
PARAMS = {"max_depth": 4, "tree_method": "hist", "eval_metric": "logloss"}
OBJECTIVE = FocalObjective(0.25, 2.0)
SETTINGS = {"n_estimators": 8, "verbosity": -1}


@pytest.fixture(scope="module")
def client():
    with on_dask.two_workers() as started:
        yield started


def margin(booster):
    return booster.predict(PROBE.matrix(), output_margin=True)


def start_of(booster):
    text = booster.save_config().split('"base_score":"')[1]
    return float(text.split('"')[0].strip("[]"))


def one_machine(parts, rounds=8, **kwargs):
    params = {**PARAMS, "nthread": 1}
    kwargs = {"objective": OBJECTIVE, **kwargs}
    return fxgb.train(params, whole(parts).matrix(), rounds, **kwargs)


class TestXGBoost:
    def train(self, client, data, **kwargs):
        from focal_boost.dask import train

        given = {"objective": OBJECTIVE, "verbose_eval": False, **kwargs}
        return train(client, PARAMS, data, given.pop("rounds", 8), **given)

    @pytest.mark.parametrize("parts", [PARTS, WEIGHTED, ONE_CLASS])
    def test_without_focus_it_is_the_library(self, client, parts):
        from xgboost import dask as dxgb

        data = matrix(client, parts)
        given = {"evals": [(data, "train")], "verbose_eval": False}
        params = {**PARAMS, "objective": "binary:logistic"}
        theirs = dxgb.train(client, params, data, 8, **given)
        objective = FocalObjective(None, 0.0)
        ours = self.train(client, data, objective=objective, **given)
        np.testing.assert_allclose(
            margin(theirs["booster"]), margin(ours["booster"]), rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(
            theirs["history"]["train"]["logloss"],
            ours["history"]["train"]["logloss"],
            rtol=0,
            atol=1e-6,
        )

    @pytest.mark.parametrize("parts", [PARTS, WEIGHTED, ONE_CLASS])
    def test_two_workers_are_one_machine(self, client, parts):
        booster = self.train(client, matrix(client, parts))["booster"]
        alone = one_machine(parts)
        assert start_of(booster) == start_of(alone)
        np.testing.assert_allclose(margin(booster), margin(alone), rtol=0, atol=1e-5)

    def test_early_stopping_by_a_metric_of_all_rows(self, client):
        valid, log = matrix(client, VALID), {}
        given = {"metrics": "average_precision", "early_stopping_rounds": 3}
        found = self.train(
            client, matrix(client, PARTS), rounds=60, evals=[(valid, "valid")], **given
        )
        alone = one_machine(
            PARTS, 60, evals=[(whole(VALID).matrix(), "valid")], evals_result=log,
            verbose_eval=False, **given,
        )  # fmt: skip
        assert found["booster"].best_iteration == alone.best_iteration
        assert found["booster"].num_boosted_rounds() < 60
        np.testing.assert_allclose(
            found["history"]["valid"]["average_precision"],
            log["valid"]["average_precision"],
            rtol=0,
            atol=1e-6,
        )

    def test_a_fault_of_one_worker_is_an_error(self, client):
        wrong = [PARTS[0], PARTS[1]._replace(y=PARTS[1].y * 2)]
        with pytest.raises(ValueError, match="y_true must contain only 0 and 1, got 2"):
            self.train(client, matrix(client, wrong))

    def test_train_of_one_machine_names_the_right_one(self, client):
        data = matrix(client, PARTS)
        with pytest.raises(ValueError, match=r"focal_boost\.dask\.train takes"):
            fxgb.train(PARAMS, data, 1)

    @pytest.mark.parametrize("make", [collection, frame])
    def test_classifiers_take_collections_and_return_them(self, client, make):
        from focal_boost.dask import FocalDaskXGBClassifier

        X, y = make(client, PARTS)[:2]
        model = FocalDaskXGBClassifier(
            focal_alpha="balanced", n_estimators=8, max_depth=4,
            eval_metric=["logloss", "average_precision"], early_stopping_rounds=5,
        )  # fmt: skip
        model.fit(X, y, eval_set=[(X, y)], verbose=False)
        rows = whole(PARTS)
        assert model.loss_.alpha == pytest.approx(1 - rows.y.mean(), rel=1e-6)
        assert set(model.evals_result()["validation_0"]) == {
            "logloss",
            "average_precision",
        }
        posterior = model.predict_proba(X)
        assert isinstance(posterior, da.Array)
        found = posterior.compute()[:, 1]
        score = np.asarray(model.decision_function(X))
        np.testing.assert_allclose(model.focal_objective_.posterior(score), found, 1e-5)
        assert average_precision_score(rows.y, found) > 3 * rows.y.mean()


class TestLightGBM:
    def fitted(self, client, parts, names=None, **params):
        from focal_boost.dask import FocalDaskLGBMClassifier

        X, y, weight = collection(client, parts)
        if names is not None:
            y = y.map_blocks(lambda block: names[block.astype(int)])
        model = FocalDaskLGBMClassifier(**{**SETTINGS, **params})
        return model.fit(X, y, sample_weight=weight)

    @pytest.mark.parametrize("parts", [PARTS, WEIGHTED])
    def test_without_focus_it_is_the_library(self, client, parts):
        import lightgbm as lgb

        X, y, weight = collection(client, parts)
        theirs = lgb.DaskLGBMClassifier(**SETTINGS).fit(X, y, sample_weight=weight)
        ours = self.fitted(client, parts, focal_alpha=None, focal_gamma=0.0)
        np.testing.assert_allclose(
            theirs.to_local().predict_proba(PROBE.X, raw_score=True),
            ours.to_local().decision_function(PROBE.X),
            rtol=0,
            atol=1e-9,
        )

    def test_the_start_is_the_prevalence_of_all(self, client):
        found = self.fitted(client, PARTS, min_child_samples=100_000, n_estimators=1)
        posterior = found.to_local().predict_proba(PROBE.X)[:, 1]
        np.testing.assert_allclose(
            posterior, np.mean(whole(PARTS).y, dtype=float), 1e-12
        )

    def test_a_worker_may_have_one_class_and_names_for_it(self, client):
        names = np.array(["no", "yes"])
        only = [ONE_CLASS[0]._replace(y=np.ones(2000, np.float32)), ONE_CLASS[1]]
        for parts in (ONE_CLASS, only):
            found = self.fitted(client, parts, names, focal_alpha="balanced")
            assert found.classes_.tolist() == ["no", "yes"]
            prevalence = whole(parts).y.mean()
            assert found.loss_.alpha == pytest.approx(1 - prevalence, rel=1e-6)
            posterior = found.to_local().predict_proba(whole(parts).X)[:, 1]
            assert posterior.mean() == pytest.approx(prevalence, rel=0.2)

    def test_collections_come_out(self, client):
        model = self.fitted(client, PARTS)
        X, _, _ = collection(client, PARTS)
        posterior = model.predict_proba(X)
        assert isinstance(posterior, da.Array)
        assert isinstance(model.to_local(), FocalLGBMClassifier)
        local = model.to_local().predict_proba(whole(PARTS).X)
        np.testing.assert_array_equal(posterior.compute(), local)
        assert model.predict(X).compute().shape == (8500,)

    def test_early_stopping_is_refused(self, client):
        with pytest.raises(ValueError, match="early_stopping_round must be absent on"):
            self.fitted(client, PARTS, early_stopping_round=3)

    def test_one_class_is_an_error(self, client):
        with pytest.raises(ValueError, match="y must hold two classes, got one"):
            self.fitted(client, [PARTS[0]._replace(y=PARTS[0].y * 0)] * 2)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("FocalDaskXGBClassifier", 'labels for which XGBoost trains "multi:softprob"'),
        ("FocalDaskLGBMClassifier", "y must contain two classes, got 3"),
    ],
)
def test_many_classes_are_refused(client, kind, said):
    import focal_boost.dask

    X = da.from_array(PROBE.X, chunks=(250, -1))
    y = da.from_array(np.arange(500) % 3, chunks=250)
    model = getattr(focal_boost.dask, kind)(n_estimators=2)
    model.client = client
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)
