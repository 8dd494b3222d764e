"""Admission: which of the calls that arrived may begin now.

A node runs so many calls at once in threads; the others wait for their turn, in the order in which
they came. A call that waits for another call gives its place to the next meanwhile, so calls that
wait for each other cannot fill a node up. An object made with `serial=True` runs one call at a
time, in order: one that waits for that object's turn takes no place.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

from circuit.runtime.messages import NodeId


class Key(NamedTuple):
    """A call that came in: its number is its spawner's."""

    origin: NodeId
    call: int


class Admission:
    """The places of one node, and who waits for one."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: set[Key] = set()
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._turns: dict[int, deque[Key]] = {}  # by serial object: the one whose turn it is, the next, ...

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return len(self._taken)

    @property
    def is_idle(self) -> bool:
        """Whether nobody runs and nobody waits."""
        return not (self._taken or self._waiting or self._turns)

    def arrived(self, key: Key, serial: int = 0) -> list[Key]:
        """Enter a call, of the serial object of that number if it is one; return those that begin."""
        if serial:
            turns = self._turns.setdefault(serial, deque())
            turns.append(key)
            if len(turns) > 1:
                return []
        self._waiting[key] = None
        return self._begin()

    def over(self, key: Key, serial: int = 0) -> list[Key]:
        """Strike a call that has ended, or that was cancelled before it began; return those that begin."""
        self._taken.discard(key)
        self._waiting.pop(key, None)
        turns = self._turns.get(serial)
        if turns:
            was_first = turns[0] == key
            turns.remove(key)
            if not turns:
                del self._turns[serial]
            elif was_first:
                self._waiting[turns[0]] = None
        return self._begin()

    def paused(self, key: Key) -> list[Key]:
        """Give the place of a call that waits for another one away; return those that begin."""
        self._taken.discard(key)
        return self._begin()

    def resumed(self, key: Key) -> None:
        """Take a place again: the call goes on, even if that is one more than there are."""
        self._taken.add(key)

    def _begin(self) -> list[Key]:
        begin: list[Key] = []
        while self._waiting and len(self._taken) < self._places:
            key, _ = self._waiting.popitem(last=False)
            self._taken.add(key)
            begin.append(key)
        return begin
