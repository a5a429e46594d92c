"""scikit-learn's own checks of both classifiers, beside those of their parents."""

from __future__ import annotations

from typing import Any

import pytest
from boosters import BOTH, LightGBM, XGBoost
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_no_attributes_set_in_init,
)

# XGBoost's weighted bins stand in the way; whether it shows depends on the rounding.
_WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "xgboost": {"n_jobs": 1},
    "lightgbm": {"n_jobs": 1, "verbosity": -1},
}

# The checks provoke warnings of the libraries and of scikit-learn.
pytestmark = pytest.mark.filterwarnings("ignore")
both = pytest.mark.parametrize("library", BOTH, ids=lambda b: b.name)
_RESULTS: dict[tuple[str, str], dict[str, set[str]]] = {}


def checks_of(library: Any, which: str) -> dict[str, set[str]]:
    """Return the names of the checks by their outcome."""
    key = (library.name, which)
    if key not in _RESULTS:
        model = getattr(library, which)(**DEFAULTS[library.name])
        outcomes: dict[str, set[str]] = {"passed": set(), "failed": set()}
        for one in check_estimator(model, on_fail=None, on_skip=None):
            outcomes.setdefault(one["status"], set()).add(one["check_name"])
        _RESULTS[key] = outcomes
    return _RESULTS[key]


@both
def test_nothing_fails_that_the_parent_passes(library: Any) -> None:
    ours, theirs = (
        checks_of(library, which) for which in ("focal_classifier", "classifier")
    )
    assert ours["failed"] <= theirs["failed"]
    assert len(ours["passed"]) > 40
    assert ours.get("skipped", set()) <= {"check_array_api_input"}
    assert len(ours["passed"]) >= len(theirs["passed"])


def test_what_fails_is_what_xgboost_says_of_labels() -> None:
    # One row has one class, which XGBoost takes only where it is 0.
    failed = checks_of(XGBoost, "focal_classifier")["failed"]
    assert failed - _WEIGHTS <= {"check_fit2d_1sample"}


def test_what_fails_is_what_lightgbm_does_with_keywords() -> None:
    failed = checks_of(LightGBM, "focal_classifier")["failed"]
    assert failed == {"check_no_attributes_set_in_init"}


def test_xgboost_passes_what_its_parent_fails() -> None:
    ours = checks_of(XGBoost, "focal_classifier")["passed"]
    theirs = checks_of(XGBoost, "classifier")["failed"]
    assert ours & theirs >= {
        "check_classifiers_classes",
        "check_dont_overwrite_parameters",
        "check_estimators_overwrite_params",
    }


def test_lightgbm_without_keywords_sets_nothing_in_init() -> None:
    check_no_attributes_set_in_init("it", LightGBM.focal_classifier(n_jobs=1))
    with pytest.raises(AssertionError, match=r"Found attributes \['verbosity'\]"):
        check_no_attributes_set_in_init("it", LightGBM.focal_classifier(verbosity=-1))
