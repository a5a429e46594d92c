"""The file of a training that is on its way: written whole, read, and compared."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from focal_boost._adapter.whole import written_whole
from focal_boost._validation import shown

#: What is wrong with a file.
SOMETHING_ELSE = (
    "path must be that of a checkpoint or of no file, got {}, which is something else"
)
#: What is wrong with a number of rounds.
TOO_FEW = "a training must end after the {} rounds of its checkpoint, got an end at {}"
# Settings that leave the model as it is.
_FREE = {
    "nthread",
    "n_jobs",
    "num_threads",
    "verbosity",
    "num_iterations",
    "early_stopping_round",
}


def read(path: Path) -> bytes | None:
    """Return what the file holds, or None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write(path: Path, content: bytes) -> None:
    """Put content into the file's place: whoever reads it finds the old or the new."""

    def to(part: Path) -> None:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    written_whole(path, to)


def fingerprint(label: Any, weight: Any) -> int:
    """Return a number that other labels or weights, or their order, change."""
    found = 0
    for values in (label, weight):
        array = np.ascontiguousarray([] if values is None else values, np.float32)
        found = zlib.crc32(array.tobytes(), found)
    return found


def check_same(said: dict[str, Any], here: dict[str, Any], path: Path) -> None:
    """Raise unless a checkpoint is one of this training.

    Parameters
    ----------
    said : dict
        What is in it, by :func:`focal_boost._adapter.saved.description`.
    here : dict
        What this training would say of loss, settings and data.
    path : Path

    Raises
    ------
    ValueError
        If it is one of another loss, other parameters or other data.
    """
    there = dict(_leaves(said.get("training", {})))
    for place, value in _leaves(json.loads(json.dumps(here))):
        if there.get(place) != value and place[-1] not in _FREE:
            raise ValueError(
                f"{place[-1]} must be that of the checkpoint {shown(path.name)},"
                f" {shown(there.get(place))}, got {shown(value)}; without the file the"
                " training begins anew"
            )


def _leaves(tree: Any, *place: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield where a tree of settings ends, and in what; lists count as a whole."""
    if not isinstance(tree, dict):
        yield place, tree
        return
    for name, value in tree.items():
        yield from _leaves(value, *place, name)


def of_loss(objective: Any) -> dict[str, Any]:
    """Return what has to be the same of a loss."""
    names = ("alpha", "gamma", "link", "hessian")
    return {f"focal {name}": getattr(objective, name) for name in names}
