"""FocalObjective: focal loss as a custom objective, one object for every API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from focal_boost._kernels.cuda import ordinal_of
from focal_boost._kernels.known import Known
from focal_boost._kernels.threads import check_threads
from focal_boost._rows import Gradients, Labels, rows_of
from focal_boost._validation import as_column, check_hessian, check_prevalence
from focal_boost.links import Link, link_of
from focal_boost.loss import FocalLoss

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FocalObjective:
    """Gradient and Hessian of the focal loss, as XGBoost and LightGBM ask for them.

    The same object works in all of ::

        xgb.train({"objective": "binary:logistic", "base_score": p}, d, obj=objective)
        xgb.XGBClassifier(objective=objective)
        lgb.train({"objective": objective}, dataset)
        lgb.LGBMClassifier(objective=objective)

    and in ``xgb.cv`` and ``lgb.cv``. None of these knows the right start value, and
    most of their metrics and predictions are those of a raw score:
    :func:`focal_boost.xgboost.train`, :func:`focal_boost.lightgbm.train` and the two
    classifiers see to both.

    Parameters
    ----------
    alpha : float in (0, 1) or None, default 0.25
        Weight of the positive class; the negative class gets 1 − alpha.
    gamma : float >= 0, default 2.0
        Focusing parameter.
    link : {"logit", "focal"}, default "logit"
        What the booster adds up. "logit": the log-odds of the posterior, so that
        σ(raw score) is P(y = 1). "focal": the paper's margin, p_t = σ(raw score).
    hessian : {"upper", "exact"}, default "upper"
        "upper" is the positive upper curvature, which boosting can divide by;
        "exact" is the second derivative, which is negative for badly misclassified
        rows.
    n_threads : int or None, default None
        Threads to compute with. None uses those of the library that trains, and else
        the processors that the process may use (affinity, control group,
        OMP_NUM_THREADS), or as many as the environment variable
        FOCAL_BOOST_NUM_THREADS says. The results do not depend on it, and neither
        does equality of objectives.
    device : {None, "cpu", "cuda", "cuda:<number>"}, default None
        Where to compute. None is where the raw scores are. On a CUDA device, which
        needs CuPy, gradient and Hessian are CuPy arrays, as XGBoost takes them there
        without a copy. Equality does not depend on it either.

    Attributes
    ----------
    loss : FocalLoss
        The loss itself, a function of the paper's margin.
    values : LogitLink or FocalLink
        The exact functions of the raw score, in float64.

    Raises
    ------
    ValueError
        If a parameter breaks its rule.

    Examples
    --------
    >>> objective = FocalObjective(alpha=None, gamma=0.0)
    >>> grad, hess = objective([0, 1], [0.0, 0.0])
    >>> grad.tolist(), hess.tolist()
    ([0.5, -0.5], [0.25, 0.25])
    """

    alpha: float | None = 0.25
    gamma: float = 2.0
    link: str = "logit"
    hessian: str = "upper"
    n_threads: int | None = field(default=None, repr=False, compare=False)
    device: str | None = field(default=None, repr=False, compare=False)
    loss: FocalLoss = field(init=False, repr=False, compare=False)
    values: Link = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        loss = FocalLoss(self.alpha, self.gamma)
        object.__setattr__(self, "alpha", loss.alpha)
        object.__setattr__(self, "gamma", loss.gamma)
        object.__setattr__(self, "values", link_of(self.link, loss))
        object.__setattr__(self, "hessian", check_hessian(self.hessian))
        if self.n_threads is not None:
            check_threads(self.n_threads, "n_threads")
        if self.device is not None:
            ordinal_of(self.device)
        object.__setattr__(self, "loss", loss)

    @classmethod
    def of(
        cls, loss: FocalLoss, link: str = "logit", hessian: str = "upper"
    ) -> FocalObjective:
        """Return the objective that minimises a loss."""
        return cls(loss.alpha, loss.gamma, link, hessian)

    @property
    def __name__(self) -> str:
        return "focal_objective"

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: ArrayLike | None = None
    ) -> Gradients:
        """Return gradient and Hessian per row.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
            Labels; in the native APIs the raw scores.
        y_pred : array-like of finite numbers, (n,)
            Raw scores; in the native APIs the ``DMatrix`` or ``Dataset``, which holds
            labels and weights and is known by its ``get_label``.
        sample_weight : array-like of finite numbers >= 0, (n,), optional
            Multiplies gradient and Hessian.

        Returns
        -------
        grad, hess : ndarray of float32, (n,)
            New, contiguous and finite, the gradient within 1 ulp of the exact values;
            CuPy arrays on a device.

        Raises
        ------
        ValueError
            For labels other than 0 and 1, raw scores that are not finite, negative,
            infinite, NaN or all-zero weights, lengths that differ, arrays on different
            devices, and a device that is not there.
        ModuleNotFoundError
            If a device needs CuPy and it is not installed.
        """
        raw_score = y_pred
        if hasattr(y_pred, "get_label"):
            raw_score, data = y_true, y_pred
            y_true, sample_weight = data.get_label(), data.get_weight()
        rows = rows_of(self, y_true, sample_weight, raw_score)
        return rows.gradient_hessian(raw_score)

    def value(
        self,
        y_true: ArrayLike,
        raw_score: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Floats:
        """Return what the gradient is the derivative of, per row.

        That is the loss of the paper's margin there, over its scale: for the link
        "logit" that makes the gradient at most 1, for "focal" it is 1.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
        raw_score : array-like of finite numbers, (n,)
        sample_weight : array-like of finite numbers >= 0, (n,), optional

        Returns
        -------
        ndarray of float64, (n,)

        Raises
        ------
        ValueError
            As from :meth:`__call__`.
        """
        labels = Labels.of(y_true, sample_weight)
        raw_score = as_column(raw_score, "raw_score")
        value = self.values.value(labels.y_true, raw_score)
        weight = labels.sample_weight
        return value if weight is None else value * weight

    def posterior(self, raw_score: ArrayLike) -> Floats:
        """Return P(y = 1) at raw scores, in [0, 1], exact in both tails.

        Parameters
        ----------
        raw_score : array-like of numbers

        Returns
        -------
        ndarray of float64, of the shape of `raw_score`

        Raises
        ------
        ValueError
            If a raw score is NaN, not a number, or none is given.
        """
        return self.values.posterior(raw_score)

    def raw_score(self, posterior: ArrayLike) -> Floats:
        """Return the raw scores at which :meth:`posterior` has the given values.

        Parameters
        ----------
        posterior : array-like of numbers in [0, 1]
            0 and 1 give −inf and inf.

        Returns
        -------
        ndarray of float64, of the shape of `posterior`

        Raises
        ------
        ValueError
            If a value lies outside [0, 1], is not a number, or none is given.
        """
        return self.values.raw_score(posterior)

    def initial_score(
        self, y_true: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the best constant raw score: where the posterior is the prevalence.

        Parameters
        ----------
        y_true : array-like of 0 and 1, (n,)
            Labels; both classes must occur.
        sample_weight : array-like of finite numbers >= 0, (n,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            For bad labels or weights, or where only one class has weight.
        """
        prevalence = Labels.of(y_true, sample_weight).prevalence
        return float(self.raw_score(check_prevalence(prevalence)))

    def known(self, class_weight: tuple[float, float] = (1.0, 1.0)) -> Known | None:
        """Return what the kernels know of it, None where they would be too coarse."""
        known = Known.of(self.values, exact=self.hessian == "exact")
        if known is None or class_weight == (1.0, 1.0):
            return known
        negative, positive = class_weight
        return known._replace(
            negative=known.negative * negative, positive=known.positive * positive
        )
