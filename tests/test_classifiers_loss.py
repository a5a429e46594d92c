"""Both classifiers: the loss they train with, weights and parameters."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost, starts_at_prevalence
from estimators import both, make, quiet, words
from populations import Sample

from focal_boost import FocalLoss, FocalObjective

pytestmark = quiet


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


# The loss


@both
def test_default_loss_is_the_papers(library: Any, sample: Sample) -> None:
    model = library.focal_classifier(n_estimators=1, **library.quiet_estimator)
    assert (model.focal_alpha, model.focal_gamma) == (0.25, 2.0)
    model.fit(sample.X, sample.y)
    assert model.loss_ == FocalLoss(0.25, 2.0)
    assert model.focal_objective_ == FocalObjective(0.25, 2.0, "logit", "upper")
    assert model.focal_objective_.loss is model.loss_


@both
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_balanced_alpha_is_one_minus_the_prevalence(
    library: Any, sample: Sample, weighted: bool
) -> None:
    weight = sample.weight if weighted else None
    model = make(library, focal_alpha="balanced", focal_gamma=1.0)
    model.fit(sample.X, words(sample.y), sample_weight=weight)
    assert model.focal_alpha == "balanced"
    expected = 1 - np.average(sample.y, weights=weight)
    assert model.loss_.alpha == pytest.approx(expected, rel=1e-12)
    assert model.loss_.gamma == 1
    same = make(library, focal_alpha=model.loss_.alpha, focal_gamma=1.0)
    same.fit(sample.X, sample.y, sample_weight=weight)
    np.testing.assert_array_equal(
        model.decision_function(sample.X), same.decision_function(sample.X)
    )


@both
def test_balanced_alpha_does_not_feel_the_scale_of_weights(
    library: Any, sample: Sample
) -> None:
    model = make(library, focal_alpha="balanced", n_estimators=1)
    alphas = [
        model.fit(sample.X, sample.y, sample_weight=factor * sample.weight).loss_.alpha
        for factor in (1, 1024)
    ]
    assert alphas[0] == alphas[1]


BAD_LOSSES = [
    ({"focal_alpha": "balancd"},
     "focal_alpha must be None, \"balanced\" or a number in (0, 1), got 'balancd'"),
    ({"focal_alpha": 0}, "focal_alpha must be None or a number in (0, 1), got 0"),
    ({"focal_alpha": 1.5}, "focal_alpha must be None or a number in (0, 1), got 1.5"),
    ({"focal_alpha": np.nan},
     "focal_alpha must be None or a number in (0, 1), got nan"),
    ({"focal_gamma": -0.5}, "focal_gamma must be a finite number >= 0, got -0.5"),
    ({"focal_gamma": np.inf}, "focal_gamma must be a finite number >= 0, got inf"),
    ({"focal_gamma": "2"}, "focal_gamma must be a finite number >= 0, got '2'"),
    ({"focal_alpha": "balanced", "focal_gamma": -1},
     "focal_gamma must be a finite number >= 0, got -1"),
    ({"focal_gama": 1.0},
     "a parameter that begins with focal_ must be focal_alpha or focal_gamma,"
     " got focal_gama"),
]  # fmt: skip


@both
@pytest.mark.parametrize(("params", "message"), BAD_LOSSES)
def test_bad_losses_are_named(
    library: Any, sample: Sample, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        make(library, **params).fit(sample.X, sample.y)


@both
@pytest.mark.parametrize(
    "objective", ["reg:squarederror", "regression", FocalObjective()], ids=repr
)
def test_another_objective_is_refused(
    library: Any, sample: Sample, objective: Any
) -> None:
    own = {"xgboost": "binary:logistic", "lightgbm": "binary"}[library.name]
    place = {"xgboost": "of XGBoost", "lightgbm": "in params"}[library.name]
    message = f'objective {place} must be "{own}" or absent, got {objective!r}'
    with pytest.raises(ValueError, match=exactly(message)):
        make(library, objective=objective).fit(sample.X, sample.y)
    given = make(library, objective=own).fit(sample.X, sample.y)
    np.testing.assert_array_equal(
        given.decision_function(sample.X),
        make(library).fit(sample.X, sample.y).decision_function(sample.X),
    )


# Weights


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("alpha", [0.25, "balanced"])
@pytest.mark.parametrize("class_weight", [{"no": 1, "yes": 4}, "balanced"])
def test_class_weights_of_lightgbm_are_weights(
    sample: Sample, weighted: bool, alpha: Any, class_weight: Any
) -> None:
    given = sample.weight if weighted else None
    count = np.bincount(sample.y)
    # "balanced" also gives them the mean 1, which gradients but not α and start feel.
    of_class = [1, 4] if isinstance(class_weight, dict) else count.sum() / 2 / count
    by_hand = np.take(of_class, sample.y) * (1 if given is None else given)
    model = make(LightGBM, focal_alpha=alpha, class_weight=class_weight)
    model.fit(sample.X, words(sample.y), sample_weight=given)
    same = make(LightGBM, focal_alpha=alpha)
    same.fit(sample.X, sample.y, sample_weight=by_hand)
    assert model.loss_.alpha == pytest.approx(same.loss_.alpha, rel=1e-6)
    scores = [one.decision_function(sample.X) for one in (model, same)]
    np.testing.assert_allclose(*scores, rtol=1e-5, atol=1e-6)


BAD_WEIGHTS = {
    "zero": (lambda w: 0 * w, "sample_weight must not be all zero, got 200 zeros"),
    "negative": (
        lambda w: 0 * w - 1, "sample_weight must be finite numbers >= 0, got -1.0"
    ),
    "nan": (lambda w: w * np.nan, "sample_weight must be finite numbers >= 0, got nan"),
    "short": (
        lambda w: w[:-1],
        "sample_weight must have the shape of y_true, (200,), got (199,)",
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize(("spoil", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
@pytest.mark.parametrize("alpha", [0.25, "balanced"])
def test_bad_weights_are_named(
    library: Any, sample: Sample, spoil: Any, message: str, alpha: Any
) -> None:
    rows = sample[:200]
    if library.name == "xgboost" and alpha != "balanced":
        # It has refused them before anybody is asked for a gradient.
        message = rf"{re.escape(message)}|Weights must be pos|Invalid size of sample we"
    else:
        message = exactly(message)
    with pytest.raises(ValueError, match=message):
        make(library, focal_alpha=alpha).fit(
            rows.X, rows.y, sample_weight=spoil(rows.weight)
        )


@both
def test_a_class_without_weight_has_no_balance(library: Any, sample: Sample) -> None:
    weight = 1 - sample.y
    message = "y_true must contain both classes with positive weight, got only 0"
    with pytest.raises(ValueError, match=exactly(message)):
        make(library, focal_alpha="balanced").fit(
            sample.X, sample.y, sample_weight=weight
        )
    # Any other loss is trained as the parent trains its own.
    proba = make(library).fit(sample.X, sample.y, sample_weight=weight).predict_proba
    assert proba(sample.X)[:, 1].max() < (
        1e-5 if starts_at_prevalence(library) else 0.05
    )


# Parameters


# From one start, and with splits at the same places.
SAME: dict[Any, dict[str, Any]] = {
    XGBoost: {"base_score": 0.5, "tree_method": "exact"},
    LightGBM: {"boost_from_average": False},
}


@pytest.mark.parametrize(
    ("library", "param", "rare"),
    [
        (XGBoost, {"scale_pos_weight": 9}, 1),
        (LightGBM, {"scale_pos_weight": 9}, 1),
        (LightGBM, {"is_unbalance": True}, 1),
        (LightGBM, {"is_unbalance": True}, 0),
    ],
)
def test_weights_of_a_class_by_parameter_are_weights(
    library: Any, sample: Sample, param: dict[str, Any], rare: int
) -> None:
    y = sample.y if rare else 1 - sample.y
    ratio = param.get("scale_pos_weight", np.sum(y != rare) / np.sum(y == rare))
    weight = np.where(y == rare, ratio, 1.0)
    same = SAME[library]
    by_weight = make(library, **same).fit(sample.X, y, sample_weight=weight)
    model = make(library, **param, **same).fit(sample.X, y)
    assert model.get_params().items() >= param.items()
    scores = [one.decision_function(sample.X) for one in (model, by_weight)]
    np.testing.assert_allclose(*scores, rtol=0, atol=2e-6)
    plain = make(library, **same).fit(sample.X, y).decision_function(sample.X)
    assert (scores[0] - plain).mean() * (1 if rare else -1) > 0.2
