"""Blocks of rows, and whether a block's raw scores are sound."""

from __future__ import annotations

from numba import int64

from focal_boost._kernels.llvm import in_any_order, prefer_wide_vectors

# Rows per block: a kernel's terms, 20 KiB, stay in the first-level cache.
BLOCK = 512


@in_any_order
def find_faults(raw_score):
    """Return 1 if a raw score is not finite, else 0.

    Differences of a number with itself are NaN for NaN and inf, and unlike comparisons
    they cost a vector loop next to nothing.
    """
    prefer_wide_vectors()
    difference = raw_score.dtype.type(0)
    for i in range(raw_score.shape[0]):
        difference += raw_score[i] - raw_score[i]
    return int64(difference != 0)
