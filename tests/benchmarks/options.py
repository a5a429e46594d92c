"""What the commands share: options, how they end, and the machine."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

PROJECT = Path(__file__).resolve().parents[2]
_PACKAGES = ("numpy", "numba", "xgboost", "lightgbm", "optuna")


class Parser(argparse.ArgumentParser):
    """A parser of whole names, whose errors are one sentence without the usage."""

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence, without the usage."""
        self.exit(2, f"{self.prog}: {message}\n")

    def add(self, name: str, of: Any, default: Any, what: str = "") -> None:
        """Add an option whose help tells its default."""
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        told = [what, f"default: {shown}" if shown else ""]
        text = "; ".join(filter(None, told))
        self.add_argument(name, type=of, default=default, help=text, metavar="…")


def exit_code(prog: str, run: Callable[[], None], *expected: type[Exception]) -> int:
    """Return the exit code of a run; expected errors and OSError are one sentence."""
    try:
        run()
    except (OSError, *expected) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def integer(low: int) -> Callable[[str], int]:
    """Return what reads an integer that is not below `low`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= low):
            raise argparse.ArgumentTypeError(
                f"must be an integer >= {low}, got {text!r}"
            )
        return int(text)

    return parse


def integers(low: int) -> Callable[[str], tuple[int, ...]]:
    """Return what reads different integers with commas between them."""
    one = integer(low)
    return lambda text: tuple(dict.fromkeys(one(item) for item in text.split(",")))


def one_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads known names with commas between them."""

    def parse(text: str) -> tuple[str, ...]:
        for item in text.split(","):
            if item not in known:
                names = ", ".join(dict.fromkeys(known))
                raise argparse.ArgumentTypeError(f"must be of {names}, got {item!r}")
        return tuple(text.split(","))

    return parse


def share(text: str) -> float:
    """Read a number in (0, 1)."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number in (0, 1), got {text!r}")
    return value


def circumstances(options: argparse.Namespace) -> dict[str, Any]:
    """Return what figures depend on: machine, versions, and what was asked for."""
    asked = {name: value for name, value in vars(options).items() if name != "out"}
    return {
        "part": "circumstances",
        "machine": machine(),
        "versions": versions(),
        "settings": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asked.items()
        },
    }


def machine() -> str:
    """Return system and processor."""
    return f"{platform.system()} {platform.machine()}, {_processor()}"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that figures depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def joined(found: dict[str, str]) -> str:
    """Return versions in a line."""
    return ", ".join(f"{name} {text}" for name, text in found.items())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [one.partition(":")[2].strip() for one in lines if "model name" in one]
    return names[0] if names else "unknown processor"
