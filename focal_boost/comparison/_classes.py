"""``ClassComparison``: what was measured of three classes and more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from focal_boost.comparison._methods import FOCAL
from focal_boost.comparison._result import NAMES, Comparison, Key

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassComparison(Comparison):
    """What every method did on every fold, of three classes or more.

    It is a :class:`Comparison` but for what follows. Average precision and ROC AUC are
    the plain means of every class against all others.

    Attributes
    ----------
    predictions : pandas.DataFrame of float64, (n, methods × K)
        P(class) of every row by the model that has not seen it, as ``predict_proba``
        gives it; columns are library, method and class.
    y_true : ndarray of int64, (n,)
        The number of every row's class in `classes`.
    classes : ndarray, (K,)
        The labels, in order.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from focal_boost import compare
    >>> wine = load_wine()
    >>> trees = {"xgboost": {"n_estimators": 5}}
    >>> found = compare(wine.data, wine.target, boosters=trees, cv=3)
    >>> found.classes.tolist(), found.predictions.shape
    ([0, 1, 2], (178, 9))
    """

    classes: NDArray[Any]

    @property
    def methods(self) -> list[Key]:
        """Library and name of every method."""
        return list(dict.fromkeys((of, name) for of, name, _ in self.predictions))

    @property
    def prevalence(self) -> pd.Series[float]:
        """The share of every class, rows weighed, rarest first."""
        weight = self.sample_weight
        of_class = np.bincount(self.y_true, weight, minlength=len(self.classes))
        share = pd.Series(of_class / of_class.sum(), self.classes, name="prevalence")
        return share.rename_axis("class").sort_values(kind="stable")

    def class_values(self, key: Key) -> NDArray[np.float64]:
        """Return the average precision of a method, (folds, K)."""
        posterior = self.predictions[key].to_numpy()
        numbers = np.arange(len(self.classes))
        found = [
            average_precision_score(
                self.y_true[test, None] == numbers,
                posterior[test],
                average=None,
                sample_weight=None
                if self.sample_weight is None
                else self.sample_weight[test],
            )
            for _, test in self.splits
        ]
        return np.array(found, np.float64)

    @property
    def class_table(self) -> pd.DataFrame:
        """Average precision of every class against all others, rarest first.

        A row per class: its prevalence, the mean over the folds of every method, and of
        focal loss less the library's built-in objective ("difference").
        """
        share = self.prevalence
        columns: dict[tuple[str, str], Any] = {("", "prevalence"): share}
        means = {
            key: pd.Series(self.class_values(key).mean(axis=0), self.classes)
            for key in self.methods
        }
        for key, values in means.items():
            columns[key] = values.reindex(share.index)
            if key[1] == FOCAL and key != self.reference(key):
                less = values - means[self.reference(key)]
                columns[key[0], "difference"] = less.reindex(share.index)
        found = pd.DataFrame(columns)
        return found.rename_axis(index="class", columns=["library", "method"])

    def plot(self) -> Figure:
        """Draw the average precision of every class against its prevalence."""
        from focal_boost.plotting import plot_classes

        libraries = [name for name in dict(self.methods) if name != "further"]
        table = self.class_table
        rows = {
            NAMES[library]: {
                key[1]: table[key]
                for key in self.methods
                if key[0] in (library, "further")
            }
            for library in libraries or ["further"]
        }
        return plot_classes(self.prevalence, rows)
