"""``cv_results_``: scikit-learn's table of candidates, of the trials of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.trial import TrialState

from focal_boost._adapter.warned import warn
from focal_boost.tuning._objective import TOLD
from focal_boost.tuning._space import Candidate


def cv_results(
    trials: Sequence[Any], candidates: Sequence[Candidate]
) -> dict[str, Any]:
    """Return scikit-learn's ``cv_results_`` and the rounds of every candidate.

    Scores are those of the last rung that a candidate was trained in, and one that
    came further ranks before all that did not.
    """
    told = [one.user_attrs[TOLD] for one in trials]
    scores = np.array([one["scores"] for one in told])
    seconds = np.array([one["seconds"] for one in told])
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
    }
    params = [one.params for one in candidates]
    for name in sorted({name for one in params for name in one}):
        results[f"param_{name}"] = _column(params, name)
    results["params"] = params
    for fold, column in enumerate(scores.T):
        results[f"split{fold}_test_score"] = column
    results["mean_test_score"] = scores.mean(axis=1)
    results["std_test_score"] = scores.std(axis=1)
    keys = _keys(trials)
    ordered = sorted(keys)
    results["rank_test_score"] = np.array(
        [ordered.index(key) + 1 for key in keys], np.int32
    )
    for name in ("n_rounds", "best_n_rounds"):
        results[name] = np.array([one[name] for one in told])
    return results


def warn_of_equals(results: dict[str, Any]) -> None:
    """Warn where no parameter that was searched has changed a score."""
    params = results["params"]
    of_folds = [v for k, v in results.items() if k.startswith("split")]
    scores = set(zip(results["n_rounds"], *of_folds, strict=True))
    names = sorted({name for one in params for name in one})
    if len(set(map(repr, params))) > 1 and len(scores) == 1:
        warn(
            f"all {len(params)} candidates have the same scores: {', '.join(names)}"
            " change nothing here"
        )


def _keys(trials: Sequence[Any]) -> list[tuple[float, float]]:
    """Return what sorts them: how far they came, then their score."""
    keys = []
    for one in trials:
        ended = one.state != TrialState.COMPLETE
        steps = len(one.intermediate_values) if ended else math.inf
        keys.append((-steps, -float(np.mean(one.user_attrs[TOLD]["scores"]))))
    return keys


def _column(params: Sequence[dict[str, Any]], name: str) -> Any:
    """Return the values of one parameter, masked where a candidate has none."""
    values = np.empty(len(params), object)
    values[:] = [one.get(name) for one in params]
    return np.ma.MaskedArray(values, mask=[name not in one for one in params])
