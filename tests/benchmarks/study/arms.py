"""The arms of the study: what is trained, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

# What the trees add up: the paper's margin z, or the posterior's log-odds m.
LINKS = ("m", "z")
SCALES = ("c", "start", "1")
HESSIANS = ("upper", "expected", "exact")
ALPHAS = (0.25, 0.5, 0.75)
GAMMAS = (0.5, 1.0, 2.0, 3.0)
FACTORS = ("link", "scale", "hessian", "alpha", "gamma")


@dataclass(frozen=True)
class Arm:
    """A way to train.

    Attributes
    ----------
    kind : {"focal", "built-in", "package"}
        "package" trains by focal_boost's own `train`, with alpha and gamma alone.
    alpha : float in (0, 1)
        None would be 0.5 with another scale.
    gamma : float >= 0
        Focusing parameter.
    link : {"m", "z"}
        The raw score. It starts at the prevalence's.
    hessian : {"upper", "expected", "exact"}
        See :mod:`curves`.
    scale : {"c", "start", "1"}
        Gradient and curvature are divided by the greatest weight V of a score, by that
        of the start, or by nothing.
    max_delta_step : float
        LightGBM's bound of a leaf, 0 for none; XGBoost keeps its own default.
    """

    kind: str = "focal"
    alpha: float = 0.25
    gamma: float = 1.0
    link: str = "m"
    hessian: str = "upper"
    scale: str = "c"
    max_delta_step: float = 0.0

    @property
    def name(self) -> str:
        """A text that no other arm has."""
        if self.kind == "built-in":
            return self.kind
        loss = f"α={self.alpha:g} γ={self.gamma:g}"
        if self.kind == "package":
            return f"{self.kind} {loss}"
        step = self.max_delta_step
        bound = f" step={step:g}" if step else ""
        return f"{loss} {self.link} {self.hessian} {self.scale}{bound}"


BUILT_IN = Arm("built-in")
# What focal_boost did when its raw score was the paper's margin.
FORMER = Arm(gamma=2.0, link="z", scale="1", max_delta_step=5.0)
FACTORIAL = tuple(
    Arm("focal", alpha, gamma, link, hessian, scale)
    for link, scale, hessian, alpha, gamma in product(
        LINKS, SCALES, HESSIANS, ALPHAS, GAMMAS
    )
    # All curvatures at one scale of each raw score, all scales at one curvature.
    if scale == ("c" if link == "m" else "1") or (link, hessian) == ("m", "upper")
)


def rescaled(arm: Arm) -> tuple[Arm, ...]:
    """Return an arm with every scale and either raw score."""
    return (
        *(replace(arm, scale=scale) for scale in SCALES),
        replace(arm, link="z", scale="1"),
    )


def neighbours(arm: Arm) -> tuple[Arm, ...]:
    """Return the arms that differ from one in its scale, its curvature, or its link."""
    return (*rescaled(arm), *(replace(arm, hessian=hessian) for hessian in HESSIANS))


BY_NAME = {
    arm.name: arm
    for arm in (BUILT_IN, FORMER, *(n for arm in FACTORIAL for n in neighbours(arm)))
}


def candidates(ordered: list[str], number: int) -> tuple[Arm, ...]:
    """Return the arms of the naming, by the order of the screening.

    The built-in, the former default, the best in m, those with the upper curvature with
    the other scales and in z too, and the first with the other curvatures.
    """
    best = [BY_NAME[name] for name in ordered if BY_NAME[name].link == "m"]
    best = [arm for arm in best if arm.kind == "focal"][:number]
    near = neighbours(best[0]) if best else ()
    upper = [other for arm in best if arm.hessian == "upper" for other in rescaled(arm)]
    return tuple(dict.fromkeys((BUILT_IN, FORMER, *best, *near, *upper)))


def step_arms(chosen: Arm) -> tuple[Arm, ...]:
    """Return the chosen default and γ = 0.5, without and with a bound of a leaf."""
    losses = dict.fromkeys((chosen, replace(chosen, gamma=0.5)))
    steps = product(losses, (0.0, 5.0))
    return (BUILT_IN, *(replace(arm, max_delta_step=step) for arm, step in steps))


def package_arms(chosen: Arm) -> tuple[Arm, ...]:
    """Return the built-in, the chosen default, and what the package makes of it."""
    return BUILT_IN, chosen, Arm("package", chosen.alpha, chosen.gamma)
