"""Proper scores of the posterior on the CPU: one compiled pass over the rows.

With z the margin, a = |z|, e = exp(−a), s = log1p(e) and c = (1−α)/α, the link of
:mod:`focal_boost.loss` says of the odds of the class that the margin's sign speaks
against, to those of the other,

    ω = exp(−γa) (e + γs) / (1 + γe(a + s)),  times 1/c for z >= 0 and c else,

and the posterior of a row's own class is ω/(1+ω) or 1/(1+ω), to the last digits of
either. At γ = 0, where everyone computes it, that of a negative is 1 − p with p
rounded. The rows are taken in blocks as in ``cpu.py``.
"""

from __future__ import annotations

import numpy as np
from numba import int64

from focal_boost._kernels.elementary import LIMIT, LONG, exp, log, log1p, reciprocal
from focal_boost._kernels.faults import BLOCK, find_faults
from focal_boost._kernels.llvm import (
    borrowed,
    compiled,
    compiled_and_kept,
    in_any_order,
    prefer_wide_vectors,
)

#: Kinds of score.
LOG_LOSS, BRIER_SCORE = 0, 1


@compiled
def _fill_exp(margin, gamma, z, e, e_gamma):
    """Write z, no further out than matters, exp(-|z|) and exp(-γ|z|)."""
    prefer_wide_vectors()
    for i in range(margin.shape[0]):
        z[i] = max(min(np.float64(margin[i]), LIMIT), -LIMIT)
        e[i] = exp(-abs(z[i]), LONG)
        e_gamma[i] = exp(max(-gamma * abs(z[i]), -LIMIT), LONG)


@compiled
def _fill_probability(y_true, z, e, e_gamma, gamma, odds, probability):
    """Write the posterior of each row's own class."""
    prefer_wide_vectors()
    inverse_odds = 1.0 / odds
    for i in range(y_true.shape[0]):
        x, a, above = e[i], abs(z[i]), z[i] >= 0.0
        inverse = reciprocal(x, 2.0 + x * (3.0 + x), LONG)
        s = log1p((x + x * x) * inverse, LONG)
        against = e_gamma[i] * (x + gamma * s) * (inverse_odds if above else odds)
        in_favour = 1.0 + gamma * x * (a + s)
        right = above == (y_true[i] == 1)
        rounded = gamma == 0.0 and above and not right
        own = in_favour if right or rounded else against
        p = own / (against + in_favour)
        probability[i] = 1.0 - p if rounded else p


@compiled
def _fill_log_loss(rows, clip, most, probability):
    """Write the negative logarithm over the probability."""
    prefer_wide_vectors()
    for i in range(rows):
        p = probability[i]
        probability[i] = -log(p) if p > clip else most


@compiled
def _fill_brier_score(rows, probability):
    """Write the squared distance from 1 over the probability."""
    prefer_wide_vectors()
    for i in range(rows):
        probability[i] = (1.0 - probability[i]) ** 2


@in_any_order
def _sums(rows, score, sample_weight):
    """Return the weighted sum of the scores, and the sum of the weights."""
    prefer_wide_vectors()
    total, of_weights = 0.0, 0.0
    if sample_weight is None:
        of_weights = float(rows)
        for i in range(rows):
            total += score[i]
    else:
        for i in range(rows):
            total += sample_weight[i] * score[i]
            of_weights += sample_weight[i]
    return total, of_weights


@compiled
def _block(margin, y_true, sample_weight, kind, gamma, odds, clip, most, terms):
    """Return the sums of one block of rows."""
    z, e, e_gamma, score = terms
    rows = margin.shape[0]
    _fill_exp(margin, gamma, z, e, e_gamma)
    _fill_probability(y_true, z, e, e_gamma, gamma, odds, score)
    if kind == LOG_LOSS:
        _fill_log_loss(rows, clip, most, score)
    else:
        _fill_brier_score(rows, score)
    return _sums(rows, score, sample_weight)


@compiled_and_kept
def scores(margin, y_true, sample_weight, kind, gamma, odds, clip, most, sums):
    """Fill the sums of every block and return whether the margins are sound.

    Parameters
    ----------
    margin : array of float32 or float64, (n,)
    y_true : array of uint8, (n,)
    sample_weight : array of float32 or float64, (n,), or None
    kind : int
        LOG_LOSS or BRIER_SCORE.
    gamma, odds : float64
        γ and (1−α)/α.
    clip, most : float64
        Up to which probability the log loss is `most`.
    sums : array of float64, (n / BLOCK, rounded up, 2)
        Written: the weighted sum of the scores, and the sum of the weights.

    Returns
    -------
    fault : int64
        0 if every margin is finite.
    """
    fault = int64(0)
    memory = np.empty((4, BLOCK))
    rows = borrowed(memory)
    terms = (rows[0], rows[1], rows[2], rows[3])
    z, y = borrowed(margin), borrowed(y_true)
    for start in range(0, margin.shape[0], BLOCK):
        stop = min(start + BLOCK, margin.shape[0])
        w = None if sample_weight is None else sample_weight[start:stop]
        fault |= find_faults(z[start:stop])
        total, of_weights = _block(
            z[start:stop], y[start:stop], w, kind, gamma, odds, clip, most, terms
        )
        sums[start // BLOCK, 0] = total
        sums[start // BLOCK, 1] = of_weights
    memory[0, 0] = 0.0  # it must live until here
    return fault
