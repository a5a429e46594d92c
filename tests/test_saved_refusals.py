"""Models in files: what is refused, and what is left as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from boosters import XGBoost, lgb, xgb
from estimators import both, make, quiet, words

import focal_boost
import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalLoss, FocalObjective

if TYPE_CHECKING:
    from populations import Sample

pytestmark = quiet

ROOM = {"xgboost": fxgb, "lightgbm": flgb}


@both
def test_a_file_without_a_loss_is_named(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    library.train(library.data(sample.X, sample.y), 1).save_model(file)
    with pytest.raises(ValueError, match=r"^the file must hold the focal loss") as told:
        ROOM[library.name].load(file)
    assert str(told.value).endswith("got 'model.json' without")


@both
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"format": 3, "version": "9.1"},
            "the format of the focal loss in the file must be at most 2, got 3 of"
            " focal-boost 9.1, which reads it",
        ),
        ({"gamma": -1}, "the focal loss in the file must be what this package wrote"),
        ({"format": "x"}, "the focal loss in the file must be what this package wrote"),
    ],
)
def test_a_loss_that_cannot_be_read_is_named(
    library: Any, sample: Sample, tmp_path: Path, changed: Any, message: str
) -> None:
    file = tmp_path / "model.json"
    booster = library.train(library.data(sample.X, sample.y), 1, FocalObjective())
    ROOM[library.name].save(booster, file, FocalObjective())
    text = file.read_text("utf-8")
    for name, value in changed.items():
        old = {"format": "1", "gamma": "2.0"}.get(name, f'"{focal_boost.__version__}"')
        new = json.dumps(value)
        if library.name == "xgboost":
            # A string in JSON.
            old, new, quote = old.replace('"', r"\""), new.replace('"', r"\""), r"\""
        else:
            quote = '"'
        before = f"{quote}{name}{quote}: {old}"
        assert before in text
        text = text.replace(before, f"{quote}{name}{quote}: {new}")
    file.write_text(text, "utf-8")
    for read in (ROOM[library.name].load, make(library).load_model):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            read(file)


@both
def test_save_takes_an_objective_only(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    booster = library.train(library.data(sample.X, sample.y), 1, FocalObjective())
    with pytest.raises(ValueError, match=r"^objective must be a FocalObjective, got F"):
        ROOM[library.name].save(booster, tmp_path / "m", FocalLoss())
    assert not (tmp_path / "m").exists()


REFUSED_CLASSES: dict[str, Any] = {
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "nanoseconds": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
    "bytes": np.array([b"no", b"yes"]),
    "intervals": np.array([pd.Interval(0, 1), pd.Interval(1, 2)]),
    "matrix": [[0], [1]],
}


@both
@pytest.mark.parametrize("classes", REFUSED_CLASSES.values(), ids=REFUSED_CLASSES)
def test_labels_that_would_come_back_as_others_are_refused(
    library: Any, sample: Sample, tmp_path: Path, classes: Any
) -> None:
    booster = library.train(library.data(sample.X, sample.y), 1, FocalObjective())
    with pytest.raises(ValueError, match=r"^classes of a model that is saved must be "):
        ROOM[library.name].save(booster, tmp_path / "m", FocalObjective(), classes)
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
    ROOM[library.name].save(booster, tmp_path / "m.json", FocalObjective(), classes)
    found = ROOM[library.name].load(tmp_path / "m.json").classes
    assert found is not None
    assert found.dtype == classes.dtype
    assert found.tolist() == classes.tolist()


def others_of(library: Any, sample: Sample, kind: str) -> Any:
    """Return a booster of the library that has no log-odds of two classes."""
    many = np.where(sample.y == 1, 2, (sample.X[:, 0] > 0).astype(int))
    if library.name == "xgboost":
        params: Any = {
            "regression": {"objective": "reg:squarederror"},
            "classes": {"objective": "multi:softprob", "num_class": 3},
            "sigmoid": {"objective": "binary:logitraw"},
        }[kind]
    else:
        params = {
            "regression": {"objective": "regression"},
            "classes": {"objective": "multiclass", "num_class": 3},
            "sigmoid": {"objective": "binary", "sigmoid": 2.0},
        }[kind]
    y = many if kind == "classes" else sample.y
    train = {"xgboost": xgb.train, "lightgbm": lgb.train}[library.name]
    return train({**library.quiet, **params}, library.data(sample.X, y), 2)


@both
@pytest.mark.parametrize("kind", ["regression", "classes", "sigmoid"])
def test_classifiers_refuse_what_is_no_model_of_two_classes(
    library: Any, sample: Sample, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "model.json"
    others_of(library, sample, kind).save_model(file)
    model = make(library).fit(sample.X, words(sample.y))
    expected = model.predict_proba(sample.X)
    with pytest.raises(ValueError, match=r"^the objective of the model in the file "):
        model.load_model(file)
    assert model.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(model.predict_proba(sample.X), expected)


@both
def test_a_fitted_classifier_stays_as_it_is_if_a_file_cannot_be_read(
    library: Any, sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    make(library).fit(validation.X, validation.y).save_model(file)
    text = file.read_text("utf-8")
    for form in ("1.5", "true", "0"):
        quote = r"\"" if library.name == "xgboost" else '"'
        old = f"{quote}format{quote}: 1"
        assert old in text
        changed = text.replace(old, f"{quote}format{quote}: {form}")
        (tmp_path / "changed.json").write_text(changed, "utf-8")
        model = make(library).fit(sample.X, words(sample.y))
        expected = model.predict_proba(sample.X)
        with pytest.raises(ValueError, match=r"^the focal loss in the file must be "):
            model.load_model(tmp_path / "changed.json")
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
