"""From posterior to decision: above which probability a row is called positive.

:func:`choose_threshold` chooses by a rule, of posteriors that the model has not been
fitted on, out-of-fold or held-out.
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401 (labels are read as it reads them)
except ImportError as error:
    raise ImportError(
        "focal_boost.thresholds needs scikit-learn: pip install scikit-learn"
    ) from error

from focal_boost.thresholds._choice import Estimate, Threshold, choose_threshold
from focal_boost.thresholds._rules import (
    AlertsPerDayAtMost,
    Cost,
    FalsePositiveRateAtMost,
    FBeta,
    PrecisionAtLeast,
    RecallAtLeast,
    Rule,
)

__all__ = [
    "AlertsPerDayAtMost",
    "Cost",
    "Estimate",
    "FBeta",
    "FalsePositiveRateAtMost",
    "PrecisionAtLeast",
    "RecallAtLeast",
    "Rule",
    "Threshold",
    "choose_threshold",
]
