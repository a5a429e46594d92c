"""φ′ and its curvature over arrays, one file per kind of processor."""
