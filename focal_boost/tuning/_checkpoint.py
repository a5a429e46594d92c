"""What a search has learned, kept on disk line by line so that it can go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from focal_boost.tuning._fold import Scores
from focal_boost.tuning._pipeline import trainable
from focal_boost.tuning._problem import Problem
from focal_boost.tuning._space import Candidate

_HEAD = "focal_boost_search"


class Checkpoint:
    """Scores of finished parts, known by candidate, rounds and fold.

    Parameters
    ----------
    path : str, Path or None
        The file, which is made if there is none; None keeps the scores in memory.
    fingerprint : str
        What data and settings the scores belong to.

    Raises
    ------
    ValueError
        If the file is something else, or belongs to other data or settings.
    """

    def __init__(self, path: Any, fingerprint: str) -> None:
        self._path = None if path is None else Path(path)
        self._known: dict[tuple[Any, ...], Scores] = {}
        self._lock = Lock()
        if self._path is None:
            return
        if self._path.is_dir() or not self._path.absolute().parent.is_dir():
            raise ValueError(
                f"checkpoint must be a file in an existing folder, got '{path}'"
            )
        if not self._path.exists() or not self._read(self._path, fingerprint):
            self._path.write_text(_line({_HEAD: fingerprint}), "utf-8")

    def get(
        self, candidate: Candidate, points: Sequence[int], fold: int
    ) -> Scores | None:
        """Return the scores of a part that is finished."""
        return self._known.get(_key(candidate, points, fold))

    def put(
        self, candidate: Candidate, points: Sequence[int], fold: int, scores: Scores
    ) -> None:
        """Keep the scores of a finished part."""
        key = _key(candidate, points, fold)
        with self._lock:
            self._known[key] = scores
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(_line({"part": key, "scores": scores}))

    def _read(self, path: Path, fingerprint: str) -> bool:
        """Read what is there and cut off a last line that was not finished."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if not whole and _line({_HEAD: fingerprint}).encode().startswith(content):
            return False
        try:
            head, *lines = [json.loads(line) for line in whole.splitlines()]
            found = head[_HEAD]
            parts = [(tuple(one["part"]), Scores(*one["scores"])) for one in lines]
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"checkpoint must be a file that a search has written, got '{path}'"
            ) from None
        if found != fingerprint:
            raise ValueError(
                "checkpoint must belong to the same data, estimator, folds and scoring,"
                f" got '{path}' of others"
            )
        self._known.update(parts)
        if len(whole) < len(content):
            path.write_bytes(whole)
        return True


def fingerprint_of(problem: Problem, estimator: Any, settings: Iterable[Any]) -> str:
    """Return what tells one search from another, as hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for part in _content(problem.X):
        _add(digest, part)
    _add(digest, problem.target.y_true)
    for rows in problem.splits:
        _add(digest, rows[0])
        _add(digest, rows[1])
    if problem.sample_weight is not None:
        _add(digest, problem.sample_weight)
    params = {k: v for k, v in estimator.get_params().items() if k != "n_jobs"}
    text = [
        type(estimator).__name__,
        sorted(params.items()),
        problem.target.classes.tolist(),
        _told(problem.scoring),
        *settings,
        version(trainable(estimator).library),
        version("focal-boost"),
    ]
    digest.update(repr(text).encode())
    return digest.hexdigest()


def _told(scoring: Any) -> str:
    """Return what a scoring is called, which must not change from run to run."""
    plain = isinstance(scoring, str) or hasattr(scoring, "_response_method")
    name = getattr(scoring, "__qualname__", type(scoring).__qualname__)
    return str(scoring) if plain else f"{scoring.__module__}.{name}"


def _content(X: Any) -> Iterable[Any]:
    """Yield arrays that hold all of the features."""
    if hasattr(X, "iloc"):
        from pandas.util import hash_pandas_object

        columns = zip(X.columns, X.dtypes, strict=True)
        yield np.array([f"{name}: {kind}" for name, kind in columns])
        yield hash_pandas_object(X, index=False).to_numpy()
    elif hasattr(X, "tocsr"):
        rows = X.tocsr()
        yield from (rows.data, rows.indices, rows.indptr)
    else:
        yield np.asarray(X)


def _add(digest: Any, array: Any) -> None:
    array = np.ascontiguousarray(array)
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    if array.dtype == object:
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(array.tobytes())


def _key(candidate: Candidate, points: Sequence[int], fold: int) -> tuple[Any, ...]:
    return (candidate.key, int(points[0]), int(points[-1]), int(fold))


def _line(content: Any) -> str:
    return json.dumps(content) + "\n"
