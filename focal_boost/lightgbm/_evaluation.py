"""Evaluations in LightGBM while it trains with focal loss."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from focal_boost._rows import Labels
from focal_boost._validation import shown
from focal_boost.lightgbm._metrics import TWINS, WITHOUT_TWIN, LightGBMMetric

if TYPE_CHECKING:
    from focal_boost.lightgbm._training import Training


class Evaluations:
    """What the sets of a training are evaluated by, its own results put right.

    Parameters
    ----------
    training : Training
    settings : dict
        LightGBM's own reading of the parameters.

    Raises
    ------
    ValueError
        For a pointwise metric that there is no twin of.
    """

    twins: ClassVar[Collection[str]] = TWINS
    without_twin: ClassVar[Collection[str]] = WITHOUT_TWIN

    def __init__(self, training: Training, settings: dict[str, str]) -> None:
        self._training = training
        #: The training rows once more, where their scores must not be read.
        self.second: Any = None
        self._of_training: Any = None
        self._drops = settings["boosting"] == "dart"
        self._known_labels: dict[int, tuple[Any, Any]] = {}
        names = settings["metric"].split(",")
        for name in names:
            if name in self.without_twin:
                raise ValueError(
                    "metric must be one of a probability with focal loss, got"
                    f" {shown(name)}"
                )
        self._pointwise = [name for name in names if name in self.twins]

    def of(self, evaluate: Callable[[Any], list[Any]], feval: Any) -> list[Any]:
        """Return evaluations with LightGBM's pointwise metrics put right.

        Parameters
        ----------
        evaluate : callable
            LightGBM's own (feval) → list of results, for one or several sets.
        feval : callable or list of callables, optional
            The caller's, which get probabilities as with LightGBM's own objective.
        """
        names = self._pointwise
        calls = [*_several(feval), *map(LightGBMMetric, self._training.metrics)]
        if not (names or calls):
            return evaluate(None)
        return self._evaluated(evaluate, names, calls)

    def _evaluated(
        self, evaluate: Callable[[Any], list[Any]], names: list[str], calls: list[Any]
    ) -> list[Any]:
        right: list[dict[str, float]] = []
        counts: list[int] = []

        def twins(raw_score: Any, data: Any) -> list[Any]:
            at, values = self._training.shifted(raw_score), {}
            for name in names:
                values.update(self._twin(name, data, at))
            right.append(values)
            counts.append(0)
            return []

        found = evaluate([twins, *(self._given(one, counts) for one in calls)])
        return _put_right(found, right, counts)

    def of_training_set(self, booster: Any, feval: Any) -> list[Any]:
        """Return evaluations of the training set.

        DART drops the next round's trees where its training scores are read, as each
        Python metric does, and LightGBM's own metrics do not: a second set of the same
        rows is evaluated in its place.
        """
        calls = [*_several(feval), *map(LightGBMMetric, self._training.metrics)]
        if not self._drops or not (self._pointwise or calls):
            return self.of(partial(lgb.Booster.eval_train, booster), feval)
        if self.second is None:
            data = self._of_training = booster.train_set
            self.second = _same_rows(data)
        on_second = partial(
            lgb.Booster.eval, booster, self.second, booster._train_data_name
        )
        return self._evaluated(on_second, self._pointwise, calls)

    def raw_scores(self, evaluate: Callable[[Any], list[Any]]) -> NDArray[np.float64]:
        """Return the raw scores of the set that is evaluated."""
        kept: list[NDArray[np.float64]] = []

        def keep(raw_score: Any, _data: Any) -> list[Any]:
            # A new array: what LightGBM hands out is its own.
            kept.append(np.array(self._training.shifted(raw_score)))
            return []

        evaluate(keep)
        return kept[0]

    def _given(self, metric: Any, counts: list[int]) -> Callable[[Any, Any], list[Any]]:
        """Return a metric that gets the probability, or ours the raw score."""

        def call(raw_score: Any, data: Any) -> list[Any]:
            at = self._training.shifted(raw_score)
            if data is self.second:
                data = self._of_training
            found = metric(at if is_ours(metric) else self._probability(at), data)
            several = found if isinstance(found, list) else [found]
            counts[-1] += len(several)
            return several

        return call

    def _probability(self, raw_score: Any) -> Any:
        """Return what the caller's metrics are handed."""
        return expit(raw_score)

    def _twin(self, name: str, data: Any, raw_score: Any) -> dict[str, float]:
        """Return the value of one of LightGBM's metrics by the name that it prints."""
        return {name: TWINS[name](self._known(data), raw_score)}

    def _known(self, data: Any) -> Any:
        """Return the labels and weights of any set."""
        known = self._known_labels.get(id(data))
        if known is None or self._training.may_change:
            known = data, self._labels_of(data)
            self._known_labels[id(data)] = known
        return known[1]

    def _labels_of(self, data: Any) -> Any:
        return Labels.of(data.get_label(), data.get_weight())


def _same_rows(data: Any) -> Any:
    """Return a set of the same rows."""
    params, data.params = data.params, {}
    try:
        # LightGBM would comment on the parameters once more.
        return data.subset(range(data.num_data())).construct()
    finally:
        data.params = params


def _several(feval: Any) -> list[Any]:
    return [feval] if callable(feval) else [one for one in feval or () if one]


def is_ours(metric: Any) -> bool:
    """Return whether a metric wants raw scores."""
    return isinstance(getattr(metric, "func", metric), LightGBMMetric)


def _put_right(
    found: list[Any], right: list[dict[str, float]], counts: list[int]
) -> list[Any]:
    """Return the results of sets one after the other with the right values.

    Of every set LightGBM's own results come first, and `counts` others after them.
    """
    done: list[Any] = []
    per_set = (len(found) - sum(counts)) // max(len(right), 1)
    at = 0
    for values, others in zip(right, counts, strict=True):
        for one in found[at : at + per_set]:
            name, value = one[1], one[2]
            new = list(one)
            new[2] = type(value)(values.get(name, value))
            done.append(type(one)(*new) if hasattr(one, "_fields") else tuple(new))
        done += found[at + per_set : at + per_set + others]
        at += per_set + others
    return done
