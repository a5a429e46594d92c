"""Labels of every kind, in a classifier's fit and in its evaluation sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from law_data import PROBE, TRAIN, VALID
from law_watch import Scenarios, attempt, plain


def _words(y: Any) -> Any:
    return np.where(y == 1, "yes", "no")


def _shuffled(y: Any) -> pd.Series:
    return pd.Series(y, index=np.arange(len(y))[::-1], name="target")


def _arrow(convert: Callable[[Any], Any], kind: Any) -> Callable[[Any], Any]:
    return lambda y: pd.Series(convert(y), dtype=pd.ArrowDtype(kind))


KINDS: dict[str, Callable[[Any], Any]] = {
    "int8": lambda y: y.astype(np.int8),
    "uint64": lambda y: y.astype(np.uint64),
    "float64": lambda y: y.astype(float),
    "float32": lambda y: y.astype(np.float32),
    "bool": lambda y: y == 1,
    "list": lambda y: y.tolist(),
    "list_of_bool": lambda y: (y == 1).tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "one_and_two": lambda y: y + 1,
    "minus_one_and_one": lambda y: 2 * y - 1,
    "two_floats": lambda y: np.where(y == 1, 0.75, 0.25),
    "object": lambda y: y.astype(object),
    "object_of_floats": lambda y: y.astype(float).astype(object),
    "object_of_bool": lambda y: (y == 1).astype(object),
    "object_of_words": lambda y: _words(y).astype(object),
    "mixed": lambda y: np.array(["1" if k else 0 for k in y], dtype=object),
    "words": _words,
    "list_of_words": lambda y: _words(y).tolist(),
    "bytes": lambda y: _words(y).astype("S3"),
    "dates": lambda y: np.where(y == 1, "2024-01-02", "2024-01-01").astype("M8[D]"),
    "column": lambda y: y[:, None],
    "series": _shuffled,
    "series_of_words": lambda y: _shuffled(_words(y)),
    "series_of_text": lambda y: pd.Series(_words(y), dtype="string"),
    "table": lambda y: pd.DataFrame({"target": y}),
    "categories": lambda y: pd.Series(pd.Categorical(y)),
    "categories_of_words": lambda y: pd.Series(pd.Categorical(_words(y))),
    "categories_in_order": lambda y: pd.Series(
        pd.Categorical(_words(y), ["yes", "no", "unseen"], ordered=True)
    ),
    "nullable_int": lambda y: pd.Series(y, dtype="Int64"),
    "nullable_bool": lambda y: pd.Series(y == 1, dtype="boolean"),
    "nullable_float": lambda y: pd.Series(y, dtype="Float64"),
    "nullable_array": lambda y: pd.array(y, dtype="Int64"),
    "arrow_int": _arrow(lambda y: y, pa.int64()),
    "arrow_bool": _arrow(lambda y: y == 1, pa.bool_()),
    "arrow_words": _arrow(_words, pa.string()),
    "arrow_array": pa.array,
    "arrow_chunks": lambda y: pa.chunked_array([y[:70], y[70:]]),
}


def _fitted(arm: Any, library: str, kind: str) -> dict[str, Any]:
    """Fit on labels of a kind; what the library itself refuses is not compared."""
    convert = KINDS[kind]
    quiet = {"verbosity": -1} if library == "lightgbm" else {}
    model = getattr(arm, f"{library}_classifier")(n_estimators=4, **quiet)
    valid = [(VALID.X, convert(VALID.y))]

    def fit() -> dict[str, Any]:
        model.fit(TRAIN.X, convert(TRAIN.y), eval_set=valid)
        log = model.evals_result_
        return {
            "classes": model.classes_,
            "kind of classes": type(model.classes_),
            "labels": plain(model.predict(PROBE.X)),
            "probability": model.predict_proba(PROBE.X),
            "right": attempt(model.score, PROBE.X, convert(PROBE.y)),
            "log": plain(log() if callable(log) else log),
        }

    return {"fitted": attempt(fit)}


def scenarios(library: str) -> Scenarios:
    found = Scenarios()
    found.each(partial(_fitted, library=library), {one: {"kind": one} for one in KINDS})
    return found
