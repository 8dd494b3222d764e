"""What a node knows of the other nodes: its sessions with them, and how they come about.

Whoever first has something to say dials. If both do at once, the dialler with the lower name wins:
the other one's hello is refused as crossed, or its own carrier is replaced.

Rules: this file does no I/O and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from circuit.runtime.code import SentCodes
from circuit.runtime.lanes import Lane, WaitingRoom
from circuit.runtime.limits import Limits
from circuit.runtime.messages import PROTOCOL, Code, Down, Hello, NodeId, Refusal, Region, Welcome
from circuit.runtime.session import Session

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class MemoryLost(Exception):
    """What a peer lent cannot be mapped: as a rule its process has just ended."""


class Memory(Protocol):
    """What a process shares with others of its host."""

    @property
    def proof(self) -> bytes:
        """What proves to another process that it can map this one's memory; empty if none can."""

    def can_map(self, proof: bytes) -> bool:
        """Tell whether this process can map the memory of the one that offers the proof."""

    def map(self, peer: NodeId, region: Region) -> memoryview:
        """Map a part of a peer's memory; when the view is gone, the peer is to be told.

        Raises:
            MemoryLost: it cannot be had.
        """


class NoMemory:
    """A process that shares none."""

    proof = b""

    def can_map(self, proof: bytes) -> bool:
        """Map nobody's."""
        return False

    def map(self, peer: NodeId, region: Region) -> memoryview:
        """Never be asked."""
        raise MemoryLost("no memory is shared here")


@dataclass(slots=True)
class Peer:
    """Another node, and all that this one remembers of it."""

    session: Session
    sent: SentCodes = field(default_factory=SentCodes)
    held: dict[bytes, Code] = field(default_factory=dict)
    lanes: dict[int, Lane] = field(default_factory=dict)  # of calls made there, by object
    rooms: dict[int, WaitingRoom] = field(default_factory=dict)  # of calls that came from there
    dialled: bool = False  # by us
    dials_us: bool = False
    death: tuple[Down, float] | None = None  # its process ended; its last words are read until then
    is_deaf: bool = False  # we are, to it: something it said could not be had
    pid: int = 0
    held_bytes: int = 0  # of arguments of calls that wait here


class Peers:
    """The nodes that this one has a session with, and those that are gone.

    Args:
        me: this life of this node.
        cluster: the name that all nodes of the cluster know it by.
        memory: what this process shares with others of its host.
    """

    def __init__(self, me: NodeId, cluster: str, limits: Limits, memory: Memory) -> None:
        self.me = me
        self.own = Peer(Session(me, 0.0, limits))  # for what a node says to itself
        self.down: dict[NodeId, Down] = {}
        self._cluster = cluster
        self._limits = limits
        self._memory = memory
        self._known: dict[NodeId, Peer] = {}
        self._lives: dict[str, NodeId] = {}

    def __iter__(self) -> Iterator[tuple[NodeId, Peer]]:
        return iter(list(self._known.items()))

    def get(self, node: NodeId) -> Peer | None:
        """Return what is known of a node, if there is a session with it."""
        return self._known.get(node)

    def meet(self, node: NodeId, now: float) -> Peer:
        """Return what is known of a node; a session begins if there is none."""
        if node == self.me:
            return self.own
        if node not in self._known:
            self._known[node] = Peer(Session(node, now, self._limits))
        return self._known[node]

    def forget(self, down: Down) -> Peer | None:
        """Note that a node is gone for good."""
        self.down[down.node] = down
        return self._known.pop(down.node, None)

    def ended(self, node: NodeId) -> Down | None:
        """Return how a node ended, if it is known to have, though its last words may not have been read."""
        known = self._known.get(node)
        return known.death[0] if known and known.death else self.down.get(node)

    def lives(self, node: NodeId) -> None:
        """Note the life of a node that counts now."""
        self._lives[node.name] = node

    @property
    def lives_now(self) -> tuple[NodeId, ...]:
        """The lives that count now, in the order in which their names came up."""
        return tuple(self._lives.values())

    def was_replaced(self, node: NodeId) -> bool:
        """Tell whether another life of the node is there in its place."""
        return self._lives.get(node.name, node) != node

    # How a carrier comes up.

    def hello(self, node: NodeId, now: float) -> Hello | None:
        """Return the words that open a carrier to a node; None if it is not for us to dial."""
        if node in self.down or self.meet(node, now).dials_us:
            return None
        session = self.meet(node, now).session
        proof = b"" if session.resumes else self._memory.proof
        return Hello(
            self._cluster, self.me, node, os.getpid(), PYTHON, session.received, session.resumes, proof
        )

    def greet(self, hello: Hello, now: float) -> Welcome | Refusal:
        """Decide on a carrier that a peer opens; on a Welcome, `opened` is to follow."""
        me, peer = self.me, hello.sender
        if hello.protocol != PROTOCOL:
            return Refusal(f"{me.name} speaks version {PROTOCOL} of the protocol, not {hello.protocol}")
        if hello.cluster != self._cluster:
            return Refusal(f"{me.name} belongs to another cluster")
        if hello.receiver != me:
            same = hello.receiver.name == me.name
            return Refusal(f"{me.name} was restarted" if same else f"this is {me.name}")
        if hello.python != PYTHON:
            return Refusal(f"{me.name} runs Python {PYTHON}, and code does not travel to {hello.python}")
        if peer in self.down:
            return Refusal(f"{me.name} has given {peer.name} up: it {self.down[peer].how}")
        known = self._known.get(peer)
        if hello.resumes and not (known and known.session.resumes):
            return Refusal(f"{me.name} knows no session to resume")
        if known and known.dialled and not known.dials_us and (known.session.resumes or me < peer):
            return Refusal("both dialled", crossed=True)
        if known and hello.received < known.session.acknowledged:
            return Refusal("a later hello was answered before this one")  # nobody waits for this answer
        found = self.meet(peer, now)
        found.dials_us = True
        if hello.resumes:
            return Welcome(found.session.received, os.getpid())
        return Welcome(found.session.received, os.getpid(), self._memory.can_map(hello.memory))
