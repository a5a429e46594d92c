"""Odd folds, features and settings: one sentence, before anything is trained."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from sentences import says

from focal_boost import FocalObjective, FoldEnsembleClassifier, compare
from focal_boost._kernels import threads
from focal_boost.command import _report
from focal_boost.metrics import FocalMetric
from focal_boost.tuning import FocalSearchCV

pytestmark = quiet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (RNG.random(120) < 0.3).astype(int)
GROUPS = np.arange(120) // 6
ROWS = np.arange(120)
# No text of Python holds its digits.
HUGE = 10**5000
WAYS = ("search", "ensemble", "compare")
RANGE = "cv must give row numbers from 0 to 119, got"


def folds_of(way: str, library: Any, cv: Any, groups: Any = None) -> list[Any]:
    """Return the test parts that a search, an ensemble or a comparison makes of cv."""
    if way == "compare":
        trees = {library.name: {"n_estimators": 1}}
        found = compare(X, Y, boosters=trees, cv=cv, groups=groups)
        return [split.test for split in found.splits]
    if way == "search":
        search = FocalSearchCV(make(library), {"focal_gamma": [1.0]}, cv=cv)
        search.fit(X, Y, groups=groups)
        return [None] * search.n_splits_
    model = FoldEnsembleClassifier(make(library), cv=cv).fit(X, Y, groups=groups)
    return [None] * model.n_splits_


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("cv", "sentence"),
    [
        ([], "cv must have at least one fold, got none"),
        (iter(()), "cv must have at least one fold, got none"),
        ([(ROWS[:60], [500])], f"{RANGE} 500 in the test part of fold 0"),
        ([(ROWS[:60] - 1, ROWS[60:])], f"{RANGE} -1 in the training part of fold 0"),
        ([(ROWS, [])], f"{RANGE} none in the test part of fold 0"),
        ([(ROWS < 60, ROWS[:50] > 9)], f"{RANGE} array([False, False"),
        ([(ROWS[:60] + 0.5, ROWS[60:])], f"{RANGE} array([ 0.5,"),
        ([(ROWS[:60].reshape(2, 30), ROWS[60:])], f"{RANGE} array([[ 0, 1,"),
        ([(ROWS[:60], None)], f"{RANGE} None in the test part of fold 0"),
        ([([[1], [2, 3]], ROWS[60:])], f"{RANGE} [[1], [2, 3]] in the training part"),
        (["ab"], f"{RANGE} 'a' in the training part of fold 0"),
        ([(ROWS, ROWS, ROWS)], "cv must give (train, test) for each fold, got (array("),
        ([3], "cv must give (train, test) for each fold, got 3 in fold 0"),
        (
            [(ROWS[:80], ROWS[40:])],
            "cv must keep training and test rows apart, got row 40 in both parts",
        ),
        (2.5, "cv must be an integer >= 2, a splitter or an iterable of (train, test)"),
        ("5", "cv must be an integer >= 2, a splitter or an iterable of (train, test)"),
        (True, "cv must be an integer >= 2, got True"),
        (1, "cv must be an integer >= 2, got 1"),
        (HUGE, "cv must be at most the "),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_odd_folds(way: str, cv: Any, sentence: str) -> None:
    library = XGBoost
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        folds_of(way, library, cv)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@both
@pytest.mark.parametrize("way", WAYS)
def test_a_generator_and_masks_are_folds(way: str, library: Any) -> None:
    thirds = [k == ROWS % 3 for k in range(3)]
    found = folds_of(way, library, ((~third, third) for third in thirds))
    assert len(found) == 3
    if way == "compare":
        for third, test in zip(thirds, found, strict=True):
            np.testing.assert_array_equal(test, np.flatnonzero(third))


@both
def test_no_folds_named_keep_groups_together(library: Any) -> None:
    found = folds_of("compare", library, None, GROUPS)
    assert len(found) == 5
    groups = [set(GROUPS[test]) for test in found]
    assert sum(map(len, groups)) == len(set(GROUPS))


@both
@pytest.mark.parametrize(
    ("settings", "space", "sentence"),
    [
        ({}, {"n_estimators": [2.5]}, "n_estimators must be an integer >= 1, got 2.5"),
        ({"n_jobs": 2.5}, {"focal_gamma": [1.0]}, "n_jobs must be an integer >= "),
        ({"scoring": ["roc_auc"]}, {"focal_gamma": [1.0]}, "scoring must be one of"),
        ({"scoring": "x" * 5000}, {"focal_gamma": [1.0]}, "scoring must be one of"),
    ],
)
def test_odd_searches(
    library: Any, settings: dict[str, Any], space: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}") as caught:
        FocalSearchCV(make(library), space, cv=3, **settings).fit(X, Y)
    assert len(str(caught.value)) < 240


def arrow(values: Any) -> Any:
    return pa.table({str(k): values[:, k] for k in range(values.shape[1])})


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -3.5e38])
@pytest.mark.parametrize(
    "kind",
    [np.asarray, pd.DataFrame, scipy.sparse.csr_matrix, np.ndarray.tolist, arrow],
)
def test_what_float32_cannot_hold(kind: Any, value: float) -> None:
    library = XGBoost
    wrong = X.copy()
    wrong[7, 1] = value
    sentence = "X must hold numbers that float32 can, at most 3.4e38, or NaN, got"
    column = "'1'" if kind is arrow else "1"
    search = FocalSearchCV(make(library), {"focal_gamma": [1.0]}, cv=3)
    for call in (
        lambda: make(library).fit(kind(wrong), Y),
        lambda: make(library).fit(X, Y, eval_set=[(kind(wrong), Y)], verbose=False),
        lambda: search.fit(kind(wrong), Y),
        lambda: compare(kind(wrong), Y, boosters="xgboost", cv=3),
    ):
        with says(f"{sentence} {value} in column {column}"):
            call()


@both
@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a", "b", "a"], "X must have columns of different names, got two 'a'"),
        (["a", "b", "c[1]"], "X must have column names without any of "),
        (["a", "b", "[" * 5000], "X must have column names without any of "),
    ],
)
@pytest.mark.parametrize("categorical", [False, True])
def test_names_of_columns(
    library: Any, names: list[str], sentence: str, categorical: bool
) -> None:
    frame = pd.DataFrame(X)
    if categorical:
        frame = frame.gt(0).astype("category")
    frame.columns = names
    model = make(library)
    if library.name == "xgboost":
        model.set_params(enable_categorical=True)
    wrong = library.focal_classifier.__mro__[1]
    error = Exception if wrong.__name__ == "LGBMClassifier" else ValueError
    for fit in (model.fit, FocalSearchCV(model, {"focal_gamma": [1.0]}, cv=3).fit):
        with pytest.raises(error) as caught:
            fit(frame, Y)
        assert str(caught.value).startswith(sentence)
        assert len(str(caught.value)) < 200


@both
@pytest.mark.parametrize("which", ["X", "y", "sample_weight"])
def test_a_mask_is_not_lost(library: Any, which: str) -> None:
    given = {"X": X, "y": Y, "sample_weight": np.ones(120)}
    given[which] = np.ma.masked_array(given[which], given[which] > 0)
    masked = int(given[which].mask.sum())
    sentence = f"{which} must have no masked values, got {masked}"
    model = make(library)
    for fitted in (model, FoldEnsembleClassifier(model), FocalSearchCV(model, "focal")):
        with says(sentence):
            fitted.fit(**given)
    if which == "X":
        model.fit(X, Y)
        for ask in (model.predict, model.predict_proba):
            with says(sentence):
                ask(given["X"])


@both
def test_labels_that_are_long_are_cut(library: Any) -> None:
    long = np.array(["a" * 9000, "b" * 9000, "c" * 9000])
    for call in (
        lambda: make(library, positive_class="q" * 5000).fit(X, long[Y]),
        lambda: make(XGBoost).fit(X, long[Y], eval_set=[(X, long[Y + 1])]),
    ):
        with pytest.raises(ValueError, match=" must ") as caught:
            call()
        assert len(str(caught.value)) < 300


def test_predictions_that_stop_early() -> None:
    """LightGBM sums up fewer trees where a score is far from 0."""
    model = make(LightGBM, n_estimators=40).fit(X, Y)
    early = {
        "pred_early_stop": True,
        "pred_early_stop_freq": 2,
        "pred_early_stop_margin": 0.5,
    }
    expected = model.booster_.predict(X, **early)
    assert (expected != model.booster_.predict(X)).any()
    np.testing.assert_array_equal(model.predict_proba(X, **early)[:, 1], expected)
    np.testing.assert_array_equal(model.predict(X, **early), expected > 0.5)


def test_two_calls_share_one_pool_of_threads() -> None:
    raw_score = RNG.normal(size=3 * threads.SLICE)
    objective = FocalObjective(n_threads=2)
    objective(raw_score > 0, raw_score)
    first = threads._pool.executor
    assert first is not None
    objective(raw_score > 0, raw_score)
    assert threads._pool.executor is first


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])
def test_average_precision_where_posteriors_nearly_vanish(gamma: float) -> None:
    """Below a margin of about −735/(1 + γ) the posterior is a denormal number."""
    from sklearn.metrics import average_precision_score

    objective = FocalObjective(None, gamma, "focal")
    margin = np.linspace(-760, -700, 400) / (1 + gamma)
    y = RNG.random(400) < 0.3
    expected = average_precision_score(y, objective.posterior(margin))
    found = FocalMetric("average_precision", objective)(y, margin)
    assert found == pytest.approx(expected, rel=1e-12)
    assert len(np.unique(objective.posterior(margin))) < 400


@pytest.mark.parametrize(
    ("measure", "error", "decimals"),
    [
        ("log_loss", 0.0, 5),
        ("log_loss", 3e-12, 5),
        ("log_loss", 0.00123, 4),
        ("log_loss", 0.0999, 3),
        ("log_loss", 0.45, 2),
        ("log_loss", 31.0, 2),
        ("seconds", 1e-7, 3),
    ],
)
def test_decimals_show_two_digits_of_the_error(
    measure: str, error: float, decimals: int
) -> None:
    found: Any = SimpleNamespace(of=lambda key, name: SimpleNamespace(
        standard_error=error if key == "a" else 40.0))  # fmt: skip
    keys: Any = ["b", "a"]
    assert _report._decimals(found, keys, measure) == decimals
