"""Both ``train`` with many classes or labels: class numbers, and what is refused."""

import re

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, xgb
from estimators import both

import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective, MultiFocalObjective

K = 3
PLAIN = MultiFocalObjective(None, 0.0)


def rows(seed=3):
    rng = np.random.default_rng(seed)
    y, X = rng.choice(K, 300, p=[0.7, 0.2, 0.1]), rng.normal(size=(300, 4))
    X[:, 0] += y
    return X, y, rng.exponential(size=300)


def numbered(seed=3):
    X, y, weight = rows(seed)
    return XGBoost.data(X, y, weight)


def as_matrix(seed=3):
    X, y, weight = rows(seed)
    return XGBoost.data(X, (y[:, None] == np.arange(K)).astype(float), weight)


@pytest.mark.parametrize("metrics", [(), ["mlogloss", "average_precision"]])
def test_numbers_are_a_label_matrix_of_one_class_per_row(metrics):
    boosters, logs = [], []
    for data, params in ((as_matrix, {}), (numbered, {"num_class": K})):
        train, test, log = data(), data(4), {}
        before, given = train.get_label(), {**params, "nthread": 1}
        watching = XGBoost.watching({"train": train, "test": test}, log)
        objective = {"objective": MultiFocalObjective(), "metrics": metrics}
        boosters.append(fxgb.train(given, train, 6, **objective, **watching))
        logs.append(log)
        assert (train.get_label() == before).all()
        assert given == {**params, "nthread": 1}
    found, expected = (one.predict(as_matrix(4)) for one in boosters)
    assert (found == expected).all()
    assert logs[0] == logs[1]
    assert list(logs[0]["test"]) == ["logloss", *metrics]


def test_labels_come_back_after_an_error():
    train = numbered()
    before, params = train.get_label(), {"num_class": K, "tree_method": "none"}
    with pytest.raises(xgb.core.XGBoostError):
        fxgb.train(params, train, 1, objective=PLAIN)
    assert (train.get_label() == before).all()


NO_NUMBER = "num_class must be an integer >= 2, got"
OTHER = "objective in params must be"


@pytest.mark.parametrize(
    ("library", "params", "objective", "message"),
    [
        (XGBoost, {"num_class": 1}, PLAIN, f"{NO_NUMBER} 1"),
        (XGBoost, {"num_class": 2}, PLAIN,
         "y_true must contain only whole numbers from 0 to 1, got 2"),
        (LightGBM, {"num_class": None}, PLAIN, f"{NO_NUMBER} None"),
        (LightGBM, {"num_class": 1}, PLAIN, f"{NO_NUMBER} 1"),
        (LightGBM, {"num_class": 2}, PLAIN,
         "y_true must contain only whole numbers from 0"),
        (LightGBM, {}, MultiFocalObjective((0.2, 0.3)),
         "alpha must have one value per class, 3, got 2"),
        (LightGBM, {"objective": "multiclass"}, PLAIN,
         f'{OTHER} "multiclassova" or absent, got'),
        (LightGBM, {"objective": "multiclassova"}, FocalObjective(),
         f'{OTHER} "binary" or absent, got'),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(library, params, objective, message):
    params = {"num_class": K, **library.quiet, **params}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        library.ours.train(params, library.data(*rows()), 1, objective=objective)


@pytest.mark.parametrize(
    ("labels", "objective", "message"),
    [
        ([0, 1, 2, 0], PLAIN,
         "dtrain must have a label matrix of 0 and 1, a column per class"),
        ([[0, 1], [2, 0], [1, 1], [0, 0]], PLAIN, "y_true must contain only 0 and"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], MultiFocalObjective((0.2, 0.3, 0.4)),
         "alpha must have one value per class, 2, got 3"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], FocalObjective(),
         "must have one value per row"),
    ],
)  # fmt: skip
def test_bad_matrices_are_named(labels, objective, message):
    data = xgb.DMatrix(np.zeros((4, 1)), labels)
    with pytest.raises(ValueError, match=message):
        fxgb.train({"nthread": 1}, data, 1, objective=objective)


@both
def test_metrics_of_this_package_are_named(library):
    data, params = library.data(*rows()), {"num_class": K, **library.quiet}
    with pytest.raises(ValueError, match=r"^metric must be one of .*got 'ndcg'$"):
        library.ours.train(params, data, 1, objective=PLAIN, metrics="ndcg")
