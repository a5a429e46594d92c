"""What looks as if it worked, and changes nothing or the opposite: one sentence."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from boosters import BOTH, LightGBM, XGBoost
from estimators import make, quiet
from populations import make_sample

import focal_boost.lightgbm as flgb
from focal_boost.tuning import FocalSearchCV

pytestmark = quiet
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)

SAMPLE = make_sample(300, 0.2, seed=2)
X, y = SAMPLE.X, SAMPLE.y
# The later in order is the positive class, and here the one that is frequent.
FREQUENT = np.where(y == 1, "fraud", "legit")
RARE = np.where(y == 1, "fraud", "benign")


@both
def test_a_positive_class_that_is_the_majority_is_named(library: Any) -> None:
    with pytest.warns(UserWarning, match=r"^the positive class is 'legit'") as caught:
        make(library).fit(X, FREQUENT)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "focal_alpha=0.25 is its weight" in str(caught[0].message)


@both
@pytest.mark.parametrize(
    ("labels", "alpha"),
    [
        (RARE, 0.25),
        (FREQUENT, None),
        (FREQUENT, "balanced"),
        (FREQUENT, 0.75),
        (1 - y, 0.25),
    ],
)
def test_nothing_is_said_where_alpha_is_meant(
    library: Any, labels: Any, alpha: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(library, focal_alpha=alpha).fit(X, labels)


@pytest.mark.parametrize("name", ["alpha", "gamma"])
def test_lightgbms_parameters_that_are_not_the_losss(name: str) -> None:
    data = LightGBM.data(X, y)
    params = {**LightGBM.quiet, name: 0.25}
    calls = [
        (lambda: make(LightGBM, **{name: 0.25}).fit(X, y), f"focal_{name}"),
        (lambda: flgb.train(params, data, 1), rf"FocalObjective\({name}=\)"),
        (lambda: flgb.cv(params, data, 1), rf"FocalObjective\({name}=\)"),
    ]
    for call, ours in calls:
        sentence = f"^{name}=0.25 changes nothing in LightGBM's .* is {ours}$"
        with pytest.warns(UserWarning, match=sentence) as caught:
            call()
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_xgboosts_own_alpha_and_gamma_say_nothing() -> None:
    make(XGBoost, alpha=0.5, gamma=0.1).fit(X, y)


@pytest.mark.parametrize("halving", [False, True])
def test_a_search_of_what_changes_nothing(halving: bool) -> None:
    space = {"n_jobs": [1, 2], "importance_type": ["split", "gain"]}
    search = FocalSearchCV(make(LightGBM), space, cv=2, halving=halving, min_rounds=1)
    sentence = "^all 4 candidates have the same scores: importance_type, n_jobs change"
    with pytest.warns(UserWarning, match=sentence) as caught:
        search.fit(X, y)
    assert caught[0].filename == __file__
    FocalSearchCV(make(LightGBM), {"focal_gamma": [1.0, 2.0]}, cv=2).fit(X, y)
    FocalSearchCV(make(LightGBM), {"focal_gamma": [1.0]}, cv=2).fit(X, y)
