"""The competitors' objectives as native ones: (raw score, data) → gradient, Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from competitors import ALPHA, GAMMA, NUMPY, OURS
from numpy_focal import numpy_focal_float64

Objective = Callable[[Any, Any], tuple[Any, Any]]


def objective_of(library: str, method: str) -> Objective | None:
    """Return a method's objective, None if it is not one that can be called."""
    make = _MAKERS.get(method)
    return None if make is None else make(library)


def _ours(library: str) -> Objective:
    from focal_boost import FocalObjective

    return FocalObjective(ALPHA, GAMMA)


def _numpy(library: str) -> Objective:
    def objective(preds: Any, data: Any) -> tuple[Any, Any]:
        return numpy_focal_float64(data.get_label(), preds, ALPHA, GAMMA)

    return objective


def _bokbokbok(library: str) -> Objective:
    from bokbokbok.loss_functions.classification import WeightedFocalLoss

    return WeightedFocalLoss(alpha=ALPHA / (1 - ALPHA), gamma=GAMMA)


def _gbdtcbl(library: str) -> Objective:
    from gbdtCBL.binary import FLLoss

    loss = FLLoss(GAMMA)
    # It is written for the scikit-learn APIs.
    return lambda preds, data: loss(data.get_label(), preds)


def _jaxboost(library: str) -> Objective:
    from jaxboost.objective import focal_loss

    make = {
        "xgboost": focal_loss.get_xgb_objective,
        "lightgbm": focal_loss.get_lgb_objective,
    }[library]
    return make(gamma=GAMMA, alpha=ALPHA)


def _imlightgbm(library: str) -> Objective:
    from imlightgbm.objective import binary_focal_lgb_objective

    return lambda preds, data: binary_focal_lgb_objective(preds, data, GAMMA)


def _imbalance_xgboost(library: str) -> Objective:
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
