"""What really happened to each call and to each value of a channel: written down as it happens.

The ledger knows both ends of a call, as no node does; it complains at once when a promise is broken
that can be told from one event, and keeps the rest for `check.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from circuit.runtime.admission import Key
from circuit.runtime.messages import NodeId, ObjectId, Payload
from circuit.runtime.transfers import view_of
from circuit.testing.promises import Promise, hold

if TYPE_CHECKING:
    from circuit.testing.programs import Program

SEND, RECEIVE, CLOSE, FETCH = "send", "receive", "close", ""


def number_in(payload: Payload) -> int:
    """Return the number that a payload is: of an item of a stream, or of a value of a channel."""
    return int(bytes(view_of(payload.buffers[0])))


class Ending(Enum):
    """How a future ended."""

    RETURNED = auto()
    KEPT = auto()
    RAISED = auto()
    STALE = auto()
    END = auto()
    LOST = auto()
    REVOKED = auto()
    CANCELLED = auto()
    OVERLOAD = auto()


@dataclass(slots=True, eq=False)
class Value:
    """A value that is sent on a channel, once."""

    number: int
    channel: ObjectId
    sender: NodeId
    accepted: bool = False
    refused: bool = False
    received: bool = False
    came_back: bool = False


@dataclass(slots=True, eq=False)
class Spawned:
    """A call, from its spawner's decision on."""

    key: Key
    peer: NodeId
    maker: Program
    target: ObjectId | None
    method: str
    window: int
    scope: int
    refs: tuple[ObjectId, ...]  # in its arguments, or in its code
    value: Value | None = None
    promise: ObjectId | None = None
    ending: Ending | None = None
    began: bool = False
    answered: bool = False
    never_ran: bool = False  # as its spawner was told
    program: Program | None = None
    items: int = 0
    untaken: int = 0

    def __str__(self) -> str:
        what = f".{self.method}" if self.target else ""
        return f"call {self.key.call} of {self.key.origin.name} to {self.peer.name}{what}"

    @property
    def receives(self) -> bool:
        """Whether it asks for a value of a channel."""
        return self.target is not None and self.method == RECEIVE

    @property
    def asks_the_core(self) -> bool:
        """Whether the core answers it, and no program runs."""
        return self.target is not None and self.method in (SEND, RECEIVE, CLOSE, FETCH)


@dataclass(slots=True)
class Ledger:
    """All calls and values of one network."""

    calls: dict[Key, Spawned] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)
    endings: Counter[Ending] = field(default_factory=Counter)
    _begun: dict[tuple[NodeId, NodeId, int], int] = field(default_factory=dict)
    _turns: dict[ObjectId, Spawned] = field(default_factory=dict)
    _received: dict[tuple[ObjectId, NodeId, NodeId], int] = field(default_factory=dict)
    _receivers: dict[ObjectId, set[NodeId]] = field(default_factory=dict)

    # Calls.

    def began(self, key: Key, program: Program, *, serial: bool) -> Spawned:
        """Note that a call runs."""
        spawned = self.calls[key]
        hold(Promise.ONCE, not spawned.began, "{} ran twice", spawned)
        hold(Promise.ONCE, not spawned.never_ran, "{} ran when it was lost as not run", spawned)
        spawned.began, spawned.program = True, program
        lane = key.origin, spawned.peer, spawned.target.number if spawned.target else 0
        earlier = self._begun.get(lane, 0)
        hold(Promise.ORDER, earlier < key.call, "{} ran after call {}", spawned, earlier)
        self._begun[lane] = key.call
        if serial and spawned.target:
            other = self._turns.get(spawned.target)
            hold(Promise.SERIAL, other is None, "{} ran beside {}", spawned, other)
            self._turns[spawned.target] = spawned
        return spawned

    def stopped(self, spawned: Spawned) -> None:
        """Note that no more of a call's code runs."""
        spawned.program = None
        if spawned.target and self._turns.get(spawned.target) is spawned:
            del self._turns[spawned.target]

    def ended(self, spawned: Spawned, ending: Ending) -> None:
        """Note how a future ended."""
        hold(Promise.ENDS, spawned.ending is None, "{} ended {}, after {}", spawned, ending, spawned.ending)
        spawned.ending = ending
        self.endings[ending] += 1

    def lost(self, spawned: Spawned, ran: str) -> None:
        """Note what the spawner was told of a call whose node is gone."""
        self.ended(spawned, Ending.LOST)
        if spawned.asks_the_core:
            return
        hold(Promise.ONCE, ran != "no" or not spawned.began, "{} ran, and was lost as not run", spawned)
        hold(Promise.ONCE, ran != "yes" or spawned.began, "{} did not run, and was lost as run", spawned)
        spawned.never_ran = ran == "no"

    def item(self, spawned: Spawned, number: int) -> None:
        """Note an item of a stream."""
        hold(Promise.ENDS, spawned.ending is None, "{} gave an item after its end", spawned)
        due = spawned.items
        hold(Promise.ORDER, number == due, "{} gave item {}, and {} was due", spawned, number, due)
        spawned.items += 1
        spawned.untaken += 1
        untaken = spawned.untaken
        hold(Promise.BOUNDS, untaken <= spawned.window, "{} has {} items untaken", spawned, untaken)

    # The values of channels.

    def offered(self, channel: ObjectId, sender: NodeId) -> Value:
        """Note a new value that is to be sent."""
        value = Value(len(self.values), channel, sender)
        self.values.append(value)
        return value

    def was_sent(self, spawned: Spawned, *, accepted: bool) -> None:
        """Note what a sender was told."""
        value = spawned.value
        if value is not None:
            value.accepted, value.refused = accepted, not accepted
            contradicted = value.refused and value.received
            hold(Promise.VALUES, not contradicted, "value {} was refused, and received", value.number)

    def asked(self, channel: ObjectId, receiver: NodeId) -> None:
        """Note that a node asks for a value."""
        self._receivers.setdefault(channel, set()).add(receiver)

    def receivers(self, channel: ObjectId) -> set[NodeId]:
        """Return the nodes that asked for its values."""
        return self._receivers.get(channel, set())

    def was_received(self, number: int, receiver: NodeId) -> None:
        """Note that a program has a value.

        One that went to a node where nobody wanted it comes late to another one; if there is only one
        node that receives, nothing comes late.
        """
        value = self.values[number]
        hold(Promise.VALUES, not value.received, "value {} was received twice", number)
        hold(Promise.VALUES, not value.refused, "value {} was received, and refused", number)
        value.received = True
        if value.came_back and len(self._receivers[value.channel]) > 1:
            return
        ends = value.channel, value.sender, receiver
        earlier = self._received.get(ends, -1)
        in_order = earlier < number
        hold(Promise.ORDER, in_order, "{} received {} after {}", receiver.name, number, earlier)
        self._received[ends] = number

    # Who made whom.

    def in_scope(self, node: NodeId, scope: int) -> list[Spawned]:
        """Return the calls that were made in a scope."""
        return [call for call in self.calls.values() if call.scope == scope and call.key.origin == node]

    def descendants(self, spawned: Spawned, follow: Callable[[Spawned], bool]) -> Iterator[Spawned]:
        """Yield a call, and all that it made, and what that made: as far as they are to be followed."""
        if follow(spawned):
            yield spawned
            for other in self.calls.values():
                if other.maker.key == spawned.key:
                    yield from self.descendants(other, follow)
