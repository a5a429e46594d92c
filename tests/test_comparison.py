"""``focal_boost.compare``: own parameters, further classifiers, weights, decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import XGBoost
from commands import in_process
from estimators import both, quiet, sets_of
from matplotlib.colors import to_hex
from populations import make_sample
from sentences import says
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focal_boost import compare
from focal_boost.comparison import Comparison
from focal_boost.thresholds import (
    AlertsPerDayAtMost,
    Cost,
    RecallAtLeast,
    choose_threshold,
)

xgb = pytest.importorskip("xgboost", reason="the comparisons train XGBoost")
lgb = pytest.importorskip("lightgbm", reason="the comparisons train LightGBM")

pytestmark = quiet
SAMPLE = make_sample(1_500, 0.1, seed=2)
X, Y, WEIGHT = SAMPLE.X, SAMPLE.y, SAMPLE.weight.astype(np.float64)
TREES: dict[str, Any] = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1}
FURTHER = {
    "forest": RandomForestClassifier(20, random_state=0),
    "bayes": make_pipeline(StandardScaler(), GaussianNB()),
}
RULE = RecallAtLeast(0.6)


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(
        X, Y, boosters={"xgboost": TREES, "lightgbm": TREES}, estimators=FURTHER,
        sample_weight=WEIGHT, rule=RULE, cv=3,
    )  # fmt: skip


def test_own_parameters_and_weights_are_those_of_the_training(
    found: Comparison,
) -> None:
    splitter = StratifiedKFold(3, shuffle=True, random_state=0)
    for fold, (train, test) in enumerate(splitter.split(X, Y)):
        y, weight = Y[train], WEIGHT[train]
        scale = weight[y == 0].sum() / weight[y == 1].sum()
        models = {
            ("xgboost", "built-in"): xgb.XGBClassifier(random_state=0, **TREES),
            ("lightgbm", "class weights"): lgb.LGBMClassifier(
                random_state=0, scale_pos_weight=scale, verbosity=-1, **TREES
            ),
            ("further", "forest"): RandomForestClassifier(20, random_state=0),
        }
        for key, model in models.items():
            model.fit(X[train], y, sample_weight=weight)
            posterior = model.predict_proba(X[test])[:, 1]
            np.testing.assert_allclose(found.predictions[key][test], posterior, 1e-6)
            for name, score in {
                "average_precision": average_precision_score,
                "roc_auc": roc_auc_score,
                "log_loss": log_loss,
                "brier": brier_score_loss,
            }.items():
                expected = score(Y[test], posterior, sample_weight=WEIGHT[test])
                assert found.scores.loc[(*key, fold), name] == pytest.approx(
                    expected, rel=1e-6
                )


def test_the_table_holds_means_and_errors(found: Comparison) -> None:
    assert found.methods == [
        *((of, name) for of in ("xgboost", "lightgbm")
          for name in ("built-in", "class weights", "focal loss")),
        ("further", "forest"), ("further", "bayes"),
    ]  # fmt: skip
    for key in found.methods:
        folds = found.scores.loc[key]["log_loss"]
        assert len(folds) == 3
        told = found.table.loc[key]["log_loss"]
        assert told["mean"] == pytest.approx(folds.mean(), rel=1e-12)
        assert told["standard_error"] == pytest.approx(folds.sem(), rel=1e-9)
    assert list(found.differences.index) == [
        key for key in found.methods if key[1] != "built-in"
    ]
    forest = found.differences.loc[("further", "forest"), ("brier", "mean")]
    means = found.table["brier", "mean"]
    first = means["xgboost", "built-in"]
    assert forest == pytest.approx(means["further", "forest"] - first, rel=1e-9)
    assert "0." in str(found)


def test_a_threshold_is_chosen_on_the_other_folds(found: Comparison) -> None:
    """Its recall and precision are those of scikit-learn's confusion matrix."""
    key = ("lightgbm", "focal loss")
    posterior = found.predictions[key].to_numpy()
    for fold, split in enumerate(found.splits):
        others = np.setdiff1d(np.arange(len(Y)), split.test)
        chosen = choose_threshold(
            Y[others], posterior[others], RULE,
            sample_weight=WEIGHT[others], n_bootstrap=1,
        ).threshold  # fmt: skip
        told = found.scores.loc[(*key, fold)]
        assert told["threshold"] == chosen
        (_, false), (missed, hits) = confusion_matrix(
            Y[split.test],
            posterior[split.test] >= chosen,
            sample_weight=WEIGHT[split.test],
        )
        assert told["recall"] == pytest.approx(hits / (hits + missed), rel=1e-9)
        assert told["precision"] == pytest.approx(hits / (hits + false), rel=1e-9)
    assert "cost" not in found.scores
    everywhere = found.threshold(*key)
    assert everywhere.recall.value >= 0.6
    assert everywhere.low <= everywhere.threshold <= everywhere.high


def test_costs_are_those_of_the_errors() -> None:
    done = compare(X, Y, boosters={"xgboost": TREES}, rule=Cost(1, 9), cv=3)
    posterior = done.predictions["xgboost", "built-in"]
    for fold, split in enumerate(done.splits):
        called = posterior[split.test] >= 1 / 10
        (_, false), (missed, _) = confusion_matrix(Y[split.test], called)
        told = done.scores.loc[("xgboost", "built-in", fold)]
        assert told["threshold"] == pytest.approx(0.1, rel=1e-12)
        assert told["cost"] == pytest.approx(
            (false + 9 * missed) / len(split.test), rel=1e-9
        )
    verdicts = done.differences["cost", "verdict"]
    assert set(verdicts) <= {"better", "worse", "within noise"}


def test_the_picture_has_the_figures_of_the_table(found: Comparison) -> None:
    figure = found.plot()
    assert len(figure.axes) == 4
    for row, library in enumerate(("xgboost", "lightgbm")):
        curves, reliability = figure.axes[2 * row : 2 * row + 2]
        methods = [key for key in found.methods if key[0] in (library, "further")]
        lines = [one for one in curves.lines if "AP" in str(one.get_label())]
        dots = [one for one in curves.lines if len(np.atleast_1d(one.get_xdata())) == 1]
        assert len(lines) == len(dots) == 5
        for key, line, dot in zip(methods, lines, dots, strict=True):
            mean = found.table.loc[key, ("average_precision", "mean")]
            assert line.get_label() == f"{key[1]} (AP {mean:.3f})"
            recall, precision = np.asarray(line.get_xydata(), float).T
            area = np.sum(np.diff(recall) * precision[1:])
            assert area == pytest.approx(mean, rel=1e-9)
            means = [found.of(key, name).mean for name in ("recall", "precision")]
            np.testing.assert_allclose(np.ravel(dot.get_xydata()), means, rtol=1e-9)
        for lines in (lines, reliability.lines[1:]):  # noqa: B020
            assert len({to_hex(one.get_color()) for one in lines}) == 5


def test_scores_that_run_away_in_one_fold_do_not_spoil_the_curve() -> None:
    """Ranks of several models have no order among them."""
    from matplotlib.figure import Figure

    from focal_boost.plotting import plot_precision_recall

    folds = np.arange(len(Y)) % 2
    shifted = np.where(folds == 1, SAMPLE.posterior, SAMPLE.posterior / 1e6)
    ax = Figure().subplots()
    plot_precision_recall(ax, Y, shifted, folds=folds)
    each = [average_precision_score(Y[folds == k], shifted[folds == k]) for k in (0, 1)]
    assert ax.lines[-1].get_label() == f"(AP {np.mean(each):.3f})"
    assert average_precision_score(Y, shifted) < np.mean(each) - 0.05


@pytest.mark.parametrize("n", [3, 7, 8, 23])
def test_every_method_has_a_colour_of_its_own(n: int) -> None:
    from focal_boost.plotting import plot_comparison

    many = {f"m{i}": SAMPLE.posterior for i in range(n)}
    figure = plot_comparison(Y, {"XGBoost": many})
    for ax in figure.axes:
        assert len({to_hex(one.get_color()) for one in ax.lines[1:]}) == n


def test_labels_groups_names_and_index_are_kept() -> None:
    frame = pd.DataFrame(X).add_prefix("a [x] ")
    frame.index = pd.Index(np.arange(len(Y)) + 7)
    names = list(frame.columns)
    further = make_pipeline(
        make_column_transformer((StandardScaler(), names[:2])), GaussianNB()
    )
    groups = np.arange(len(Y)) // 5
    done = compare(
        frame, np.where(Y == 1, "fraud", "honest"), positive="fraud", groups=groups,
        boosters={"lightgbm": TREES}, estimators={"two columns": further}, cv=2,
    )  # fmt: skip
    np.testing.assert_array_equal(done.y_true, Y)
    assert done.predictions.index.equals(frame.index)
    for train, test in done.splits:
        assert not set(groups[train]) & set(groups[test])
    assert done.table["roc_auc", "mean"].min() > 0.6


@both
def test_early_stopping_never_sees_the_test_part(library: Any) -> None:
    stop = {"xgboost": "early_stopping_rounds", "lightgbm": "early_stopping_round"}
    further = {"n_estimators": 200, "learning_rate": 0.3, stop[library.name]: 3}
    params = {**TREES, **further}
    done = compare(X, Y, boosters={library.name: params}, cv=2)
    (train, test), _ = done.splits
    inner = StratifiedKFold(5, shuffle=True, random_state=0)
    fit, kept = (train[rows] for rows in next(inner.split(train, Y[train])))
    model = library.classifier(random_state=0, **{**library.quiet_estimator, **params})
    told = {"verbose": False} if library is XGBoost else {}
    model.fit(X[fit], Y[fit], **sets_of(library, [(X[kept], Y[kept])]), **told)
    np.testing.assert_allclose(
        done.predictions[library.name, "built-in"][test],
        model.predict_proba(X[test])[:, 1],
        rtol=1e-6,
    )


def test_rows_that_no_fold_tests_are_nan_and_left_out_of_pictures() -> None:
    done = compare(X, Y, boosters={"xgboost": TREES}, cv=TimeSeriesSplit(3), rule=RULE)
    missing = done.predictions["xgboost", "built-in"].isna()
    assert 0 < missing.sum() < len(Y)
    done.plot()
    assert done.threshold("xgboost", "built-in").recall.value >= 0.6


WRONG = [
    ({"boosters": "catboost"}, "boosters must be of 'xgboost' and 'lightgbm', got 'ca"),
    ({"boosters": []}, "boosters must name a library where estimators do not, got []"),
    ({"estimators": {"svm": 3}}, "estimators must have predict_proba, got 3 as 'svm'"),
    (
        {"estimators": {"focal loss": GaussianNB()}},
        "estimators must have names other than ('built-in', 'class weights', 'focal",
    ),
    ({"cv": 1}, "cv must be an integer >= 2, got 1"),
    (
        {"cv": [(np.arange(9), np.arange(9, 1500))]},
        "cv must have at least 2 folds, got 1",
    ),
    (
        {"cv": [(np.arange(750), np.arange(750, 1500))] * 2},
        "cv must leave every row out once at most, got repeats",
    ),
    ({"positive": 2}, "positive must be one of the labels [0, 1], got 2"),
    ({"rule": 0.5}, "rule must be a Rule as Cost(1, 20) is, got 0.5"),
    ({"rule": AlertsPerDayAtMost(5, 3)}, "rule must not count alerts per day, as a fo"),
    ({"random_state": -1}, "random_state must be an integer >= 0, got -1"),
    ({"sample_weight": -WEIGHT}, "sample_weight must be finite numbers >= 0, got -"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with says(message, end=""):
        compare(X, Y, **arguments)


def test_a_threshold_needs_a_rule() -> None:
    done = compare(X, Y, boosters=(), estimators={"bayes": FURTHER["bayes"]}, cv=2)
    with pytest.raises(ValueError, match=r"^rule must be a Rule as .* got None$"):
        done.threshold("further", "bayes")
    assert done.differences.empty
    assert len(done.plot().axes) == 2


def test_the_name_is_the_function_whatever_is_imported_first(tmp_path: Path) -> None:
    code = (
        "import focal_boost.command, focal_boost.comparison, focal_boost\n"
        "assert callable(focal_boost.compare)\n"
        "from focal_boost import compare\nprint(compare.__module__)"
    )
    told = in_process("-c", code, folder=tmp_path).stdout
    assert told == "focal_boost.comparison._compare\n"
