"""The arms of the study: what is trained, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from focal_boost import FocalLoss

HESSIANS = ("upper", "exact", "absolute", "gauss-newton")
STARTS = ("best", "zero")
ALPHAS: tuple[float | str | None, ...] = (0.25, 0.5, 0.75, "balanced", None)
GAMMAS = (0.5, 1.0, 2.0, 3.0, 5.0)
MAX_DELTA_STEPS = (0.0, 1.0, 2.0, 5.0, 10.0)
FEW_ROUNDS = 20
# What focal_boost.lightgbm.train does where gamma > 0.
PACKAGE_STEP = 5.0


@dataclass(frozen=True)
class Arm:
    """A way to train.

    Attributes
    ----------
    kind : {"focal", "built-in", "class-weights"}
        The attributes below are of "focal" only.
    alpha : float in (0, 1), "balanced" or None
        "balanced" weights the classes by their inverse frequency in the training part.
    gamma : float >= 0
        Focusing parameter.
    hessian : {"upper", "exact", "absolute", "gauss-newton"}
        See :mod:`derivatives`.
    start : {"best", "zero"}
        The best constant margin or 0.
    max_delta_step : float
        LightGBM's bound of a leaf; XGBoost keeps its own default in all arms.
    rounds : int, optional
        The most rounds, where that is not the study's.
    """

    kind: str = "focal"
    alpha: float | str | None = 0.25
    gamma: float = 2.0
    hessian: str = "upper"
    start: str = "best"
    max_delta_step: float = PACKAGE_STEP
    rounds: int | None = None

    @property
    def name(self) -> str:
        """A text that no other arm has."""
        if self.rounds is not None:
            return f"{replace(self, rounds=None).name} rounds={self.rounds}"
        if self.kind != "focal":
            return self.kind
        loss = f"α={self.alpha} γ={self.gamma:g}"
        step = self.max_delta_step
        bound = "" if step == PACKAGE_STEP else f" step={step:g}"
        return f"{loss} {self.hessian} {self.start}{bound}"

    def loss(self, y: Any, weight: Any) -> FocalLoss:
        """Return the loss that is minimised on these labels, with its link.

        Class weights are α-balanced cross entropy, whose link takes them out of the
        posterior again. Without it early stopping on the log loss would end every
        such training in its first rounds, because what it learns is not a probability.
        """
        if self.kind == "built-in":
            return FocalLoss(alpha=None, gamma=0.0)
        if self.kind == "class-weights":
            # Both libraries count rows, not weights.
            return FocalLoss(alpha=float(np.mean(y == 0)), gamma=0.0)
        if self.alpha == "balanced":
            return FocalLoss.balanced(y, self.gamma, weight)
        alpha = None if self.alpha is None else float(self.alpha)
        return FocalLoss(alpha, self.gamma)


BUILT_IN = Arm("built-in")
BASELINES = (BUILT_IN, Arm("class-weights"))
PACKAGE_DEFAULT = Arm()
FACTORIAL = tuple(
    Arm("focal", alpha, gamma, hessian, start)
    for hessian, start, alpha, gamma in product(HESSIANS, STARTS, ALPHAS, GAMMAS)
)
BY_NAME = {arm.name: arm for arm in (*BASELINES, *FACTORIAL)}


def finalists(ordered: list[str], number: int) -> tuple[Arm, ...]:
    """Return the baselines, the first focal arms, and the package's default."""
    best = [BY_NAME[name] for name in ordered if BY_NAME[name].kind == "focal"]
    return tuple(dict.fromkeys((*BASELINES, *best[:number], PACKAGE_DEFAULT)))


def step_arms(chosen: str | None) -> tuple[Arm, ...]:
    """Return the arms of the third stage: three losses at every max_delta_step.

    The chosen default, the package's, and a small gamma, where the bound matters most.
    """
    losses = [PACKAGE_DEFAULT, replace(PACKAGE_DEFAULT, gamma=0.5)]
    if chosen is not None:
        losses.insert(0, BY_NAME[chosen])
    steps = product(dict.fromkeys(losses), MAX_DELTA_STEPS)
    arms = [replace(loss, max_delta_step=step) for loss, step in steps]
    return (BUILT_IN, *arms)


def short_arms(final: tuple[Arm, ...]) -> tuple[Arm, ...]:
    """Return the arms of the fourth stage: few rounds, which no early stopping ends."""
    proper = [arm for arm in final if arm.kind != "class-weights"]
    return (BUILT_IN, *(replace(arm, rounds=FEW_ROUNDS) for arm in proper))
