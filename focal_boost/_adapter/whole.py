"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def written_whole(path: Any, write: Callable[[Path], object]) -> None:
    """Have a file written beside its place, and put there when it is complete.

    An interruption or a full disk leaves what was there before. What is no regular
    file, as a pipe, is written to where it is.
    """
    place = Path(path)
    if place.exists() and not place.is_file():
        write(place)
        return
    place = place.resolve()
    part = place.with_name(f".{os.getpid()}.{place.name}")
    try:
        write(part)
        if place.exists():
            shutil.copymode(place, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Any, text: str) -> None:
    """Write text as it is, in UTF-8."""
    written_whole(path, lambda at: at.write_text(text, "utf-8", newline=""))
