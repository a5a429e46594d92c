"""``cv_results_``: scikit-learn's table of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from focal_boost.tuning._race import Track


def cv_results(tracks: Sequence[Track]) -> dict[str, Any]:
    """Return scikit-learn's ``cv_results_`` and the rounds of every candidate.

    Scores are those of the last rung that a candidate was trained in, and one that
    came further ranks before all that did not.
    """
    scores = np.array([track.scores[track.best] for track in tracks])
    seconds = np.array([track.seconds for track in tracks])
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
    }
    params = [track.candidate.params for track in tracks]
    for name in sorted({name for one in params for name in one}):
        results[f"param_{name}"] = _column(params, name)
    results["params"] = params
    for fold, column in enumerate(scores.T):
        results[f"split{fold}_test_score"] = column
    results["mean_test_score"] = scores.mean(axis=1)
    results["std_test_score"] = scores.std(axis=1)
    results["rank_test_score"] = _ranks(tracks)
    results["n_rounds"] = np.array([track.rounds for track in tracks])
    results["best_n_rounds"] = np.array([one.points[one.best] for one in tracks])
    return results


def _column(params: Sequence[dict[str, Any]], name: str) -> Any:
    """Return the values of one parameter, masked where a candidate has none."""
    values = np.empty(len(params), object)
    values[:] = [one.get(name) for one in params]
    return np.ma.MaskedArray(values, mask=[name not in one for one in params])


def _ranks(tracks: Sequence[Track]) -> Any:
    """Return 1 for the best; equals share the lowest of their ranks."""
    keys = [(-track.rung, -track.mean) for track in tracks]
    ordered = sorted(keys)
    return np.array([ordered.index(key) + 1 for key in keys], np.int32)
