"""What a search asks of an estimator whose trainings it can pause."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol

from numpy.typing import NDArray


class Training(Protocol):
    """A training on one fold's rows that goes on where it paused."""

    rounds: int

    def advance(self, rounds: int) -> None:
        """Train until there are that many rounds."""

    def raw_score(self, rounds: int | None = None) -> NDArray[Any]:
        """Return the log-odds of the held-out rows, (n,), after so many rounds."""


class Trainable(Protocol):
    """How estimators of one library are trained in pauses, on rows binned once.

    A focal classifier names it as its ``_in_pauses``.
    """

    #: The distribution whose trees these are.
    library: str
    #: (estimator, training part, held-out part, threads) → rows, binned for both.
    Binned: Any
    #: (estimator, binned rows, threads, paused=) → :class:`Training`.
    Training: Any

    def bins_key(self, estimator: Any) -> Hashable:
        """Return what two estimators must have in common to share binned rows."""

    def rounds_of(self, estimator: Any) -> int:
        """Return the number of rounds of a full training."""

    def patience_of(self, estimator: Any) -> int | None:
        """Return after how many rounds without a better score a training ends."""

    def with_rounds(self, estimator: Any, rounds: int) -> Any:
        """Return the estimator with that number of rounds and no early stopping."""

    def check(self, estimator: Any) -> None:
        """Raise for parameters that a search cannot honour."""


def trainable(estimator: Any) -> Trainable:
    """Return how an estimator is trained in pauses.

    Raises
    ------
    ValueError
        If it is none of the focal classifiers.
    """
    found: Trainable | None = getattr(type(estimator), "_in_pauses", None)
    if found is not None:
        return found
    got = repr(estimator) if estimator is None else type(estimator).__name__
    raise ValueError(
        f"estimator must be a FocalXGBClassifier or a FocalLGBMClassifier, got {got}"
    )
