"""Tables of what was measured on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from options import joined
from parts import Record
from report import _middle, _number, _show, _spread

_GB, _MB, _US, _MS = 1e-9, 1e-6, 1e6, 1e3


def print_gpu_report(results: dict[str, Any]) -> None:
    """Print the tables of the parts that were measured."""
    print(f"{results['device']['name']}, {results['machine']}")
    print(joined(results["versions"]))
    print("median (lowest-highest) of the repetitions")
    for part, (title, headings, cells) in _TABLES.items():
        if part in results:
            _table(title, headings, cells, results[part])


def _table(
    title: str,
    headings: Sequence[str],
    cells: Callable[[Record], list[str]],
    records: list[Record],
) -> None:
    rows = [
        cells(one) if one["error"] is None
        else [one.get("method", ""), f"error: {one['error']}"]
        for one in records
    ]  # fmt: skip
    _show(title, headings, rows)


def _kernel(one: Record) -> list[str]:
    return [
        f"{one['rows']:,}",
        one["link"],
        f"{one['gamma']:g}",
        "yes" if one["weighted"] else "no",
        _spread(_scaled(one["bytes_per_second"], _GB)),
        _middle(_scaled(one["copy_bytes_per_second"], _GB)),
        _spread(one["share_of_copy"]),
        _middle(_scaled(one["call_seconds"], _US)),
    ]


def _accuracy(one: Record) -> list[str]:
    keys = ("gradient_largest", "gradient_mean", "hessian_largest", "hessian_mean")
    return [one["link"], f"{one['gamma']:g}", *(_number(one[key]) for key in keys)]


def _upload(one: Record) -> list[str]:
    return [
        one["kind"],
        _spread(_scaled(one["seconds"], _MS)),
        _middle(_scaled(one["bytes_per_second"], _GB)),
        _spread(one["of_pageable"]),
    ]


def _training(one: Record) -> list[str]:
    return [
        one["method"],
        _spread(one["seconds"]),
        _middle(one["ms_per_round"]),
        _spread(one["of_built_in"]),
        _middle(_scaled(one["device_bytes_peak"], _MB)),
        _middle(_scaled(one["bytes_over_built_in"], _MB)),
        _number(one["average_precision"]),
        _number(one["log_loss"]),
    ]


def _scaled(found: Record | None, factor: float) -> Record | None:
    if found is None:
        return None
    return {key: found[key] * factor for key in ("median", "low", "high")}


_TABLES = {
    "kernel": (
        "Kernel",
        ["rows", "link", "gamma", "weights", "GB/s", "copy GB/s", "of copy", "call us"],
        _kernel,
    ),
    "accuracy": (
        "Errors in units in the last place of float32",
        ["link", "gamma", "gradient largest", "mean", "Hessian largest", "mean"],
        _accuracy,
    ),
    "upload": (
        "Upload of the raw scores",
        ["from", "ms", "GB/s", "of pageable"],
        _upload,
    ),
    "training": (
        "Training",
        ["", "seconds", "ms/round", "of built-in", "device MB", "over built-in", "AP",
         "log loss"],
        _training,
    ),
}  # fmt: skip
