"""Flow control of a stream: the window, which both sides keep.

A producer may have as many items on their way as the window has room; the consumer gives room back as
it takes them, half a window at a time, so that credit costs a fraction of a message an item.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

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

    def __init__(self, size: int) -> None:
        self.state = State.FLOWING
        self._size = size
        self._room = size
        self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether the producer must wait for credit."""
        return self.state is State.FULL

    def item(self) -> None:
        """Count an item that goes, or that came.

        Raises:
            WindowExceeded: there was no credit left for it.
        """
        if self.is_full:
            raise WindowExceeded(f"an item beyond a window of {self._size}")
        self._room -= 1
        self._move(Event.ITEM if self._room else Event.LAST_ITEM)

    def credit(self, items: int) -> None:
        """Note that there is room for more items: for the producer."""
        self._room += items
        self._move(Event.CREDIT)

    def taken(self) -> int:
        """Note that an item was taken; return the credit to give now, often 0: for the consumer."""
        self._taken += 1
        if self._taken * 2 < self._size:
            return 0
        credit, self._taken = self._taken, 0
        self.credit(credit)
        return credit

    def end(self) -> None:
        """Note that no more items come."""
        self._move(Event.END)

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]
