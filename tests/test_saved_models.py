"""Models in files that hold their loss: both libraries' save and load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from boosters import LightGBM, XGBoost, xgb
from estimators import both, fit_watched, make, quiet, words
from sklearn.base import clone

import focal_boost
from focal_boost import FocalLoss, FocalObjective

if TYPE_CHECKING:
    from populations import Sample

pytestmark = quiet

OBJECTIVES = [
    FocalObjective(),
    FocalObjective(None, 0.0),
    FocalObjective(0.1 + 0.2, 1.0, hessian="exact"),
    FocalObjective(0.4, 1.5, link="focal"),
]
LABELS: dict[str, Any] = {
    "numbers": lambda y: y,
    "text": words,
    "accents": lambda y: np.where(y == 1, "été", "hiver"),
    "integers": lambda y: 2 * y - 1,
    "booleans": lambda y: y == 1,
    "floats": lambda y: y + 1.0,
}


def same(one: Any, other: Any, X: Any) -> None:
    assert one.classes_.tolist() == other.classes_.tolist()
    assert one.classes_.dtype.kind == other.classes_.dtype.kind
    assert one.focal_objective_ == other.focal_objective_
    assert one.loss_ == other.loss_
    for of in ("decision_function", "predict_proba", "predict"):
        np.testing.assert_array_equal(getattr(one, of)(X), getattr(other, of)(X))


@both
@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
@pytest.mark.filterwarnings("ignore:.*link=.focal:UserWarning")
def test_a_booster_comes_back_with_its_loss(
    library: Any, sample: Sample, tmp_path: Path, objective: FocalObjective
) -> None:
    booster = library.train(library.data(sample.X, sample.y), 5, objective)
    plain, file = tmp_path / "plain.json", tmp_path / "model.json"
    booster.save_model(plain)
    library.ours.save(booster, file, objective, ["no", "yes"])
    found = library.ours.load(file)
    assert found.objective == objective
    assert found.classes is not None
    assert found.classes.tolist() == ["no", "yes"]
    assert found.version == focal_boost.__version__
    # Neither the booster nor what the library reads of the file is another.
    assert type(found.booster) is library.own.Booster
    expected = library.raw_score(booster, sample.X)
    for one in (found.booster, library.own.Booster(model_file=file)):
        np.testing.assert_array_equal(library.raw_score(one, sample.X), expected)
    for one, name in ((booster, "again"), (found.booster, "loaded")):
        one.save_model(tmp_path / f"{name}.json")
        text = (tmp_path / f"{name}.json").read_text("utf-8")
        assert "focal_boost" not in text
        if name == "again":
            assert text == plain.read_text("utf-8")


@both
def test_labels_that_are_not_named_are_0_and_1(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    booster = library.train(library.data(sample.X, sample.y), 2, FocalObjective())
    library.ours.save(booster, tmp_path / "m.json", FocalObjective())
    assert library.ours.load(tmp_path / "m.json").classes is None
    loaded = make(library)
    loaded.load_model(tmp_path / "m.json")
    assert loaded.classes_.tolist() == [0, 1]


@both
def test_load_knows_the_loss_of_a_classifiers_file(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    model = make(library, focal_alpha="balanced", focal_gamma=0.7)
    model.fit(sample.X, words(sample.y)).save_model(tmp_path / "m.json")
    found = library.ours.load(tmp_path / "m.json")
    assert found.objective == model.focal_objective_
    assert found.classes is not None
    assert found.classes.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(
        library.probability(found.booster, sample.X),
        model.predict_proba(sample.X)[:, 1],
    )


@both
def test_continuing_from_a_file_is_continuing_from_the_booster(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    data = library.data(sample.X, sample.y)
    booster = library.train(data, 4, FocalObjective())
    library.ours.save(booster, tmp_path / "m.json", FocalObjective())
    one, other = (
        library.train(
            library.data(sample.X, sample.y), 3, FocalObjective(), **{library.first: of}
        )
        for of in (booster, str(tmp_path / "m.json"))
    )
    np.testing.assert_array_equal(
        library.raw_score(one, sample.X), library.raw_score(other, sample.X)
    )


@both
@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize("encode", LABELS.values(), ids=LABELS)
def test_a_classifier_comes_back(
    library: Any, sample: Sample, tmp_path: Path, encode: Any, ending: str
) -> None:
    file = tmp_path / f"model.{ending}"
    model = make(library, focal_alpha="balanced", focal_gamma=1.5)
    model.fit(sample.X, encode(sample.y), sample_weight=sample.weight).save_model(file)
    loaded = make(library, focal_gamma=3.0)
    loaded.load_model(file)
    same(loaded, model, sample.X)
    assert loaded.n_features_in_ == 10
    assert loaded.score(sample.X, encode(sample.y)) > 0.8
    if library is XGBoost:
        for one in (model, loaded):
            assert one.get_booster().attributes() == {}


@both
def test_a_classifier_comes_back_into_what_was_fitted(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    saved = make(library, focal_gamma=1.0).fit(sample.X, words(sample.y))
    saved.save_model(tmp_path / "model.json")
    other = make(library).fit(sample.X[:, :3], 1 - sample.y)
    other.load_model(tmp_path / "model.json")
    same(other, saved, sample.X)


@both
def test_a_refit_after_loading_is_a_fit_with_what_was_loaded(
    library: Any, sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "model.json"
    make(library, focal_gamma=1.0).fit(sample.X, sample.y).save_model(file)
    loaded = make(library, n_estimators=5)
    kept = loaded.get_params()
    loaded.load_model(file)
    if library is XGBoost:
        # They become those of the parent, which reads a start value too.
        parent = xgb.XGBClassifier(n_estimators=5, **XGBoost.quiet_estimator)
        parent.load_model(file)
        kept |= parent.get_params()
    assert repr(sorted(loaded.get_params().items())) == repr(sorted(kept.items()))
    fresh = clone(loaded).fit(validation.X, words(validation.y))
    same(loaded.fit(validation.X, words(validation.y)), fresh, sample.X)
    assert loaded.loss_ == FocalLoss()


def test_early_stopping_in_xgboost_survives_saving(
    sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    rows, evals = sample[:500], [(validation.X, validation.y)]
    model = fit_watched(XGBoost, (rows.X, rows.y), evals, stop=3, n_estimators=100)
    model.save_model(tmp_path / "model.json")
    loaded = make(XGBoost)
    loaded.load_model(tmp_path / "model.json")
    same(loaded, model, sample.X)
    assert loaded.best_iteration == model.best_iteration < 97
    assert loaded.best_score == model.best_score
    assert 0 < model.best_score < 1


def test_lightgbms_classifier_comes_back_with_categories_and_its_best_round(
    sample: Sample, validation: Sample, tmp_path: Path
) -> None:
    frames = []
    for rows in (sample, validation):
        frame = pd.DataFrame(rows.X[:, :4], columns=["a", "b", "c", "d"])
        frame["e"] = pd.Categorical(np.where(rows.X[:, 4] > 0, "ü", "z"))
        frames.append(frame)
    frame, held_out = frames
    model = fit_watched(
        LightGBM, (frame[:500], sample.y[:500]), [(held_out, validation.y)], stop=3,
        n_estimators=100,
    )  # fmt: skip
    assert 0 < model.best_iteration_ < 97
    model.save_model(tmp_path / "model.txt")
    loaded = make(LightGBM)
    loaded.load_model(tmp_path / "model.txt")
    same(loaded, model, held_out)
    assert loaded.booster_.num_trees() == model.best_iteration_
    assert loaded.feature_names_in_.tolist() == list("abcde")


@both
def test_a_classifier_reads_a_native_model_with_its_own_loss(
    library: Any, sample: Sample, tmp_path: Path
) -> None:
    data, own = library.data(sample.X, sample.y), FocalObjective(0.4, 1.0)
    library.train(data, 10, own).save_model(tmp_path / "model.json")
    loaded = make(library, focal_alpha=0.4, focal_gamma=1.0)
    loaded.load_model(tmp_path / "model.json")
    assert loaded.loss_ == FocalLoss(0.4, 1.0)
    fitted = make(library, focal_alpha=0.4, focal_gamma=1.0).fit(sample.X, sample.y)
    same(loaded, fitted, sample.X)
    message = "^alpha must be None or a number in .0, 1., got 'balanced'$"
    with pytest.raises(ValueError, match=message):
        make(library, focal_alpha="balanced").load_model(tmp_path / "model.json")
