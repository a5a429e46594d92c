"""What the objectives of other projects make of scores, weights and pickles.

    pip install bokbokbok imlightgbm imbalance-xgboost gbdtCBL xgboost lightgbm
    python tests/benchmarks/pitfalls.py

prints a line per project: the greatest relative error of its gradient, against the loss
differentiated in 60 digits, how many Hessians of 62 are 0, negative or not finite,
whether weights count, and whether it can be pickled.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

import mpmath
import numpy as np
from competitors import ALPHA, COMPETITORS, GAMMA, NUMPY, OURS
from objectives import objective_of

_SCORES = np.arange(-30.0, 31.0, 2.0)


class _Data:
    """Labels and weights as both libraries hand them to an objective."""

    def __init__(self, label: Any, weight: Any = None) -> None:
        self.label = label
        self._weight = np.array([]) if weight is None else weight

    def get_label(self) -> Any:
        return self.label

    def get_weight(self) -> Any:
        return self._weight


def _expected(y: int, score: float, of_class: tuple[float, float]) -> float:
    def loss(z: Any) -> Any:
        p_t = 1 / (1 + mpmath.exp(-z if y else z))
        return -of_class[y] * (1 - p_t) ** GAMMA * mpmath.log(p_t)

    with mpmath.workdps(60):
        return float(mpmath.diff(loss, mpmath.mpf(score)))


def pitfalls(library: str, method: str, of_class: tuple[float, float]) -> str:
    """Return the line of one project."""
    # Of the paper's margin, as the others are.
    ours = method == OURS
    objective = _ours() if ours else objective_of(library, method)
    of_class = (1 - ALPHA, ALPHA) if ours else of_class
    assert objective is not None
    y = np.repeat([0.0, 1.0], len(_SCORES))
    scores = np.tile(_SCORES, 2)
    with np.errstate(all="ignore"):
        grad, hess = map(np.asarray, objective(scores.copy(), _Data(y)))
        weight = np.linspace(0.5, 2, len(y))
        weighted = np.asarray(objective(scores.copy(), _Data(y, weight))[0])
    expected = [
        _expected(int(one), z, of_class) for one, z in zip(y, scores, strict=True)
    ]
    error = np.abs(grad / expected - 1)
    worst = "not finite" if not np.isfinite(error).all() else f"{error.max():.1e}"
    told = [
        f"gradient {worst}",
        f"zero {np.sum(hess == 0)}",
        f"negative {np.sum(hess < 0)}",
        f"not finite {np.sum(~np.isfinite(hess))}",
        f"weights {'count' if not np.array_equal(grad, weighted) else 'ignored'}",
        f"pickled {_pickles(objective)}",
    ]
    return f"{library}/{method}: " + ", ".join(told)


def _ours() -> Any:
    from focal_boost import FocalObjective

    return FocalObjective(ALPHA, GAMMA, link="focal")


def _pickles(objective: Any) -> str:
    try:
        pickle.loads(pickle.dumps(objective))
    except (AttributeError, TypeError, pickle.PicklingError):
        return "no"
    return "yes"


def main() -> None:
    """Print a line for every project that is installed."""
    print(f"alpha {ALPHA}, gamma {GAMMA}")
    for one in COMPETITORS:
        if one.method == NUMPY or one.class_weights is None:
            continue
        try:
            print(pitfalls(one.library, one.method, one.class_weights))
        except ImportError as error:
            print(f"{one.name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
