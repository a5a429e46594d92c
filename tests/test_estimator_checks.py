"""scikit-learn's own checks of both classifiers, beside those of their parents."""

from __future__ import annotations

from typing import Any

import pytest
from boosters import BOTH, LightGBM, XGBoost, xgb
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_no_attributes_set_in_init,
)

_WEIGHTS = "XGBoost bins features by weighted quantiles, which repeated rows move"
# What the parents fail, too.
EXPECTED: dict[str, dict[str, str]] = {
    "xgboost": {
        "check_sample_weight_equivalence_on_dense_data": _WEIGHTS,
        "check_sample_weight_equivalence_on_sparse_data": _WEIGHTS,
    },
    "lightgbm": {
        "check_no_attributes_set_in_init": "keyword parameters become attributes",
    },
}
# What the parents do not fail.
OF_THE_MARGIN: dict[str, str] = {}
if tuple(int(part) for part in xgb.__version__.split(".")[:2]) < (3, 4):
    OF_THE_MARGIN = {
        "check_classifiers_train": "the label changes at loss_.margin(0.5) instead of"
        " 0, and one row of 200 lies between"
    }
EXTRA = {"xgboost": OF_THE_MARGIN, "lightgbm": {}}
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
        expected = {**EXPECTED[library.name], **EXTRA[library.name]}
        results = check_estimator(
            getattr(library, which)(**DEFAULTS[library.name]),
            expected_failed_checks=expected if which == "focal_classifier" else None,
            on_fail=None,
            on_skip=None,
        )
        outcomes: dict[str, set[str]] = {}
        for one in results:
            outcomes.setdefault(one["status"], set()).add(one["check_name"])
        _RESULTS[key] = outcomes
    return _RESULTS[key]


@both
def test_no_check_fails_that_is_not_listed(library: Any) -> None:
    outcomes = checks_of(library, "focal_classifier")
    assert outcomes.get("failed", set()) == set()
    assert len(outcomes["passed"]) > 40
    assert outcomes.get("skipped", set()) <= {"check_array_api_input"}


@both
def test_every_listed_check_fails(library: Any) -> None:
    listed = {*EXPECTED[library.name], *EXTRA[library.name]}
    assert checks_of(library, "focal_classifier").get("xfail", set()) == listed


@both
def test_the_parent_fails_what_is_listed(library: Any) -> None:
    failures = checks_of(library, "classifier")["failed"]
    assert failures >= set(EXPECTED[library.name])
    assert failures.isdisjoint(EXTRA[library.name])


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
