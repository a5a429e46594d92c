"""A comparison as JSON to compute with."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focal_boost import __version__
from focal_boost._adapter.splits import Split
from focal_boost._adapter.whole import write_text
from focal_boost._recommended import recommended
from focal_boost.command._run import Settings
from focal_boost.command._table import Table
from focal_boost.comparison import ClassComparison, Comparison
from focal_boost.comparison._measures import difference, mean_and_error
from focal_boost.comparison._result import Key
from focal_boost.comparison._searched import Search, seconds_of
from focal_boost.objective import FocalObjective
from focal_boost.thresholds import Threshold


def as_dict(table: Table, settings: Settings, found: Comparison) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    results: dict[str, Any] = {}
    for library, method in found.methods:
        told = _result(found, (library, method))
        results.setdefault(library, {})[method] = told
    return {
        "versions": versions(settings.boosters),
        "data": data_of(table),
        "settings": _settings(settings),
        "folds": [_fold(table, fold) for fold in found.splits],
        "results": results,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write strict JSON: a NaN is an error, not a word no parser knows."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions that the figures depend on."""
    others = (*packages, "scikit-learn", "numpy", "pandas")
    return {
        "focal-boost": __version__,
        **{package: version(package) for package in others},
        "python": platform.python_version(),
    }


def data_of(table: Table) -> dict[str, Any]:
    """Return what has been read."""
    categorical = table.features.select_dtypes("category").shape[1]
    data = {
        "name": table.name,
        "rows": len(table.target),
        "features": table.features.shape[1],
        "categorical_features": categorical,
        "target": table.target_name,
        **_classes(table),
        "group": table.group_name,
    }
    if table.read_as:
        data |= {
            "read_as": table.read_as,
            "kinds": table.kinds,
            "left_out": table.left_out,
            "said": table.said,
            "missing": int(table.features.isna().sum().sum()),
        }
    if table.groups is not None:
        data["groups"] = len(np.unique(table.groups))
    return data


def _classes(table: Table) -> dict[str, Any]:
    if table.classes:
        counts = np.bincount(table.target).tolist()
        return {"classes": dict(zip(table.classes, counts, strict=True))}
    positives = int(table.target.sum())
    return {
        "positive": table.positive,
        "negative": table.negative,
        "positives": positives,
        "prevalence": positives / len(table.target),
    }


def _fold(table: Table, fold: Split) -> dict[str, int]:
    counts = {}
    for side, rows in fold._asdict().items():
        counts[f"{side}_rows"] = len(rows)
        if table.classes:
            continue
        counts[f"{side}_positives"] = int(table.target[rows].sum())
    return counts


def _settings(settings: Settings) -> dict[str, Any]:
    named = ("folds", "rounds", "seed", "threads")
    seconds = seconds_of(settings.tune)
    return {
        **{name: getattr(settings, name) for name in named},
        "alpha": settings.loss.alpha,
        "gamma": settings.loss.gamma,
        **({} if seconds is None else {"tune_seconds": seconds}),
        **({"recommended": _trees(settings)} if settings.recommended else {}),
        "hessian": FocalObjective().hessian,
        **({} if settings.rule is None else {"rule": repr(settings.rule)}),
    }


def _trees(settings: Settings) -> dict[str, Any]:
    return {name: recommended(name) for name in settings.boosters}


def _result(found: Comparison, key: Key) -> dict[str, Any]:
    content: dict[str, Any] = {m: _figure(found, key, m) for m in found.measures}
    if isinstance(found, ClassComparison):
        names = map(str, found.classes.tolist())
        each = found.class_values(key).mean(axis=0).tolist()
        content["average_precision_of_class"] = dict(zip(names, each, strict=True))
    if found.rule is not None:
        content["threshold"] = _threshold(found.threshold(*key))
    if key in found.searches:
        content["searches"] = [_search(one) for one in found.searches[key]]
    return content


def _search(one: Search) -> dict[str, Any]:
    return {
        "candidates": one.candidates,
        "chosen": one.chosen,
        "seconds": one.seconds.tolist(),
        "log_loss": one.log_loss.tolist(),
    }


def _threshold(chosen: Threshold) -> dict[str, float]:
    return {"value": chosen.threshold, "low": chosen.low, "high": chosen.high}


def _figure(found: Comparison, key: Key, measure: str) -> dict[str, Any]:
    values = found.values(key, measure)
    figure = {"folds": values.tolist(), **mean_and_error(values)._asdict()}
    reference = found.reference(key)
    if key != reference:
        other = found.values(reference, measure)
        figure["difference"] = difference(measure, values, other)._asdict()
    return figure
