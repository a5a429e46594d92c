"""The folds, the trainings and the arithmetic of a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

import focal_boost
from focal_boost import FocalObjective
from focal_boost._adapter.splits import Split
from focal_boost.command._run import Settings, make_folds, run
from focal_boost.command._table import InputError, Table, flights_table
from focal_boost.comparison import Comparison
from focal_boost.comparison._measures import (
    MEASURES,
    Difference,
    difference,
    mean_and_error,
)
from focal_boost.comparison._methods import METHODS
from focal_boost.datasets import make_imbalanced
from focal_boost.loss import FocalLoss

LIBRARIES = ("xgboost", "lightgbm")
SETTINGS = Settings(folds=3, rounds=8, seed=5, threads=1, recommended=False)

Floats = NDArray[np.float64]


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


def _by_hand(library: str, method: str, table: Table, fold: Split) -> Floats:
    """Train as the documentation of the library says, with nothing of ours."""
    names = [f"f{i}" for i in range(table.features.shape[1])]
    features = table.features.set_axis(names, axis=1)
    train, test = features.iloc[fold.train], features.iloc[fold.test]
    y = table.target[fold.train]
    weight = {"scale_pos_weight": (y == 0).sum() / (y == 1).sum()}
    extra: dict[str, Any] = weight if method == "class weights" else {}
    objective = FocalObjective(SETTINGS.loss.alpha, SETTINGS.loss.gamma)
    if library == "xgboost":
        xgb = pytest.importorskip("xgboost")
        import focal_boost.xgboost as fxgb

        rows = xgb.DMatrix(train, label=y, enable_categorical=True)
        unseen = xgb.DMatrix(test, enable_categorical=True)
        params: dict[str, Any] = {"seed": 5, "nthread": 1}
        if method == "focal loss":
            booster = fxgb.train(
                params, rows, 8, objective=objective, verbose_eval=False
            )
            return _posterior(objective, booster.predict(unseen, output_margin=True))
        booster = xgb.train(
            {"objective": "binary:logistic", **params, **extra}, rows, 8
        )
        return np.asarray(booster.predict(unseen), dtype=np.float64)
    lgb = pytest.importorskip("lightgbm")
    import focal_boost.lightgbm as flgb

    data = lgb.Dataset(train, y)
    params = {"seed": 5, "num_threads": 1, "verbose": -1}
    if method == "focal loss":
        model = flgb.train(params, data, 8, objective=objective)
        return _posterior(objective, model.predict(test, raw_score=True))
    model = lgb.train({"objective": "binary", **params, **extra}, data, 8)
    return np.asarray(model.predict(test))


def _posterior(objective: FocalObjective, raw_score: Floats) -> Floats:
    link = getattr(objective, "posterior", objective.loss.posterior)
    return np.asarray(link(raw_score))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_figures_are_those_of_plain_training(
    table: Table,
    compared: Comparison,
    library: str,
    method: str,
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
            compared.predictions[library, method][test], expected, rtol=1e-6
        )
        for name, score in scores.items():
            value = score(table.target[test], expected)
            figure = compared.values((library, method), name)[i]
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
def test_weights_raise_the_probabilities_and_focal_loss_does_not(
    table: Table, compared: Comparison, library: str
) -> None:
    """What sets the methods apart: the mean prediction against the prevalence."""
    built_in, weighted, focal = (
        compared.predictions[library, method].mean() for method in METHODS
    )
    prevalence = table.target.mean()
    assert weighted > 1.5 * prevalence
    assert built_in == pytest.approx(prevalence, rel=0.2)
    assert focal == pytest.approx(prevalence, rel=0.2)


def test_the_same_seed_gives_the_same_figures(
    table: Table, compared: Comparison
) -> None:
    again = run(table, SETTINGS)
    other = run(table, replace(SETTINGS, seed=6, boosters=("xgboost",)))
    pd.testing.assert_frame_equal(again.predictions, compared.predictions)
    first = compared.predictions["xgboost", "built-in"]
    assert not np.array_equal(first, other.predictions["xgboost", "built-in"])


@pytest.mark.parametrize("library", LIBRARIES)
def test_one_library_alone(table: Table, library: str) -> None:
    settings = replace(SETTINGS, boosters=(library,), rounds=1)
    found = run(table, settings)
    assert found.methods == [(library, method) for method in METHODS]
    assert len(found.splits) == 3


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_loss_is_the_one_of_the_settings(table: Table, library: str) -> None:
    """Without focusing and weights, focal loss is what the library has built in."""
    settings = replace(SETTINGS, loss=FocalLoss(alpha=None, gamma=0.0))
    found = run(table, replace(settings, boosters=(library,)))
    focal = found.predictions[library, "focal loss"]
    assert focal.dtype == np.float64
    plain = found.predictions[library, "built-in"]
    np.testing.assert_allclose(focal, plain, rtol=2e-6)


def test_the_mean_and_its_standard_error() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.array([0.1, 0.4, 0.2, 0.9])
    mean, error = mean_and_error(values)
    assert mean == pytest.approx(0.4)
    assert error == pytest.approx(stats.sem(values), rel=1e-12)


@pytest.mark.parametrize(
    ("measure", "values", "verdict"),
    [
        ("average_precision", [0.3, 0.5, 0.7], "better"),
        ("average_precision", [0.1, 0.3, 0.5], "worse"),
        ("roc_auc", [0.3, 0.5, 0.7], "better"),
        ("log_loss", [0.3, 0.5, 0.7], "worse"),
        ("log_loss", [0.1, 0.3, 0.5], "better"),
        ("brier", [0.3, 0.5, 0.7], "worse"),
        ("seconds", [0.1, 0.3, 0.5], "better"),
    ],
)
def test_differences_are_paired(
    measure: str, values: list[float], verdict: str
) -> None:
    """A steady 0.1 counts, though the folds differ by more among themselves."""
    reference = np.array([0.2, 0.4, 0.6])
    found = difference(measure, np.array(values), reference)
    assert found.verdict == verdict
    assert abs(found.mean) == pytest.approx(0.1)
    assert found.standard_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.0, 0.0, 0.0], "within noise"),
        # Mean 1 and standard error 0.5: two standard errors exactly.
        ([0.5, 0.5, 2.0], "within noise"),
        ([0.51, 0.5, 2.0], "better"),
        ([-0.5, -0.5, -2.0], "within noise"),
        ([-0.51, -0.5, -2.0], "worse"),
        ([-1.0, 0.0, 1.5], "within noise"),
    ],
)
def test_two_standard_errors_are_noise(differences: list[float], verdict: str) -> None:
    reference = np.zeros(3)
    found = difference("roc_auc", np.array(differences), reference)
    expected = np.mean(differences), np.std(differences, ddof=1) / np.sqrt(3)
    assert isinstance(found, Difference)
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


def test_folds_of_the_flights_keep_days_together() -> None:
    table = flights_table()
    folds = make_folds(table, 5, seed=0)
    assert table.groups is not None
    for train, test in folds:
        assert not set(table.groups[train]) & set(table.groups[test])
        assert table.target[test].mean() == pytest.approx(0.023, rel=0.6)


def test_folds_are_stratified(table: Table) -> None:
    positives = [int(table.target[fold.test].sum()) for fold in make_folds(table, 5, 0)]
    assert max(positives) - min(positives) <= 1


def _labels(positives: int, n: int = 60, groups: Any = None) -> Table:
    y = np.zeros(n, dtype=np.int64)
    y[:positives] = 1
    features = pd.DataFrame({"x": np.arange(n)})
    return Table("t", features, y, "died", "yes", "no", groups, None)


def test_as_many_folds_as_positives_and_no_more() -> None:
    folds = make_folds(_labels(4), 4, seed=0)
    assert [fold.test.min() < 4 for fold in folds] == [True] * 4
    with pytest.raises(InputError) as caught:
        make_folds(_labels(4), 5, seed=0)
    assert str(caught.value) == (
        "--folds must be at most the 4 rows with died = yes, got 5"
    )


def test_as_many_folds_as_negatives_and_no_more() -> None:
    assert len(make_folds(_labels(57), 3, seed=0)) == 3
    with pytest.raises(InputError) as caught:
        make_folds(_labels(57), 4, seed=0)
    assert str(caught.value) == (
        "--folds must be at most the 3 rows with died = no, got 4"
    )


def test_as_many_folds_as_groups_with_positives_and_no_more() -> None:
    groups = np.arange(60) // 5
    assert len(make_folds(_labels(15, groups=groups), 3, seed=0)) == 3
    with pytest.raises(InputError) as caught:
        make_folds(_labels(15, groups=groups), 4, seed=0)
    assert str(caught.value) == (
        "--folds must be at most the 3 groups with died = yes, got 4"
    )


def test_every_part_of_every_fold_has_both_classes() -> None:
    """Two groups have positives and two negatives, but the split finds no way."""
    y = np.array([0, 1, 1, 1, 1, 0, 1, 0])
    groups = np.array([2, 0, 0, 0, 1, 2, 1, 0])
    table = Table("t", pd.DataFrame({"x": y}), y, "y", "1", "0", groups, "g")
    with pytest.raises(InputError) as caught:
        make_folds(table, 2, seed=0)
    assert str(caught.value) == (
        "--folds must leave both classes in every fold, got only one class in the "
        "training part of fold 1 of 2"
    )


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
