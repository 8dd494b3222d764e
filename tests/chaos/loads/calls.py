"""Plain calls: results equal to a local run's, exceptions of the right type, coroutines, calls in calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Any

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate

PAUSES = (0, 0, 0, 0, 0.001, 0.01, 0.1)


def square(journal: Journal, token: str, number: int, seconds: float) -> int:
    """Run on a thread of a worker."""
    journal.note(token)
    time.sleep(seconds)
    return number * number


async def square_async(journal: Journal, token: str, number: int, seconds: float) -> int:
    """Run on a worker's event loop."""
    journal.note(token)
    await asyncio.sleep(seconds)
    return number * number


class Calls:
    """Many calls at once, on any workers."""

    name = "call"
    function: Callable[[Journal, str, int, float], Any] = staticmethod(square)

    def run(self, field: Field, dice: Random) -> None:
        """Spawn them all, then wait for each."""
        made = []
        for _ in range(dice.randint(1, 40)):
            token, number = field.ledger.open(self.name), dice.randint(-(10**6), 10**6)
            call = circuit.call(self.function, field.journal, token, number, dice.choice(PAUSES))
            spawned = time.monotonic()
            made.append((token, spawned, call.on(dice.choice(field.workers)), number * number))
        for token, spawned, future, expected in made:
            field.judge(token, spawned, future, expected)


class Coroutines(Calls):
    """The same on event loops."""

    name = "coroutine"
    function = staticmethod(square_async)


class Expected(Exception):
    """What a call is to raise."""


def refuse(journal: Journal, token: str) -> None:
    """Raise on a worker."""
    journal.note(token)
    raise Expected(token)


class Errors:
    """Calls that raise."""

    name = "error"

    def run(self, field: Field, dice: Random) -> None:
        """Spawn one, and expect its own exception."""
        token = field.ledger.open(self.name)
        spawned = time.monotonic()
        future = circuit.call(refuse, field.journal, token).on(dice.choice(field.workers))
        try:
            with field.watchdog.over(token):
                future.result()
        except Expected as error:
            if error.args != (token,):
                field.find(f"{token} raised {error!r}")
            field.find(field.ledger.close(token, Fate.RAISED))
        except circuit.WorkerLost as lost:
            field.lost(token, spawned, lost)
        else:
            field.find(f"{token} raised nothing")
