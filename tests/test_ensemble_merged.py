"""Ensembles as one booster, and votes: of two classes and of many, by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from estimators import both, make, quiet
from numpy.testing import assert_allclose, assert_array_equal
from populations import make_sample
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from tools import classes_of

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FoldEnsembleClassifier
from focal_boost.ensemble import LogOddsVotingClassifier

pytestmark = quiet

SAMPLE = make_sample(600, 0.2, seed=11)
X = SAMPLE.X
y = np.array(["ant", "bee", "cow"])[classes_of(SAMPLE)]
_PLAIN = """
import sys
sys.modules["focal_boost"] = None
import numpy as np
import {library} as lib
X = np.load("X.npy")
X = lib.DMatrix(X) if lib.__name__ == "xgboost" else X
np.save("found.npy", lib.Booster(model_file="model.txt").predict(X))
"""


@both
@pytest.mark.parametrize("kind", ["full", "stopped", "dart"])
def test_merged_is_one_booster(library: Any, kind: str) -> None:
    params = {
        "full": {},
        "stopped": {"early_stopping_rounds": 2, "learning_rate": 0.6},
        "dart": library.dart,
    }[kind]
    model = make(library, n_estimators=25, **params)
    folds = FoldEnsembleClassifier(model, cv=3).fit(X, y)
    merged = folds.merged()
    assert type(merged).__module__.startswith(library.name)
    expected = expit(folds.decision_function(X))
    assert_allclose(library.probability(merged, X), expected, atol=1e-6)
    if library is LightGBM:
        again = flgb.lgb.Booster(model_str=merged.model_to_string())
        assert_array_equal(again.predict(X), merged.predict(X))


@both
def test_merged_in_a_process_without_us(library: Any, tmp_path: Path) -> None:
    stopping = {"early_stopping_rounds": 3, "learning_rate": 0.4, "n_estimators": 40}
    ensemble = FoldEnsembleClassifier(make(library, **stopping), cv=3, n_repeats=2)
    ensemble.fit(X, SAMPLE.y)
    name = "model.json" if library is XGBoost else "model.txt"
    ensemble.merged().save_model(tmp_path / name)
    np.save(tmp_path / "X.npy", X)
    code = _PLAIN.format(library=library.name).replace("model.txt", name)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    expected = ensemble.predict_proba(X)[:, 1]
    assert_allclose(np.load(tmp_path / "found.npy"), expected, rtol=0, atol=1e-6)


@both
def test_voting(library: Any) -> None:
    models = [make(library, focal_gamma=gamma) for gamma in (0.0, 2.0)]
    voting = LogOddsVotingClassifier(models).fit(X, y)
    each = [clone(one).fit(X, y).decision_function(X) for one in models]
    assert_allclose(voting.decision_function(X), np.mean(each, axis=0), rtol=1e-6)
    expected = expit(voting.decision_function(X))
    assert_allclose(library.probability(voting.merged(), X), expected, atol=1e-6)


def test_a_forest_beside_focal_loss() -> None:
    forest = RandomForestClassifier(10, random_state=0)
    voting = LogOddsVotingClassifier([make(LightGBM), forest]).fit(X, y)
    focal, trees = voting.estimators_
    clipped = np.clip(trees.predict_proba(X), np.finfo(float).eps, 1 - 2e-16)
    mean = (focal.decision_function(X) + logit(clipped)) / 2
    assert_allclose(voting.decision_function(X), mean, rtol=1e-6)


def test_one_tree_for_all_labels_is_not_merged() -> None:
    model = make(XGBoost, multi_strategy="multi_output_tree").fit(X, y)
    sentence = 'tree for every label, got multi_strategy="multi_output_tree"'
    with pytest.raises(ValueError, match=sentence):
        fxgb.merge([model.get_booster()])


def test_softmax_is_not_merged() -> None:
    model = LightGBM.classifier(n_estimators=10, **LightGBM.quiet_estimator).fit(X, y)
    sentence = 'boosters must have the objective "binary" or "multiclassova", got "mul'
    with pytest.raises(ValueError, match=sentence):
        flgb.merge([model.booster_])
