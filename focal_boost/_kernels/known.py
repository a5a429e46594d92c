"""What a kernel knows of an objective."""

from __future__ import annotations

from typing import NamedTuple

from focal_boost._kernels.fit import fit
from focal_boost.links import Link


class Known(NamedTuple):
    """The numbers of an objective, for all its kernels.

    Attributes
    ----------
    negative, positive : float
        What a row of either class is multiplied by: α_t over the link's scale.
    gamma : float
    exact : float
        0 for the upper curvature, 1 for the exact Hessian.
    shift : float
        Taken from every raw score first.
    fit : tuple of float
        The coefficients of :mod:`focal_boost._kernels.fit`; empty where the kernel is
        that of the paper's margin.
    """

    negative: float
    positive: float
    gamma: float
    exact: float
    shift: float
    fit: tuple[float, ...] = ()

    @classmethod
    def of(cls, link: Link, *, exact: bool) -> Known | None:
        """Return what the kernels know, None where they would be too coarse.

        At γ = 0 log-odds without their shift are margins.
        """
        gamma = link.loss.gamma
        negative, positive = (a / link.scale for a in link.loss.class_weights)
        coefficients: tuple[float, ...] | None = ()
        if link.name == "logit" and gamma > 0:
            coefficients = fit(gamma, exact=exact)
        if coefficients is None:
            return None
        share = 1.0 if exact else 0.0
        return cls(negative, positive, gamma, share, link.shift, coefficients)
