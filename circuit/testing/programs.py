"""A simulated program: what runs for a call, or a node's main program, one step at a time.

It has references and futures, and does with them what programs do. It takes its steps by chance, as
long as the network has any left; tests that know what they want call its methods themselves.

    a plain one    takes some steps, then returns or raises
    a producer     gives items as it is granted them, then ends
    a sleeper      stops taking steps, and goes on only when it is interrupted, or at the end of the run
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit.runtime.admission import Key
from circuit.runtime.messages import (
    Answer,
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
from circuit.testing.ledger import CLOSE, FETCH, RECEIVE, SEND, Ending, Spawned
from circuit.testing.objects import Kind

if TYPE_CHECKING:
    from circuit.testing.host import Host

LIGHT, HEAVY = b"light", bytes(100)
"""Values that come along with an outcome, and that stay where they are until asked for."""
CODES = tuple(Code(name, Payload((name,))) for name in (b"f", b"g", b"h"))


class Program:
    """One execution on one host; the main program if `key` is None.

    Args:
        refs: what came with the call: one use of each.
        window: > 0: it is a producer, and may give that many items before it is granted more.
    """

    def __init__(self, host: Host, key: Key | None = None, refs: tuple[ObjectId, ...] = (), window: int = 0) -> None:
        self.host = host
        self.network = host.network
        self.key = key
        self.spawned: Spawned | None = None
        self.handles = list(refs)
        self.pending: dict[int, Spawned] = {}
        self.scopes: list[int] = []
        self.is_over = False
        self._answered = False
        self._waits_for: Spawned | None = None
        self._produces = bool(window)
        self._credit = window
        self._items = 0
        self._steps = 0
        self._sleeps = False
        self._is_idle = False

    # Its life.

    def start(self) -> None:
        """Begin a main program."""
        self._go_on()

    def begin(self, spawned: Spawned) -> None:
        """Run, for a call."""
        random = self.network.random
        self.spawned = spawned
        self._steps = random.randrange(8 if self._produces else 6)
        self._sleeps = not self._produces and random.random() < 0.1
        self._go_on()

    def _go_on(self) -> None:
        self._is_idle = False
        self.host.soon(self.network.pause(), self.step)

    def step(self) -> None:
        """Do one thing, and the next one later."""
        if self.is_over or self._answered or self._waits_for:
            return
        if self._produces and self._steps:
            self._produce()
        elif (self.key is None or self._steps > 0) and self.network.takes_step():
            self._steps -= 1
            self.network.chance(self)
            if not self._waits_for:
                self._go_on()
        elif self.key is None or (self._sleeps and not self.network.winds_down):
            self._is_idle = True
        else:
            self.finish()

    def wake(self) -> None:
        """Sleep no more."""
        if self._is_idle and not self.is_over:
            self._sleeps = False
            self._go_on()

    def _produce(self) -> None:
        if not self._credit:
            self._is_idle = True
            return
        self._credit -= 1
        self._steps -= 1
        number, self._items = self._items, self._items + 1
        refs = tuple(self.handles[:1]) if self.network.random.random() < 0.3 else ()
        assert self.key is not None
        self._answer(Item(self.key.call, Payload((b"%d" % number,), self._given(refs))))
        self._go_on()

    def grant(self, items: int) -> None:
        """Be allowed more items."""
        self.network.count("granted items")
        self._credit += items
        if self._is_idle:
            self._go_on()

    def finish(self) -> None:
        """Return or raise, leave what is open, drop what is held, end."""
        assert self.key is not None
        random = self.network.random
        refs = self._given(tuple(random.sample(self.handles, min(len(self.handles), random.randrange(3)))))
        number = self.key.call
        outcome: Answer
        if random.random() < 0.2:
            outcome = Raise(number, Payload((LIGHT,), refs), "Error", "text", "", 1)
        elif self._produces:
            outcome = End(number)
        else:
            outcome = Return(number, Payload((HEAVY if random.random() < 0.3 else LIGHT,), refs))
        assert self.spawned is not None
        self.spawned.answered = self._answered = True
        self._answer(outcome)
        self.release()
        if random.random() < 0.7:
            self.end()
        else:
            self.host.soon(self.network.pause(), self.end)

    def _answer(self, answer: Answer) -> None:
        assert self.key is not None
        self.host.do(self.host.core.answered, self.key.origin, answer, self.network.clock.now)

    def interrupt(self) -> None:
        """Stop: nobody wants the outcome."""
        if self.is_over:
            return
        self.network.count("interrupted a program")
        if not self._answered and self.network.random.random() < 0.2:
            self.finish()  # it ended of itself at the same time
            return
        for scope in self.scopes:
            self.host.do(self.host.core.cancel_scope, scope, self.network.clock.now)
        self.release()
        self.end()

    def release(self) -> None:
        """Let go of all that it has."""
        for scope in self.scopes:
            self.host.do(self.host.core.leave_scope, scope)
        self.scopes.clear()
        for spawned in list(self.pending.values()):
            if spawned.window:
                self.host.cancel(spawned)
        handles, self.handles = self.handles, []
        main = self.host.main
        if self is not main and not self.network.winds_down and self.network.random.random() < 0.5:
            main.handles += handles  # as a function does that puts what it was given into a global
        else:
            self.host.drop(handles)

    def end(self) -> None:
        """Run no more."""
        if self.is_over or self.key is None or self.spawned is None:
            return
        self.die()
        del self.host.programs[self.key]
        self.host.do(self.host.core.ended, *self.key, self.network.clock.now)

    def die(self) -> None:
        """Be gone, with the process or as a program that has ended."""
        self.is_over = True
        if self.spawned:
            self.network.ledger.stopped(self.spawned)

    # What happens to its futures.

    def ended(self, spawned: Spawned, outcome: Return | Kept | Raise | Stale | End | None) -> None:
        """Note that a future has ended."""
        self.pending.pop(spawned.key.call, None)
        if spawned.promise:
            kept = Raise(0, None, "Error", "there is no outcome", "", 1)
            told = outcome if isinstance(outcome, Return | Kept | Raise) else kept
            self.host.do(self.host.core.resolve, spawned.promise.number, told, self.network.clock.now)
            self.host.drop((spawned.promise,))
        if self._waits_for is spawned:
            self._resume(spawned)

    def gained(self, refs: tuple[ObjectId, ...]) -> None:
        """Take references that an outcome brought."""
        if self.is_over or self._answered:
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

    def _resume(self, spawned: Spawned) -> None:
        if self._waits_for is spawned and not self.is_over:
            self._waits_for = None
            if self.key:
                self.host.core.resumed(*self.key)
            self._go_on()

    # What it can do.

    def spawn(
        self, peer: NodeId, refs: tuple[ObjectId, ...] = (), *, closure: bool = False, window: int = 0, scope: int = 0
    ) -> Spawned:
        """Call a function; with a closure the references travel in its code."""
        code = CODES[self.network.random.randrange(len(CODES))]
        arguments = Payload((LIGHT,), refs)
        if closure and refs:
            digest = b"closure %d" % len(self.network.ledger.calls)
            code, arguments = Code(digest, Payload((digest,), refs)), Payload((LIGHT,))
        return self._made(self.host.call(self, peer, arguments, code=code, window=window, scope=scope))

    def ask(self, target: ObjectId, refs: tuple[ObjectId, ...] = (), *, method: str = "method", scope: int = 0) -> Spawned:
        """Call a method of an object, or ask for an outcome (FETCH)."""
        arguments = Payload((LIGHT,), refs)
        return self._made(self.host.call(self, target.owner, arguments, target=target, method=method, scope=scope))

    def send(self, channel: ObjectId, refs: tuple[ObjectId, ...] = ()) -> Spawned:
        """Send a new value."""
        value = self.network.ledger.offered(channel, self.host.id)
        payload = Payload((b"%d" % value.number,), refs)
        return self._made(
            self.host.call(self, channel.owner, payload, target=channel, method=SEND, value=value)
        )

    def receive(self, channel: ObjectId) -> Spawned:
        """Ask for a value."""
        self.network.ledger.asked(channel, self.host.id)
        return self.ask(channel, method=RECEIVE)

    def close(self, channel: ObjectId) -> Spawned:
        """End sending."""
        return self.ask(channel, method=CLOSE)

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
        self.copy(ref)
        self.handles.remove(ref)
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
        self.host.do(self.host.core.leave_scope, scope)

    def _made(self, spawned: Spawned) -> Spawned:
        if spawned.ending is None:
            self.pending[spawned.key.call] = spawned
        return spawned

    def _given(self, refs: tuple[ObjectId, ...]) -> tuple[ObjectId, ...]:
        """Return those that may be in an outcome: see `objects.py`."""
        return tuple(ref for ref in refs if self.network.kinds[ref] not in (Kind.PROMISE, Kind.KEPT))
