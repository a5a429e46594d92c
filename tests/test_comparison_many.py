"""``compare`` and the command of many classes, against scikit-learn by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import commands
import numpy as np
import pandas as pd
import pytest
from estimators import quiet
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import label_binarize
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

from focal_boost import FocalLGBMClassifier, FocalXGBClassifier, compare
from focal_boost.comparison import ClassComparison
from focal_boost.thresholds import Cost

pytestmark = quiet

X, numbers = make_classification(
    420, 6, n_informative=4, n_classes=3, weights=[0.7, 0.2], random_state=2
)
NAMES = np.array(["bee", "ant", "cow"])
y = NAMES[numbers]
LIBRARIES = ("xgboost", "lightgbm")
TREES = {"n_estimators": 8, "n_jobs": 1, "random_state": 0}
LGBM = {**TREES, "verbosity": -1}
SPLIT = [*StratifiedKFold(3).split(X, y)]
MODELS: dict[tuple[str, str], Any] = {
    ("xgboost", "built-in"): XGBClassifier(**TREES),
    ("xgboost", "focal loss"): FocalXGBClassifier(**TREES),
    ("lightgbm", "built-in"): LGBMClassifier(**LGBM),
    ("lightgbm", "class weights"): LGBMClassifier(**LGBM, class_weight="balanced"),
    ("lightgbm", "focal loss"): FocalLGBMClassifier(**LGBM),
    ("further", "forest"): RandomForestClassifier(5, random_state=0),
}


@pytest.fixture(scope="module")
def found() -> Any:
    return compare(
        X,
        y,
        boosters={key: {"n_estimators": 8, "n_jobs": 1} for key in LIBRARIES},
        estimators={"forest": MODELS["further", "forest"]},
        cv=SPLIT,
    )


@pytest.mark.parametrize("key", MODELS, ids=" ".join)
def test_predictions_and_scores_are_those_by_hand(found: Any, key: Any) -> None:
    # In the order of the labels, so that LightGBM's trees have the same bins.
    codes = np.unique(y, return_inverse=True)[1]
    p = cross_val_predict(MODELS[key], X, codes, cv=SPLIT, method="predict_proba")
    np.testing.assert_allclose(found.predictions[key], p, rtol=2e-5)
    assert found.predictions[key].columns.tolist() == ["ant", "bee", "cow"]
    for fold, (_, test) in enumerate(SPLIT):
        against = label_binarize(y[test], classes=["ant", "bee", "cow"])
        scores = found.scores.loc[(*key, fold)]
        expected = {
            "average_precision": average_precision_score(against, p[test]),
            "roc_auc": roc_auc_score(y[test], p[test].astype(float), multi_class="ovr")
            if key[0] == "further"
            else roc_auc_score(against, p[test]),
            "log_loss": log_loss(y[test], p[test] / p[test].sum(1, keepdims=True)),
        }
        for name, value in expected.items():
            assert scores[name] == pytest.approx(value, rel=1e-5)


def test_class_weights_of_xgboost_are_scikit_learns(found: Any) -> None:
    for train, test in SPLIT:
        codes = np.unique(y, return_inverse=True)[1][train]
        weight = compute_sample_weight("balanced", codes)
        model = XGBClassifier(**TREES).fit(X[train], codes, sample_weight=weight)
        ours = found.predictions["xgboost", "class weights"].to_numpy()[test]
        np.testing.assert_allclose(ours, model.predict_proba(X[test]), rtol=1e-5)


def test_the_table_of_classes(found: Any) -> None:
    assert isinstance(found, ClassComparison)
    table = found.class_table
    share = pd.Series(y).value_counts(normalize=True).sort_values()
    assert table.index.tolist() == share.index.tolist()
    np.testing.assert_allclose(table["", "prevalence"], share)
    for key in found.methods:
        p = found.predictions[key]
        each = [
            np.mean([average_precision_score(y[t] == k, p[k][t]) for _, t in SPLIT])
            for k in share.index
        ]
        np.testing.assert_allclose(table[key], each, rtol=1e-9)
        # The same number in both tables.
        mean = found.table["average_precision", "mean"][key]
        assert np.mean(each) == pytest.approx(mean, rel=1e-9)
    less = table["lightgbm", "focal loss"] - table["lightgbm", "built-in"]
    np.testing.assert_allclose(table["lightgbm", "difference"], less)


def test_the_picture_shows_the_table(found: Any) -> None:
    panels = found.plot().axes
    assert [ax.get_title() for ax in panels] == ["XGBoost", "LightGBM"]
    table = found.class_table
    line = next(
        one for one in panels[1].lines if str(one.get_label()).startswith("focal loss")
    )
    x, at = (np.asarray(one) for one in line.get_data())
    np.testing.assert_allclose(x, table["", "prevalence"])
    np.testing.assert_allclose(at, table["lightgbm", "focal loss"])
    assert {one.get_text() for one in panels[0].texts} == set(NAMES)


def test_weights_and_tuning() -> None:
    weight = np.random.default_rng(0).exponential(size=len(y))
    trees = {"lightgbm": {"n_estimators": 2, "num_leaves": 3, "n_jobs": 1}}
    given = {"boosters": trees, "cv": 2, "sample_weight": weight, "tune": 0.1}
    found = compare(X, y, **given, recommended=True)
    assert len(found.methods) == 7
    assert len(found.losses) == 3
    for losses in found.losses.values():
        assert [len(one) for one in losses] == [3, 3]
    share = [weight[y == k].sum() / weight.sum() for k in found.prevalence.index]
    np.testing.assert_allclose(found.prevalence, share)


SENTENCES = {
    "rule": ({"rule": Cost(1, 9)}, "rule must be None for 3 classes, got Cost"),
    "positive": ({"positive": "ant"}, "positive must be None for 3 classes, got 'ant'"),
    "weight": (
        {"boosters": {"xgboost": {"scale_pos_weight": 3}}},
        "scale_pos_weight must be left out for 3 classes, got 3 for xgboost",
    ),
    "fold": (
        {"cv": [(np.flatnonzero(y != "cow")[:99], np.arange(420)[-99:])] * 2},
        "cv must",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_one_sentence(name: str) -> None:
    given, sentence = SENTENCES[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        compare(X, y, **given)
    assert "\n" not in str(caught.value)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "insects.csv"
    pd.DataFrame(X, columns=[*"abcdef"]).assign(kind=y).to_csv(path, index=False)
    return path


def _command(data: Path, *given: str) -> int:
    return commands.compare(data, data.parent / "out", "--target", "kind", *given)


def test_the_command_shows_every_class(data: Path, capsys: Any) -> None:
    assert _command(data) == 0
    printed = capsys.readouterr().out
    assert "3 classes of kind: bee " in printed
    assert "LightGBM, average precision of each class" in printed
    content = commands.results_of(data.parent / "out")
    counts = pd.Series(y).value_counts().sort_index()
    assert content["data"]["classes"] == counts.to_dict()
    told = content["results"]["lightgbm"]["focal loss"]
    each = told["average_precision_of_class"]
    assert list(each) == ["ant", "bee", "cow"]
    assert np.mean([*each.values()]) == pytest.approx(told["average_precision"]["mean"])
    assert (data.parent / "out" / "report.png").stat().st_size > 10_000


def test_the_command_takes_one_class_against_the_rest(data: Path, capsys: Any) -> None:
    assert _command(data, "--positive", "COW", "--recall", "0.8") == 0
    printed = capsys.readouterr().out
    assert "positive: kind = cow, negative: kind = any other" in printed


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--cost", "1,9"], "--cost must be left out for 3 classes: --positive takes"),
        (["--recall", "0.8"], "--recall must be left out for 3 classes"),
        (["--positive", "owl"], "--positive must be one of the values of the target"),
    ],
)
def test_the_command_says_one_sentence(
    data: Path, capsys: Any, given: list[str], sentence: str
) -> None:
    assert _command(data, *given) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
