"""What an observation is made of, whichever library it is of."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from law_differences import Raised

Scenario = Callable[[Any], dict[str, Any]]

# What LightGBM's own objective says when it is made, its line for one from Python, and
# what it says of trees that its own objective does not ask for. How many threads there
# are changes where callbacks predict, and it may notice that later.
_OF_THE_OBJECTIVE = re.compile(
    r"\[LightGBM\] \[\w+\] (?:Using self-defined objective function"
    r"|Number of positive: \d+, number of negative: \d+|Contains only one class"
    r"|No further splits with positive gain, best gain: -inf"
    r"|Detected that num_threads changed during training .*"
    r"|Cannot set is_unbalance and scale_pos_weight at the same time)\n"
)


class Scenarios(dict[str, Scenario]):
    """Scenarios by name, in the order in which they were written down."""

    def __call__(self, scenario: Scenario) -> Scenario:
        return self.under(scenario.__name__, scenario)

    def when(self, present: bool) -> Callable[[Scenario], Scenario]:
        """Add a scenario where the installed version of the library has it."""
        return self if present else lambda scenario: scenario

    def under(self, name: str, scenario: Scenario) -> Scenario:
        if name in self:
            raise ValueError(f"a scenario's name must be new, got {name}")
        self[name] = scenario
        return scenario

    def each(
        self, scenario: Scenario, cases: dict[str, dict[str, Any]], begin: str = ""
    ) -> None:
        """Add a scenario per name, which is that one with further arguments."""
        for name, given in cases.items():
            self.under(f"{begin}{name}", partial(scenario, **given))


def attempt(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what the call returns, in plain types, or the error that it raises."""
    try:
        return plain(call(*args, **kwargs))
    except Exception as error:
        return Raised.of(error)


def attempted(call: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return an attempt as all that is seen."""
    return {"seen": attempt(call, *args, **kwargs)}


def plain(value: Any) -> Any:
    """Return lists, tuples, dicts and arrays for what libraries return."""
    if isinstance(value, pd.DataFrame):
        value = {str(name): column for name, column in value.items()}
    elif isinstance(value, pd.Series):
        values = value.to_numpy()
        if values.dtype == object:
            values = np.array([None if one is pd.NA else one for one in values], object)
        value = {"name": value.name, "values": values}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        parts = [plain(one) for one in value]
        # A named tuple stays what it is.
        named = hasattr(value, "_fields")
        return type(value)(*parts) if named else type(value)(parts)
    if hasattr(value, "toarray"):
        return value.toarray()
    return value.copy() if isinstance(value, np.ndarray) else value


def frozen(value: Any) -> Any:
    """Return a copy that what happens later does not change."""
    return plain(copy.deepcopy(value))


def in_order(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by name; nobody relies on the order they were set in."""
    return {str(name): frozen(params[name]) for name in sorted(params, key=str)}


def pickled(value: Any) -> tuple[Any, dict[str, Any]]:
    """Return a copy by pickle, and what it needs to be read."""
    text = pickle.dumps(value)
    again = pickle.loads(text)
    return again, {"type": type(again), "needs us": b"focal_boost" in text}


def _libraries_talk() -> None:
    """Set what an earlier training may have set in the process: how much is said."""
    xgb.set_config(verbosity=1)
    lgb.Dataset(np.zeros((2, 1)), params={"verbosity": 1}).construct()


def observed(scenario: Scenario, arm: Any, capture: Any) -> dict[str, Any]:
    """Run a scenario and return what it saw, what was printed and what warned."""
    _libraries_talk()
    capture.readouterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen = scenario(arm)
    printed = capture.readouterr()
    return {
        **seen,
        # Each arm has a folder of its own.
        "printed": _OF_THE_OBJECTIVE.sub(
            "", printed.out.replace(str(arm.folder), "folder")
        ),
        "of the process": frozen(xgb.get_config()),
        "printed as error": _OF_THE_OBJECTIVE.sub("", printed.err),
        "warned": [
            (one.category, str(one.message))
            for one in caught
            # LightGBM 4.6 says so once for every call, of names that it made up.
            if "X does not have valid feature names" not in str(one.message)
        ],
    }


def received(values: Any) -> dict[str, Any]:
    """Return what a callable was handed: an array, or the data beside it."""
    if not isinstance(values, np.ndarray):
        return {"type": type(values).__name__}
    return {
        "values": values.copy(),
        "range": (values.min(), values.max()) if values.size else (),
        "contiguous": values.flags.c_contiguous,
    }


class Asked:
    """A metric that writes down what it is handed; a higher value is better."""

    __name__ = "asked"

    def __init__(self, *known: Any) -> None:
        self.seen: list[Any] = []
        self._known = known

    def __call__(self, preds: Any, data: Any) -> tuple[Any, ...]:
        self.seen.append(
            {
                "preds": received(preds),
                "data": received(data),
                "which": [data is one for one in self._known],
                "labels": data.get_label(),
            }
        )
        found = "share_right", float(np.mean((preds > 0.5) == data.get_label()))
        if isinstance(data, xgb.DMatrix):
            return found
        self.seen[-1]["start"] = data.get_init_score()
        return (*found, True)


def raised_in(observation: Any, place: str = "") -> Iterable[str]:
    """Yield the places of an observation where there was an error."""
    if isinstance(observation, Raised):
        yield f"{place}: {observation.text}"
    if isinstance(observation, dict):
        for key, value in observation.items():
            yield from raised_in(value, f"{place}.{key}")
    if isinstance(observation, list | tuple):
        for k, value in enumerate(observation):
            yield from raised_in(value, f"{place}[{k}]")
