"""``cv`` of many classes: the libraries' own at γ = 0, and each fold's own starts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, folds_of, lgb, xgb
from estimators import both, quiet
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import MultiFocalObjective

pytestmark = quiet

K = 3
X, Y = make_classification(
    300, 8, n_informative=4, n_classes=K, weights=[0.75, 0.2], random_state=2
)
MATRIX = np.eye(K)[Y]
WEIGHT = np.random.default_rng(0).exponential(size=len(Y))
PLAIN = MultiFocalObjective(None, 0.0)
SPLIT = [*StratifiedKFold(3).split(X, Y)]
XGB = {"nthread": 1, "max_depth": 3}
LGB = {"num_threads": 1, "num_leaves": 7, "force_col_wise": True, "verbosity": -1}
VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])


def of_lightgbm(params: Any, objective: Any = None, **given: Any) -> Any:
    params = {**LGB, "num_class": K, **params}
    data = lgb.Dataset(X, Y, weight=WEIGHT, free_raw_data=False)
    if objective is None:
        return lgb.cv({"objective": "multiclassova", **params}, data, 6, **given)
    return flgb.cv(params, data, 6, objective=objective, **given)


def of_xgboost(params: Any, labels: Any, objective: Any = None, **given: Any) -> Any:
    data = xgb.DMatrix(X, labels, weight=WEIGHT)
    if objective is None:
        return xgb.cv(
            {"objective": "binary:logistic", **XGB, **params}, data, 6, **given
        )
    found = fxgb.cv({**XGB, **params}, data, 6, objective=objective, **given)
    np.testing.assert_array_equal(data.get_label().ravel(), np.ravel(labels))
    return found


def of_classes(library: Any, params: Any, objective: Any, **given: Any) -> Any:
    """Cross-validate class numbers in either library."""
    if library is LightGBM:
        return of_lightgbm(params, objective, **given)
    return of_xgboost({"num_class": K, **params}, Y, objective, **given)


def column(library: Any, name: str) -> str:
    return f"{'test-' if library is XGBoost else 'valid '}{name}-mean"


def assert_same(first: Any, second: Any, tolerance: float) -> None:
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_allclose(second[name], first[name], atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    "params",
    [{}, {"metric": ["multi_error", "multi_logloss"]}, {"boost_from_average": False}],
    ids=str,
)
@pytest.mark.parametrize(
    "how",
    [{"nfold": 3}, {"folds": SPLIT, "eval_train_metric": True}, {"stratified": False}],
    ids=["stratified", "folds", "in order"],
)
def test_lightgbm_is_its_own(capfd: Any, params: Any, how: dict[str, Any]) -> None:
    given = {**how, "return_cvbooster": True}
    own = of_lightgbm(params, **given)
    printed = capfd.readouterr()
    ours = of_lightgbm(params, PLAIN, **given)
    assert capfd.readouterr() == printed
    scores = [np.array(one.pop("cvbooster").predict(X)) for one in (own, ours)]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-12, rtol=0)
    assert_same(own, ours, 1e-12)


@pytest.mark.parametrize(
    "params",
    [{}, {"multi_strategy": "multi_output_tree"}, {"base_score": 0.3}],
    ids=str,
)
@pytest.mark.parametrize("named", [False, True], ids=["matrix", "numbers"])
def test_xgboost_is_its_own(params: Any, named: bool) -> None:
    own = of_xgboost(params, MATRIX, folds=SPLIT)
    numbers = ({**params, "num_class": K}, Y) if named else (params, MATRIX)
    assert_same(own, of_xgboost(*numbers, PLAIN, folds=SPLIT), 2e-6)


def test_xgboost_makes_the_same_folds() -> None:
    """Of a matrix as XGBoost does, and of numbers as it stratifies those."""
    assert_same(
        of_xgboost({}, MATRIX, nfold=4, seed=3),
        of_xgboost({}, MATRIX, PLAIN, nfold=4, seed=3),
        2e-6,
    )
    folds = [*StratifiedKFold(4, shuffle=True, random_state=3).split(X, Y)]
    for how in ({"nfold": 4, "stratified": True, "seed": 3}, {"folds": folds}):
        found = of_xgboost({"num_class": K}, Y, PLAIN, **how)
        assert_same(of_xgboost({}, MATRIX, folds=folds), found, 2e-6)


def test_xgboost_takes_pairs_and_splitters() -> None:
    data = xgb.DMatrix(X, Y)
    pairs = [*XGB.items(), ("num_class", K), ("eval_metric", "error")]
    splitter = StratifiedKFold(3)
    found = fxgb.cv(pairs, data, 3, objective=PLAIN, folds=splitter)
    own = xgb.cv(
        {**XGB, "objective": "binary:logistic", "eval_metric": "error"},
        xgb.DMatrix(X, MATRIX),
        3,
        folds=SPLIT,
    )
    assert_same(own, found, 2e-6)


FLAT = {
    XGBoost: {"gamma": 1e9, "eta": 1e-9},
    LightGBM: {"min_gain_to_split": 1e9, "learning_rate": 1e-9},
}


@both
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_every_fold_starts_at_its_own_prevalences(library: Any, gamma: float) -> None:
    if library is XGBoost and VERSION < (3, 1):
        pytest.skip("older XGBoost has one start for all")
    objective, how = MultiFocalObjective(0.25, gamma), {"metrics": "log_loss"}
    found = of_classes(library, FLAT[library], objective, folds=SPLIT, **how)
    value = found[column(library, "log_loss")][0]
    assert value == pytest.approx(constant_loss(), rel=2e-6)


def constant_loss() -> float:
    """Return the mean over folds of the log loss of each class's prevalence."""
    each = []
    for train, test in SPLIT:
        p = np.average(MATRIX[train], axis=0, weights=WEIGHT[train])
        rows = -np.where(MATRIX[test] == 1, np.log(p), np.log1p(-p)).mean(axis=1)
        each.append(np.average(rows, weights=WEIGHT[test]))
    return float(np.mean(each))


@both
def test_metrics_of_every_class_are_scikit_learns(library: Any) -> None:
    objective = MultiFocalObjective(0.25, [0.5, 1.0, 2.0])
    names = ["average_precision", "average_precision_per_class"]
    given = {"folds": SPLIT, "metrics": names}
    cv = partial(of_classes, library, {}, objective, **given)
    found, boosters = folds_of(library, cv)
    posteriors = [
        library.probability(one, X[test])
        for one, (_, test) in zip(boosters, SPLIT, strict=True)
    ]
    each = np.mean(
        [
            average_precision_score(MATRIX[test], p, average=None, sample_weight=w)
            for p, (_, test) in zip(posteriors, SPLIT, strict=True)
            for w in [WEIGHT[test]]
        ],
        axis=0,
    )
    last = [
        [*found[column(library, f"average_precision{of}")]][-1]
        for of in ("", "_0", "_1", "_2")
    ]
    np.testing.assert_allclose(last, [each.mean(), *each], rtol=2e-6)


@both
def test_early_stopping_waits_for_a_maximum(library: Any) -> None:
    params, stopping = {
        XGBoost: ({"eta": 0.6}, {"early_stopping_rounds": 1}),
        LightGBM: (
            {"metric": "None", "learning_rate": 0.6},
            {"callbacks": [lgb.early_stopping(1, verbose=False)]},
        ),
    }[library]
    how = {"folds": SPLIT, "metrics": ["average_precision"], **stopping}
    found = of_classes(library, params, MultiFocalObjective(), **how)
    values = [*found[column(library, "average_precision")]]
    assert 0 < np.argmax(values) == len(values) - 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: of_xgboost({}, MATRIX, PLAIN, stratified=True),
         "stratified must be False for a label matrix, got True"),
        (lambda: of_xgboost({}, Y, PLAIN), "label matrix of 0 and 1, a column"),
        (lambda: of_xgboost({"num_class": 2}, Y, PLAIN), "y_true must .*got 2"),
        (lambda: of_lightgbm({"num_class": 1}, PLAIN), "num_class must be .*got 1"),
        (lambda: of_lightgbm({}, MultiFocalObjective([0.2, 0.3])),
         "alpha must have one value per class, 3, got 2"),
        (lambda: of_lightgbm({"num_class": 2}, PLAIN), "y_true must .*got 2"),
    ],
)  # fmt: skip
def test_one_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
