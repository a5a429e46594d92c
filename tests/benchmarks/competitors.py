"""Who is measured: the libraries' own losses, ours, plain NumPy, and other projects.

A competitor is named "library/method". Methods that need packages of their own run in
an environment of their own; nothing of them is imported by the package or here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: The loss that all focal competitors are asked for.
ALPHA, GAMMA = 0.25, 2.0
LEARNING_RATE = 0.1

BUILT_IN, OURS, NUMPY = "built-in", "focal-boost", "numpy"
_WEIGHTED = (1 - ALPHA, ALPHA)

#: Packages of each environment; "xgboost" and "lightgbm" stand for the versions here.
PEERS: dict[str, tuple[str, ...]] = {
    "bokbokbok": ("bokbokbok==1.0.5", "xgboost", "lightgbm", "scikit-learn"),
    "imlightgbm": ("imlightgbm==0.1.2", "lightgbm", "scikit-learn"),
    "gbdtCBL": ("gbdtCBL==0.2.0", "xgboost", "lightgbm"),
    "jaxboost": ("jaxboost==0.5.0", "xgboost", "lightgbm"),
    "imbalance-xgboost": ("imbalance-xgboost==0.8.1", "xgboost"),
    "catboost": ("catboost",),
    "ydf": ("ydf",),
}


@dataclass(frozen=True)
class Competitor:
    """One way to train.

    Attributes
    ----------
    library, method : str
        What grows the trees, and whose loss it is.
    class_weights : tuple of float or None
        Weights of the negative and the positive class as the method defines its loss,
        ours having them inside; None where its gradient cannot be called, or is not a
        focal loss's.
    """

    library: str
    method: str
    class_weights: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return f"{self.library}/{self.method}"

    @property
    def environment(self) -> str | None:
        """Key of PEERS, None for this interpreter."""
        return next((of for of in (self.method, self.library) if of in PEERS), None)


COMPETITORS = (
    Competitor("xgboost", BUILT_IN),
    Competitor("xgboost", OURS, (1, 1)),
    Competitor("xgboost", NUMPY, _WEIGHTED),
    # Its alpha is the ratio of the two weights.
    Competitor("xgboost", "bokbokbok", (1, ALPHA / (1 - ALPHA))),
    Competitor("xgboost", "gbdtCBL", (1, 1)),
    Competitor("xgboost", "jaxboost", _WEIGHTED),
    Competitor("xgboost", "imbalance-xgboost", (1, 1)),
    Competitor("lightgbm", BUILT_IN),
    Competitor("lightgbm", OURS, (1, 1)),
    Competitor("lightgbm", NUMPY, _WEIGHTED),
    Competitor("lightgbm", "bokbokbok", (1, ALPHA / (1 - ALPHA))),
    Competitor("lightgbm", "imlightgbm", (1, 1)),
    Competitor("lightgbm", "gbdtCBL", (1, 1)),
    Competitor("lightgbm", "jaxboost", _WEIGHTED),
    *(Competitor(of, one) for of in ("catboost", "ydf") for one in (BUILT_IN, "focal")),
)
#: Competitors of the kernel alone; "numpy-as-given" computes in the raw scores' type.
KERNEL = ("kernel", "objective", "numpy", "numpy-as-given", "copy")
LIBRARIES = tuple(dict.fromkeys(one.library for one in COMPETITORS))
METHODS = tuple(dict.fromkeys(one.method for one in COMPETITORS))
NAMES = (*KERNEL, *METHODS, *(one.name for one in COMPETITORS))


def select(
    libraries: tuple[str, ...], only: tuple[str, ...], default: tuple[str, ...]
) -> list[Competitor]:
    """Return the competitors of these libraries that `only` names, or `default`."""
    wanted = only or default
    return [
        one
        for one in COMPETITORS
        if one.library in libraries and (one.name in wanted or one.method in wanted)
    ]


# Objectives as native ones: (raw score, data) → gradient, Hessian.
Objective = Callable[[Any, Any], tuple[Any, Any]]


def numpy_focal(y: Any, z: Any, alpha: float, gamma: float) -> tuple[Any, Any]:
    """Return gradient and upper curvature as one writes them, in the types given."""
    p = 1 / (1 + np.exp(-z))
    p_t = np.where(y == 1, p, 1 - p)
    alpha_t = np.where(y == 1, alpha, 1 - alpha)
    q, log_p = 1 - p_t, np.log(p_t)
    power = q**gamma
    grad = (1 - 2 * y) * alpha_t * power * (q - gamma * p_t * log_p)
    hess = alpha_t * p_t * power * ((1 + 2 * gamma) * q - gamma**2 * p_t * log_p)
    return grad.astype(np.float32), hess.astype(np.float32)


def numpy_focal_float64(y: Any, z: Any, alpha: float, gamma: float) -> tuple[Any, Any]:
    """Return the same, computed in float64 as the kernel does."""
    return numpy_focal(np.asarray(y, float), np.asarray(z, float), alpha, gamma)


def objective_of(library: str, method: str) -> Objective | None:
    """Return a method's objective, None if it is not one that can be called."""
    make = _MAKERS.get(method)
    return None if make is None else make(library)


def _ours(_: str) -> Objective:
    from focal_boost import FocalObjective

    return FocalObjective(ALPHA, GAMMA)


def _numpy(_: str) -> Objective:
    return lambda preds, data: numpy_focal_float64(
        data.get_label(), preds, ALPHA, GAMMA
    )


def _bokbokbok(_: str) -> Objective:
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    return WeightedFocalLoss(alpha=ALPHA / (1 - ALPHA), gamma=GAMMA)


def _gbdtcbl(_: str) -> Objective:
    from gbdtCBL.binary import FLLoss

    loss = FLLoss(GAMMA)
    # It is written for the scikit-learn APIs.
    return lambda preds, data: loss(data.get_label(), preds)


def _jaxboost(library: str) -> Objective:
    from jaxboost.objective import focal_loss

    short = {"xgboost": "xgb", "lightgbm": "lgb"}[library]
    return getattr(focal_loss, f"get_{short}_objective")(gamma=GAMMA, alpha=ALPHA)


def _imlightgbm(_: str) -> Objective:
    from imlightgbm.objective import binary_focal_lgb_objective

    return lambda preds, data: binary_focal_lgb_objective(preds, data, GAMMA)


def _imbalance_xgboost(_: str) -> Objective:
    from imxgboost.focal_loss import Focal_Binary_Loss

    return Focal_Binary_Loss(GAMMA).focal_binary_object


_MAKERS: dict[str, Callable[[str], Objective]] = {
    OURS: _ours,
    NUMPY: _numpy,
    "bokbokbok": _bokbokbok,
    "gbdtCBL": _gbdtcbl,
    "jaxboost": _jaxboost,
    "imlightgbm": _imlightgbm,
    "imbalance-xgboost": _imbalance_xgboost,
}
