"""Focal loss, the built-in objectives and other classifiers on the same folds.

:func:`compare` is what the command ``focal-boost compare`` runs, and the name
``focal_boost.compare``.
"""

from __future__ import annotations

try:
    import pandas  # noqa: F401 (what is compared is told in tables)
    import sklearn  # noqa: F401 (and measured by its scores)
except ImportError as error:
    raise ImportError(
        f"focal_boost.compare needs {error.name}: pip install pandas scikit-learn"
    ) from error

from focal_boost.comparison._classes import ClassComparison
from focal_boost.comparison._compare import compare
from focal_boost.comparison._result import Comparison

__all__ = ["ClassComparison", "Comparison", "compare"]
