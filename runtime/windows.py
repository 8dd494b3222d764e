"""Flow control of a stream: the window, which both sides keep.

A producer may have so many items on their way, of so many bytes; one that is larger goes alone. The
consumer gives room back as it takes them, half a window at a time, so that credit costs a fraction of a
message an item.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from circuit.runtime.messages import ProtocolError


class State(Enum):
    """Where a stream is, for its producer as for its consumer."""

    FLOWING = auto()
    FULL = auto()  # the producer waits for credit; an item that comes now breaks the rules
    OVER = auto()


class Event(Enum):
    """What moves it."""

    ITEM = auto()
    LAST_ITEM = auto()  # there was room for
    CREDIT = auto()
    END = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.FLOWING, Event.ITEM): State.FLOWING,
    (State.FLOWING, Event.LAST_ITEM): State.FULL,
    (State.FLOWING, Event.CREDIT): State.FLOWING,
    (State.FLOWING, Event.END): State.OVER,
    (State.FULL, Event.CREDIT): State.FLOWING,
    (State.FULL, Event.END): State.OVER,  # its call was cancelled, or lost
}


class WindowExceeded(ProtocolError):
    """The producer sent more than it had credit for."""


class Window:
    """One side's knowledge of one stream."""

    def __init__(self, size: int, nbytes: int) -> None:
        self.state = State.FLOWING
        self._size = size
        self._nbytes = nbytes
        self._ahead: deque[int] = deque()  # the bytes of the items that no credit was given back for
        self._ahead_bytes = 0
        self._taken = 0
        self._taken_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether the producer must wait for credit."""
        return self.state is State.FULL

    def item(self, nbytes: int) -> None:
        """Count an item of `nbytes` that goes, or that came.

        Raises:
            WindowExceeded: there was no credit left for it.
        """
        if self.is_full:
            raise WindowExceeded(f"an item beyond a window of {self._size} items and {self._nbytes} bytes")
        self._ahead.append(nbytes)
        self._ahead_bytes += nbytes
        self._move(Event.ITEM if self._has_room else Event.LAST_ITEM)

    def credit(self, items: int) -> None:
        """Note that there is room for more items: for the producer."""
        for _ in range(items):
            self._ahead_bytes -= self._ahead.popleft()
        if self._has_room:
            self._move(Event.CREDIT)

    def taken(self) -> int:
        """Note that an item was taken; return the credit to give now, often 0: for the consumer."""
        self._taken_bytes += self._ahead[self._taken]
        self._taken += 1
        if self._taken * 2 < self._size and self._taken_bytes * 2 < self._nbytes:
            return 0
        credit, self._taken, self._taken_bytes = self._taken, 0, 0
        self.credit(credit)
        return credit

    def end(self) -> None:
        """Note that no more items come."""
        self._move(Event.END)

    @property
    def _has_room(self) -> bool:
        return len(self._ahead) < self._size and self._ahead_bytes < self._nbytes

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]
