"""Trees that are recommended: taken by classifiers, ``train`` and the search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from estimators import both, make, quiet
from populations import Sample
from searches import make_search
from sklearn.metrics import average_precision_score

from focal_boost import FocalObjective, recommended

pytestmark = quiet


@both
def test_the_classifier_trains_them(library: Any, sample: Sample) -> None:
    given = recommended(library.name)
    model = make(library, **given, n_estimators=30).fit(sample.X, sample.y)
    found = model.get_params()
    assert {name: found[name] for name in given} == given
    found = model.predict_proba(sample.X)[:, 1]
    assert average_precision_score(sample.y, found) > 2 * sample.y.mean()


def test_the_page_has_their_values() -> None:
    page = (Path(__file__).parents[1] / "docs/settings.md").read_text("utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)?) \| ([^|;]+);", page, re.MULTILINE)
    told = {
        name: [float(one) for one in values.split(", ")]
        for names, values in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    for library in ("lightgbm", "xgboost"):
        for name, value in recommended(library).items():
            assert value in told[name], name
    assert set(told) == {*recommended("lightgbm"), *recommended("xgboost")}


# Of every parameter a value that makes other trees.
OTHERS = {
    "learning_rate": 0.5, "max_depth": 6, "num_leaves": 31, "min_child_weight": 1e3,
    "min_child_samples": 1000, "subsample": 0.3, "subsample_freq": 0,
    "colsample_bytree": 0.2, "reg_lambda": 1e4,
}  # fmt: skip


@both
def test_train_takes_them(library: Any, sample: Sample) -> None:
    given, data = recommended(library.name), library.data(sample.X, sample.y)

    def raw_score(**other: Any) -> Any:
        booster = library.train(data, 3, FocalObjective(), {**given, **other})
        return library.raw_score(booster, sample.X)

    whole = raw_score()
    for name in given:
        assert (raw_score(**{name: OTHERS[name]}) != whole).any(), name


@both
def test_a_search_begins_with_them(library: Any, sample: Sample) -> None:
    search = make_search(library, "trees", n_candidates=1, refit=False)
    search.fit(sample.X, sample.y)
    first, given = search.cv_results_["params"][0], recommended(library.name)
    assert {name: first[name] for name in given} == given


@both
def test_every_call_returns_its_own(library: Any) -> None:
    given = recommended(library.name)
    given["learning_rate"] = 7.0
    assert recommended(library.name)["learning_rate"] < 1


@pytest.mark.parametrize("name", ["catboost", "", None, ["xgboost"]])
def test_another_library(name: Any) -> None:
    sentence = r"^library must be one of \('xgboost', 'lightgbm'\), got "
    with pytest.raises(ValueError, match=sentence):
        recommended(name)
