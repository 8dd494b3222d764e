"""A simulated program: it has references, futures and scopes, and does with them what programs do.

It takes its steps by chance, as long as the network has any left; tests that know what they want call
its methods themselves. What runs for a call is a program too: see `executions.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit.runtime.admission import Key
from circuit.runtime.messages import Code, End, Kept, NodeId, ObjectId, Payload, Raise, Return, Stale
from circuit.runtime.transfers import PART_BYTES
from circuit.testing.ledger import CLOSE, RECEIVE, SEND, Spawned
from circuit.testing.objects import Kind

if TYPE_CHECKING:
    from circuit.testing.host import Host

LIGHT, HEAVY, HUGE = b"light", bytes(100), bytes(PART_BYTES + 1)
"""Values that come along with an outcome, that stay where they are, that travel in parts."""
CODES = tuple(Code(name, Payload((name,))) for name in (b"f", b"g", b"h"))


class Program:
    """The main program of one host."""

    key: Key | None = None
    """The call that it runs for."""

    def __init__(self, host: Host, handles: tuple[ObjectId, ...] = ()) -> None:
        self.host = host
        self.network = host.network
        self.handles = list(handles)
        self.pending: dict[int, Spawned] = {}
        self.scopes: list[int] = []
        self.is_over = False
        self._waits_for: Spawned | None = None

    # Its life.

    def go_on(self) -> None:
        """Take the next step soon."""
        self.host.soon(self.network.pause(), self.step)

    def step(self) -> None:
        """Do one thing, and the next one later."""
        if not (self.is_over or self._waits_for) and self.network.takes_step():
            self.network.chance(self)
            if not self._waits_for:
                self.go_on()

    def release(self) -> None:
        """Let go of all that it has."""
        for scope in self.scopes:
            self.host.do(self.host.core.leave_scope, scope, self.network.clock.now)
        self.scopes.clear()
        for spawned in list(self.pending.values()):
            if spawned.window:
                self.host.cancel(spawned)
        handles, self.handles = self.handles, []
        self.host.drop(handles)

    def die(self) -> None:
        """Be gone with the process."""
        self.is_over = True

    # What happens to its futures.

    def ended(self, spawned: Spawned, outcome: Return | Kept | Raise | Stale | End | None) -> None:
        """Note that a future has ended."""
        self.pending.pop(spawned.key.call, None)
        if spawned.promise:
            lost = Raise(0, None, "Error", "there is no outcome", "", 1)
            told = outcome if isinstance(outcome, Return | Kept | Raise) else lost
            self.host.do(self.host.core.resolve, spawned.promise.number, told, self.network.clock.now)
            self.host.drop((spawned.promise,))
        self._resume(spawned)

    def gained(self, refs: tuple[ObjectId, ...]) -> None:
        """Take references that an outcome or an item brought."""
        if self.is_over:
            self.host.drop(refs)
        else:
            self.handles += refs

    def item(self, spawned: Spawned, refs: tuple[ObjectId, ...]) -> None:
        """Take an item of a stream, now or later."""
        self.gained(refs)
        if self.network.random.random() < 0.9:
            self.host.soon(self.network.pause(), self.take, spawned)

    def take(self, spawned: Spawned) -> None:
        """Take an item out of its window."""
        if spawned.untaken:
            spawned.untaken -= 1
            self.host.do(self.host.core.taken, spawned.key.call, self.network.clock.now)

    # Calls.

    def spawn(
        self,
        peer: NodeId,
        refs: tuple[ObjectId, ...] = (),
        *,
        closure: bool = False,
        window: int = 0,
        scope: int = 0,
        cleanup: bool = False,
    ) -> Spawned:
        """Call a function; with a closure the references travel in its code."""
        code = self.network.random.choice(CODES)
        arguments = Payload((self._load(),), refs)
        if closure and refs:
            digest = b"closure %d" % len(self.network.ledger.calls)
            code, arguments = Code(digest, Payload((digest,), refs)), Payload((LIGHT,))
        call = self.host.call
        return self._made(call(self, peer, arguments, code=code, window=window, scope=scope, cleanup=cleanup))

    def ask(
        self, target: ObjectId, refs: tuple[ObjectId, ...] = (), *, method: str = "method", scope: int = 0
    ) -> Spawned:
        """Call a method of an object, or ask for an outcome (FETCH)."""
        arguments = Payload((LIGHT,), refs)
        call = self.host.call
        return self._made(call(self, target.owner, arguments, target=target, method=method, scope=scope))

    def send(self, channel: ObjectId, refs: tuple[ObjectId, ...] = ()) -> Spawned:
        """Send a new value."""
        value = self.network.ledger.offered(channel, self.host.id)
        arguments = Payload((b"%d" % value.number,), refs)
        call = self.host.call
        return self._made(call(self, channel.owner, arguments, target=channel, method=SEND, value=value))

    def receive(self, channel: ObjectId) -> Spawned:
        """Ask for a value."""
        self.network.ledger.asked(channel, self.host.id)
        return self.ask(channel, method=RECEIVE)

    def close(self, channel: ObjectId) -> Spawned:
        """End sending."""
        return self.ask(channel, method=CLOSE)

    def give_up(self, spawned: Spawned) -> None:
        """Cancel a future, if it has not ended."""
        if spawned.ending is None:
            self.host.cancel(spawned)

    def wait(self, spawned: Spawned, timeout: float) -> None:
        """Do nothing until a future has ended, but not for ever."""
        self._waits_for = spawned
        if self.key:
            self.host.do(self.host.core.paused, *self.key, self.network.clock.now)
        self.host.soon(timeout, self._resume, spawned)

    def open_scope(self) -> int:
        """Open a scope."""
        scope = self.host.core.open_scope()
        self.scopes.append(scope)
        self.host.scopes[scope] = self
        return scope

    def leave_scope(self, scope: int, *, cancel: bool = False) -> None:
        """Leave a scope, as by an exception if it is cancelled."""
        self.scopes.remove(scope)
        if cancel:
            self.host.do(self.host.core.cancel_scope, scope, self.network.clock.now)
        self.host.do(self.host.core.leave_scope, scope, self.network.clock.now)

    # References.

    def own(self, kind: Kind, capacity: int = 1) -> ObjectId:
        """Make an object."""
        core = self.host.core
        if kind is Kind.CHANNEL:
            ref = core.channel(capacity)
        elif kind is Kind.PROMISE:
            ref = core.promise()
        else:
            ref = core.own(serial=kind is Kind.SERIAL)
        self.network.kinds[ref] = kind
        self.host.gain((ref,))
        self.handles.append(ref)
        return ref

    def share(self, spawned: Spawned) -> ObjectId:
        """Make a reference of a future that has not ended."""
        ref = self.own(Kind.PROMISE)
        self.host.core.use((ref,))  # until it has
        self.host.gain((ref,))
        spawned.promise = ref
        return ref

    def copy(self, ref: ObjectId) -> None:
        """Use a reference once more."""
        self.host.core.use((ref,))
        self.host.gain((ref,))
        self.handles.append(ref)

    def drop(self, ref: ObjectId) -> None:
        """Use a reference once less."""
        self.handles.remove(ref)
        self.host.drop((ref,))

    def _made(self, spawned: Spawned) -> Spawned:
        if spawned.ending is None:
            self.pending[spawned.key.call] = spawned
        return spawned

    def _resume(self, spawned: Spawned) -> None:
        if self._waits_for is spawned and not self.is_over:
            self._waits_for = None
            if self.key:
                self.host.core.resumed(*self.key)
            self.go_on()

    def _load(self) -> bytes:
        drawn = self.network.random.random()
        return HUGE if drawn < 0.005 else HEAVY if drawn < 0.3 else LIGHT
