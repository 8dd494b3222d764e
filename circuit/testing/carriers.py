"""A simulated carrier: a stream of frames each way between two hosts, that keeps order until it fails.

Its two ends fail by themselves: one side may have closed it, or be dead, before the other one knows.
What is under way to an end that was replaced by a newer carrier is still read, as from a socket. It
takes so many frames that are not read yet, and no more until they are.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from circuit.runtime.messages import Frame

if TYPE_CHECKING:
    from circuit.testing.host import Host


CAPACITY = 6
"""Frames that may be under way each way."""


class End(Enum):
    """What one side has made of a carrier."""

    OPENING = auto()  # the answer to the hello is on its way
    OPEN = auto()
    REPLACED = auto()  # by a newer one; this one is read to its end
    CLOSED = auto()


class Carrier:
    """One carrier, from its welcome on."""

    __slots__ = ("_acceptor", "_dialler", "_ends", "_last", "_unread", "cut", "latency", "stalled")

    def __init__(self, dialler: Host, acceptor: Host, latency: float) -> None:
        self.latency = latency
        self.cut = False
        """What is written goes nowhere, and nobody is told."""
        self.stalled: list[tuple[Host, Frame]] = []
        """What a partition holds up, with its sender."""
        self._dialler = dialler
        self._acceptor = acceptor
        self._ends = [End.OPENING, End.OPENING]
        self._last = [0.0, 0.0]
        self._unread = [0, 0]  # by receiver

    def other(self, host: Host) -> Host:
        """Return the host at the other end."""
        return self._acceptor if host is self._dialler else self._dialler

    def end(self, host: Host) -> End:
        """Return what a host has made of its end."""
        return self._ends[host is self._dialler]

    def turn(self, host: Host, end: End) -> None:
        """Note what a host makes of its end."""
        self._ends[host is self._dialler] = end

    def arrival(self, receiver: Host, time: float) -> float:
        """Return when what would arrive at that time does: not before what was written earlier."""
        side = receiver is self._dialler
        self._last[side] = time = max(self._last[side], time)
        return time

    def is_full(self, sender: Host) -> bool:
        """Tell whether a host can write no more for now."""
        return self._unread[sender is not self._dialler] >= CAPACITY

    def wrote(self, sender: Host) -> None:
        """Note that a frame is under way."""
        self._unread[sender is not self._dialler] += 1

    def was_read(self, receiver: Host) -> bool:
        """Note that a frame is not under way any more; tell whether its sender had to wait for that."""
        side = receiver is self._dialler
        self._unread[side] -= 1
        return self._unread[side] == CAPACITY - 1
