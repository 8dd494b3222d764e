"""Calls that are cancelled on their way, while they run, or when they have ended, with those they made."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate

LONG_SECONDS = 600.0
STEP_SECONDS = 0.005
MOST_CALLS = 3


def linger(journal: Journal, tokens: list[str], places: list[str], seconds: float) -> str:
    """Take so long on the last of some workers, in steps: a cancel strikes between two."""
    journal.note(tokens[0])
    if places:
        below = circuit.call(linger, journal, tokens[1:], places[1:], seconds).on(places[0])
        return tokens[0] + below.result()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(STEP_SECONDS)
    return tokens[0]


async def linger_async(journal: Journal, tokens: list[str], places: list[str], seconds: float) -> str:
    """The same on event loops."""
    journal.note(tokens[0])
    if places:
        below = circuit.call(linger_async, journal, tokens[1:], places[1:], seconds).on(places[0])
        return tokens[0] + await below
    await asyncio.sleep(seconds)
    return tokens[0]


class Cancels:
    """A chain of calls, given up after a while: one that goes on is seen in the tables."""

    name = "cancel"

    def run(self, field: Field, dice: Random) -> None:
        """Spawn, wait, cancel."""
        tokens = field.open(self.name, dice.randint(1, MOST_CALLS))
        first, *places = (dice.choice(field.workers) for _ in tokens)
        seconds = dice.choice((LONG_SECONDS, dice.uniform(0, 0.05)))
        function = dice.choice((linger, linger_async))
        future = circuit.call(function, field.journal, tokens, places, seconds).on(first)
        time.sleep(dice.choice((0, 0.001, dice.uniform(0, 0.1))))
        cancelled = future.cancel()
        with field.joint(tokens, Fate.CANCELLED if cancelled else Fate.RETURNED):
            try:
                value = future.result(timeout=0 if cancelled else None)
            except concurrent.futures.CancelledError:
                if not cancelled:
                    raise
            else:
                if cancelled or value != "".join(tokens):
                    field.find(f"{tokens[0]} returned {value!r}; it was {cancelled=}")
