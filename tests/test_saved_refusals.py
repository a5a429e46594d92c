"""Models in files: what is refused, and what is left as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from boosters import XGBoost, xgb
from estimators import both, make, quiet, words

import focal_boost
import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective

if TYPE_CHECKING:
    from populations import Sample

pytestmark = quiet


@both
def test_a_file_without_a_loss_is_named(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    library.train(library.data(sample.X, sample.y), 1).save_model(file)
    with pytest.raises(ValueError, match=r"^the file must hold the focal loss") as told:
        library.ours.load(file)
    assert str(told.value).endswith("got 'model.json' without")


# By the names that the file's mark is changed at: what is said.
NOT_OURS = "the focal loss in the file must be what this package wrote"
UNREADABLE: list[tuple[dict[str, Any], str]] = [
    (
        {"format": 3, "version": "9.1"},
        "the format of the focal loss in the file must be at most 2, got 3 of"
        " focal-boost 9.1, which reads it",
    ),
    ({"gamma": -1}, NOT_OURS),
    *(({"format": form}, NOT_OURS) for form in ("x", 1.5, True, 0)),
]


def with_changed(library: Any, text: str, name: str, value: Any) -> str:
    """Return the text of a file with another value in its mark."""
    old = {"format": 1, "gamma": 2.0, "version": focal_boost.__version__}[name]
    pair = [json.dumps({name: one})[1:-1] for one in (old, value)]
    if library.name == "xgboost":
        # A string in JSON.
        pair = [one.replace('"', r"\"") for one in pair]
    assert pair[0] in text
    return text.replace(*pair)


@both
@pytest.mark.parametrize(("changed", "message"), UNREADABLE)
def test_a_loss_that_cannot_be_read_is_named_and_nothing_is_changed(
    library: Any, sample: Sample, validation: Sample, tmp_path: Path, changed: Any,
    message: str,
) -> None:  # fmt: skip
    file = tmp_path / "model.json"
    make(library).fit(validation.X, validation.y).save_model(file)
    text = file.read_text("utf-8")
    for name, value in changed.items():
        text = with_changed(library, text, name, value)
    file.write_text(text, "utf-8")
    model = make(library).fit(sample.X, words(sample.y))
    expected = model.predict_proba(sample.X)
    for read in (library.ours.load, model.load_model):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            read(file)
    np.testing.assert_array_equal(model.predict_proba(sample.X), expected)


CLASSES = r"^classes of a model that is saved must be "
UNSAVED: dict[str, tuple[Any, Any, str]] = {
    "loss": (FocalLoss(), None, r"^objective must be a FocalObjective, got F"),
    **{
        name: (FocalObjective(), classes, CLASSES)
        for name, classes in {
            "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
            "nanoseconds": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
            "bytes": np.array([b"no", b"yes"]),
            "intervals": np.array([pd.Interval(0, 1), pd.Interval(1, 2)]),
            "matrix": [[0], [1]],
        }.items()
    },
}


@both
@pytest.mark.parametrize(
    ("objective", "classes", "message"), UNSAVED.values(), ids=UNSAVED
)
def test_what_would_come_back_as_something_else_is_not_saved(
    library: Any, sample: Sample, tmp_path: Path, objective: Any, classes: Any,
    message: str,
) -> None:  # fmt: skip
    booster = library.train(library.data(sample.X, sample.y), 1, FocalObjective())
    with pytest.raises(ValueError, match=message):
        library.ours.save(booster, tmp_path / "m", objective, classes)
    assert not (tmp_path / "m").exists()


@both
@pytest.mark.parametrize(
    "classes",
    [
        np.array([3, 200], np.uint8),
        np.array([0.1, 0.3], np.float32),
        np.array(["no", "yes"], object),
        np.array(["no", "yes"]),
        np.array([False, True]),
    ],
    ids=lambda c: c.dtype.str,
)
def test_labels_come_back_with_their_type(
    library: Any, sample: Sample, tmp_path: Path, classes: Any
) -> None:
    booster = library.train(library.data(sample.X, sample.y), 1, FocalObjective())
    library.ours.save(booster, tmp_path / "m.json", FocalObjective(), classes)
    found = library.ours.load(tmp_path / "m.json").classes
    assert found is not None
    assert found.dtype == classes.dtype
    assert found.tolist() == classes.tolist()


# Objectives without the log-odds of two classes.
OTHERS: dict[str, dict[str, dict[str, Any]]] = {
    "xgboost": {
        "regression": {"objective": "reg:squarederror"},
        "classes": {"objective": "multi:softprob", "num_class": 3},
        "sigmoid": {"objective": "binary:logitraw"},
    },
    "lightgbm": {
        "regression": {"objective": "regression"},
        "classes": {"objective": "multiclass", "num_class": 3},
        "sigmoid": {"objective": "binary", "sigmoid": 2.0},
    },
}


@both
@pytest.mark.parametrize("kind", ["regression", "classes", "sigmoid"])
def test_classifiers_refuse_what_is_no_model_of_two_classes(
    library: Any, sample: Sample, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "model.json"
    many = np.where(sample.y == 1, 2, (sample.X[:, 0] > 0).astype(int))
    data = library.data(sample.X, many if kind == "classes" else sample.y)
    params = {**library.quiet, **OTHERS[library.name][kind]}
    library.own.train(params, data, 2).save_model(file)
    model = make(library).fit(sample.X, words(sample.y))
    expected = model.predict_proba(sample.X)
    with pytest.raises(ValueError, match=r"^the objective of the model in the file "):
        model.load_model(file)
    assert model.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(model.predict_proba(sample.X), expected)


def test_an_attribute_of_the_users_is_not_lost(sample: Sample, tmp_path: Path) -> None:
    data = XGBoost.data(sample.X, sample.y)
    booster = XGBoost.train(data, 2, FocalObjective())
    booster.set_attr(focal_boost="mine")
    with pytest.raises(ValueError, match=r"^the booster's attribute focal_boost must"):
        fxgb.save(booster, tmp_path / "model.json", FocalObjective())
    assert booster.attr("focal_boost") == "mine"
    booster.save_model(tmp_path / "plain.json")
    loaded = make(XGBoost)
    loaded.load_model(tmp_path / "plain.json")
    assert loaded.get_booster().attr("focal_boost") == "mine"
    # A file of ours that plain XGBoost has read may be saved anew.
    booster.set_attr(focal_boost=None)
    fxgb.save(booster, tmp_path / "model.json", FocalObjective(gamma=1.0))
    again = xgb.Booster(model_file=tmp_path / "model.json")
    fxgb.save(again, tmp_path / "again.json", FocalObjective(gamma=3.0))
    assert fxgb.load(tmp_path / "again.json").objective.gamma == 3.0
    assert '"gamma": 1.0' in again.attr("focal_boost")
