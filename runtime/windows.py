"""Flow control of a stream: the window that its consumer keeps.

A producer may have `size` items on their way; the consumer gives credit back as it takes them,
half a window at a time, so that credit costs a fraction of a message an item.
Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from circuit.runtime.messages import ProtocolError


class WindowExceeded(ProtocolError):
    """The producer sent more than it had credit for."""


class Window:
    """The consumer's side of one stream."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._waiting = 0
        self._taken = 0

    def arrived(self) -> None:
        """Count an item in.

        Raises:
            WindowExceeded: there was no credit left for it.
        """
        self._waiting += 1
        if self._waiting > self.size:
            raise WindowExceeded(f"{self._waiting} items in a window of {self.size}")

    def taken(self) -> int:
        """Count an item out and return the credit to give now, often 0."""
        self._taken += 1
        if self._taken * 2 < self.size:
            return 0
        credit, self._taken = self._taken, 0
        self._waiting -= credit
        return credit
