"""The core of a node: its sessions, the calls it made and the calls it runs.

    program: call, cancel, taken ─┐                     ┌─> Deliver, Lose      to the program
    executor: answered            ├─> Core ─> actions ──┼─> Run, Interrupt, Grant  to the executor
    transport: opened, received,  │   (state only)      └─> Dial, Flush, HangUp to the transport, Alarm
               broke; died, tick ─┘

Every event returns the actions that follow from it. A call made here lives in `_made` until its
one outcome (Return, Raise, End, Lose or a cancel by its spawner), a call run here in `_running`
until it is answered, cancelled, or its spawner is gone. What arrives for neither is ignored: it
crossed a cancel on its way. A node's calls to itself take the same path without a session.

Rules: this file does no I/O, starts no thread and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from circuit.runtime.actions import (
    Action,
    Alarm,
    Deliver,
    Dial,
    Flush,
    Grant,
    HangUp,
    Interrupt,
    Lose,
    Ran,
    Run,
)
from circuit.runtime.code import SentCodes
from circuit.runtime.messages import (
    PROTOCOL,
    Call,
    Cancel,
    Code,
    Credit,
    Down,
    End,
    Forget,
    Frame,
    Hello,
    Item,
    Message,
    NodeId,
    Payload,
    Raise,
    Refusal,
    Return,
    Welcome,
)
from circuit.runtime.session import GRACE_SECONDS, Session
from circuit.runtime.windows import Window

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
DRAIN_SECONDS = 0.05
"""How long a dead node's last frames are read before its calls are given up."""


@dataclass(slots=True)
class _Made:
    """A call that this node made and that has not ended."""

    peer: NodeId
    number: int  # of the message in the session
    window: Window | None
    began: bool = False  # an item proves it


class _Peer:
    """What this node keeps for one life of another."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sent = SentCodes()
        self.held: dict[bytes, Code] = {}
        self.pid = 0
        self.dialled = False
        self.dials_us = False  # so we never dial it
        self.death: tuple[Down, float] | None = None  # known dead, read out until then


class Core:
    """The state of one node.

    Args:
        me: this life of the node.
        cluster: the name that all nodes of the cluster know it by.
        registrar: whether this node tells the others who is down.
    """

    def __init__(self, me: NodeId, cluster: str, *, registrar: bool = False) -> None:
        self.me = me
        self.cluster = cluster
        self._registrar = registrar
        self._peers: dict[NodeId, _Peer] = {}
        self._down: dict[NodeId, Down] = {}
        self._made: dict[int, _Made] = {}
        self._loads: Counter[NodeId] = Counter()  # of `_made`, by node
        self._streams = 0  # of `_made`
        self._running: dict[tuple[NodeId, int], bool] = {}  # whether it is a stream
        self._own = _Peer(Session(me, 0.0))
        self.spawned = 0
        """Calls made here since the node began, to this node itself included."""

    # What the program does.

    def call(
        self, peer: NodeId, number: int, code: Code, arguments: Payload, *, window: int = 0, now: float
    ) -> list[Action]:
        """Make the call `number` on `peer`; `window` > 0 asks for a stream."""
        self.spawned += 1
        if peer in self._down:
            return [Lose(number, self._down[peer], "no")]
        made = _Made(peer, 0, Window(window) if window else None)
        self._made[number] = made
        self._loads[peer] += 1
        self._streams += made.window is not None
        sent = self._own.sent if peer == self.me else self._peer(peer, now).sent
        actions: list[Action] = []
        for message in sent.before_call(code):
            actions += self._say(peer, message, now)
        return actions + self._say(peer, Call(number, code.digest, arguments, window), now, made)

    def cancel(self, number: int, now: float) -> list[Action]:
        """Give a call up; its outcome, if there will be one, is ignored."""
        made = self._ended(number)
        return self._say(made.peer, Cancel(number), now) if made else []

    def taken(self, number: int, now: float) -> list[Action]:
        """Note that the program took an item of a stream."""
        made = self._made.get(number)
        credit = made.window.taken() if made and made.window else 0
        return self._say(made.peer, Credit(number, credit), now) if made and credit else []

    # What the executor says.

    def answered(self, origin: NodeId, answer: Return | Raise | Item | End, now: float) -> list[Action]:
        """Send an outcome or an item to the spawner, unless it gave the call up."""
        key = (origin, answer.call)
        if key not in self._running:
            return []
        if not isinstance(answer, Item):
            del self._running[key]
        return self._say(origin, answer, now)

    # What the transport says.

    def reach(self, peer: NodeId, now: float) -> list[Action]:
        """Have a carrier to `peer` before there is anything to say."""
        self._peer(peer, now).dialled = True
        return [Dial(peer), Alarm()]

    def expect(self, peer: NodeId, now: float) -> list[Action]:
        """Await a carrier from `peer`, and never dial it."""
        self._peer(peer, now).dials_us = True
        return [Alarm()]

    def hello(self, peer: NodeId, now: float) -> Hello | None:
        """Return the words that open a carrier to `peer`; None if it is not for us to dial."""
        if peer in self._down or self._peer(peer, now).dials_us:
            return None
        session = self._peer(peer, now).session
        return Hello(self.cluster, self.me, peer, os.getpid(), PYTHON, session.received, session.resumes)

    def greet(self, hello: Hello, now: float) -> Welcome | Refusal:
        """Decide on a carrier that a peer opens; on a Welcome, `opened` is to follow."""
        peer = hello.sender
        if hello.protocol != PROTOCOL:
            return Refusal(f"{self.me.name} speaks version {PROTOCOL} of the protocol, not {hello.protocol}")
        if hello.cluster != self.cluster:
            return Refusal(f"{self.me.name} belongs to another cluster")
        if hello.receiver != self.me:
            return Refusal(f"this is {self.me.name}, life {self.me.incarnation}, not {hello.receiver}")
        if hello.python != PYTHON:
            return Refusal(f"{self.me.name} runs Python {PYTHON}, and code does not travel to {hello.python}")
        if peer in self._down:
            return Refusal(f"{self.me.name} has given {peer.name} up: it {self._down[peer].how}")
        known = self._peers.get(peer)
        if hello.resumes and not (known and known.session.resumes):
            return Refusal(f"{self.me.name} knows no session to resume")
        if known and known.dialled and not known.dials_us and (known.session.resumes or self.me < peer):
            return Refusal("both dialled", crossed=True)
        found = self._peer(peer, now)
        found.dials_us = True
        return Welcome(found.session.received, os.getpid())

    def session(self, peer: NodeId) -> Session | None:
        """Return the session with `peer` if there is one."""
        found = self._peers.get(peer)
        return found.session if found else None

    def opened(self, peer: NodeId, received: int, pid: int) -> list[Action]:
        """Take a new carrier into use; the peer has `received` of our messages."""
        found = self._peers.get(peer)
        if found is None:  # its end became known since it was greeted
            return [HangUp(peer)]
        found.session.opened(received)
        found.pid = pid
        return [Flush(peer)]

    def received(self, peer: NodeId, frame: Frame, now: float) -> list[Action]:
        """Take a frame in."""
        found = self._peers.get(peer)
        if found is None:
            return []
        actions: list[Action] = []
        for message in found.session.receive(frame):
            actions += self._hear(peer, message, now)
        return [*actions, Flush(peer)]  # an acknowledgement may be owed

    def broke(self, peer: NodeId, now: float) -> list[Action]:
        """Note that the carrier to `peer` is gone."""
        found = self._peers.get(peer)
        if found is None:
            return []
        if found.death:
            return self._gone(found.death[0], now)
        found.session.broke(now)
        return [Alarm()]

    def died(self, down: Down, now: float) -> list[Action]:
        """Note that a node's process ended; what it said before is read out first."""
        found = self._peers.get(down.node)
        if found and found.session.is_open and found.death is None:
            found.death = (down, now + DRAIN_SECONDS)
            return [Alarm()]
        return self._gone(down, now)

    def refused(self, peer: NodeId, refusal: Refusal, now: float) -> list[Action]:
        """Note that the peer will not have a session with us, or broke its rules."""
        found = self._peer(peer, now)
        if refusal.crossed:
            found.dials_us = True
            return []
        return self._gone(Down(peer, found.pid, f"has no session with us: {refusal.reason}"), now)

    # Time.

    def deadline(self) -> float | None:
        """Return when `tick` must be called, in seconds of the same clock; None: never."""
        times = [peer.session.deadline for peer in self._peers.values() if peer.session.deadline is not None]
        times += [peer.death[1] for peer in self._peers.values() if peer.death]
        return min(times, default=None)

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        for node, peer in list(self._peers.items()):
            if peer.death and now >= peer.death[1]:
                actions += self._gone(peer.death[0], now)
            elif peer.session.tick(now):
                how = f"was out of contact for {GRACE_SECONDS:g} s" if peer.pid else "could not be reached"
                actions += self._gone(Down(node, peer.pid, how), now)
        return actions

    # What is going on.

    @property
    def made(self) -> frozenset[int]:
        """The calls made here that have not ended."""
        return frozenset(self._made)

    @property
    def waited_for(self) -> int:
        """How many calls made here have yet to end of themselves; a stream may need its reader for that."""
        return len(self._made) - self._streams

    @property
    def running(self) -> int:
        """How many calls run here that end of themselves; a stream may need its reader for that."""
        return len(self._running) - sum(self._running.values())

    def runs(self, origin: NodeId, number: int) -> bool:
        """Tell whether the call that `origin` numbered so runs here."""
        return (origin, number) in self._running

    def load(self, peer: NodeId) -> int:
        """Return how many of the calls made here are on `peer`."""
        return self._loads[peer]

    def downed(self, peer: NodeId) -> Down | None:
        """Return how `peer` ended, if it did."""
        return self._down.get(peer)

    def _peer(self, node: NodeId, now: float) -> _Peer:
        if node not in self._peers:
            self._peers[node] = _Peer(Session(node, now))
        return self._peers[node]

    def _ended(self, number: int) -> _Made | None:
        made = self._made.pop(number, None)
        if made:
            self._loads[made.peer] -= 1
            self._streams -= made.window is not None
        return made

    def _say(self, peer: NodeId, message: Message, now: float, made: _Made | None = None) -> list[Action]:
        if peer == self.me:
            return list(self._hear(self.me, message, now))
        if peer in self._down:
            return []
        found = self._peer(peer, now)
        number = found.session.send(message)
        if made:
            made.number = number
        if found.dialled or found.dials_us or found.session.resumes:
            return [Flush(peer)]
        found.dialled = True
        return [Dial(peer), Alarm()]

    def _hear(self, peer: NodeId, message: Message, now: float) -> Iterator[Action]:
        held = (self._own if peer == self.me else self._peers[peer]).held
        match message:
            case Code():
                held[message.digest] = message
            case Forget():
                held.pop(message.digest, None)
            case Call():
                self._running[peer, message.call] = message.window > 0
                yield Run(peer, message, held[message.digest])
            case Return() | Raise() | End():
                if self._ended(message.call):
                    yield Deliver(message)
            case Item():
                made = self._made.get(message.call)
                if made and made.window:
                    made.began = True
                    made.window.arrived()
                    yield Deliver(message)
            case Credit():
                if (peer, message.call) in self._running:
                    yield Grant(peer, message.call, message.items)
            case Cancel():
                if (peer, message.call) in self._running:
                    del self._running[peer, message.call]
                    yield Interrupt(peer, message.call)
            case Down():
                yield from self.died(message, now)

    def _gone(self, down: Down, now: float) -> list[Action]:
        """End a node's session: what it ran for us is lost, what we ran for it is stopped."""
        node = down.node
        if node in self._down:
            return []
        self._down[node] = down
        found = self._peers.pop(node, None)
        actions: list[Action] = []
        for number, made in list(self._made.items()):
            if made.peer == node:
                self._ended(number)
                actions.append(Lose(number, down, _ran(made, found)))
        for key in [key for key in self._running if key[0] == node]:
            del self._running[key]
            actions.append(Interrupt(*key))
        if found:
            found.session.end()
            actions.append(HangUp(node))
        if self._registrar:
            for peer in list(self._peers):
                actions += self._say(peer, down, now)
        return actions


def _ran(made: _Made, peer: _Peer | None) -> Ran:
    if made.began:
        return "yes"
    return "unknown" if peer and peer.session.was_written(made.number) else "no"
