"""Streams: the items in order, without a gap; what arrived of a lost one is its beginning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate


def count(journal: Journal, token: str, items: int, seconds: float) -> Iterator[tuple[str, int]]:
    """Count on a worker."""
    journal.note(token)
    for number in range(items):
        yield token, number
        time.sleep(seconds)


class Streams:
    """A stream that is read to its end, or closed on the way."""

    name = "stream"

    def run(self, field: Field, dice: Random) -> None:
        """Read one stream."""
        token, items = field.ledger.open(self.name), dice.randint(0, 400)
        enough = dice.choice((items, items, dice.randint(0, items)))
        pause = dice.choice((0, 0, 0.001))
        spawned = time.monotonic()
        stream = circuit.call(count, field.journal, token, items, dice.choice((0, 0, 0.005))).on(
            dice.choice(field.workers)
        )
        seen = 0
        try:
            with field.watchdog.over(token), stream:
                for item in stream:
                    if item != (token, seen):
                        field.find(f"{token} brought {item!r} as its item {seen}")
                    seen += 1
                    if seen == enough < items:
                        field.find(field.ledger.close(token, Fate.CANCELLED))
                        return
                    time.sleep(pause)
        except circuit.WorkerLost as lost:
            field.lost(token, spawned, lost)
            return
        if seen != items:
            field.find(f"{token} ended after {seen} of {items} items")
        field.find(field.ledger.close(token, Fate.RETURNED))
