"""Rare events to try things on: one real data set and one with a known posterior."""

from focal_boost.datasets._flights import Flights, load_flights
from focal_boost.datasets._imbalanced import make_imbalanced

__all__ = ["Flights", "load_flights", "make_imbalanced"]
