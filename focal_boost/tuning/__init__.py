"""Choosing alpha and gamma: ``FocalSearchCV``, and an objective for Optuna.

Both cross-validate on a proper score of the posterior or on average precision; the
focal loss itself is not comparable between different alpha or gamma. Both bin the
rows of every fold once, for all candidates, and end hopeless candidates early.
"""

from __future__ import annotations

import warnings

try:
    with warnings.catch_warnings():
        # Of Optuna's own bar in a notebook without widgets; no search shows it.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import optuna  # noqa: F401 (its engine)
    import sklearn  # noqa: F401 (the search is one of its estimators)
except ImportError as error:
    raise ImportError(
        f"focal_boost.tuning needs {error.name}: pip install optuna scikit-learn"
    ) from error

from focal_boost.tuning._objective import optuna_objective
from focal_boost.tuning._search import FocalSearchCV
from focal_boost.tuning._space import DEFAULT_SPACE

__all__ = ["DEFAULT_SPACE", "FocalSearchCV", "optuna_objective"]
