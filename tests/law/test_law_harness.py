"""The harness itself: equal runs are equal, and whatever is changed is found."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import law_lightgbm_after
import law_lightgbm_classifier
import law_lightgbm_course
import law_lightgbm_train
import law_lightgbm_watched
import law_xgboost_after
import law_xgboost_classifier
import law_xgboost_course
import law_xgboost_data
import law_xgboost_train
import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from law_arms import Library
from law_data import PROBE
from law_differences import Raised, Tolerance, differences
from law_matrix import LIGHTGBM, XGBOOST, told_apart
from law_watch import Scenarios, attempt, observed, raised_in

TRAINS = {"xgboost": law_xgboost_train, "lightgbm": law_lightgbm_train}
CLASSIFIERS = {"xgboost": law_xgboost_classifier, "lightgbm": law_lightgbm_classifier}
COURSES = {"xgboost": law_xgboost_course, "lightgbm": law_lightgbm_course}
TOLERANCES = {"xgboost": XGBOOST, "lightgbm": LIGHTGBM}
LIBRARIES = tuple(TRAINS)

# One of each kind; FOCAL_BOOST_LAW=library runs the whole matrix so.
SAMPLED = [
    (module, name)
    for module, names in [
        (law_xgboost_train, ("plain", "subsample", "dart")),
        (law_xgboost_data, ("external_memory",)),
        (law_xgboost_course, ("checkpoints_by_pickle", "optuna_prunes")),
        (law_xgboost_after, ("errors",)),
        (law_lightgbm_train, ("plain", "bagging_and_columns", "dart", "quantized")),
        (law_lightgbm_course, ("checkpoints",)),
        (law_lightgbm_after, ("refitted", "errors")),
        (law_xgboost_classifier, ("plain", "searched", "stopping_save_best")),
        (law_lightgbm_classifier, ("plain", "searched")),
        (law_lightgbm_watched, ("own_metric_of_four",)),
    ]
    for name in names
]


@pytest.mark.parametrize(
    ("module", "name"), SAMPLED, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_library_is_itself(
    module: Any, name: str, tmp_path: Path, capfd: Any
) -> None:
    arms = Library(tmp_path / "a"), Library(tmp_path / "b")
    exact = Tolerance(0.0)
    assert told_apart(module.SCENARIOS[name], *arms, capfd, exact) == []


@dataclass(frozen=True)
class Changed(Library):
    """A library whose parameters, arguments or boosters are not quite its own."""

    change: Callable[[dict[str, Any]], None] = field(default=lambda given: None)
    after: Callable[[Any], None] = field(default=lambda model: None)
    before: Callable[[], None] = field(default=lambda: None)

    def _train(self, train: Any, params: Any, *args: Any, **kwargs: Any) -> Any:
        self.before()
        given = {"params": dict(params), "rounds": args[1], **kwargs}
        self.change(given)
        booster = train(given.pop("params"), args[0], given.pop("rounds"), **given)
        self.after(booster)
        return booster

    def xgboost(self, params: Any, *args: Any, **kwargs: Any) -> Any:
        return self._train(super().xgboost, params, *args, **kwargs)

    def lightgbm(self, params: Any, *args: Any, **kwargs: Any) -> Any:
        return self._train(super().lightgbm, params, *args, **kwargs)


def slower(given: dict[str, Any]) -> None:
    given["params"]["learning_rate"] = 0.09999


def heard(change: Callable[..., Any]) -> Callable[[dict[str, Any]], None]:
    """Return what has `change` call the metric that looks on."""

    def of(given: dict[str, Any]) -> None:
        key = "custom_metric" if "evals" in given else "feval"
        given[key] = partial(change, given[key])

    return of


def renamed(metric: Any, preds: Any, data: Any) -> Any:
    _, *rest = metric(preds, data)
    return ("share_correct", *rest)


def handed_raw_scores(metric: Any, preds: Any, data: Any) -> Any:
    return metric(np.log(preds / (1 - preds)), data)


def handed_other_types(metric: Any, preds: Any, data: Any) -> Any:
    return metric(preds.astype(np.float16), data)


def one_more_metric(given: dict[str, Any]) -> None:
    name = "eval_metric" if "evals" in given else "metric"
    default = "logloss" if "evals" in given else "binary_logloss"
    given["params"][name] = [default, "auc"]


def one_round_less(given: dict[str, Any]) -> None:
    given["rounds"] -= 1


def one_parameter_more(given: dict[str, Any]) -> None:
    given["params"]["max_delta_step"] = 1e6


def best_iteration_lost(booster: Any) -> None:
    if isinstance(booster, xgb.Booster):
        booster.set_attr(best_iteration="3")
    else:
        booster.best_iteration = 3


def start_shifted(booster: Any) -> None:
    """Shift the scores by a thousandth part of what one tree adds."""
    if isinstance(booster, xgb.Booster):
        booster.set_param({"base_score": 0.3})
        return
    tree = booster.dump_model()["tree_info"][0]
    for leaf in range(tree["num_leaves"]):
        value = booster.get_leaf_output(0, leaf)
        booster.set_leaf_output(0, leaf, value + 1e-9)


def a_line_more() -> None:
    print("so it begins")


def a_warning_more() -> None:
    warnings.warn("so it begins", UserWarning, stacklevel=2)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "slower": ({"change": slower}, "callback"),
    "renamed": ({"change": heard(renamed)}, "log"),
    "raw scores": ({"change": heard(handed_raw_scores)}, "metric"),
    "types": ({"change": heard(handed_other_types)}, "metric"),
    "metric more": ({"change": one_more_metric}, "printed"),
    "round less": ({"change": one_round_less}, "booster"),
    "parameter": ({"change": one_parameter_more}, "callback"),
    "best iteration": ({"after": best_iteration_lost}, "booster"),
    "start": ({"after": start_shifted}, "booster"),
    "line": ({"before": a_line_more}, "printed"),
    "warning": ({"before": a_warning_more}, "warned"),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_run_is_found(
    library: str, change: str, tmp_path: Path, capfd: Any
) -> None:
    how, place = CHANGES[change]
    arms = Library(tmp_path / "a"), Changed(tmp_path / "b", **how)
    scenario = TRAINS[library].SCENARIOS["plain"]
    found = told_apart(scenario, *arms, capfd, TOLERANCES[library])
    assert any(line.startswith(place) for line in found), found[:5]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_changed_classifier_is_found(
    library: str, tmp_path: Path, capfd: Any
) -> None:
    @dataclass(frozen=True)
    class Other(Library):
        def xgboost_classifier(self, **params: Any) -> Any:
            return super().xgboost_classifier(**{"learning_rate": 0.2999, **params})

        def lightgbm_classifier(self, **params: Any) -> Any:
            return super().lightgbm_classifier(**{"learning_rate": 0.0999, **params})

    arms = Library(tmp_path / "a"), Other(tmp_path / "b")
    scenario = CLASSIFIERS[library].SCENARIOS["plain"]
    found = told_apart(scenario, *arms, capfd, TOLERANCES[library])
    for place in ("calls.probability", "params.learning_rate", "booster.predictions"):
        assert any(line.startswith(place) for line in found), place


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_plain_run_has_few_errors(library: str, tmp_path: Path, capfd: Any) -> None:
    """What is compared are answers, not errors that both arms happen to raise."""
    arm = Library(tmp_path)
    seen = observed(TRAINS[library].SCENARIOS["plain"], arm, capfd)
    # No best iteration without early stopping, no second round after the first.
    known = ("best iteration", "best score", "first two", "later rounds", "slice")
    places = [one for one in raised_in(seen) if not any(k in one for k in known)]
    assert places == []
    assert seen["printed"].count("share_right") > 2
    assert len(seen["metric"]) == 16


@pytest.mark.parametrize("library", LIBRARIES)
def test_runs_that_stop_do_stop(library: str, tmp_path: Path, capfd: Any) -> None:
    """Scenarios of early stopping are not scenarios of 25 rounds."""
    stopped = []
    names = [name for name in COURSES[library].SCENARIOS if "stopping" in name]
    for name in names:
        seen = observed(COURSES[library].SCENARIOS[name], Library(tmp_path), capfd)
        booster = seen.get("booster", {})
        rounds = booster.get("rounds", booster.get("trees", 25))
        stopped.append(rounds < 25 or booster.get("best iteration", 0) < 25)
    assert sum(stopped) >= len(names) - 3


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (1.0, 1.0 + 1e-7, 0),
        (1.0, 1.0 + 1e-5, 1),
        (1.0, 1, 1),
        (1.0, np.float64(1.0), 1),
        (float("nan"), float("nan"), 0),
        (float("inf"), float("-inf"), 1),
        (True, 1, 1),
        ([1, 2], (1, 2), 1),
        ([1, 2], [1, 2, 3], 1),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, 1),
        ({"a": 1}, {"a": 2}, 1),
        (np.zeros(3), np.zeros(3, np.float32), 1),
        (np.zeros(3), np.zeros((3, 1)), 1),
        (np.zeros(3), np.full(3, 1e-7), 0),
        (np.zeros(3), np.full(3, 1e-5), 1),
        (np.array([1, 2]), np.array([1, 3]), 1),
        (np.array(["a", 1], object), np.array(["a", 1], object), 0),
        ("x=0.1234567 n=3", "x=0.12345671 n=3", 0),
        ("x=0.1234567 n=3", "x=0.1236 n=3", 1),
        ("x=0.1234567 n=3", "x=0.1234567 n=4", 1),
        ("x=0.1\ny=2", "x=0.1\nz=2", 1),
        ("took 0.1 seconds", "took 0.23 seconds", 0),
        ("leaf=1e-9", "leaf=-2e-9", 0),
        (Raised(ValueError, "One sentence."), Raised(ValueError, "Another one."), 0),
        (Raised(ValueError, "a"), Raised(TypeError, "a"), 1),
        (Raised(Exception, "a"), Raised(ValueError, "a"), 0),
        (Raised(ValueError, "a"), Raised(ValueError, "several\nlines"), 1),
        (Raised(ValueError, "a"), 1.0, 1),
        (ValueError, TypeError, 1),
        (None, 0, 1),
    ],
)
def test_differences(first: Any, second: Any, count: int) -> None:
    assert len(list(differences(first, second, Tolerance(1e-6), "here"))) == count


def test_printed_numbers_may_round_either_way() -> None:
    strict = Tolerance(1e-12)
    lines = "[0]\tvalid-logloss:0.12345", "[0]\tvalid-logloss:0.12346"
    assert list(differences({"printed": lines[0]}, {"printed": lines[1]}, strict)) == []
    assert list(differences({"text": lines[0]}, {"text": lines[1]}, strict)) != []


def test_looser_places_are_named() -> None:
    tolerance = Tolerance(1e-9, looser=((r"gain", Tolerance(1e-3)),))
    assert list(differences({"gain": 1.0}, {"gain": 1.0001}, tolerance)) == []
    assert list(differences({"score": 1.0}, {"score": 1.0001}, tolerance)) != []


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(TypeError, match="here cannot be compared, got object"):
        list(differences(object(), object(), Tolerance(0.0), "here"))


def test_a_name_is_given_once() -> None:
    scenarios = Scenarios()
    scenarios.under("a", lambda arm: {})
    with pytest.raises(ValueError, match="a scenario's name must be new, got a"):
        scenarios.under("a", lambda arm: {})


def test_errors_are_kept_without_their_addresses() -> None:
    refused = attempt(xgb.train, {"max_depth": "deep"}, xgb.DMatrix(PROBE.X, PROBE.y))
    assert isinstance(refused, Raised)
    assert "Invalid Parameter" in refused.text
    assert "Stack trace" not in refused.text
    assert isinstance(attempt(lgb.Booster, model_str="none"), Raised)
