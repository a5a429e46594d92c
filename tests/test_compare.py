"""The folds, the trainings and the arithmetic of a comparison."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import XGBoost
from estimators import both, quiet
from numpy.typing import NDArray
from scipy.stats import sem
from sentences import says
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

import focal_boost
from focal_boost._adapter.splits import Split
from focal_boost.command._run import Settings, make_folds, run
from focal_boost.command._table import InputError, Table
from focal_boost.comparison import Comparison
from focal_boost.comparison._measures import (
    MEASURES,
    Difference,
    difference,
)
from focal_boost.comparison._methods import METHODS
from focal_boost.datasets import make_imbalanced
from focal_boost.loss import FocalLoss

LIBRARIES = ("xgboost", "lightgbm")
SETTINGS = Settings(folds=3, rounds=8, seed=5, threads=1, recommended=False)

Floats = NDArray[np.float64]
pytestmark = quiet


def _make_table(n: int = 900, prevalence: float = 0.15, grouped: bool = False) -> Table:
    X, y, _ = make_imbalanced(n, prevalence, seed=1, n_features=5)
    frame = pd.DataFrame(X, columns=["a b", "[c]", "d<e", 'f"', "g:h"])
    kind = np.where(X[:, 0] > 0, "high", "low").astype(object)
    kind[::7] = None
    frame["kind"] = pd.Categorical(kind)
    frame.iloc[::5, 1] = np.nan
    return Table(
        name="made.csv",
        features=frame,
        target=y,
        target_name="y",
        positive="1",
        negative="0",
        groups=np.arange(n) // 6 if grouped else None,
        group_name="six" if grouped else None,
    )


@pytest.fixture(scope="module")
def table() -> Table:
    return _make_table()


@pytest.fixture(scope="module")
def compared(table: Table) -> Comparison:
    return run(table, SETTINGS)


def _by_hand(library: Any, method: str, table: Table, fold: Split) -> Floats:
    """Train as the documentation of the library says, or with our classifier."""
    # The libraries refuse some of the names.
    features = table.features.set_axis(range(table.features.shape[1]), axis=1)
    y = table.target[fold.train]
    params = {"n_estimators": 8, "random_state": 5, **library.quiet_estimator}
    if library is XGBoost:
        params["enable_categorical"] = True
    if method == "class weights":
        params["scale_pos_weight"] = (y == 0).sum() / (y == 1).sum()
    kind = library.classifier
    if method == "focal loss":
        kind = partial(library.focal_classifier, focal_alpha=0.25, focal_gamma=2.0)
    model = kind(**params).fit(features.iloc[fold.train], y)
    return np.asarray(model.predict_proba(features.iloc[fold.test])[:, 1])


@pytest.mark.parametrize("method", METHODS)
@both
def test_the_figures_are_those_of_plain_training(
    table: Table, compared: Comparison, library: Any, method: str
) -> None:
    splitter = StratifiedKFold(3, shuffle=True, random_state=5)
    scores = {
        "average_precision": average_precision_score,
        "roc_auc": roc_auc_score,
        "log_loss": log_loss,
        "brier": brier_score_loss,
    }
    for i, (train, test) in enumerate(splitter.split(table.features, table.target)):
        expected = _by_hand(library, method, table, Split(train, test))
        np.testing.assert_allclose(
            compared.predictions[library.name, method][test], expected, rtol=1e-6
        )
        for name, score in scores.items():
            value = score(table.target[test], expected)
            figure = compared.values((library.name, method), name)[i]
            assert figure == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_row_is_predicted_once(
    table: Table, compared: Comparison, library: str
) -> None:
    rows = np.concatenate([fold.test for fold in compared.splits])
    np.testing.assert_array_equal(np.sort(rows), np.arange(len(table.target)))
    assert [name for of, name in compared.methods if of == library] == [*METHODS]
    assert list(compared.scores) == list(MEASURES)
    for key in compared.methods:
        posterior = compared.predictions[key]
        assert np.all((posterior > 0) & (posterior < 1))
        assert all(compared.values(key, name).shape == (3,) for name in MEASURES)
        assert np.all(compared.values(key, "seconds") > 0)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_loss_is_the_one_of_the_settings(table: Table, library: str) -> None:
    """Without focusing and weights, focal loss is what the library has built in."""
    settings = replace(SETTINGS, loss=FocalLoss(alpha=None, gamma=0.0))
    found = run(table, replace(settings, boosters=(library,)))
    focal = found.predictions[library, "focal loss"]
    assert focal.dtype == np.float64
    plain = found.predictions[library, "built-in"]
    np.testing.assert_allclose(focal, plain, rtol=2e-6)


STEADY = [0.125, 0.125, 0.125]
LESS = [-0.125, -0.125, -0.125]


@pytest.mark.parametrize(
    ("measure", "differences", "verdict"),
    [
        # What is steady counts, though the folds differ by more among themselves.
        ("average_precision", STEADY, "better"),
        ("average_precision", LESS, "worse"),
        ("roc_auc", STEADY, "better"),
        ("log_loss", STEADY, "worse"),
        ("log_loss", LESS, "better"),
        ("brier", STEADY, "worse"),
        ("seconds", LESS, "better"),
        ("roc_auc", [0.0, 0.0, 0.0], "within noise"),
        # Mean 1 and standard error 0.5: two standard errors exactly.
        ("roc_auc", [0.5, 0.5, 2.0], "within noise"),
        ("roc_auc", [0.51, 0.5, 2.0], "better"),
        ("roc_auc", [-0.5, -0.5, -2.0], "within noise"),
        ("roc_auc", [-0.51, -0.5, -2.0], "worse"),
        ("roc_auc", [-1.0, 0.0, 1.5], "within noise"),
    ],
)
def test_differences_are_paired_and_two_standard_errors_are_noise(
    measure: str, differences: list[float], verdict: str
) -> None:
    reference = np.array([0.25, 0.5, 1.0])
    found = difference(measure, reference + differences, reference)
    assert isinstance(found, Difference)
    expected = np.mean(differences), sem(differences)
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    assert found.verdict == verdict


def test_folds_keep_groups_together() -> None:
    table = _make_table(grouped=True)
    folds = make_folds(table, 4, seed=2)
    assert table.groups is not None
    splitter = StratifiedGroupKFold(4, shuffle=True, random_state=2)
    split = splitter.split(table.features, table.target, table.groups)
    for fold, (train, test) in zip(folds, split, strict=True):
        np.testing.assert_array_equal(fold.train, train)
        np.testing.assert_array_equal(fold.test, test)
        assert not set(table.groups[fold.train]) & set(table.groups[fold.test])


def _labels(positives: int, groups: Any) -> Table:
    y = (np.arange(60) < positives).astype(np.int64)
    features = pd.DataFrame({"x": np.arange(60)})
    return Table("t", features, y, "died", "yes", "no", groups, None)


@pytest.mark.parametrize(
    ("positives", "groups", "most", "of"),
    [
        (4, None, 4, "4 rows with died = yes"),
        (57, None, 3, "3 rows with died = no"),
        (15, np.arange(60) // 5, 3, "3 groups with died = yes"),
    ],
)
def test_as_many_folds_as_have_both_classes_and_no_more(
    positives: int, groups: Any, most: int, of: str
) -> None:
    table = _labels(positives, groups)
    folds = make_folds(table, most, seed=0)
    assert [set(table.target[fold.test]) for fold in folds] == [{0, 1}] * most
    with says(f"--folds must be at most the {of}, got {most + 1}", InputError):
        make_folds(table, most + 1, seed=0)


def test_every_part_of_every_fold_has_both_classes() -> None:
    """Two groups have positives and two negatives, but the split finds no way."""
    y = np.array([0, 1, 1, 1, 1, 0, 1, 0])
    groups = np.array([2, 0, 0, 0, 1, 2, 1, 0])
    table = Table("t", pd.DataFrame({"x": y}), y, "y", "1", "0", groups, "g")
    with says(
        "--folds must leave both classes in every fold, got only one class in the "
        "training part of fold 1 of 2",
        InputError,
    ):
        make_folds(table, 2, seed=0)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_command_is_the_function(
    table: Table, compared: Comparison, library: str
) -> None:
    trees = {"n_estimators": 8, "n_jobs": 1}
    found = focal_boost.compare(
        table.features, table.target, boosters={library: trees}, cv=3, random_state=5
    )
    for key in found.methods:
        assert np.array_equal(found.predictions[key], compared.predictions[key])
