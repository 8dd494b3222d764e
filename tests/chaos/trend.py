"""Whether a figure that was taken again and again ends where it began.

Two robust judges must agree that it grew: the medians of the first and the last part, and the slope
that is the median of the slopes of all pairs (Theil, 1950; Sen, 1968), over the whole time.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

PART = 10
"""The first and the last part are one of so many."""


@dataclass(frozen=True, slots=True)
class Trend:
    """How a figure went; `slope` is the change over the whole time."""

    start: float
    middle: float
    end: float
    slope: float

    def grew(self, tolerance: float) -> bool:
        """Tell whether it ends higher than it began, by more than can be an accident."""
        return min(self.end - self.start, self.slope) > tolerance


def trend(figures: Sequence[float]) -> Trend:
    """Return the trend of figures that were taken at equal distances."""
    part = max(1, len(figures) // PART)
    half = (len(figures) - part) // 2
    pairs = itertools.combinations(enumerate(figures), 2)
    slopes = [(later - earlier) / (end - start) for (start, earlier), (end, later) in pairs]
    return Trend(
        statistics.median(figures[:part]),
        statistics.median(figures[half : half + part]),
        statistics.median(figures[-part:]),
        statistics.median(slopes) * (len(figures) - 1) if slopes else 0.0,
    )
