"""A simulated node: a core, and a shell around it that carries out what the core asks for.

The shell does in virtual time what the real one does with threads and sockets. It counts the
references that it was handed: one use of each in whatever a program is given, to be given back once.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

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
    Revoke,
    Run,
)
from circuit.runtime.admission import Key
from circuit.runtime.core import Core
from circuit.runtime.messages import (
    Call,
    Clean,
    Code,
    End,
    Item,
    Kept,
    NodeId,
    ObjectId,
    Payload,
    Raise,
    Return,
    Stale,
)
from circuit.runtime.spawning import Overload
from circuit.runtime.transfers import payload_of
from circuit.testing.custody import WatchedReferences
from circuit.testing.executions import Execution
from circuit.testing.ledger import Ending, Spawned, Value, number_in
from circuit.testing.objects import Kind
from circuit.testing.programs import Program
from circuit.testing.promises import BrokenPromise, Promise, hold
from circuit.testing.strays import StrayingCore
from circuit.testing.transport import Transport

if TYPE_CHECKING:
    from circuit.testing.network import Network

_ENDINGS: dict[type, Ending] = {
    Return: Ending.RETURNED,
    Kept: Ending.KEPT,
    Raise: Ending.RAISED,
    Stale: Ending.STALE,
    End: Ending.END,
}


class Host:
    """One life of a node."""

    def __init__(self, network: Network, core: Core, references: WatchedReferences) -> None:
        self.network = network
        self.id = core.me
        self.core = core
        self.references = references
        self.transport = Transport(self)
        self.is_alive = True
        self.slowness = 1.0
        """How many times longer than usual everything takes here."""
        self.uses: Counter[ObjectId] = Counter()
        """How often the programs here have each reference."""
        self.programs: dict[Key, Execution] = {}
        self.scopes: dict[int, Program] = {}
        self.main = Program(self)
        self._numbers = itertools.count(1)
        self._alarm: float | None = None
        self._actions: deque[Action] = deque()
        self._unwritten: dict[NodeId, None] = {}
        self._busy = False
        self._missed: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None

    def __str__(self) -> str:
        return self.id.name

    # Its life.

    @property
    def is_stopped(self) -> bool:
        """Whether it stands still, and knows nothing of it."""
        return self._missed is not None

    def perform(self, act: Callable[..., None], *args: Any) -> None:
        """Do something, if the process lives; when it goes on, if it stands still."""
        if self._missed is not None:
            self._missed.append((act, args))
        elif self.is_alive:
            act(*args)

    def soon(self, seconds: float, act: Callable[..., None], *args: Any) -> None:
        """Do something later."""
        self.network.clock.after(seconds * self.slowness, self.perform, act, *args)

    def stop(self) -> None:
        """Stand still, as after SIGSTOP."""
        if self._missed is None:
            self._missed = []

    def go_on(self) -> None:
        """Go on, as after SIGCONT; whether it looks at its clock or at its mail first, nobody knows."""
        missed, self._missed = self._missed or [], None
        missed.insert(self.network.random.randrange(len(missed) + 1), (self._tick, ()))
        for act, args in missed:
            self.perform(act, *args)

    def crash(self) -> None:
        """Die at once."""
        self.is_alive = False
        self._missed = None
        for program in [self.main, *self.programs.values()]:
            program.die()
        self.transport.crash()
        self.uses.clear()

    # Events in, actions out.

    def do(self, event: Callable[..., list[Action]], *args: Any, **kwargs: Any) -> None:
        """Bring an event to the core, and carry out what it asks for."""
        self._actions += event(*args, **kwargs)
        if not self._busy:
            self._busy = True
            while self._actions or self._unwritten:
                if self._actions:
                    self._carry_out(self._actions.popleft())
                else:
                    self.transport.write(self._unwritten.popitem()[0])
            self._busy = False
            if isinstance(self.core, StrayingCore):
                for peer, release in self.core.take_strays():
                    self.network.medium.stray(self, peer, release)

    def hear_stray(self, peer: NodeId, release: Clean) -> None:
        """Hear a release that came by itself."""
        assert isinstance(self.core, StrayingCore)
        self.do(self.core.strayed, peer, release, self.network.clock.now)

    def _carry_out(self, action: Action) -> None:
        if not isinstance(action, Flush | Alarm):
            self.network.tell("{}: {}", self, action)
        match action:
            case Flush(peer):
                self._unwritten[peer] = None
            case Deliver(outcome):
                self._deliver(outcome)
            case Run():
                self._run(action)
            case Alarm():
                self._set_alarm()
            case Interrupt(origin, call):
                program = self.programs.get(Key(origin, call))
                hold(Promise.STOPPED, program, "{} was to stop call {}, which does not run", self, call)
                if program:
                    self.soon(self.network.pause(), program.interrupt)
            case Grant(origin, call, items):
                if program := self.programs.get(Key(origin, call)):
                    program.grant(items)
            case Lose(call, _, ran):
                spawned = self._spawned(call)
                self.network.count(f"lost, ran: {ran}")
                self.network.ledger.lost(spawned, ran)
                spawned.maker.ended(spawned, None)
            case Revoke(call):
                spawned = self._spawned(call)
                self.network.ledger.ended(spawned, Ending.REVOKED)
                spawned.maker.ended(spawned, None)
            case Free():
                self.network.count("freed an object")
            case Leave(scope):
                self._leave(scope)
            case Dial(peer):
                self.transport.dial(peer)
            case Break(peer):
                self.network.count("broke a carrier itself")
                self.transport.close(peer)
            case HangUp(peer):
                down = self.core.downed(peer)
                kept = down is None or "broke the protocol" not in down.how
                hold(Promise.RULES, kept, "{} gave {} up, which {}", self, peer.name, down and down.how)
                self.transport.hang_up(peer)
            case Fence(node):
                self.network.count("fenced")
                self.network.clock.after(self.network.pause(), self.network.crash, node.name, node)

    def _set_alarm(self) -> None:
        due = self.core.deadline()
        if due is not None and (self._alarm is None or due < self._alarm):
            self._alarm = due
            self.network.clock.at(max(due, self.network.clock.now), self._ring, due, quiet=True)

    def _ring(self, due: float) -> None:
        if self._alarm == due:
            self.perform(self._tick)

    def _tick(self) -> None:
        self._alarm = None
        now = self.network.clock.now
        self.do(self.core.tick, now)
        due = self.core.deadline()
        hold(Promise.REST, due is None or due > now, "{}'s clock rings again at once", self)
        self._set_alarm()

    # References.

    def gain(self, refs: Iterable[ObjectId]) -> None:
        """Note that programs got one use of each."""
        for ref in refs:
            self.uses[ref] += 1
            lost = ref in self.network.custodies.freed and not self.network.is_harsh
            hold(Promise.HELD, not lost, "{} was given object {}, which was freed", self, ref)

    def drop(self, refs: Iterable[ObjectId]) -> None:
        """Give one use of each back."""
        refs = tuple(refs)
        if refs:
            for ref in refs:
                self.uses[ref] -= 1
            self.do(self.core.drop, refs, self.network.clock.now)

    # Calls that are made here.

    def call(
        self,
        maker: Program,
        peer: NodeId,
        arguments: Payload,
        *,
        code: Code | None = None,
        target: ObjectId | None = None,
        method: str = "",
        window: int = 0,
        scope: int = 0,
        value: Value | None = None,
        cleanup: bool = False,
    ) -> Spawned:
        """Make a call."""
        number = next(self._numbers)
        refs = arguments.refs + (code.pickle.refs if code else ())
        spawned = Spawned(Key(self.id, number), peer, maker, target, method, window, scope, refs, value)
        self.network.ledger.calls[spawned.key] = spawned
        digest, of = code.digest if code else b"", target.number if target else 0
        call = Call(number, arguments, digest, of, method, window)
        now = self.network.clock.now
        try:
            make = self.core.call
            self.do(make, peer, call, code, now, parent=maker.key, scope=scope, cleanup=cleanup)
        except Overload:
            self.network.ledger.ended(spawned, Ending.OVERLOAD)
        return spawned

    def cancel(self, spawned: Spawned) -> None:
        """Give a call up."""
        self.network.ledger.ended(spawned, Ending.CANCELLED)
        self.do(self.core.cancel, spawned.key.call, self.network.clock.now)
        spawned.maker.ended(spawned, None)

    def _spawned(self, number: int) -> Spawned:
        return self.network.ledger.calls[Key(self.id, number)]

    def _deliver(self, outcome: Return | Kept | Raise | Stale | Item | End) -> None:
        spawned = self._spawned(outcome.call)
        ledger = self.network.ledger
        payload = payload_of(outcome) or Payload()
        self.gain(payload.refs)
        if isinstance(outcome, Item):
            ledger.item(spawned, number_in(payload))
            spawned.maker.item(spawned, payload.refs)
            return
        ledger.ended(spawned, _ENDINGS[type(outcome)])
        if isinstance(outcome, Kept):
            self.network.kinds[payload.refs[0]] = Kind.KEPT
        if isinstance(outcome, Stale) and not self.network.is_harsh:
            raise BrokenPromise(Promise.HELD, f"{spawned} found its object gone")
        if spawned.value:
            ledger.was_sent(spawned, accepted=isinstance(outcome, Return))
        elif spawned.receives and isinstance(outcome, Return):
            ledger.was_received(number_in(payload), self.id)
        spawned.maker.ended(spawned, outcome)
        spawned.maker.gained(payload.refs)

    def _leave(self, scope: int) -> None:
        program = self.scopes.pop(scope, None)
        hold(Promise.SCOPES, program, "scope {} of {} was left twice", scope, self)
        network, in_contact = self.network, self.network.custodies.in_contact
        for member in network.ledger.in_scope(self.id, scope):
            hold(Promise.SCOPES, member.ending, "{} had not ended, and its scope was left", member)
            for made in network.ledger.descendants(
                member, lambda spawned: in_contact(spawned.key.origin, spawned.peer)
            ):
                hold(Promise.SCOPES, made.program is None, "{} ran on, and its scope was left", made)

    # Calls that run here.

    def _run(self, run: Run) -> None:
        key = Key(run.origin, run.call.call)
        refs = run.call.arguments.refs + (run.code.pickle.refs if run.code else ())
        target = ObjectId(self.id, run.call.target)
        self.gain(refs)
        program = self.programs[key] = Execution(self, key, refs, run.call.window)
        serial = self.network.kinds.get(target) is Kind.SERIAL
        program.begin(self.network.ledger.began(key, program, serial=serial))
