"""The weight at or above thresholds, without sorting the rows.

Every row's place among the thresholds is looked up by its probability's first bits,
which leave few thresholds to choose from: so much per row, whatever their order.
"""

from __future__ import annotations

import numpy as np

from focal_boost._kernels.llvm import bits, compiled, compiled_and_kept

# Places of the table, at most: they stay in a processor's second cache.
_PLACES = 65_536


@compiled
def _key(p):
    """Return a number that rises with p in [0, 1], evenly in the log-odds, nearly."""
    if p < 0.5:
        return bits(p)
    return 2 * bits(0.5) - bits(1.0 - p)


@compiled
def _places(thresholds):
    """Return how far keys are shifted, the first place, and where each one begins."""
    count = thresholds.shape[0]
    least, most = _key(thresholds[0]), _key(thresholds[count - 1])
    shift = np.int64(30)
    while (most >> shift) - (least >> shift) >= _PLACES:
        shift += 1
    base = least >> shift
    begins = np.empty((most >> shift) - base + 2, np.int64)
    place = 0
    for i in range(count):
        while place <= (_key(thresholds[i]) >> shift) - base:
            begins[place] = i
            place += 1
    begins[place:] = count
    return shift, base, begins


@compiled_and_kept
def weight_between(rank, weight, thresholds):
    """Return the weight of the rows from each of the thresholds up to the next.

    Parameters
    ----------
    rank : array of float64 in [0, 1], (n,)
    weight : array of float32 or float64, (n,)
    thresholds : array of float64 in [0, 1], (k,)
        Rising, k > 0.

    Returns
    -------
    array of float64, (k,)
        Rows below the first threshold are in none.
    """
    shift, base, begins = _places(thresholds)
    found = np.zeros(thresholds.shape[0] + 1)
    for i in range(rank.shape[0]):
        p = rank[i]
        place = (_key(p) >> shift) - base
        low = begins[max(0, min(place, begins.shape[0] - 1))]
        high = begins[max(0, min(place + 1, begins.shape[0] - 1))]
        while low < high:
            middle = (low + high) >> 1
            if thresholds[middle] <= p:
                low = middle + 1
            else:
                high = middle
        found[low] += weight[i]
    return found[1:]
