"""Several boosters as one: the mean of their raw scores, in a process without us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM, XGBoost, lgb, xgb
from estimators import both
from populations import make_sample
from scipy.special import expit

from focal_boost import FocalObjective

SAMPLE = make_sample(600, 0.2, seed=8)
FOLD = np.arange(600) % 3
FOCAL = FocalObjective(0.25, 2.0)


def table(X: Any) -> pd.DataFrame:
    """Return features of which the first are categories and the second have holes."""
    frame = pd.DataFrame(X[:, :4].copy(), columns=list("abcd"))
    code = np.clip(np.round(frame["a"] * 2 + 3), 0, 6).astype(int)
    frame["a"] = pd.Categorical.from_codes(code, list("tuvwxyz"))
    frame.loc[np.random.default_rng(0).random(len(frame)) < 0.2, "b"] = np.nan
    return frame


X = table(SAMPLE.X)


def data(library: Any, rows: Any, reference: Any = None) -> Any:
    if library is XGBoost:
        return xgb.DMatrix(X[rows], SAMPLE.y[rows], enable_categorical=True)
    kept = {"reference": reference, "free_raw_data": False}
    return lgb.Dataset(X[rows], SAMPLE.y[rows], **kept)


def boosters(
    library: Any, params: Any, objective: Any = FOCAL, stop: Any = None
) -> Any:
    """Train a booster for every fold."""
    found = []
    for k in range(3):
        train = data(library, k != FOLD)
        sets = {"valid": data(library, k == FOLD, train)} if stop else {}
        watching = library.watching(sets, {}, stop=stop)
        found.append(library.train(train, 20, objective, params, **watching))
    return found


def at(library: Any) -> Any:
    return xgb.DMatrix(X, enable_categorical=True) if library is XGBoost else X


def raw_score(library: Any, booster: Any, *, best: bool = False) -> Any:
    if library is LightGBM:
        return booster.predict(X, raw_score=True)
    rounds = (0, booster.best_iteration + 1) if best else (0, 0)
    return XGBoost.raw_score(booster, at(library), iteration_range=rounds)


def assert_mean(library: Any, several: Any, *, best: bool = False) -> Any:
    """Assert that the merged booster says what the boosters say in the mean."""
    before = [raw_score(library, one, best=best) for one in several]
    merged = library.ours.merge(several)
    assert type(merged) is library.own.Booster
    expected = np.mean(before, axis=0)
    tolerance = 5e-6 if library is XGBoost else 1e-13
    found = raw_score(library, merged)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    posterior = merged.predict(at(library))
    np.testing.assert_allclose(posterior, expit(expected), rtol=0, atol=1e-6)
    for one, score in zip(several, before, strict=True):
        np.testing.assert_array_equal(raw_score(library, one, best=best), score)
    return merged


@both
@pytest.mark.parametrize("own", [False, True], ids=["focal", "library"])
def test_mean_of_raw_scores(library: Any, own: bool) -> None:
    several = boosters(library, {}, None if own else FOCAL)
    merged = assert_mean(library, several)
    trees = len(merged.get_dump()) if library is XGBoost else merged.num_trees()
    assert trees == 60


@pytest.mark.parametrize(
    ("library", "params"),
    [
        pytest.param(XGBoost, XGBoost.dart, id="xgboost's dropout"),
        pytest.param(LightGBM, LightGBM.dart, id="lightgbm's dropout"),
        pytest.param(LightGBM, {"linear_tree": True}, id="linear trees"),
        pytest.param(LightGBM, {"min_gain_to_split": 1e9}, id="constant"),
    ],
)
def test_mean_of_other_trees(library: Any, params: dict[str, Any]) -> None:
    assert_mean(library, boosters(library, params))


@both
def test_best_rounds(library: Any) -> None:
    fast = {"eta": 0.8}
    several = boosters(library, fast, stop=2)
    best = [one.best_iteration + (library is XGBoost) for one in several]
    assert min(best) < 18
    merged = assert_mean(library, several, best=True)
    count = merged.num_boosted_rounds if library is XGBoost else merged.num_trees
    assert count() == sum(best)


@both
def test_one_booster_and_merged_ones(library: Any) -> None:
    first, second, third = boosters(library, {})
    pair = library.ours.merge([first, second])
    alone = library.ours.merge([third])
    mean = np.mean([raw_score(library, one) for one in (first, second)], axis=0)
    np.testing.assert_allclose(raw_score(library, pair), mean, rtol=0, atol=5e-6)
    again = (raw_score(library, pair) + raw_score(library, alone)) / 2
    merged = library.ours.merge(one for one in (pair, alone))
    np.testing.assert_allclose(raw_score(library, merged), again, rtol=0, atol=5e-6)


def test_random_forest_rounds_in_xgboost() -> None:
    several = boosters(XGBoost, {"num_parallel_tree": 2, "subsample": 0.5})
    merged = assert_mean(XGBoost, several)
    assert merged.num_boosted_rounds() == 60
    assert len(merged.get_dump()) == 120


@both
def test_contributions_add_up(library: Any) -> None:
    several = boosters(library, {})
    kind = {"pred_contribs" if library is XGBoost else "pred_contrib": True}
    parts = library.ours.merge(several).predict(at(library), **kind)
    expected = np.mean([raw_score(library, one) for one in several], axis=0)
    np.testing.assert_allclose(parts.sum(axis=1), expected, rtol=0, atol=1e-5)


_PLAIN = """
import sys
sys.modules["focal_boost"] = None
import numpy as np, pandas as pd
import {library} as lib
X = pd.read_pickle("X.pkl")
booster = lib.Booster(model_file="model.txt" if lib.__name__ == "lightgbm" else "m.ubj")
if lib.__name__ == "xgboost":
    X = lib.DMatrix(X, enable_categorical=True)
np.save("found.npy", booster.predict(X))
"""


@both
def test_in_a_process_without_us(library: Any, tmp_path: Path) -> None:
    several = boosters(library, {})
    X.to_pickle(tmp_path / "X.pkl")
    name = "m.ubj" if library is XGBoost else "model.txt"
    library.ours.merge(several).save_model(tmp_path / name)
    code = _PLAIN.format(library=library.name)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    mean = np.mean([raw_score(library, one) for one in several], axis=0)
    found = np.load(tmp_path / "found.npy")
    np.testing.assert_allclose(found, expit(mean), rtol=0, atol=1e-6)


def test_folds_of_cv() -> None:
    whole = data(LightGBM, slice(None))
    cv = LightGBM.ours.cv
    folds = cv(LightGBM.quiet, whole, 5, nfold=3, return_cvbooster=True)
    assert_mean(LightGBM, folds["cvbooster"].boosters)


# What is refused


@both
def test_unsound_lists(library: Any) -> None:
    booster = boosters(library, {})[0]
    with pytest.raises(ValueError, match=r"^boosters must be one booster or more, got"):
        library.ours.merge([])
    kind = f"^boosters must be of {library.name}.Booster, got str$"
    with pytest.raises(ValueError, match=kind):
        library.ours.merge([booster, "model.txt"])


@both
def test_boosters_of_other_features(library: Any) -> None:
    several = [
        library.train(library.data(SAMPLE.X[:, :k], SAMPLE.y), 2, FOCAL) for k in (2, 3)
    ]
    with pytest.raises(ValueError, match=r"^boosters must have the same .*, got"):
        library.ours.merge(several)


@both
@pytest.mark.filterwarnings("ignore:.*booster=gblinear:UserWarning")
def test_other_objectives_and_kinds(library: Any) -> None:
    rows = library.data(SAMPLE.X, SAMPLE.y)
    if library is XGBoost:
        name = "reg:squarederror"
        booster = xgb.train({"objective": name, **XGBoost.quiet}, rows, 2)
        other = xgb.train(
            {"objective": "binary:logistic", "booster": "gblinear"}, rows, 2
        )
        sentence = '^boosters must be of trees, got booster="gblinear"$'
    else:
        name = "regression"
        booster = lgb.train({"objective": name, **LightGBM.quiet}, rows, 2)
        forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
        params = {"objective": "binary", **forest, **LightGBM.quiet}
        other = lgb.train(params, rows, 2)
        sentence = '^boosters must add up their trees, got boosting="rf"$'
    with pytest.raises(ValueError, match=f'^boosters must have .*, got "{name}'):
        library.ours.merge([booster])
    with pytest.raises(ValueError, match=sentence):
        library.ours.merge([other])
