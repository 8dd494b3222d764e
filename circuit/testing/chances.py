"""What a program does by chance: one of its possible steps, each as likely as its weight says."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from circuit.runtime.messages import ObjectId
from circuit.testing.ledger import FETCH
from circuit.testing.objects import Kind

if TYPE_CHECKING:
    from circuit.testing.programs import Program

WINDOWS = (1, 2, 4)
TRIES = 5


def spawn(program: Program) -> bool:
    """Call a function somewhere, perhaps with references, as a stream, in a scope."""
    random = program.network.random
    window = random.choice(WINDOWS) if random.random() < 0.25 else 0
    closure = random.random() < 0.2
    program.spawn(
        program.network.any_node(), _some(program), closure=closure, window=window, scope=_scope(program)
    )
    return True


def call_an_object(program: Program) -> bool:
    """Call a method of an object that it has a reference to."""
    target = _one_of(program, Kind.PLAIN, Kind.SERIAL)
    return bool(target and program.ask(target, _some(program), scope=_scope(program)))


def fetch(program: Program) -> bool:
    """Ask for an outcome that is kept or awaited elsewhere."""
    target = _one_of(program, Kind.KEPT, Kind.PROMISE)
    return bool(target and program.ask(target, method=FETCH))


def send(program: Program) -> bool:
    """Send a value, perhaps with a reference in it."""
    channel = _one_of(program, Kind.CHANNEL)
    inside = _one_of(program, Kind.PLAIN, Kind.SERIAL) if program.network.random.random() < 0.4 else None
    return bool(channel and program.send(channel, (inside,) if inside else ()))


def receive(program: Program) -> bool:
    """Receive a value."""
    channel = _one_of(program, Kind.CHANNEL)
    return bool(channel and program.receive(channel))


def change_mind(program: Program) -> bool:
    """Ask for a value, and give that up when it may be on its way."""
    channel = _one_of(program, Kind.CHANNEL)
    if channel is None:
        return False
    spawned = program.receive(channel)
    seconds = program.network.medium.weather.seconds * program.network.random.random() * 3
    program.host.soon(seconds, program.give_up, spawned)
    return True


def close(program: Program) -> bool:
    """Close a channel."""
    channel = _one_of(program, Kind.CHANNEL)
    return bool(channel and program.close(channel))


def own(program: Program) -> bool:
    """Make an object."""
    kind = program.network.random.choice((Kind.PLAIN, Kind.SERIAL, Kind.CHANNEL))
    return bool(program.own(kind, capacity=program.network.random.randrange(3)))


def share(program: Program) -> bool:
    """Make a reference of a future."""
    futures = [spawned for spawned in program.pending.values() if not (spawned.window or spawned.promise)]
    return bool(futures and program.share(program.network.random.choice(futures)))


def drop(program: Program) -> bool:
    """Forget a reference."""
    if program.handles:
        program.drop(program.network.random.choice(program.handles))
        return True
    return False


def copy(program: Program) -> bool:
    """Have a reference once more."""
    if program.handles:
        program.copy(program.network.random.choice(program.handles))
        return True
    return False


def cancel(program: Program) -> bool:
    """Give a future up."""
    if program.pending:
        program.give_up(program.network.random.choice(list(program.pending.values())))
        return True
    return False


def wait(program: Program) -> bool:
    """Wait for a future."""
    futures = [spawned for spawned in program.pending.values() if not spawned.window]
    if futures:
        program.wait(program.network.random.choice(futures), 0.1 + program.network.random.random())
        return True
    return False


def scope(program: Program) -> bool:
    """Open a scope, or leave one."""
    if program.scopes and program.network.random.random() < 0.6:
        program.leave_scope(program.scopes[-1], cancel=program.network.random.random() < 0.3)
    else:
        program.open_scope()
    return True


class Chances:
    """Steps with their weights."""

    def __init__(self, weights: Mapping[Callable[[Program], bool], int]) -> None:
        self._steps = list(weights)
        self._bounds = list(accumulate(weights.values()))

    def __call__(self, program: Program) -> None:
        """Take a step; what is not possible is not one."""
        for _ in range(TRIES):
            drawn = program.network.random.random() * self._bounds[-1]
            if self._steps[bisect(self._bounds, drawn)](program):
                return


EVEN = Chances(
    {
        spawn: 10,
        call_an_object: 6,
        fetch: 4,
        send: 5,
        receive: 4,
        change_mind: 2,
        close: 1,
        own: 6,
        share: 2,
        drop: 4,
        copy: 1,
        cancel: 4,
        wait: 3,
        scope: 2,
    }
)
"""A bit of everything."""
HAND_OFF = Chances({spawn: 12, call_an_object: 2, send: 2, receive: 2, own: 3, drop: 8, copy: 1, wait: 1})
"""References on their way."""
CHANNELS = Chances(
    {spawn: 6, own: 3, send: 14, receive: 10, change_mind: 10, close: 1, cancel: 4, drop: 1, wait: 2}
)
"""Values on their way, whose receivers give up."""


def _some(program: Program) -> tuple[ObjectId, ...]:
    random = program.network.random
    count = min(len(program.handles), random.choice((0, 1, 1, 2, 3)))
    return tuple(random.sample(program.handles, count)) if count else ()


def _scope(program: Program) -> int:
    return program.scopes[-1] if program.scopes and program.network.random.random() < 0.7 else 0


def _one_of(program: Program, *kinds: Kind) -> ObjectId | None:
    found = [ref for ref in program.handles if program.network.kinds[ref] in kinds]
    return program.network.random.choice(found) if found else None
