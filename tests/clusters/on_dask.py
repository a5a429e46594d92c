"""Two Dask workers, and collections of which each has a block."""

from __future__ import annotations

from contextlib import contextmanager

import dask.array as da
import dask.dataframe as dd
import distributed


@contextmanager
def two_workers():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def placed(client, arrays):
    """Return a collection of which every worker has one block."""
    from dask import delayed

    workers = sorted(client.scheduler_info()["workers"])
    pairs = zip(arrays, workers, strict=True)
    there = [client.scatter(one, workers=[name], hash=False) for one, name in pairs]
    blocks = [
        da.from_delayed(delayed(future), shape=one.shape, dtype=one.dtype)
        for future, one in zip(there, arrays, strict=True)
    ]
    found = da.concatenate(blocks).persist()
    distributed.wait(found)
    return found


def collection(client, parts):
    X, y = ([one[i] for one in parts] for i in range(2))
    weight = None
    if parts[0].weight is not None:
        weight = placed(client, [one.weight for one in parts])
    return placed(client, X), placed(client, y), weight


def frame(client, parts):
    X, y, _ = collection(client, parts)
    frames = [dd.from_dask_array(X, columns=list("abcde")), dd.from_dask_array(y)]
    frames = [one.persist() for one in frames]
    distributed.wait(frames)
    return frames


def matrix(client, parts):
    from xgboost import dask as dxgb

    X, y, weight = collection(client, parts)
    return dxgb.DaskDMatrix(client, X, y, weight=weight)
