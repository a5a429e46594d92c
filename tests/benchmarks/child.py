"""What a process of the benchmarks runs: one task, read and answered as JSON.

    python child.py TASK.json RESULT.json

It needs nothing but NumPy and what is measured, so that it runs in any environment.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))


def main(task_file: str, result_file: str) -> None:
    task = json.loads(Path(task_file).read_text("utf-8"))
    module, _, name = task["action"].partition(".")
    try:
        result = getattr(import_module(f"benchmarks.{module}"), name)(task)
    except Exception as error:  # whatever a competitor does is a row
        result = {"error": sentence(error)}
    Path(result_file).write_text(json.dumps(result), "utf-8")


def sentence(error: BaseException) -> str:
    """Return an error's type and first line."""
    lines: list[Any] = str(error).strip().splitlines()
    return ": ".join([type(error).__name__, *lines[:1]])


if __name__ == "__main__":
    main(*sys.argv[1:])
