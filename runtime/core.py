"""The core of a node: events and `now` in, actions out.

    program: call, cancel, taken, drop ─┐                  ┌─> to the program: Deliver, Lose, Revoke, Leave
    executor: answered, ended, paused ──┤                  ├─> to the executor: Run, Interrupt, Grant, Free
                                        ├─> Core ─ actions ┤
    transport: opened, received, broke ─┤  (state only)    ├─> to the transport: Dial, Flush, Break, HangUp
    cluster: died, joined; tick ────────┘                  └─> to the cluster: Fence; Alarm

It joins the parts, each of which is a state machine of its own: sessions and liveness carry messages
between two lives of nodes; lanes and admission say which calls may go and begin; calls.py tells
where a call is; references.py who holds what; objects.py what answers to a call of an object.

What a node says to itself takes the same path without a session; it is heard when the event at hand
is dealt with, as if it came from elsewhere, so that nothing changes under what is being done.

Rules: this file does no I/O, starts no thread and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

from circuit.runtime.actions import (
    Action,
    Alarm,
    Break,
    Deliver,
    Dial,
    Fence,
    Flush,
    Free,
    Grant,
    HangUp,
    Interrupt,
    Leave,
    Lose,
    Ran,
    Revoke,
    Run,
)
from circuit.runtime.admission import Admission, Key
from circuit.runtime.calls import Made, MadeEvent, MadeState, RunEvent, Running, RunState
from circuit.runtime.channels import Answer as ChannelAnswer, Channel, Received, Refused, Sent
from circuit.runtime.lanes import Lane, WaitingRoom
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
    Outcome,
    Payload,
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
from circuit.runtime.objects import Keep, Object, Plain, Promise, Serial
from circuit.runtime.peers import Memory, NoMemory, Peer, Peers
from circuit.runtime.references import Effect, Freed, References
from circuit.runtime.scopes import Scope
from circuit.runtime.session import Event, Gap, Session
from circuit.runtime.transfers import payload_of, with_payload
from circuit.runtime.windows import Window

DRAIN_SECONDS = 0.05
"""How long a dead node's last frames are read before its calls are given up."""
SEND, RECEIVE, PUT_BACK, CLOSE = "send", "receive", "put back", "close"
"""What a channel can be asked."""


class Overload(Exception):
    """A call would go beyond a bound: `bound` is its name in Limits, `value` what it is."""

    def __init__(self, bound: str, value: int) -> None:
        super().__init__(bound, value)
        self.bound = bound
        self.value = value


C = TypeVar("C", bound="Core")
P = ParamSpec("P")


def event(
    method: Callable[Concatenate[C, P], list[Action]],
) -> Callable[Concatenate[C, P], list[Action]]:
    """Let what the node says to itself be heard when the event that made it say so is dealt with."""

    @functools.wraps(method)
    def dealt_with(core: C, /, *args: P.args, **kwargs: P.kwargs) -> list[Action]:
        if core._busy:
            return method(core, *args, **kwargs)
        core._busy = True
        try:
            actions = method(core, *args, **kwargs)
            while core._own_words:
                message, now = core._own_words.popleft()
                actions = actions + core._heard(core.me, message, now)
        finally:
            core._busy = False
        return actions

    return dealt_with


class Core:
    """The state of one node.

    Args:
        me: this life of the node.
        cluster: the name that all nodes of the cluster know it by.
        registrar: the node that tells the others who is up and who is down, and without which no
            other lives on; None: there is none.
        memory: what this process shares with others of its host.
    """

    def __init__(
        self,
        me: NodeId,
        cluster: str,
        limits: Limits = DEFAULT,
        *,
        registrar: NodeId | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.me = me
        self.limits = limits
        self.references = References(me)
        self._memory = memory or NoMemory()
        self.peers = Peers(me, cluster, limits, self._memory)
        self.spawned = 0
        """Calls made here since the node began, to this node itself included."""
        self._registrar = registrar
        self._objects: dict[int, Object] = {}
        self._made: dict[int, Made] = {}
        self._loads: Counter[NodeId] = Counter()  # of `_made`, by node
        self._streams = 0  # of `_made`
        self._running: dict[Key, Running] = {}
        self._wanted = 0  # of `_running`: no streams, and their outcome is waited for
        self._admission = Admission(limits.running)
        self._scopes: dict[int, Scope] = {}
        self._scope_numbers = itertools.count(1)
        self._own_words: deque[tuple[Message, float]] = deque()  # said to itself, not yet heard
        self._busy = False

    # Calls: what the program does.

    @event
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
        if len(self._made) >= self.limits.pending_calls:
            raise Overload("pending_calls", self.limits.pending_calls)
        maker = self._running.get(parent) if parent else None
        joined = self._scopes.get(scope)
        stopped = maker and maker.state is RunState.CANCELLED and not cleanup
        unwanted = stopped or (joined and joined.is_cancelled)
        down = self.peers.down.get(peer)
        found = None if unwanted or down else self.peers.meet(peer, now)
        lane = None
        if found and peer != self.me:
            lane = found.lanes.setdefault(call.target, Lane(self.limits))
            if lane.held_bytes + call.arguments.nbytes > max(
                self.limits.pending_bytes, call.arguments.nbytes
            ):
                raise Overload("pending_bytes", self.limits.pending_bytes)
        self.spawned += 1
        call = replace(call, scoped=bool(joined or (maker and maker.settles)))
        pins: list[int] = []
        if found and peer != self.me:
            if call.arguments.refs:
                call = replace(call, arguments=self._pinned(peer, call.arguments, pins))
            if code and code.pickle.refs:
                code = replace(code, pickle=self._pinned(peer, code.pickle, pins))
        receives = call.method == RECEIVE and not code
        self._made[call.call] = Made(
            peer,
            call.target,
            tuple(pins),
            Window(call.window) if call.window else None,
            parent if maker else None,
            scope if joined else 0,
            call.scoped or receives,
            receives,
        )
        self._loads[peer] += 1
        self._streams += call.window > 0
        if maker:
            maker.made.add(call.call)
        if joined:
            joined.members.add(call.call)
        if unwanted:
            return [Revoke(call.call), *self._made_over(call.call, MadeEvent.ENDED, now)]
        if down:
            return self._lose((call.call,), down, None, now)
        if lane is None or lane.offer(call, code):
            return self._send_call(peer, call, code, now)
        if call.target:  # the program may forget the object before the call goes
            made = self._made[call.call]
            made.held = (ObjectId(peer, call.target),)
            self.references.use(made.held)
        return []

    @event
    def cancel(self, number: int, now: float) -> list[Action]:
        """Give a call up, and what it spawned; its outcome, if there will be one, is ignored."""
        made = self._made.get(number)
        if made is None:
            return []
        if made.state is MadeState.HELD:
            self.peers.meet(made.peer, now).lanes[made.target].withdraw(number)
            unpinned = self._follow(self.references.unpin(made.peer, made.pins), now)
            unpinned += self.drop(made.held, now)
            return unpinned + self._made_over(number, MadeEvent.ENDED, now)
        if made.state is MadeState.SENT:
            made.move(MadeEvent.ENDED)
            actions = self._say(made.peer, Cancel(number), now) + self._credit(number, made, now)
            if not made.settles:
                actions += self._made_over(number, MadeEvent.SETTLED, now)
            return actions
        return self._say(made.peer, Cancel(number), now)  # what it spawned goes on, and is to stop

    @event
    def taken(self, number: int, now: float) -> list[Action]:
        """Note that the program took an item of a stream."""
        made = self._made.get(number)
        credit = made.window.taken() if made and made.window else 0
        return self._say(made.peer, Credit(number, credit), now) if made and credit else []

    # Scopes.

    def open_scope(self) -> int:
        """Begin a scope and return its number."""
        number = next(self._scope_numbers)
        self._scopes[number] = Scope()
        return number

    @event
    def cancel_scope(self, number: int, now: float) -> list[Action]:
        """Cancel what was spawned in a scope, and what will be."""
        scope = self._scopes.get(number)
        if scope is None or not scope.failed():
            return []
        actions: list[Action] = []
        for member in sorted(scope.members):
            actions += self._revoke(member, now)
        return actions

    @event
    def leave_scope(self, number: int) -> list[Action]:
        """Note that the scope's block is left; Leave follows when all is over."""
        if self._scopes[number].left():
            return self._close_scope(number)
        return []

    # Objects and references.

    def own(self, *, serial: bool = False) -> ObjectId:
        """Enter an object of the program's; the caller has one use of the reference."""
        return self._own(Serial() if serial else Plain())

    def channel(self, capacity: int) -> ObjectId:
        """Make a channel; the caller has one use of the reference."""
        return self._own(Channel(capacity))

    def promise(self) -> ObjectId:
        """Make an object of an outcome that will be known; the caller has one use of the reference."""
        return self._own(Promise())

    @event
    def resolve(self, promise: int, outcome: Return | Kept | Raise, now: float) -> list[Action]:
        """Tell the outcome of a promise to all who wait for it, and who will ask."""
        found = self._objects.get(promise)
        if not isinstance(found, Promise):
            return []
        found.outcome = outcome
        self.references.use(_refs_of(outcome))
        actions: list[Action] = []
        for key in found.waiting:
            actions += self._reply(key, replace(outcome, call=key.call), now)
        found.waiting.clear()
        return actions

    def use(self, refs: Iterable[ObjectId]) -> None:
        """Note one more use of each reference."""
        self.references.use(refs)

    @event
    def drop(self, refs: Iterable[ObjectId], now: float) -> list[Action]:
        """Note that one use of each reference is gone."""
        return self._follow(self.references.drop(refs), now)

    @event
    def release(self, peer: NodeId, blocks: tuple[int, ...], now: float) -> list[Action]:
        """Tell a peer that nobody here looks at these blocks of its memory any more."""
        return self._say(peer, Release(blocks), now)

    # Calls: what the executor says.

    @event
    def answered(self, origin: NodeId, answer: Answer, now: float) -> list[Action]:
        """Send an outcome or an item to the spawner, unless it gave the call up."""
        key = Key(origin, answer.call)
        running = self._running.get(key)
        if running is None or running.state is not RunState.RUNNING:
            return []
        if isinstance(answer, Item):
            return self._say(origin, answer, now)
        self._unwanted(key, running, RunEvent.ANSWER)
        if (
            isinstance(answer, Return)
            and origin != self.me
            and answer.value.nbytes > self.limits.inline_bytes
        ):
            kept = self._own(Keep(answer.value))
            self.references.use(answer.value.refs)
            return self._say(origin, Kept(answer.call, Payload(refs=(kept,))), now) + self.drop((kept,), now)
        return self._say(origin, answer, now)

    @event
    def ended(self, origin: NodeId, number: int, now: float) -> list[Action]:
        """Note that no more of a call's code will run."""
        key = Key(origin, number)
        running = self._running.get(key)
        if running is None:
            return []
        running.move(RunEvent.END)
        begin = self._admission.over(key, running.serial)
        actions = self.drop(self._target_of(running), now)
        return actions + self._settle(key, running, now) + self._begin(begin, now)

    @event
    def paused(self, origin: NodeId, number: int, now: float) -> list[Action]:
        """Note that a call waits for another one, or needs no thread: its place is the next one's."""
        return self._begin(self._admission.paused(Key(origin, number)), now)

    def resumed(self, origin: NodeId, number: int) -> None:
        """Note that a call that was paused goes on."""
        running = self._running.get(Key(origin, number))
        if running and running.state is not RunState.SETTLING:
            self._admission.resumed(Key(origin, number))

    # What the transport says.

    @event
    def reach(self, peer: NodeId, now: float) -> list[Action]:
        """Have a carrier to `peer` before there is anything to say."""
        self.peers.meet(peer, now).dialled = True
        return [Dial(peer), Alarm()]

    @event
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

    @event
    def opened(
        self, peer: NodeId, received: int, pid: int, now: float, *, shares: bool = False
    ) -> list[Action]:
        """Take a new carrier into use; the peer has `received` of our messages.

        `shares`: the peer can map this process's memory.
        """
        found = self.peers.get(peer)
        if found is None:  # its end became known since it was greeted
            return [HangUp(peer)]
        found.session.opened(received, now, shares=shares)
        found.pid = pid
        return [Flush(peer), Alarm()]

    @event
    def received(self, peer: NodeId, frame: Frame, now: float) -> list[Action]:
        """Take a frame in."""
        found = self.peers.get(peer)
        if found is None:
            return []
        try:
            messages = found.session.receive(frame, now)
        except Gap:
            return [*self.broke(peer, now), Break(peer)]
        actions: list[Action] = []
        for message in messages:
            actions += self._hear(peer, message, now)
        return [*actions, Flush(peer)]  # an acknowledgement may be owed

    @event
    def broke(self, peer: NodeId, now: float) -> list[Action]:
        """Note that the carrier to `peer` is gone."""
        found = self.peers.get(peer)
        if found is None:
            return []
        if found.death:
            return self._gone(found.death[0], now)
        found.session.broke(now)
        return [Alarm()]

    @event
    def refused(self, peer: NodeId, refusal: Refusal, now: float) -> list[Action]:
        """Note that the peer will not have a session with us, or broke its rules."""
        found = self.peers.meet(peer, now)
        if refusal.crossed:
            found.dials_us = True
            return []
        how = f"has no session with us: {refusal.reason}"
        return self._gone(Down(peer, found.pid, how, fenced=True), now)

    # What the cluster says.

    @event
    def joined(self, node: NodeId, now: float) -> list[Action]:
        """Note a life of a node; the registrar tells the others."""
        self.peers.lives(node)
        actions: list[Action] = []
        if self.me == self._registrar:
            for peer, _ in self.peers:
                actions += self._say(peer, Up(node), now)
        return actions

    @event
    def died(self, down: Down, now: float) -> list[Action]:
        """Note that a node's process ended; what it said before is read out first."""
        found = self.peers.get(down.node)
        if found and found.session.is_open and found.death is None and not down.fenced:
            found.death = (down, now + DRAIN_SECONDS)
            return [Alarm()]
        return self._gone(down, now)

    # Time.

    def deadline(self) -> float | None:
        """Return when `tick` must be called, in seconds of the same clock; None: never."""
        times = [peer.session.deadline for _, peer in self.peers if peer.session.deadline is not None]
        times += [peer.death[1] for _, peer in self.peers if peer.death]
        return min(times, default=None)

    @event
    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        for node, peer in self.peers:
            if peer.death and now >= peer.death[1]:
                actions += self._gone(peer.death[0], now)
                continue
            match peer.session.tick(now):
                case Event.SILENT:
                    actions.append(Break(node))
                case Event.EXPIRED:
                    out = f"was out of contact for {self.limits.grace:g} s"
                    how = out if peer.session.resumes else "could not be reached"
                    actions += self._gone(Down(node, peer.pid, how, fenced=True), now)
                case _:
                    actions.append(Flush(node))  # a heartbeat may be due
        return actions

    # What is going on.

    @property
    def made(self) -> frozenset[int]:
        """The calls made here that are not over."""
        return frozenset(self._made)

    def state(self, number: int) -> MadeState | None:
        """Return where a call is that was made here; None if it is over."""
        made = self._made.get(number)
        return made.state if made else None

    @property
    def objects(self) -> Mapping[int, Object]:
        """The objects of this node that somebody refers to."""
        return self._objects

    @property
    def calls_here(self) -> list[Running]:
        """The calls that run here, or are to, and are not over."""
        return list(self._running.values())

    @property
    def waited_for(self) -> int:
        """How many calls made here have yet to end of themselves; a stream may need its reader for that."""
        return len(self._made) - self._streams

    @property
    def running(self) -> int:
        """How many calls run here that end of themselves; a stream may need its reader for that."""
        return self._wanted

    @property
    def is_idle(self) -> bool:
        """Whether no call is made or run here, or has left anything behind."""
        lanes = any(peer.lanes or peer.rooms for _, peer in self.peers)
        busy = self._made or self._running or self._scopes or not self._admission.is_idle
        return not (busy or lanes or +self._loads)

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the tables, for those who look for leaks."""
        peers = [peer for _, peer in self.peers]
        return {
            "objects": len(self._objects),
            "references": len(self.references.table()),
            "pins": self.references.pins,
            "made": len(self._made),
            "running": len(self._running),
            "scopes": len(self._scopes),
            "lanes": sum(len(peer.lanes) + len(peer.rooms) for peer in peers),
            "unacknowledged": sum(peer.session.unacknowledged for peer in peers),
            "lent": sum(peer.session.lent for peer in peers),
        }

    def kind_of(self, number: int) -> Object | None:
        """Return what an object is, None if it is not there."""
        return self._objects.get(number)

    def runs(self, origin: NodeId, number: int) -> bool:
        """Tell whether somebody waits for the outcome of a call that runs here."""
        running = self._running.get(Key(origin, number))
        return running is not None and running.is_wanted

    def load(self, peer: NodeId) -> int:
        """Return how many of the calls made here are on `peer`."""
        return self._loads[peer]

    def downed(self, peer: NodeId) -> Down | None:
        """Return how `peer` ended, if it did."""
        return self.peers.down.get(peer)

    # Saying.

    def _say(self, peer: NodeId, message: Message, now: float) -> list[Action]:
        payload = payload_of(message)
        if peer == self.me:
            self.references.use(payload.refs if payload else ())
            self._own_words.append((message, now))
            return []
        if peer in self.peers.down:
            return []
        if payload and payload.refs and not payload.pin:
            pin = self.references.pin(peer, payload.refs)
            message = with_payload(message, replace(payload, pin=pin))
        found = self.peers.meet(peer, now)
        place = found.session.send(message)
        if isinstance(message, Call):
            self._made[message.call].place = place
        if found.dialled or found.dials_us or found.session.resumes:
            return [Flush(peer)]
        found.dialled = True
        return [Dial(peer), Alarm()]

    def _pinned(self, peer: NodeId, payload: Payload, pins: list[int]) -> Payload:
        pins.append(self.references.pin(peer, payload.refs))
        return replace(payload, pin=pins[-1])

    def _send_call(self, peer: NodeId, call: Call, code: Code | None, now: float) -> list[Action]:
        made = self._made[call.call]
        made.move(MadeEvent.SENT)
        sent = self.peers.meet(peer, now).sent
        actions: list[Action] = []
        for message in sent.before_call(code) if code else ():
            actions += self._say(peer, message, now)
        actions += self._say(peer, call, now)
        if code and code.pickle.refs:  # what has references in it is not kept: they would be, too
            actions += self._say(peer, sent.forget(code.digest), now)
        return actions

    def _reply(self, key: Key, outcome: Outcome, now: float) -> list[Action]:
        """End a call that an object of ours answers by itself."""
        self._unwanted(key, self._running[key], RunEvent.ANSWER)
        return self._say(key.origin, outcome, now) + self.ended(key.origin, key.call, now)

    def _follow(self, effects: Iterable[Effect], now: float) -> list[Action]:
        actions: list[Action] = []
        for effect in effects:
            if isinstance(effect, Freed):
                actions += self._free(effect.number, now)
            else:
                actions += self._say(effect.peer, effect.message, now)
        return actions

    # Hearing.

    def _hear(self, peer: NodeId, message: Message, now: float) -> list[Action]:
        payload = payload_of(message)
        if payload is None:
            return self._heard(peer, message, now)
        actions: list[Action] = []
        if any(isinstance(buffer, Region) for buffer in payload.buffers):
            mapped = tuple(self._memory.map(peer, b) if isinstance(b, Region) else b for b in payload.buffers)
            message = with_payload(message, replace(payload, buffers=mapped))
        if payload.refs:
            actions += self._follow(self.references.arrived(peer, payload.pin, payload.refs), now)
            payload = payload_of(message) or payload
            message = with_payload(message, replace(payload, pin=0))
        return actions + self._heard(peer, message, now)

    def _heard(self, peer: NodeId, message: Message, now: float) -> list[Action]:
        found = self.peers.meet(peer, now)
        match message:
            case Code():
                found.held[message.digest] = message
            case Forget():
                code = found.held.pop(message.digest, None)
                return self.drop(code.pickle.refs, now) if code else []
            case Call():
                return self._arrived(peer, found, message, now)
            case Begun():
                return self._begun(message.calls, now)
            case Return() | Kept() | Raise() | Stale() | End():
                return self._outcome(message, now)
            case Item():
                return self._item(message, now)
            case Credit():
                running = self._running.get(Key(peer, message.call))
                wanted = running and running.state is RunState.RUNNING
                return [Grant(peer, message.call, message.items)] if wanted else []
            case Cancel():
                return self._cancelled(Key(peer, message.call), now)
            case Settled():
                made = self._made.get(message.call)
                if made and made.state is MadeState.ENDED:
                    return self._made_over(message.call, MadeEvent.SETTLED, now)
            case Dirty():
                return self._follow(self.references.heard_dirty(peer, message), now)
            case Dirtied():
                return self._follow(self.references.heard_dirtied(peer, message), now)
            case Clean():
                return self._follow(self.references.heard_clean(peer, message), now)
            case Unpin():
                return self._follow(self.references.unpin(peer, message.pins), now)
            case Release():
                found.session.take_back(message.blocks)
            case Up():
                return self.joined(message.node, now)
            case Down():
                return self.died(message, now)
        return []

    # Calls that came in.

    def _arrived(self, peer: NodeId, found: Peer, call: Call, now: float) -> list[Action]:
        target = self._objects.get(call.target)
        if call.method == PUT_BACK:
            return self._put_back(target, Key(peer, call.call), call.arguments, now)
        if call.target and target is None:
            return self.drop(call.arguments.refs, now) + self._say(peer, Stale(call.call), now)
        key = Key(peer, call.call)
        code = None if call.target else found.held[call.digest]
        refs = call.arguments.refs
        if code:
            self.references.use(code.pickle.refs)
            refs += code.pickle.refs
        if peer != self.me:
            found.rooms.setdefault(call.target, WaitingRoom(self.limits)).enter(call)
        running = Running(call, code, call.target, refs, call.window > 0, call.scoped)
        self._running[key] = running
        self._wanted += not running.stream
        self.references.use(self._target_of(running))
        match target:
            case None | Plain():
                return self._begin(self._admission.arrived(key), now)
            case Serial():
                running.serial = call.target
                return self._begin(self._admission.arrived(key, call.target), now)
        self._begins(key, running)
        match target:
            case Keep():
                return self._reply(key, Return(call.call, target.value), now)
            case Promise():
                if target.outcome is None:
                    target.waiting[key] = None
                    return []
                return self._reply(key, replace(target.outcome, call=call.call), now)
            case Channel():
                return self._asked(target, key, call, now)

    def _begin(self, keys: Iterable[Key], now: float) -> list[Action]:
        """Begin calls whose turn has come."""
        actions: list[Action] = []
        for key in keys:
            running = self._running[key]
            call, code = running.call, running.code
            assert call is not None
            begun = self._begins(key, running)
            if begun:
                actions += self._say(key.origin, begun, now)
            actions.append(Run(key.origin, call, code))
        return actions

    def _begins(self, key: Key, running: Running) -> Begun | None:
        running.move(RunEvent.BEGIN)
        running.call = running.code = None
        running.refs = ()  # the executor's from now on
        peer = self.peers.get(key.origin)
        return peer.rooms[running.target].begin(key.call) if peer else None

    def _unwanted(self, key: Key, running: Running, event: RunEvent) -> None:
        """Note that a call's outcome is told, or not wanted."""
        if running.is_wanted:
            self._wanted -= not running.stream
        running.move(event)
        peer = self.peers.get(key.origin)
        room = peer.rooms.get(running.target) if peer else None
        if peer and room:
            room.leave(key.call)
            if room.is_empty:
                del peer.rooms[running.target]

    def _cancelled(self, key: Key, now: float) -> list[Action]:
        """Stop a call, and what it made: its spawner gave it up, or is gone."""
        running = self._running.get(key)
        if running is None:
            return []
        state = running.state
        self._unwanted(key, running, RunEvent.CANCEL)
        actions: list[Action] = []
        if state is not RunState.CANCELLED:
            for number in sorted(running.made):
                actions += self._revoke(number, now)
        if state is RunState.WAITING:
            refs = (*running.refs, *self._target_of(running))
            begin = self._admission.over(key, running.serial)
            actions += self.drop(refs, now) + self._settle(key, running, now) + self._begin(begin, now)
        elif state is RunState.RUNNING:
            match self._objects.get(running.target):
                case Promise() as promise:
                    promise.waiting.pop(key, None)
                    actions += self.ended(*key, now)
                case Channel() as channel:
                    offered = channel.withdraw(key)
                    actions += self.drop(offered.refs if offered else (), now)
                    actions += self._say(key.origin, Settled(key.call), now) + self.ended(*key, now)
                case _:  # first, so that its code sees that it is stopped, not that what it waits for was
                    actions.insert(0, Interrupt(*key))
        return actions

    def _settle(self, key: Key, running: Running, now: float) -> list[Action]:
        """Forget a call whose code has ended, as soon as what it made need not be waited for."""
        if running.state is not RunState.SETTLING or (running.settles and running.made):
            return []
        running.move(RunEvent.SETTLE)
        del self._running[key]
        for number in running.made:
            self._made[number].parent = None
        return self._say(key.origin, Settled(key.call), now) if running.settles else []

    def _target_of(self, running: Running) -> tuple[ObjectId, ...]:
        """Return the object that a call is of, which lives as long as the call does."""
        return (ObjectId(self.me, running.target),) if running.target else ()

    # Calls that were made here.

    def _begun(self, numbers: Iterable[int], now: float) -> list[Action]:
        actions: list[Action] = []
        for number in numbers:
            if made := self._made.get(number):
                made.began = True
                actions += self._credit(number, made, now)
        return actions

    def _credit(self, number: int, made: Made, now: float) -> list[Action]:
        """Let another call go in the place of one that has begun or ended."""
        peer = self.peers.get(made.peer)
        lane = peer.lanes.get(made.target) if peer else None
        if peer is None or lane is None:
            return []
        ready = lane.credit((number,))
        if lane.is_idle:
            del peer.lanes[made.target]
        actions: list[Action] = []
        for call, code in ready:
            actions += self._send_call(made.peer, call, code, now)
            actions += self.drop(self._made[call.call].held, now)
        return actions

    def _outcome(self, outcome: Outcome, now: float) -> list[Action]:
        made = self._made.get(outcome.call)
        if made is None:  # it crossed a cancel
            return self.drop(_refs_of(outcome), now)
        if made.state is MadeState.ENDED:
            if not made.receives:
                return self.drop(_refs_of(outcome), now)
            actions = self._return_to_channel(made, outcome, now)
            return actions + self._made_over(outcome.call, MadeEvent.SETTLED, now)
        made.move(MadeEvent.ENDED)
        actions = self._credit(outcome.call, made, now)
        actions.append(Deliver(outcome))
        if made.scope and isinstance(outcome, Raise | Stale):
            actions += self.cancel_scope(made.scope, now)
        if not made.settles or made.receives or isinstance(outcome, Stale):
            actions += self._made_over(outcome.call, MadeEvent.SETTLED, now)
        return actions

    def _item(self, item: Item, now: float) -> list[Action]:
        made = self._made.get(item.call)
        if made is None or made.window is None or made.state is not MadeState.SENT:
            return self.drop(item.value.refs, now)
        made.window.arrived()
        actions = [] if made.began else self._begun((item.call,), now)
        return [*actions, Deliver(item)]

    def _revoke(self, number: int, now: float) -> list[Action]:
        """Cancel a call together with what made it; whoever waits for it is told."""
        waited_for = self._made[number].state in (MadeState.HELD, MadeState.SENT)
        actions = self.cancel(number, now)
        return (
            [Revoke(number), *actions] if waited_for else actions
        )  # first: it may be what a scope waits for

    def _made_over(self, number: int, event: MadeEvent, now: float) -> list[Action]:
        """Forget a call that was made here, of which nothing goes on."""
        made = self._made.pop(number)
        made.move(event)
        self._loads[made.peer] -= 1
        if not self._loads[made.peer]:
            del self._loads[made.peer]
        self._streams -= made.window is not None
        actions: list[Action] = []
        maker = self._running.get(made.parent) if made.parent else None
        if maker and made.parent:
            maker.made.discard(number)
            actions += self._settle(made.parent, maker, now)
        if made.scope and self._scopes[made.scope].over(number):
            actions += self._close_scope(made.scope)
        return actions

    def _close_scope(self, number: int) -> list[Action]:
        del self._scopes[number]
        return [Leave(number)]

    # Objects.

    def _own(self, kind: Object) -> ObjectId:
        ref = self.references.own()
        self._objects[ref.number] = kind
        return ref

    def _free(self, number: int, now: float) -> list[Action]:
        match self._objects.pop(number):
            case Keep(value):
                return self.drop(value.refs, now)
            case Promise(outcome):
                return self.drop(_refs_of(outcome), now) if outcome else []
            case Channel() as channel:
                return self.drop([ref for value in channel.values() for ref in value.refs], now)
        return [Free(number)]

    def _asked(self, channel: Channel, key: Key, call: Call, now: float) -> list[Action]:
        if call.method == SEND:
            return self._channel_says(channel.send(key, call.arguments), now)
        actions = self.drop(call.arguments.refs, now)
        if call.method == RECEIVE:
            return actions + self._channel_says(channel.receive(key), now)
        if call.method == CLOSE:
            actions += self._channel_says(channel.close(), now)
            return actions + self._reply(key, Return(call.call, Payload()), now)
        return actions + self._reply(key, Stale(call.call), now)

    def _channel_says(self, answers: Iterable[ChannelAnswer], now: float) -> list[Action]:
        actions: list[Action] = []
        for answer in answers:
            match answer:
                case Received(key, value):
                    actions += self._reply(key, Return(key.call, value), now) + self.drop(value.refs, now)
                case Sent(key):
                    actions += self._reply(key, Return(key.call, Payload()), now)
                case Refused(key, value):
                    actions += self._reply(key, End(key.call), now) + self.drop(
                        value.refs if value else (), now
                    )
        return actions

    def _return_to_channel(self, made: Made, outcome: Outcome, now: float) -> list[Action]:
        """Pass on a value that arrived for a receiver who had given up, to the next one here, or back.

        So the values that come to a node are received there in their order, whoever gives up.
        """
        if not isinstance(outcome, Return):
            return []
        for number, other in self._made.items():
            same = other.receives and (other.peer, other.target) == (made.peer, made.target)
            if same and other.state is MadeState.SENT:
                other.move(MadeEvent.ENDED)  # what comes for it, if anything does, is passed on in turn
                actions = self._say(other.peer, Cancel(number), now) + self._credit(number, other, now)
                return [*actions, Deliver(replace(outcome, call=number))]
        back = Call(outcome.call, outcome.value, target=made.target, method=PUT_BACK)
        return self._say(made.peer, back, now) + self.drop(outcome.value.refs, now)

    def _put_back(self, target: Object | None, key: Key, value: Payload, now: float) -> list[Action]:
        if isinstance(target, Channel):
            return self._channel_says(target.put_back(key, value), now)
        return self.drop(value.refs, now)

    # Ends.

    def _lose(self, numbers: Iterable[int], down: Down, peer: Peer | None, now: float) -> list[Action]:
        """End calls whose node is gone; their scopes are told when all of them have ended."""
        actions: list[Action] = []
        failed: dict[int, None] = {}
        for number in numbers:
            made = self._made[number]
            if made.state in (MadeState.HELD, MadeState.SENT):
                actions.append(Lose(number, down, _ran(made, peer), self.peers.was_replaced(down.node)))
                failed[made.scope] = None
            if made.state is MadeState.HELD:
                actions += self.drop(made.held, now)
            actions += self._made_over(number, MadeEvent.LOST, now)
        for scope in failed:
            actions += self.cancel_scope(scope, now)
        return actions

    def _gone(self, down: Down, now: float) -> list[Action]:
        """End a node's session: what it ran for us is lost, what we ran for it is stopped."""
        node = down.node
        if node in self.peers.down:
            return []
        found = self.peers.forget(down)
        actions: list[Action] = []
        lost = [number for number, made in self._made.items() if made.peer == node]
        actions += self._lose(lost, down, found, now)
        for key in [key for key in self._running if key.origin == node]:
            actions += self._cancelled(key, now)
        actions += self._follow(self.references.gone(node), now)
        if found:
            for code in found.held.values():
                actions += self.drop(code.pickle.refs, now)
            found.session.end()
            found.session.give_up_memory(gone=not down.fenced)
            actions.append(HangUp(node))
        if node == self._registrar:
            actions.append(Fence(self.me))
        elif self.me == self._registrar:
            actions += [Fence(node)] if down.fenced else []
            for peer, _ in self.peers:
                actions += self._say(peer, down, now)
        return actions


def _ran(made: Made, peer: Peer | None) -> Ran:
    if made.began:
        return "yes"
    return "unknown" if peer and made.place and peer.session.was_written(made.place) else "no"


def _refs_of(outcome: Outcome) -> tuple[ObjectId, ...]:
    payload = payload_of(outcome)
    return payload.refs if payload else ()
