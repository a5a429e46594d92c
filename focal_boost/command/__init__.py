"""The command ``focal-boost``: a face of :func:`focal_boost.compare`."""

from focal_boost.command._cli import main

__all__ = ["main"]
