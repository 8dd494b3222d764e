"""Streams: the items in order, without a gap; what arrived of a lost one is its beginning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate

MOST_ITEMS = 400


def count(journal: Journal, token: str, items: int, seconds: float) -> Iterator[tuple[str, int]]:
    """Count on a worker."""
    journal.note(token)
    for number in range(items):
        yield token, number
        time.sleep(seconds)


async def count_async(
    journal: Journal, token: str, items: int, seconds: float
) -> AsyncIterator[tuple[str, int]]:
    """Count on a worker's event loop."""
    journal.note(token)
    for number in range(items):
        yield token, number
        await asyncio.sleep(seconds)


def read(stream: circuit.Stream[tuple[str, int]], token: str, enough: int, pause: float) -> int:
    """Read at most so many items, and return how many there were.

    Raises:
        ValueError: one of them is not the one that should have come.
    """
    seen = 0
    with stream:
        while seen < enough and (item := next(stream, None)):
            if item != (token, seen):
                raise ValueError(f"{token} brought {item!r} as its item {seen}")
            seen += 1
            time.sleep(pause)
    return seen


class Streams:
    """A stream that is read to its end, or closed on the way."""

    name = "stream"

    def run(self, field: Field, dice: Random) -> None:
        """Read one stream."""
        [token], items = field.open(self.name, 1), dice.randint(0, MOST_ITEMS)
        enough = dice.choice((MOST_ITEMS, MOST_ITEMS, dice.randint(0, items)))
        function, pause = dice.choice((count, count_async)), dice.choice((0, 0, 0.001))
        counting = circuit.call(function, field.journal, token, items, dice.choice((0, 0, 0.005)))
        spawned = time.monotonic()
        try:
            with field.watchdog.over(token):
                seen = read(counting.on(dice.choice(field.workers)), token, enough, pause)
        except circuit.WorkerLost as lost:
            field.lost(token, spawned, lost)
            return
        if seen != min(items, enough):
            field.find(f"{token} ended after {seen} of {items} items")
        field.find(field.ledger.close(token, Fate.RETURNED if enough > items else Fate.CANCELLED))


def read_there(journal: Journal, tokens: list[str], place: str, items: int, enough: int) -> int:
    """Read on one worker what another one counts."""
    journal.note(tokens[0])
    return read(circuit.call(count, journal, tokens[1], items, 0).on(place), tokens[1], enough, 0)


class Readers:
    """A stream from worker to worker."""

    name = "reader"

    def run(self, field: Field, dice: Random) -> None:
        """Have one stream read."""
        tokens, items = field.open(self.name, 2), dice.randint(0, MOST_ITEMS)
        enough = dice.choice((MOST_ITEMS, dice.randint(1, MOST_ITEMS)))
        reading = circuit.call(read_there, field.journal, tokens, dice.choice(field.workers), items, enough)
        with field.joint(tokens):
            seen = reading.on(dice.choice(field.workers)).result()
            if seen != min(items, enough):
                field.find(f"{tokens[0]} read {seen} of {items} items, and wanted {enough}")
