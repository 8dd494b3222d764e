"""Channels: queues with a bound between any processes of a cluster.

The queue lives on the node that made it; sending and receiving are calls to it, so they are waited
for, cancelled and lost as calls are. A value that arrives for a receiver who has given up goes back
to where it was taken from.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from circuit.runtime import current
from circuit.runtime.errors import ChannelClosed
from circuit.runtime.future import ENDED, Future
from circuit.runtime.handles import Handle, handle_at, place_of
from circuit.runtime.messages import NodeId, Payload, Return
from circuit.runtime.objects import CLOSE, RECEIVE, SEND
from circuit.runtime.pickling import dumps
from circuit.runtime.record import Record
from circuit.runtime.site import Site

if TYPE_CHECKING:
    from circuit.runtime.node import Node

T = TypeVar("T")


class Channel(Generic[T]):
    """One end of a channel, and the other: whoever has it may send and receive."""

    __slots__ = ("_capacity", "_handle")

    def __init__(self, handle: Handle, capacity: int) -> None:
        self._handle = handle
        self._capacity = capacity

    @property
    def place(self) -> NodeId:
        """Where the queue lives: a channel is a place to spawn on.

        Raises:
            ClusterError: its cluster is closed.
        """
        return self._handle.place_for(self)

    @property
    def capacity(self) -> int:
        """How many values it holds that nobody has received; 0: a sender waits for its receiver."""
        return self._capacity

    def send(self, value: T, timeout: float | None = None) -> None:
        """Send a copy of a value; wait until there is room for it.

        Raises:
            ChannelClosed: nobody will receive it.
            NotSendable: it cannot travel.
            TimeoutError: nothing was heard of room within `timeout` seconds; if there was some at the last
                moment, the value was sent all the same.
            WorkerLost: the node that had the queue is gone.
        """
        site = Site(sys._getframe(1))
        payload = dumps(value, "value", self._node().lend)
        self._wait(self._ask(SEND, payload, site), timeout, "had no room for a value")

    def recv(self, timeout: float | None = None) -> T:
        """Receive the next value; wait until there is one.

        Raises:
            ChannelClosed: there is none, and there will be none.
            TimeoutError: there was none within `timeout` seconds.
            WorkerLost: the node that had the queue is gone.
        """
        asked = self._ask(RECEIVE, Payload(), Site(sys._getframe(1)))
        received: T = self._wait(asked, timeout, "had no value")
        return received

    def close(self) -> None:
        """End sending, for all; what was sent can still be received. A second call is harmless."""
        self._outcome(self._ask(CLOSE, Payload(), Site(sys._getframe(1))), None)

    def __iter__(self) -> Iterator[T]:
        """Receive until the channel is closed."""
        while True:
            try:
                yield self.recv()
            except ChannelClosed:
                return

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and self._handle == other._handle

    def __hash__(self) -> int:
        return hash(self._handle)

    def __copy__(self) -> Channel[T]:
        return self

    def __deepcopy__(self, memo: object) -> Channel[T]:
        return self

    def __reduce__(self) -> Any:
        return _received, (place_of(self._handle, "Channel"), self._capacity)

    def __repr__(self) -> str:
        return f"<Channel {self._handle.number} of capacity {self._capacity} on {self._handle.owner.name!r}>"

    def _node(self) -> Node:
        """Return this process's node; there is one as long as the channel's cluster is not closed."""
        self._handle.place_for(self)
        return current.node()

    def _ask(self, method: str, value: Payload, site: Site) -> Future[Any]:
        record = Record(f"{type(self).__name__}.{_NAMES[method]}", site, self.place, reference=repr(self))
        asked = self._node().call_object(self._handle, method, record, value, stream=False)
        assert isinstance(asked, Future)
        return asked

    def _wait(self, asked: Future[Any], timeout: float | None, too_late: str) -> Any:
        try:
            return self._outcome(asked, timeout)
        except TimeoutError:
            if asked.cancel():
                raise TimeoutError(f"{self!r} {too_late} within {timeout:g} s") from None
            return self._outcome(asked, None)  # it came just now
        except BaseException:
            came = None if asked.cancel() else asked.outcome()
            if isinstance(came, Return) and came.place:  # a value, just now
                self._node().give_back(self._handle, came)
            raise

    def _outcome(self, asked: Future[Any], timeout: float | None) -> Any:
        value = asked.result(timeout)
        if value is ENDED:
            raise ChannelClosed(repr(self))
        return value


_NAMES = {SEND: "send", RECEIVE: "recv", CLOSE: "close"}


def _received(place: int, capacity: int) -> Channel[Any]:
    """Rebuild a channel that arrived."""
    return Channel(handle_at(place), capacity)


def channel(capacity: int = 0) -> Channel[Any]:
    """Make a channel; its queue lives on this node, the node that runs this code.

    Args:
        capacity: how many values it holds that nobody has received yet; with 0 each `send` waits for
            the `recv` that takes its value.
    """
    try:
        capacity = operator.index(capacity)
    except TypeError:
        raise TypeError(f"a channel's capacity is a whole number, not {capacity!r}") from None
    if capacity < 0:
        raise ValueError(f"a channel's capacity cannot be negative, as {capacity} is")
    return Channel(current.node().make_channel(capacity), capacity)
