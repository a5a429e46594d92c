"""One classifier made of the models of all folds: ``FoldEnsembleClassifier``."""

from __future__ import annotations

try:
    import sklearn  # noqa: F401 (the ensemble is one of its estimators)
except ImportError as error:
    raise ImportError(
        "focal_boost.ensemble needs scikit-learn: pip install scikit-learn"
    ) from error

from focal_boost.ensemble._folds import FoldEnsembleClassifier
from focal_boost.ensemble._voting import LogOddsVotingClassifier

__all__ = ["FoldEnsembleClassifier", "LogOddsVotingClassifier"]
