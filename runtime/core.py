"""The core of a node: events and `now` in, actions out.

    program: call, cancel, taken, drop ─┐                  ┌─> to the program: Deliver, Lose, Revoke, Leave
    executor: answered, ended, paused ──┤                  ├─> to the executor: Run, Interrupt, Grant, Free
                                        ├─> Core ─ actions ┤
    transport: opened, received, broke ─┤  (state only)    ├─> to the transport: Dial, Flush, Break, HangUp
    cluster: died, joined; tick ────────┘                  └─> to the cluster: Fence; Alarm

It joins the parts, each of which has a state of its own:

    peers.py     the sessions with other nodes, and how they come about
    voice.py     what a turn says and asks for
    owning.py    the objects of this node; references.py: who holds what
    spawning.py  the calls made here; lanes.py: which of them may go
    serving.py   the calls run here; admission.py: which of them may begin

Each event is a turn: it is dealt with, then what the node said to itself meanwhile is heard.

Rules: this file does no I/O, starts no thread and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import ParamSpec

from circuit.runtime.actions import Action, Alarm, Break, Fence, HangUp
from circuit.runtime.admission import Key
from circuit.runtime.calls import MadeState, Running
from circuit.runtime.channels import Channel
from circuit.runtime.limits import DEFAULT, Limits
from circuit.runtime.messages import (
    Answer,
    Begun,
    Call,
    Cancel,
    Clean,
    Code,
    Credit,
    Dirtied,
    Dirty,
    Down,
    End,
    Forget,
    Frame,
    Hello,
    Item,
    Kept,
    Message,
    NodeId,
    ObjectId,
    ProtocolError,
    PutBack,
    Raise,
    Refusal,
    Region,
    Release,
    Return,
    Settled,
    Stale,
    Unpin,
    Up,
    Welcome,
)
from circuit.runtime.objects import Object, Plain, Promise, Serial
from circuit.runtime.owning import Owning
from circuit.runtime.peers import Memory, MemoryLost, NoMemory, Peer, Peers
from circuit.runtime.references import References
from circuit.runtime.runs import Runs
from circuit.runtime.serving import Serving
from circuit.runtime.session import Event, Gap, Session
from circuit.runtime.spawning import Spawning
from circuit.runtime.transfers import payload_of, with_payload
from circuit.runtime.voice import Voice

DRAIN_SECONDS = 0.05
"""How long a dead node's last frames are read before its calls are given up."""
DEAF_SECONDS = 1.0
"""How long one whose words cannot be had is waited for: its death, most likely, is told meanwhile."""

P = ParamSpec("P")


class Core:
    """The state of one node.

    Args:
        me: this life of the node.
        cluster: the name that all nodes of the cluster know it by.
        registrar: the node that tells the others who is up and who is down, and without which no
            other lives on; None: there is none.
        memory: what this process shares with others of its host.
        references: an empty table of who holds what.
    """

    voice_type: type[Voice] = Voice

    def __init__(
        self,
        me: NodeId,
        cluster: str,
        limits: Limits = DEFAULT,
        *,
        registrar: NodeId | None = None,
        memory: Memory | None = None,
        references: References | None = None,
    ) -> None:
        self.me = me
        self.limits = limits
        self.references = references or References(me)
        self._registrar = registrar
        self._memory = memory or NoMemory()
        self.peers = Peers(me, cluster, limits, self._memory)
        self._voice = self.voice_type(me, self.peers, self.references)
        self._owning = Owning(self._voice, self.references)
        self._runs = Runs(self._voice)
        self._spawning = Spawning(self._voice, limits, self.peers, self.references, self._owning, self._runs)
        self._serving = Serving(self._voice, limits, self.peers, self._owning, self._runs, self._spawning)

    def _turn(
        self, now: float, act: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> list[Action]:
        """Deal with an event, then with what the node said to itself; return what is to be done."""
        voice = self._voice
        voice.now = now
        act(*args, **kwargs)
        while word := voice.next_own_word():
            self._heard(self.me, word)
        return voice.end_turn()

    # What the program does.

    def call(
        self,
        peer: NodeId,
        call: Call,
        code: Code | None,
        now: float,
        *,
        parent: Key | None = None,
        scope: int = 0,
        cleanup: bool = False,
    ) -> list[Action]:
        """Make a call of the code, or of an object of `peer`'s if there is none.

        `parent` is the call that makes it, and is cancelled with it; `cleanup`: that was cancelled,
        knows it, and makes this call in the course of its end.

        Raises:
            Overload: too much is under way.
        """
        return self._turn(now, self._spawning.call, peer, call, code, parent, scope, cleanup=cleanup)

    def cancel(self, number: int, now: float) -> list[Action]:
        """Give a call up, and what it spawned; its outcome, if there will be one, is ignored."""
        return self._turn(now, self._spawning.cancel, number)

    def taken(self, number: int, now: float) -> list[Action]:
        """Note that the program took an item of a stream."""
        return self._turn(now, self._spawning.taken, number)

    def untaken(self, source: ObjectId, outcome: Return, now: float) -> list[Action]:
        """Pass on a delivered value of a channel that nobody takes; its references stay used."""
        self._owning.use(outcome.value.refs)
        return self._turn(now, self._spawning.return_value, source, outcome)

    def open_scope(self) -> int:
        """Begin a scope and return its number."""
        return self._spawning.open_scope()

    def cancel_scope(self, number: int, now: float) -> list[Action]:
        """Cancel what was spawned in a scope, and what will be."""
        return self._turn(now, self._spawning.cancel_scope, number)

    def leave_scope(self, number: int, now: float) -> list[Action]:
        """Note that the scope's block is left; Leave follows when all is over."""
        return self._turn(now, self._spawning.leave_scope, number)

    def own(self, *, serial: bool = False) -> ObjectId:
        """Enter an object of the program's; the caller has one use of the reference."""
        return self._owning.own(Serial() if serial else Plain())

    def channel(self, capacity: int) -> ObjectId:
        """Make a channel; the caller has one use of the reference."""
        return self._owning.own(Channel(capacity))

    def promise(self) -> ObjectId:
        """Make an object of an outcome that will be known; the caller has one use of the reference."""
        return self._owning.own(Promise())

    def resolve(self, promise: int, outcome: Return | Kept | Raise, now: float) -> list[Action]:
        """Tell the outcome of a promise to all who wait for it, and who will ask."""
        return self._turn(now, self._serving.resolve, promise, outcome)

    def use(self, refs: Iterable[ObjectId]) -> None:
        """Note one more use of each reference."""
        self._owning.use(refs)

    def drop(self, refs: Iterable[ObjectId], now: float) -> list[Action]:
        """Note that one use of each reference is gone."""
        return self._turn(now, self._owning.drop, refs)

    def release(self, peer: NodeId, blocks: tuple[int, ...], now: float) -> list[Action]:
        """Tell a peer that nobody here looks at these blocks of its memory any more."""
        return self._turn(now, self._voice.say, peer, Release(blocks))

    # What the executor says.

    def answered(self, origin: NodeId, answer: Answer, now: float) -> list[Action]:
        """Send an outcome or an item to the spawner, unless it gave the call up."""
        return self._turn(now, self._serving.answered, Key(origin, answer.call), answer)

    def ended(self, origin: NodeId, number: int, now: float) -> list[Action]:
        """Note that no more of a call's code will run."""
        return self._turn(now, self._serving.ended, Key(origin, number))

    def paused(self, origin: NodeId, number: int, now: float) -> list[Action]:
        """Note that a call waits for another one, or needs no thread: its place is the next one's."""
        return self._turn(now, self._serving.paused, Key(origin, number))

    def resumed(self, origin: NodeId, number: int) -> None:
        """Note that a call that was paused goes on."""
        self._serving.resumed(Key(origin, number))

    # What the transport says.

    def reach(self, peer: NodeId, now: float) -> list[Action]:
        """Have a carrier to `peer` before there is anything to say."""
        return self._turn(now, self._voice.dial, peer)

    def expect(self, peer: NodeId, now: float) -> list[Action]:
        """Await a carrier from `peer`, and never dial it."""
        self.peers.meet(peer, now).dials_us = True
        return [Alarm()]

    def hello(self, peer: NodeId, now: float) -> Hello | None:
        """Return the words that open a carrier to `peer`; None if it is not for us to dial."""
        return self.peers.hello(peer, now)

    def greet(self, hello: Hello, now: float) -> Welcome | Refusal:
        """Decide on a carrier that a peer opens; on a Welcome, `opened` is to follow."""
        return self.peers.greet(hello, now)

    def session(self, peer: NodeId) -> Session | None:
        """Return the session with `peer` if there is one."""
        found = self.peers.get(peer)
        return found.session if found else None

    def opened(
        self, peer: NodeId, received: int, pid: int, now: float, *, shares: bool = False
    ) -> list[Action]:
        """Take a new carrier into use; the peer has `received` of our messages.

        `shares`: the peer can map this process's memory.
        """
        return self._turn(now, self._opened, peer, received, pid, shares=shares)

    def _opened(self, peer: NodeId, received: int, pid: int, *, shares: bool) -> None:
        found = self.peers.get(peer)
        if found is None:  # its end became known since it was greeted
            self._voice.ask(HangUp(peer))
            return
        found.pid = pid
        try:
            found.session.opened(received, self._voice.now, shares=shares)
        except ProtocolError as error:
            self._breached(peer, error)
            return
        self._voice.flush(peer)
        self._voice.ask(Alarm())

    def received(self, peer: NodeId, frame: Frame, now: float) -> list[Action]:
        """Take a frame in."""
        return self._turn(now, self._received, peer, frame)

    def _received(self, peer: NodeId, frame: Frame) -> None:
        found = self.peers.get(peer)
        if found is None or found.is_deaf:
            return
        try:
            for message in found.session.receive(frame, self._voice.now):
                self._hear(peer, message)
        except Gap:
            self._broke(peer)
            self._voice.ask(Break(peer))
        except ProtocolError as error:
            self._breached(peer, error)
        except MemoryLost as lost:
            self._deafen(peer, found, lost)
        else:
            self._voice.flush(peer)  # an acknowledgement may be owed

    def broke(self, peer: NodeId, now: float) -> list[Action]:
        """Note that the carrier to `peer` is gone."""
        return self._turn(now, self._broke, peer)

    def _broke(self, peer: NodeId) -> None:
        found = self.peers.get(peer)
        if found is None:
            return
        if found.death and not found.is_deaf:
            self._gone(found.death[0])
            return
        found.session.broke(self._voice.now)
        self._voice.ask(Alarm())

    def refused(self, peer: NodeId, refusal: Refusal, now: float) -> list[Action]:
        """Note that the peer will not have a session with us, or broke its rules."""
        return self._turn(now, self._refused, peer, refusal)

    def _refused(self, peer: NodeId, refusal: Refusal) -> None:
        if peer in self.peers.down:  # whoever dialled it had not heard yet
            return
        found = self.peers.meet(peer, self._voice.now)
        if refusal.crossed:
            found.dials_us = True
        else:
            self._gone(Down(peer, found.pid, f"has no session with us: {refusal.reason}", fenced=True))

    def _breached(self, peer: NodeId, error: ProtocolError) -> None:
        self._refused(peer, Refusal(f"it broke the protocol: {error}"))

    def _deafen(self, peer: NodeId, found: Peer, lost: MemoryLost) -> None:
        """Hear nothing more of a peer: what it said next, in order, cannot be had."""
        if found.death:
            self._gone(found.death[0])
            return
        down = Down(peer, found.pid, f"lent memory that is lost: {lost}", fenced=True)
        found.is_deaf, found.death = True, (down, self._voice.now + DEAF_SECONDS)
        self._voice.ask(Alarm())

    # What the cluster says.

    def joined(self, node: NodeId, now: float) -> list[Action]:
        """Note a life of a node; the registrar tells the others."""
        return self._turn(now, self._joined, node)

    def _joined(self, node: NodeId) -> None:
        self.peers.lives(node)
        if self.me == self._registrar:
            for peer, _ in self.peers:
                self._voice.say(peer, Up(node))

    def died(self, down: Down, now: float) -> list[Action]:
        """Note that a node's process ended; what it said before is read out first."""
        return self._turn(now, self._died, down)

    def _died(self, down: Down) -> None:
        found = self.peers.get(down.node)
        if found and found.session.is_open and found.death is None and not down.fenced:
            found.death = (down, self._voice.now + DRAIN_SECONDS)
            self._voice.ask(Alarm())
        else:
            self._gone(down)

    def _gone(self, down: Down) -> None:
        """End a node's session: what it ran for us is lost, what we ran for it is stopped."""
        node = down.node
        if node in self.peers.down:
            return
        found = self.peers.forget(down)
        self._spawning.lose(down, found)
        self._serving.lose(node)
        self._owning.follow(self.references.gone(node))
        if found:
            for code in found.held.values():
                self._owning.drop(code.pickle.refs)
            found.session.end()
            found.session.give_up_memory(gone=not down.fenced)
            self._voice.ask(HangUp(node))
        if node == self._registrar:
            self._voice.ask(Fence(self.me))
        elif self.me == self._registrar:
            if down.fenced:
                self._voice.ask(Fence(node))
            for peer, _ in self.peers:
                self._voice.say(peer, down)

    # Time.

    def deadline(self) -> float | None:
        """Return when `tick` must be called, in seconds of the same clock; None: never."""
        times = [peer.session.deadline for _, peer in self.peers if peer.session.deadline is not None]
        times += [peer.death[1] for _, peer in self.peers if peer.death]
        return min(times, default=None)

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        return self._turn(now, self._tick)

    def _tick(self) -> None:
        now = self._voice.now
        for node, peer in self.peers:
            if peer.death and now >= peer.death[1]:
                self._gone(peer.death[0])
                continue
            match peer.session.tick(now):
                case Event.SILENT:
                    self._voice.ask(Break(node))
                case Event.EXPIRED:
                    out = f"was out of contact for {self.limits.grace:g} s"
                    how = out if peer.session.resumes else "could not be reached"
                    self._gone(Down(node, peer.pid, how, fenced=True))
                case _:
                    self._voice.flush(node)  # a heartbeat may be due

    # Hearing.

    def _hear(self, peer: NodeId, message: Message) -> None:
        """Take in what came with a message, then the message."""
        payload = payload_of(message)
        if payload and any(isinstance(buffer, Region) for buffer in payload.buffers):
            mapped = tuple(self._memory.map(peer, b) if isinstance(b, Region) else b for b in payload.buffers)
            payload = replace(payload, buffers=mapped)
            message = with_payload(message, payload)
        if payload and payload.refs:
            self._owning.follow(self.references.arrived(peer, payload.pin, payload.refs))
            message = with_payload(message, replace(payload, pin=0))
        self._heard(peer, message)

    def _heard(self, peer: NodeId, message: Message) -> None:
        match message:
            case Call():
                self._serving.arrived(peer, message)
            case Begun(calls):
                self._spawning.begun(calls)
            case Return() | Kept() | Raise() | Stale() | End():
                self._spawning.outcome(message)
            case PutBack():
                self._serving.put_back(message)
            case Item():
                self._spawning.item(message)
            case Credit(call, items):
                self._serving.granted(Key(peer, call), items)
            case Cancel(call):
                self._serving.cancelled(Key(peer, call))
            case Settled(call):
                self._spawning.settled(call)
            case Code():
                self.peers.meet(peer, self._voice.now).held[message.digest] = message
            case Forget(digest):
                code = self.peers.meet(peer, self._voice.now).held.pop(digest, None)
                self._owning.drop(code.pickle.refs if code else ())
            case Dirty():
                self._owning.follow(self.references.heard_dirty(peer, message))
            case Dirtied():
                self._owning.follow(self.references.heard_dirtied(peer, message))
            case Clean():
                self._owning.follow(self.references.heard_clean(peer, message))
            case Unpin(pins):
                self._owning.follow(self.references.unpin(peer, pins))
            case Release(blocks):
                self.peers.meet(peer, self._voice.now).session.take_back(blocks)
            case Up(node):
                self._joined(node)
            case Down():
                self._died(message)

    # What is going on.

    @property
    def spawned(self) -> int:
        """Calls made here since the node began, to this node itself included."""
        return self._spawning.total

    @property
    def made(self) -> frozenset[int]:
        """The calls made here that are not over."""
        return frozenset(self._spawning.made)

    def state(self, number: int) -> MadeState | None:
        """Return where a call is that was made here; None if it is over."""
        made = self._spawning.made.get(number)
        return made.state if made else None

    @property
    def objects(self) -> Mapping[int, Object]:
        """The objects of this node that somebody refers to."""
        return self._owning.objects

    @property
    def calls_here(self) -> list[Running]:
        """The calls that run here, or are to, and are not over."""
        return list(self._runs.values())

    @property
    def waited_for(self) -> int:
        """How many calls made here have yet to end of themselves; a stream may need its reader for that."""
        return len(self._spawning.made) - self._spawning.streams

    @property
    def running(self) -> int:
        """How many calls run here that end of themselves; a stream may need its reader for that."""
        return self._serving.wanted

    @property
    def is_idle(self) -> bool:
        """Whether no call is made or run here, or has left anything behind."""
        spawning = self._spawning
        queues = any(peer.lanes or peer.rooms or peer.held_bytes for _, peer in self.peers)
        calls = spawning.made or spawning.scopes or +spawning.loads or self._runs
        return not (calls or queues or self.peers.own.held_bytes) and self._serving.admission.is_idle

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the tables, for those who look for leaks."""
        peers = [peer for _, peer in self.peers]
        return {
            "objects": len(self.objects),
            "references": len(self.references.table()),
            "pins": self.references.pins,
            "made": len(self._spawning.made),
            "running": len(self._runs),
            "scopes": len(self._spawning.scopes),
            "lanes": sum(len(peer.lanes) + len(peer.rooms) for peer in peers),
            "unacknowledged": sum(peer.session.unacknowledged for peer in peers),
            "lent": sum(peer.session.lent for peer in peers),
        }

    def runs(self, origin: NodeId, number: int) -> bool:
        """Tell whether somebody waits for the outcome of a call that runs here."""
        running = self._runs.get(Key(origin, number))
        return running is not None and running.is_wanted

    def load(self, peer: NodeId) -> int:
        """Return how many of the calls made here are on `peer`."""
        return self._spawning.loads[peer]

    def downed(self, peer: NodeId) -> Down | None:
        """Return how `peer` ended, if it did."""
        return self.peers.down.get(peer)
