"""Blocks of rows, and whether a block's rows are sound."""

from __future__ import annotations

import numpy as np
from numba import int64

from focal_boost._kernels.llvm import in_any_order, prefer_wide_vectors

# Rows per block: a kernel's terms, 20 KiB, stay in the first-level cache.
BLOCK = 512
# A weight times this is infinite where its products could overflow float32.
_WEIGHT_SCALE = 1e271


@in_any_order
def find_faults(margin, y_true, sample_weight):  # type: ignore[no-untyped-def]
    """Return whether a row is unsound, and whether a weight is not 0.

    Differences of a number with itself are NaN for NaN and inf, and unlike comparisons
    they cost a vector loop next to nothing.
    """
    prefer_wide_vectors()
    of_labels, of_margins = y_true.dtype.type(0), margin.dtype.type(0)
    for i in range(y_true.shape[0]):
        of_labels += abs(y_true[i] * y_true[i] - y_true[i])
    for i in range(margin.shape[0]):
        of_margins += margin[i] - margin[i]
    below, above, total = 0.0, 0.0, 0.0
    if sample_weight is None:
        total = 1.0
    else:
        for i in range(sample_weight.shape[0]):
            size = abs(np.float64(sample_weight[i]))
            large = size * _WEIGHT_SCALE
            below += size - sample_weight[i]
            above += large - large
            total += size
    sound = of_labels == 0 and of_margins == 0 and below == 0 and above == 0
    return int64(not sound), int64(total != 0)
