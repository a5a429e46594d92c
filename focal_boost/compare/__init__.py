"""The command ``focal-boost compare``: focal loss against the built-in objectives."""

from focal_boost.compare._cli import main

__all__ = ["main"]
