"""Who is measured: the libraries' own losses, ours, plain NumPy, and other projects.

A competitor is named "library/method". Methods that need packages of their own run in
an environment of their own; nothing of them is imported by the package or here.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    environment : str or None
        Key of PEERS, None for this interpreter.
    class_weights : tuple of float or None
        Weights of the negative and the positive class as the method defines its loss,
        ours having them inside; None where its gradient cannot be called, or is not a
        focal loss's.
    """

    library: str
    method: str
    environment: str | None = None
    class_weights: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return f"{self.library}/{self.method}"


COMPETITORS = (
    Competitor("xgboost", BUILT_IN),
    Competitor("xgboost", OURS, None, (1, 1)),
    Competitor("xgboost", NUMPY, None, _WEIGHTED),
    # Its alpha is the ratio of the two weights.
    Competitor("xgboost", "bokbokbok", "bokbokbok", (1, ALPHA / (1 - ALPHA))),
    Competitor("xgboost", "gbdtCBL", "gbdtCBL", (1, 1)),
    Competitor("xgboost", "jaxboost", "jaxboost", _WEIGHTED),
    Competitor("xgboost", "imbalance-xgboost", "imbalance-xgboost", (1, 1)),
    Competitor("lightgbm", BUILT_IN),
    Competitor("lightgbm", OURS, None, (1, 1)),
    Competitor("lightgbm", NUMPY, None, _WEIGHTED),
    Competitor("lightgbm", "bokbokbok", "bokbokbok", (1, ALPHA / (1 - ALPHA))),
    Competitor("lightgbm", "imlightgbm", "imlightgbm", (1, 1)),
    Competitor("lightgbm", "gbdtCBL", "gbdtCBL", (1, 1)),
    Competitor("lightgbm", "jaxboost", "jaxboost", _WEIGHTED),
    Competitor("catboost", BUILT_IN, "catboost"),
    Competitor("catboost", "focal", "catboost"),
    Competitor("ydf", BUILT_IN, "ydf"),
    Competitor("ydf", "focal", "ydf"),
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
