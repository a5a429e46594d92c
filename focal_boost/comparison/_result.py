"""``Comparison``: what was measured, as tables, predictions and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from focal_boost._adapter.splits import Split
from focal_boost.comparison._measures import COMPARED, difference, mean_and_error
from focal_boost.comparison._methods import reference_of
from focal_boost.comparison._searched import Search
from focal_boost.loss import FocalLoss
from focal_boost.thresholds import Rule, Threshold, choose_threshold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Key = tuple[str, str]
#: How libraries are called in pictures and reports.
NAMES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "further": "Further"}


def ordered(keys: Iterable[tuple[Any, ...]], names: list[str]) -> pd.MultiIndex:
    """Return an index in the order of its keys, which pandas takes for sorted."""
    found = [pd.factorize(np.array(one, object)) for one in zip(*keys, strict=True)]
    codes, levels = zip(*found, strict=True) if found else ([[]] * 2, [[]] * 2)
    return pd.MultiIndex(levels, codes, names=names)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What every method did on every fold.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row per library, method and fold; columns "average_precision", "roc_auc",
        "log_loss", "brier" and "seconds" of training, and, with a rule, "cost" per
        row, "recall", "precision", "alert_rate" and "threshold".
    predictions : pandas.DataFrame of float64, (n, methods)
        P(positive) of every row by the model that has not seen it; NaN where `cv`
        never leaves a row out.
    y_true : ndarray of int64, (n,)
        1 for the positive class, else 0.
    sample_weight : ndarray of float64, (n,), or None
    splits : list of Split
        Row numbers of every training and test part.
    losses : dict of tuple of FocalLoss
        What focal loss was trained with on every fold, by (library, method).
    rule : Rule or None
        By which thresholds were chosen.
    searches : dict of tuple of Search
        What was tried and chosen on every fold, by (library, method): "candidates",
        "chosen", "seconds" and the best "log_loss" until then.

    Examples
    --------
    >>> from focal_boost.datasets import make_imbalanced
    >>> X, y, _ = make_imbalanced(2_000, prevalence=0.1, seed=0)
    >>> from focal_boost import compare
    >>> found = compare(X, y, boosters={"xgboost": {"n_estimators": 9}}, cv=3)
    >>> found.predictions.shape
    (2000, 3)
    """

    scores: pd.DataFrame
    predictions: pd.DataFrame
    y_true: NDArray[np.int64]
    sample_weight: NDArray[np.float64] | None
    splits: list[Split]
    losses: dict[Key, tuple[FocalLoss, ...]]
    rule: Rule | None = None
    searches: dict[Key, tuple[Search, ...]] = field(default_factory=dict)

    @property
    def methods(self) -> list[Key]:
        """Library and name of every method."""
        return list(self.predictions.columns)

    @property
    def measures(self) -> list[str]:
        """What methods are compared by."""
        return [name for name in COMPARED if name in self.scores]

    @property
    def table(self) -> pd.DataFrame:
        """Mean over the folds and its standard error, a row per method."""
        return self._told(
            list(self.scores), lambda _, measure, key: self.of(key, measure)
        )

    @property
    def differences(self) -> pd.DataFrame:
        """Means of the differences per fold, their standard errors, and a verdict.

        To the library's built-in objective, of focal loss with other trees to that with
        the same; a method that is not of the two libraries is compared with the first
        of the table. "within noise" is a mean of at most
        two standard errors. Training parts overlap: it is a guide, not a test.
        """
        return self._told(
            self.measures,
            lambda values, measure, key: difference(
                measure, values, self.values(self.reference(key), measure)
            ),
            [key for key in self.methods if key != self.reference(key)],
        )

    def _told(
        self,
        measures: list[str],
        tell: Callable[[Any, str, Key], Any],
        keys: list[Key] | None = None,
    ) -> pd.DataFrame:
        keys = self.methods if keys is None else keys
        columns: dict[tuple[str, str], list[Any]] = {}
        for measure in measures:
            told = [tell(self.values(key, measure), measure, key) for key in keys]
            for part in told[0]._fields if told else ():
                columns[measure, part] = [getattr(one, part) for one in told]
        index = ordered(keys, ["library", "method"])
        return pd.DataFrame(columns, index=index)

    def values(self, key: Key, measure: str) -> NDArray[np.float64]:
        """Return a measure of a method on every fold, (folds,)."""
        rows = [(*key, fold) for fold in range(len(self.splits))]
        return np.asarray(self.scores.loc[rows, measure], np.float64)

    def of(self, key: Key, measure: str) -> Any:
        """Return the mean of a measure of a method, and its standard error."""
        return mean_and_error(self.values(key, measure))

    def reference(self, key: Key) -> Key:
        """Return the method that another is compared with."""
        if key[0] == "further":
            return self.methods[0]
        return key[0], reference_of(key[1])

    def threshold(self, library: str, method: str) -> Threshold:
        """Choose one threshold of all out-of-fold posteriors, with its intervals.

        Raises
        ------
        ValueError
            If there is no rule, or no threshold fulfils it.
        """
        if self.rule is None:
            raise ValueError("rule must be a Rule as Cost(1, 20) is, got None")
        seen = self._seen()
        weight = None if self.sample_weight is None else self.sample_weight[seen]
        posterior = self.predictions[library, method].to_numpy()[seen]
        return choose_threshold(
            self.y_true[seen], posterior, self.rule, sample_weight=weight
        )

    def plot(self) -> Figure:
        """Draw precision against recall, and reliability, of every method.

        The curve of precision is the mean of the folds' curves, so that the area below
        it is the average precision of the table. Where thresholds were chosen, a dot
        is the mean recall and precision at them. Classifiers that are not of the two
        libraries are drawn in every row.
        """
        from focal_boost.plotting import plot_comparison

        seen = self._seen()
        libraries = [name for name in dict(self.methods) if name != "further"]
        rows = {
            NAMES[library]: {
                method: (of, method)
                for of, method in self.methods
                if of in (library, "further")
            }
            for library in libraries or ["further"]
        }
        return plot_comparison(
            self.y_true[seen],
            {
                row: {name: self.predictions[key][seen] for name, key in keys.items()}
                for row, keys in rows.items()
            },
            folds=self._folds()[seen],
            sample_weight=None
            if self.sample_weight is None
            else self.sample_weight[seen],
            decisions=None if self.rule is None else self._decisions(rows),
        )

    def plot_search(self) -> Figure:
        """Draw the best log loss inside the training parts against seconds of search.

        Raises
        ------
        ValueError
            If nothing was searched for.
        """
        from focal_boost.plotting import plot_search

        if not self.searches:
            raise ValueError("tune must be a number of seconds for a plot, got False")
        rows: dict[str, dict[str, list[Any]]] = {}
        for (library, method), folds in self.searches.items():
            traces = [(one.seconds, one.log_loss) for one in folds]
            rows.setdefault(NAMES[library], {})[method] = traces
        return plot_search(rows)

    def _decisions(
        self, rows: dict[str, dict[str, Key]]
    ) -> dict[str, dict[str, tuple[float, float]]]:
        return {
            row: {
                name: (self.of(key, "recall").mean, self.of(key, "precision").mean)
                for name, key in keys.items()
            }
            for row, keys in rows.items()
        }

    def _folds(self) -> NDArray[np.int64]:
        """Return the fold that each row was left out of, −1 for none."""
        numbers = np.full(len(self.y_true), -1)
        for number, split in enumerate(self.splits):
            numbers[split.test] = number
        return numbers

    def _seen(self) -> NDArray[np.bool_]:
        return self._folds() >= 0

    def __str__(self) -> str:
        means = self.table.xs("mean", axis=1, level=1)
        return str(means.to_string(float_format="{:.4f}".format))
