"""A channel: a queue with a bound, and whoever waits at its two ends, first come, first served.

It lives on one node; its two ends may be anywhere, since sending and receiving are calls to it.
With capacity 0 a sender waits until a receiver takes the value from its hands. Each value has its place,
and goes back to it when it came to a receiver who had given up.

    OPEN ── close ──> DRAINING (what was sent can be received) ── emptied ──> CLOSED
                          └────────────── a value came back ──────────────────┘

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict, deque
from enum import Enum, auto
from typing import NamedTuple

from circuit.runtime.admission import Key
from circuit.runtime.messages import Payload


class State(Enum):
    """Where a channel is in its life."""

    OPEN = auto()
    DRAINING = auto()
    CLOSED = auto()


class Event(Enum):
    """What moves it."""

    CLOSE = auto()
    EMPTIED = auto()
    CAME_BACK = auto()  # a value, from where nobody wanted it


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.OPEN, Event.CLOSE): State.DRAINING,
    (State.DRAINING, Event.CLOSE): State.DRAINING,
    (State.OPEN, Event.CAME_BACK): State.OPEN,
    (State.DRAINING, Event.CAME_BACK): State.DRAINING,
    (State.DRAINING, Event.EMPTIED): State.CLOSED,
    (State.CLOSED, Event.CAME_BACK): State.DRAINING,  # it can be received after all
    (State.CLOSED, Event.CLOSE): State.CLOSED,
}


class Sent(NamedTuple):
    """A send is accepted."""

    key: Key


class Received(NamedTuple):
    """A receiver gets this value."""

    key: Key
    value: Payload
    place: int


class Refused(NamedTuple):
    """A send or a receive ends because the channel is closed; a value that was to be sent is given back."""

    key: Key
    value: Payload | None = None


Answer = Sent | Received | Refused


class Channel:
    """The state of one channel."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.state = State.OPEN
        self._places = itertools.count(1)
        self._values: deque[tuple[int, Payload]] = deque()  # in the order of their places
        self._senders: OrderedDict[Key, Payload] = OrderedDict()
        self._receivers: OrderedDict[Key, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def waiting(self) -> int:
        """How many wait at either end."""
        return len(self._senders) + len(self._receivers)

    def has(self, key: Key) -> bool:
        """Tell whether a call waits at either end."""
        return key in self._senders or key in self._receivers

    def send(self, key: Key, value: Payload) -> list[Answer]:
        """Offer a value."""
        if self.state is not State.OPEN:
            return [Refused(key, value)]
        self._senders[key] = value
        return self._move()

    def receive(self, key: Key) -> list[Answer]:
        """Ask for a value."""
        self._receivers[key] = None
        return self._move()

    def put_back(self, place: int, value: Payload) -> list[Answer]:
        """Take a value back that came to one who no longer wanted it."""
        before = sum(1 for other, _ in itertools.takewhile(lambda kept: kept[0] < place, self._values))
        self._values.insert(before, (place, value))
        self.state = TRANSITIONS[self.state, Event.CAME_BACK]
        return self._move()

    def close(self) -> list[Answer]:
        """End sending; what was accepted can still be received, and who waits to send is refused."""
        self.state = TRANSITIONS[self.state, Event.CLOSE]
        refused: list[Answer] = [Refused(key, value) for key, value in self._senders.items()]
        self._senders.clear()
        return refused + self._move()

    def withdraw(self, key: Key) -> Payload | None:
        """Take one that waits away; return the value that it was to send."""
        self._receivers.pop(key, None)
        return self._senders.pop(key, None)

    def values(self) -> list[Payload]:
        """Return the values that nobody will receive, when the channel is given up."""
        return [*(value for _, value in self._values), *self._senders.values()]

    def _move(self) -> list[Answer]:
        """Bring values, senders and receivers together as far as they go."""
        answers: list[Answer] = []
        while True:
            if self._senders and len(self) < self.capacity + bool(self._receivers):
                sender, value = self._senders.popitem(last=False)
                self._values.append((next(self._places), value))
                answers.append(Sent(sender))
            elif self._receivers and len(self):
                receiver, _ = self._receivers.popitem(last=False)
                place, value = self._values.popleft()
                answers.append(Received(receiver, value, place))
            else:
                break
        if self.state is State.DRAINING and not len(self):
            self.state = TRANSITIONS[self.state, Event.EMPTIED]
        if self.state is State.CLOSED:
            answers += [Refused(key) for key in self._receivers]
            self._receivers.clear()
        return answers
