"""What runs for a call on a simulated node.

a plain one    takes some steps, then returns or raises
a producer     gives items as it is granted them, then ends
a sleeper      stops taking steps, and goes on only when it is interrupted, or at the end of the run
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit.runtime.admission import Key
from circuit.runtime.messages import Answer, End, Item, ObjectId, Payload, Raise, Return
from circuit.runtime.windows import Window
from circuit.testing.ledger import Spawned
from circuit.testing.objects import Kind
from circuit.testing.programs import LIGHT, Program

if TYPE_CHECKING:
    from circuit.testing.host import Host

STEPS, ITEMS = 6, 8
"""Each takes fewer steps, and gives fewer items, than that."""


class Execution(Program):
    """A program that runs for a call.

    Args:
        refs: what came with the call: one use of each.
        window: > 0: it is a producer, and may give that many items before it is granted more.
    """

    key: Key

    def __init__(self, host: Host, key: Key, refs: tuple[ObjectId, ...], window: int) -> None:
        super().__init__(host, refs)
        random = self.network.random
        self.key = key
        self._spawned: Spawned | None = None
        self._produces = bool(window)
        self._window = Window(window, host.core.limits.ahead_bytes)
        self._items = 0
        self._left = random.randrange(ITEMS if window else STEPS)
        self._sleeps = not window and random.random() < 0.1
        self._is_idle = False
        self._answered = False

    def __str__(self) -> str:
        return str(self._spawned)

    def begin(self, spawned: Spawned) -> None:
        """Run."""
        self._spawned = spawned
        self.go_on()

    def step(self) -> None:
        """Do one thing, and the next one later."""
        if self.is_over or self._answered or self._waits_for:
            return
        if self._produces and self._left:
            self._produce()
        elif self._left and self.network.takes_step():
            self._left -= 1
            self.network.chance(self)
            if not self._waits_for:
                self.go_on()
        elif self._sleeps and not self.network.winds_down:
            self._is_idle = True
        else:
            self.finish()

    def wake(self) -> None:
        """Sleep no more."""
        if self._is_idle and not self.is_over:
            self._is_idle = self._sleeps = False
            self.go_on()

    def grant(self, items: int) -> None:
        """Be allowed more items."""
        self.network.count("granted items")
        self._window.credit(items)
        self.wake()

    def finish(self) -> None:
        """Return or raise, leave what is open, drop what is held, end."""
        random = self.network.random
        refs = self._given(random.sample(self.handles, min(len(self.handles), random.randrange(3))))
        number = self.key.call
        outcome: Answer
        if random.random() < 0.2:
            outcome = Raise(number, Payload((LIGHT,), refs), "Error", "text", "", 1)
        elif self._produces:
            outcome = End(number)
        else:
            outcome = Return(number, Payload((self._load(),), refs))
        if self._spawned:
            self._spawned.answered = True
        self._answered = True
        self._answer(outcome)
        self.release()
        if random.random() < 0.7:
            self.end()
        else:
            self.host.soon(self.network.pause(), self.end)

    def interrupt(self) -> None:
        """Stop: nobody wants the outcome."""
        if self.is_over:
            return
        self.network.count("interrupted a program")
        random = self.network.random
        if not self._answered and random.random() < 0.2:
            self.finish()  # it ended of itself at the same time
            return
        if random.random() < 0.2:
            self.spawn(self.network.any_node(), cleanup=True)
        for scope in self.scopes:
            self.host.do(self.host.core.cancel_scope, scope, self.network.clock.now)
        self.release()
        self.end()

    def release(self) -> None:
        """Let go of all that it has; some leave it to the main program, as in a global variable."""
        main = self.host.main
        if not self.network.winds_down and self.network.random.random() < 0.5:
            main.handles += self.handles
            self.handles = []
        super().release()

    def gained(self, refs: tuple[ObjectId, ...]) -> None:
        """Take references that an outcome or an item brought, unless it is at its end."""
        if self._answered:
            self.host.drop(refs)
        else:
            super().gained(refs)

    def end(self) -> None:
        """Run no more."""
        if not self.is_over:
            self.die()
            del self.host.programs[self.key]
            self.host.do(self.host.core.ended, *self.key, self.network.clock.now)

    def die(self) -> None:
        """Be gone, with the process or at the end."""
        super().die()
        if self._spawned:
            self.network.ledger.stopped(self._spawned)

    def _produce(self) -> None:
        if self._window.is_full:
            self._is_idle = True
            return
        self._left -= 1
        number, self._items = self._items, self._items + 1
        refs = self._given(self.handles[:1]) if self.network.random.random() < 0.3 else ()
        item = Item(self.key.call, Payload((b"%d" % number,), refs))
        self._window.item(item.value.nbytes)
        self._answer(item)
        self.go_on()

    def _answer(self, answer: Answer) -> None:
        self.host.do(self.host.core.answered, self.key.origin, answer, self.network.clock.now)

    def _given(self, refs: list[ObjectId]) -> tuple[ObjectId, ...]:
        """Return those that may be in an outcome: see `objects.py`."""
        return tuple(ref for ref in refs if self.network.kinds[ref] not in (Kind.PROMISE, Kind.KEPT))
