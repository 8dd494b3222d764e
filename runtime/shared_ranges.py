"""Sets of bytes: disjoint ranges in order, each merged with those that it touches.

The allocator of shared memory keeps two of them for each segment, what is free and what of that is
warm. A range is found by the lowest address that fits, which keeps what is in use together and the
upper end free, to be given back (Wilson et al., Dynamic Storage Allocation, 1995).
Rules: this file does no I/O and imports nothing of the runtime.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Ranges:
    """A set of bytes, each named by its offset; a range is `start <= byte < end`."""

    __slots__ = ("_ends", "_longest", "_starts", "nbytes")

    def __init__(self, *ranges: tuple[int, int]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._longest = 0  # no range is longer; that none is as long is found out by `find`
        self.nbytes = 0
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def add(self, start: int, end: int) -> None:
        """Add a range, of which nothing may be in the set yet.

        Raises:
            ValueError: the range is empty, or a part of it is in the set: it was given back twice.
        """
        at = bisect_left(self._starts, start)
        after = at < len(self._starts) and self._starts[at]
        if start >= end or (at and self._ends[at - 1] > start) or (after is not False and after < end):
            raise ValueError(f"{start}..{end} is empty or overlaps")
        self.nbytes += end - start
        first, last = at, at  # the neighbours that it touches: replaced, with it, by one range
        if at and self._ends[at - 1] == start:
            first, start = at - 1, self._starts[at - 1]
        if after is not False and after == end:
            last, end = at + 1, self._ends[at]
        self._longest = max(self._longest, end - start)
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def discard(self, start: int, end: int) -> None:
        """Remove what the set has of a range."""
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        if first >= last:
            return
        below, above = self._starts[first], self._ends[last - 1]
        starts = ([below] if below < start else []) + ([end] if end < above else [])
        ends = ([start] if below < start else []) + ([above] if end < above else [])
        self.nbytes -= sum(self._ends[first:last]) - sum(self._starts[first:last])
        self.nbytes += sum(ends) - sum(starts)
        self._starts[first:last] = starts
        self._ends[first:last] = ends

    def find(self, nbytes: int) -> int | None:
        """Return where the first range of at least so many bytes starts."""
        if nbytes > self._longest:
            return None
        for start, end in self:
            if end - start >= nbytes:
                return start
        self._longest = nbytes - 1
        return None

    def pop(self, nbytes: int) -> tuple[int, int]:
        """Remove the upper end of the last range, so many bytes at most, and return it."""
        end = self._ends[-1]
        start = max(self._starts[-1], end - nbytes)
        self.discard(start, end)
        return start, end
