"""Warnings at the line that called the package, once for each."""

from __future__ import annotations

import sys
import warnings

# What stands between a call of this package and the code that asked for it.
_BETWEEN = (
    "focal_boost",
    "sklearn",
    "joblib",
    "lightgbm",
    "xgboost",
    "concurrent",
    "multiprocessing",
    "threading",
)

_said: set[tuple[str, str, int]] = set()


def warn(message: str) -> None:
    """Warn at the caller's line, and there once, as Python does by itself.

    The libraries change the filters of warnings for a while in every training, and
    Python then forgets what it has said: a loop over folds would say it every time.
    """
    level, place = _caller()
    action = _action(message)
    if action not in ("always", "error", "ignore"):
        if (message, *place) in _said:
            return
        _said.add((message, *place))
    warnings.warn(message, UserWarning, stacklevel=level)


def _caller() -> tuple[int, tuple[str, int]]:
    """Return the stack level of the caller's frame for `warn`, its file and line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _is_between(frame):
        frame, level = frame.f_back, level + 1
    return level, (frame.f_code.co_filename, frame.f_lineno)


def _is_between(frame: object) -> bool:
    name = frame.f_globals.get("__name__", "")  # type: ignore[attr-defined]
    return str(name).split(".")[0] in _BETWEEN


def _action(message: str) -> str:
    """Return what the filters do with such a warning."""
    for action, text, category, module, _ in warnings.filters:
        of_this = text is None or text.match(message)
        if of_this and module is None and issubclass(UserWarning, category):
            return str(action)
    return "default"
