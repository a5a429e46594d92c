"""Rows that come in pieces: data iterators, sequences and binary files.

Few distinct values make every sketch of the rows exact, so that a model of the pieces
is the model of the rows in one piece.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from ranks import part, whole

import focal_boost.lightgbm as flgb
import focal_boost.xgboost as fxgb
from focal_boost import FocalObjective

# The first piece has no positive, and the others do not agree on their share.
PIECES = [part(2000, 0, 0), part(2000, 0.02, 1), part(2000, 0.2, 2)]
WEIGHTED = [part(1500, rate, 3, weighted=True) for rate in (0.01, 0.2)]
PROBE = part(500, 0.1, 99)
OBJECTIVE = FocalObjective(0.25, 2.0)


class Pieces(xgb.DataIter):
    def __init__(self, pieces, **kwargs):
        self.pieces, self.at = pieces, 0
        super().__init__(**kwargs)

    def next(self, input_data):
        if self.at == len(self.pieces):
            return False
        piece = self.pieces[self.at]
        self.at += 1
        input_data(data=piece.X, label=piece.y, weight=piece.weight)
        return True

    def reset(self):
        self.at = 0


def in_cache(pieces, folder):
    iterator = Pieces(pieces, cache_prefix=str(folder / "cache"))
    if not hasattr(xgb, "ExtMemQuantileDMatrix"):
        pytest.skip("this XGBoost has no ExtMemQuantileDMatrix")
    return xgb.ExtMemQuantileDMatrix(iterator, nthread=1)


def in_quantiles(pieces, folder):
    return xgb.QuantileDMatrix(Pieces(pieces), nthread=1)


@pytest.mark.parametrize("make", [in_cache, in_quantiles])
@pytest.mark.parametrize("pieces", [PIECES, WEIGHTED], ids=["plain", "weighted"])
def test_xgboost_trains_on_pieces_as_on_the_whole(make, pieces, tmp_path):
    params = {"nthread": 1, "max_depth": 4, "tree_method": "hist"}
    ours = fxgb.train(params, make(pieces, tmp_path), 6, objective=OBJECTIVE)
    data = xgb.QuantileDMatrix(
        whole(pieces).X, whole(pieces).y, weight=whole(pieces).weight, nthread=1
    )
    expected = fxgb.train(params, data, 6, objective=OBJECTIVE)
    probe = PROBE.matrix()
    np.testing.assert_allclose(
        ours.predict(probe), expected.predict(probe), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("make", [in_cache, in_quantiles])
def test_xgboost_on_pieces_is_the_library_without_focus(make, tmp_path):
    params = {"nthread": 1, "max_depth": 4, "tree_method": "hist"}
    data = make(PIECES, tmp_path)
    theirs = xgb.train({**params, "objective": "binary:logistic"}, data, 6)
    ours = fxgb.train(params, data, 6, objective=FocalObjective(None, 0.0))
    margins = [
        one.predict(PROBE.matrix(), output_margin=True) for one in (theirs, ours)
    ]
    np.testing.assert_allclose(*margins, rtol=0, atol=2e-6)


class Rows(lgb.Sequence):
    batch_size = 500

    def __init__(self, X):
        self.X = X

    def __getitem__(self, at):
        return self.X[at]

    def __len__(self):
        return len(self.X)


QUIET = {"verbosity": -1, "num_threads": 1}


def in_sequences(pieces, folder):
    rows = whole(pieces)
    sequences = [Rows(one.X.astype(float)) for one in pieces]
    return lgb.Dataset(sequences, rows.y, weight=rows.weight, params=QUIET)


def in_a_binary_file(pieces, folder):
    path = folder / "rows.bin"
    in_sequences(pieces, folder).construct().save_binary(path)
    return lgb.Dataset(path, params=QUIET)


@pytest.mark.parametrize("make", [in_sequences, in_a_binary_file])
@pytest.mark.parametrize("pieces", [PIECES, WEIGHTED], ids=["plain", "weighted"])
@pytest.mark.parametrize("focus", [0.0, 2.0])
def test_lightgbm_trains_on_pieces_as_on_the_whole(make, pieces, focus, tmp_path):
    ours = flgb.train(
        QUIET, make(pieces, tmp_path), 6, objective=FocalObjective(None, focus)
    )
    rows = whole(pieces)
    data = lgb.Dataset(rows.X.astype(float), rows.y, weight=rows.weight, params=QUIET)
    if focus:
        objective = FocalObjective(None, focus)
        expected = flgb.train(QUIET, data, 6, objective=objective)
    else:
        expected = lgb.train({**QUIET, "objective": "binary"}, data, 6)
    np.testing.assert_allclose(
        ours.predict(PROBE.X, raw_score=True),
        expected.predict(PROBE.X, raw_score=True),
        rtol=0,
        atol=1e-9,
    )
