"""MultiFocalObjective: focal loss of many classes or labels, one sigmoid each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.cuda import is_on_device
from focal_boost._rows import ColumnRows, Gradients, Labels, labels_of_columns
from focal_boost._validation import as_numbers
from focal_boost.loss import FocalLoss
from focal_boost.objective import FocalObjective

Floats = NDArray[np.float64]
Alpha = float | Sequence[float | None] | None
_PER_CLASS = ("alpha", "gamma")


@dataclass(frozen=True)
class MultiFocalObjective:
    """Focal loss of K classes (one against the rest) or K labels, as in the paper.

    Column k of the raw scores, (n, K), is that of :class:`FocalObjective` for class k
    against all others: gradient and Hessian are its very bits. The number of classes is
    that of the columns. The same object works in all of ::

        xgb.train({"num_class": K, ...}, d, obj=objective)  # or a label matrix
        xgb.XGBClassifier(objective=objective)
        lgb.train({"objective": objective, "num_class": K}, dataset)
        lgb.LGBMClassifier(objective=objective)

    Parameters
    ----------
    alpha : float in (0, 1) or None, or a sequence of one per class, default 0.25
        Weight of the class itself; all others get 1 − alpha. :meth:`balanced` chooses
        it by the classes' frequencies.
    gamma : float >= 0, or a sequence of one per class, default 2.0
        Focusing parameter.
    link, hessian, n_threads
        As for :class:`FocalObjective`.

    Raises
    ------
    ValueError
        If a parameter breaks its rule, or alpha and gamma differ in length.

    References
    ----------
    Lin et al.: Focal Loss for Dense Object Detection, ICCV 2017, section 4.

    Examples
    --------
    >>> grad, hess = MultiFocalObjective(None, 0.0)([0, 2], [[0.0] * 3] * 2)
    >>> grad.tolist()
    [[-0.5, 0.5, 0.5], [0.5, 0.5, -0.5]]
    """

    alpha: Alpha = 0.25
    gamma: float | Sequence[float] = 2.0
    link: str = "logit"
    hessian: str = "upper"
    n_threads: int | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in _PER_CLASS:
            object.__setattr__(self, name, _tuple_of(getattr(self, name)))
        lengths = self._lengths
        if len(set(lengths.values())) > 1:
            raise ValueError(
                "gamma must have one value per class, as alpha has,"
                f" {lengths['alpha']}, got {lengths['gamma']}"
            )
        if 0 in lengths.values():
            raise ValueError(f"{next(iter(lengths))} must not be empty, got ()")
        binary = self.of_columns(self.n_classes or 1)
        for name in _PER_CLASS:
            values = tuple(getattr(one, name) for one in binary)
            object.__setattr__(self, name, values if name in lengths else values[0])

    @classmethod
    def balanced(
        cls,
        y_true: ArrayLike,
        gamma: float | Sequence[float] = 2.0,
        sample_weight: ArrayLike | None = None,
        link: str = "logit",
        hessian: str = "upper",
    ) -> MultiFocalObjective:
        """Return the objective with each class weighted by its inverse frequency.

        Its alpha is 1 − the (weighted) share of each class.

        Parameters
        ----------
        y_true : array-like, (n,) of class numbers or (n, K) of 0 and 1
            Every class must occur and none in all rows; of numbers the greatest is
            K − 1.
        gamma, link, hessian
            As for the class.
        sample_weight : array-like of finite numbers >= 0, (n,), optional

        Raises
        ------
        ValueError
            For bad labels or weights, and a class with no rows or with all.
        """
        plain = cls(None, gamma, link, hessian)
        labels = plain._labels(y_true, sample_weight)
        pairs = [(one.y_true, one.sample_weight) for one in labels]
        alpha = [FocalLoss.balanced(y, sample_weight=w).alpha for y, w in pairs]
        return cls(alpha, gamma, link, hessian)

    @property
    def __name__(self) -> str:
        return "multi_focal_objective"

    @property
    def _lengths(self) -> dict[str, int]:
        """How many values those parameters have that are given per class."""
        given = {name: getattr(self, name) for name in _PER_CLASS}
        return {k: len(v) for k, v in given.items() if isinstance(v, tuple)}

    @property
    def n_classes(self) -> int | None:
        """K where a parameter is given per class, and otherwise None."""
        return next(iter(self._lengths.values()), None)

    def of_columns(self, n_classes: int) -> tuple[FocalObjective, ...]:
        """Return the binary objective of every class.

        Raises
        ------
        ValueError
            If alpha or gamma have another number of values.
        """
        for name, length in self._lengths.items():
            if length != n_classes:
                raise ValueError(
                    f"{name} must have one value per class, {n_classes}, got {length}"
                )
        return tuple(
            FocalObjective(
                _of_class(self.alpha, k),
                _of_class(self.gamma, k),
                self.link,
                self.hessian,
                self.n_threads,
            )
            for k in range(n_classes)
        )

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: ArrayLike | None = None
    ) -> Gradients:
        """Return gradient and Hessian per row and class.

        Parameters
        ----------
        y_true : array-like, (n,) of class numbers or (n, K) of 0 and 1
            Labels; in the native APIs the raw scores.
        y_pred : array-like of finite numbers, (n, K)
            Raw scores; in the native APIs the ``DMatrix`` or ``Dataset``.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Multiplies gradient and Hessian of a row.

        Returns
        -------
        grad, hess : ndarray of float32, (n, K)
            New, finite and in Fortran's order. For raw scores of one class that are
            given as (n,) they are that too.

        Raises
        ------
        ValueError
            For class numbers outside 0 to K − 1, label matrices of other values than 0
            and 1, other shapes or numbers of parameters, and as from
            :class:`FocalObjective`.
        """
        raw_score = y_pred
        if hasattr(y_pred, "get_label"):
            raw_score, data = y_true, y_pred
            y_true, sample_weight = data.get_label(), data.get_weight()
            # XGBoost 2 hands a label matrix out row after row.
            if y_true.shape != np.shape(raw_score) and y_true.size == raw_score.size:
                y_true = y_true.reshape(raw_score.shape)
        scores = _scores_of(raw_score)
        n_classes = scores.shape[1]
        labels = labels_of_columns(y_true, sample_weight, n_classes)
        rows = ColumnRows(self.of_columns(n_classes), labels)
        grad, hess = rows.gradient_hessian(scores)
        one = np.ndim(raw_score) == 1
        return (grad[:, 0], hess[:, 0]) if one else (grad, hess)

    def value(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Floats:
        """Return what the gradient is the derivative of, per row and class.

        It is float64, (n, K); parameters and errors are those of :meth:`__call__`.
        """
        scores = _scores_of(raw_score)
        n_classes = scores.shape[1]
        labels = labels_of_columns(y_true, sample_weight, n_classes)
        pairs = zip(self.of_columns(n_classes), labels, scores.T, strict=True)
        columns = [f.value(of.y_true, at, of.sample_weight) for f, of, at in pairs]
        return np.stack(columns, axis=1)

    def posterior(self, raw_score: ArrayLike) -> Floats:
        """Return P(class k), each against all others: a row need not sum to 1.

        Both are (n, K), and errors those of :meth:`FocalObjective.posterior`.
        """
        return self._mapped("posterior", _scores_of(raw_score))

    def raw_score(self, posterior: ArrayLike) -> Floats:
        """Return the raw scores at which :meth:`posterior` has the given values.

        Both are (n, K), and errors those of :meth:`FocalObjective.raw_score`.
        """
        return self._mapped("raw_score", _scores_of(posterior, "posterior"))

    def _mapped(self, name: str, values: NDArray[Any]) -> Floats:
        pairs = zip(self.of_columns(values.shape[1]), values.T, strict=True)
        return np.stack([getattr(one, name)(at) for one, at in pairs], axis=1)

    def initial_score(
        self, y_true: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Floats:
        """Return the best constant raw score of every class.

        Parameters
        ----------
        y_true, sample_weight
            As for :meth:`balanced`, and so are the errors.

        Returns
        -------
        ndarray of float64, (K,)
        """
        shares = [one.prevalence for one in self._labels(y_true, sample_weight)]
        start: Floats = self.raw_score([shares])[0]
        return start

    def _labels(
        self, y_true: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Labels, ...]:
        """Return the labels of all classes, each with some rows and not all."""
        array = as_numbers(y_true, "y_true")
        is_matrix = array.ndim == 2 and array.shape[1] > 1
        width = array.shape[1] if is_matrix else _classes_in(array)
        n_classes = self.n_classes or width
        labels = labels_of_columns(array, sample_weight, n_classes)
        for k, one in enumerate(labels):
            if one.prevalence in (0, 1):
                rows = "none" if one.prevalence == 0 else "all"
                raise ValueError(
                    "y_true must hold every class in some rows and not in all,"
                    f" got class {k} in {rows}"
                )
        return labels


def _classes_in(numbers: NDArray[Any]) -> int:
    """Return how many classes there are by the greatest number of one."""
    greatest = int(numbers[np.isfinite(numbers)].max(initial=1))
    # More classes than rows cannot all occur.
    return min(greatest + 1, max(numbers.size, 2))


def _tuple_of(value: Any) -> Any:
    """Return values per class as a tuple, and anything else as it is."""
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return value
    return tuple(value)


def _of_class(value: Any, k: int) -> Any:
    return value[k] if isinstance(value, tuple) else value


def _scores_of(values: Any, name: str = "raw_score") -> NDArray[Any]:
    """Return one column per class."""
    if is_on_device(values):
        raise ValueError(
            f"{name} must be on the host for many classes, got {type(values).__name__}"
        )
    scores = as_numbers(values, name)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2:
        raise ValueError(f"{name} must have one column per class, got {scores.shape}")
    return scores
