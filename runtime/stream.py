"""Streams: the spawner's handle on a generator that runs elsewhere.

The generator runs ahead by a window of items and then waits for its consumer, so a slow consumer
costs a bounded amount of memory. Closing the stream closes the generator: its `finally` runs.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from enum import Enum, auto
from types import TracebackType
from typing import Any, Protocol, TypeAlias, TypeVar

from circuit.runtime.actions import Lose
from circuit.runtime.mailbox import Mailbox
from circuit.runtime.messages import End, Item, Raise, Stale
from circuit.runtime.pickling import loads
from circuit.runtime.record import Record

T = TypeVar("T")
Failure: TypeAlias = Raise | Stale | Lose
Arrival: TypeAlias = Item | End | Failure


class Closed(Enum):
    """An end of a stream that came from this side."""

    BY_READER = auto()
    BY_CLUSTER = auto()  # or with what spawned it


class Home(Protocol):
    """What a stream needs from the node that made the call."""

    def taken(self, number: int) -> None:
        """Note that an item was taken."""

    def cancel(self, number: int) -> None:
        """Give the call up."""

    def later(self, chore: Callable[[], None]) -> None:
        """Do something on another thread; a finalizer may ask for it."""

    def report(self, record: Record, outcome: Raise | Stale | Lose) -> None:
        """Tell the user of an error that nobody saw."""


class Inbox:
    """Where the items of one stream arrive; the node holds it, and the user holds the Stream."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.arrived: Mailbox[Arrival | Closed] = Mailbox()
        self.error: Failure | None = None  # that has arrived and was not seen
        self._lock = threading.Lock()
        self._ended = False

    def deliver(self, arrival: Arrival) -> bool:
        """Take what arrived, unless the stream has ended."""
        if isinstance(arrival, Item):
            self.arrived.put(arrival)
            return not self.ended
        if not self.end():
            return False
        if not isinstance(arrival, End):
            self.error = arrival
        self.arrived.put(arrival)
        return True

    def leave(self) -> None:
        """End the stream from this side, for whoever reads it: its cluster is closed."""
        self.revoke()

    def revoke(self) -> None:
        """End the stream from this side: what spawned it was cancelled."""
        if self.end():
            self.arrived.put(Closed.BY_CLUSTER)

    @property
    def ended(self) -> bool:
        """Whether nothing more will arrive."""
        return self._ended

    def end(self) -> bool:
        """Note that nothing more will arrive; False if that was known."""
        with self._lock:
            first, self._ended = not self._ended, True
        return first


class Stream(Iterator[T], AsyncIterator[T]):
    """The items of a spawned generator, in order, once; iterate with `for` or `async for`.

    An error of the generator is raised in its place. As a context manager it closes itself; so does
    one that nobody holds any more, and any that is not at its end when its cluster closes.
    """

    def __init__(self, inbox: Inbox, number: int, home: Home) -> None:
        self._inbox = inbox
        self._number = number
        self._home = home
        self._exhausted = False

    # What users call.

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        if self._exhausted:
            raise StopIteration
        found, item = self._open(self._inbox.arrived.get())
        if not found:
            raise StopIteration
        return item  # type: ignore[no-any-return]

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        if self._exhausted:
            raise StopAsyncIteration
        found, item = self._open(await self._inbox.arrived.get_async())
        if not found:
            raise StopAsyncIteration
        return item  # type: ignore[no-any-return]

    def close(self) -> None:
        """Stop the generator where it runs and drop what has arrived; a second call is harmless."""
        self._exhausted = True
        if self._inbox.end():
            self._inbox.arrived.put(Closed.BY_READER)
            self._home.cancel(self._number)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Stream {self._inbox.record}, {'ended' if self._inbox.ended else 'running'}>"

    def __reduce__(self) -> Any:
        raise TypeError("a Stream does not travel in this version; iterate over it where it was spawned")

    def __del__(self) -> None:
        # Both only enqueue: a finalizer may run at any bytecode.
        if not self._inbox.ended:
            self._home.later(functools.partial(self._home.cancel, self._number))
        elif self._inbox.error and not self._exhausted:
            self._home.report(self._inbox.record, self._inbox.error)

    def _open(self, arrival: Arrival | Closed) -> tuple[bool, Any]:
        if isinstance(arrival, Item):
            self._home.taken(self._number)
            return True, loads(arrival.value)
        self._exhausted = True
        self._inbox.arrived.put(Closed.BY_READER)  # for another thread that waits for an item
        if isinstance(arrival, (Raise, Stale, Lose)):
            raise self._inbox.record.error(arrival)
        if arrival is Closed.BY_CLUSTER:
            raise CancelledError(f"{self._inbox.record} was cancelled with what it belonged to")
        return False, None
