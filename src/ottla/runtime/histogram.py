"""Histograms that cost next to nothing."""

from bisect import bisect_left

SECONDS_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """How often a figure fell at or below each of a few bounds and beyond, and the sum of all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS_BOUNDS) -> None:
        assert list(bounds) == sorted(bounds)
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, figure: float) -> None:
        """Take one figure in."""
        self.counts[bisect_left(self.bounds, figure)] += 1
        self.sum += figure

    @property
    def count(self) -> int:
        """How many figures were taken in."""
        return sum(self.counts)
