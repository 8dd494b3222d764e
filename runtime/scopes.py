"""A scope: calls that are over before the block that made them is left.

The first failure cancels the others, and so does leaving the block by an exception. A call counts
as over when all that it spawned is, wherever that runs.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """Where a scope is in its life."""

    OPEN = auto()
    CANCELLED = auto()  # the block still runs, and what it spawned is being stopped
    LEAVING = auto()  # the block is left, and waits for what it spawned
    UNWINDING = auto()  # the same, and that is being stopped
    CLOSED = auto()


class Event(Enum):
    """What moves it."""

    FAILED = auto()
    LEFT = auto()
    EMPTIED = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.OPEN, Event.FAILED): State.CANCELLED,
    (State.OPEN, Event.LEFT): State.LEAVING,
    (State.CANCELLED, Event.FAILED): State.CANCELLED,
    (State.CANCELLED, Event.LEFT): State.UNWINDING,
    (State.LEAVING, Event.FAILED): State.UNWINDING,
    (State.LEAVING, Event.EMPTIED): State.CLOSED,
    (State.UNWINDING, Event.FAILED): State.UNWINDING,
    (State.UNWINDING, Event.EMPTIED): State.CLOSED,
}


class Scope:
    """The members of one scope, by the numbers of their calls."""

    def __init__(self) -> None:
        self.state = State.OPEN
        self.members: set[int] = set()

    @property
    def is_cancelled(self) -> bool:
        """Whether whatever joins is to be cancelled."""
        return self.state in (State.CANCELLED, State.UNWINDING)

    def failed(self) -> bool:
        """Note a failure; tell whether that is the first, so that the members must be cancelled."""
        first = not self.is_cancelled
        self.state = TRANSITIONS[self.state, Event.FAILED]
        return first

    def left(self) -> bool:
        """Note that the block is left; tell whether the scope is closed."""
        self.state = TRANSITIONS[self.state, Event.LEFT]
        return self._look()

    def over(self, call: int) -> bool:
        """Strike a member; tell whether the scope is closed."""
        self.members.discard(call)
        return self._look()

    def _look(self) -> bool:
        if not self.members and self.state in (State.LEAVING, State.UNWINDING):
            self.state = TRANSITIONS[self.state, Event.EMPTIED]
            return True
        return False
