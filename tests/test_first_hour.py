"""What looks as if it worked, and changes nothing or the opposite: one sentence."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boosters import LightGBM, XGBoost
from commands import in_process
from estimators import both, make, quiet
from populations import make_sample

import focal_boost.lightgbm as flgb
from focal_boost.tuning import FocalSearchCV

pytestmark = quiet

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


@pytest.mark.parametrize("name", ["alpha", "gamma"])
def test_the_classifiers_names_in_parameters_of_lightgbm(name: str) -> None:
    data, params = LightGBM.data(X, y), {**LightGBM.quiet, f"focal_{name}": 0.25}
    sentence = rf"^focal_{name}=0.25 changes .* is FocalObjective\({name}=\)$"
    for train in (flgb.train, flgb.cv):
        with pytest.warns(UserWarning, match=sentence):
            train(params, data, 1)


def test_xgboosts_own_alpha_and_gamma_say_nothing() -> None:
    make(XGBoost, alpha=0.5, gamma=0.1).fit(X, y)


REPEATED = """
import sys, warnings
import numpy as np
from sklearn.model_selection import cross_val_score
from focal_boost import FocalLGBMClassifier, FoldEnsembleClassifier
X = np.random.default_rng(0).normal(size=(300, 2))
y = np.where(X[:, 0] > 1, "fraud", "legit")
model = FocalLGBMClassifier(n_estimators=2, verbosity=-1, n_jobs=1)
for _ in range(3):
    model.fit(X, y)  # 1
cross_val_score(model, X, y)  # 2
FoldEnsembleClassifier(model).fit(X, y)  # 3
FoldEnsembleClassifier(model, n_jobs=2).fit(X, y)
"""


def test_a_warning_is_said_once_and_at_the_callers_line(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(REPEATED)
    quiet = ["-W", "ignore:X does not have valid"]
    done = in_process(*quiet, str(script), folder=tmp_path)
    said = [one for one in done.stderr.splitlines() if "the positive class" in one]
    lines = REPEATED.splitlines()
    here = [i for i, one in enumerate(lines, start=1) if "  # " in one]
    expected = [f"{script}:{i}: UserWarning: the positive class is" for i in here]
    assert len(said) == 4
    for found, begins in zip(said, expected, strict=False):
        assert found.startswith(begins)


def test_where_every_warning_is_asked_for_every_one_is_said() -> None:
    for _ in range(2):
        with pytest.warns(UserWarning, match="the positive class"):
            make(LightGBM).fit(X, FREQUENT)


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
