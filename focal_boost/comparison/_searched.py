"""The searches of a comparison: either loss is given the same seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focal_boost._validation import as_float, shown

if TYPE_CHECKING:
    from focal_boost.comparison._methods import Training

# Of the search inside a training part.
INNER_FOLDS = 3
#: Of one search, where none are given.
TUNE_SECONDS = 30.0


def seconds_of(tune: Any) -> float | None:
    """Return the checked seconds of one search, or None for no search."""
    if isinstance(tune, bool | np.bool_):
        return TUNE_SECONDS if tune else None
    seconds = as_float(tune)
    if not 0 < seconds < np.inf:
        raise ValueError(
            f"tune must be True, False or a number of seconds > 0, got {shown(tune)}"
        )
    return seconds


@dataclass(frozen=True, eq=False)
class Search:
    """What a search inside one training part has tried and chosen.

    Attributes
    ----------
    candidates : int
        How many were tried, those included that were ended early.
    chosen : dict
        The parameters that were chosen, the number of rounds among them.
    seconds : ndarray of float64, (k,)
        When each of the candidates that came to its end was known.
    log_loss : ndarray of float64, (k,)
        The best until then: the mean over the folds inside the training part.
    """

    candidates: int
    chosen: dict[str, Any]
    seconds: NDArray[np.float64]
    log_loss: NDArray[np.float64]

    @classmethod
    def of(cls, search: Any) -> Search:
        """Return what is told of a fitted ``FocalSearchCV``."""
        chosen = {**search.best_params_, "n_estimators": search.best_n_estimators_}
        chosen.pop("early_stopping_rounds", None)
        trials = [one for one in search.study_.trials if one.state.name == "COMPLETE"]
        begun = search.study_.trials[0].datetime_start
        seconds = [(one.datetime_complete - begun).total_seconds() for one in trials]
        best = np.minimum.accumulate([-one.value for one in trials])
        tried = len(search.cv_results_["params"])
        return cls(tried, chosen, np.array(seconds), best)


def searched(
    kind: Any, params: dict[str, Any], space: str, seconds: float, training: Training
) -> Any:
    """Return a search for the best log loss inside a training part, fitted to it."""
    from focal_boost.tuning import FocalSearchCV

    search = FocalSearchCV(
        kind(**params),
        space,
        timeout=seconds,
        cv=INNER_FOLDS,
        random_state=training.seed,
    )
    part = training.part
    return search.fit(part.X, part.y, part.sample_weight, groups=training.groups)
