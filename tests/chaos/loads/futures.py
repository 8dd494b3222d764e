"""Futures that are given to other workers, which take the outcome from where it is."""

from __future__ import annotations

import time
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal

LARGEST = 1024 * 1024
SLOWEST = 0.05


def fill(journal: Journal, token: str, nbytes: int, seconds: float) -> bytes:
    """Compute something small, or something large, on a worker."""
    journal.note(token)
    time.sleep(seconds)
    return bytes(nbytes)


def append(journal: Journal, token: str, before: circuit.Future[bytes]) -> bytes:
    """Wait for what another worker computes, and add to it."""
    journal.note(token)
    return before.result() + b"+"


class Futures:
    """A chain of calls, each given the future of the one before while that still runs."""

    name = "future"

    def run(self, field: Field, dice: Random) -> None:
        """Spawn all of them, and ask only for the last."""
        tokens = field.open(self.name, dice.randint(2, 4))
        places = [dice.choice(field.workers) for _ in tokens]
        nbytes = dice.choice((0, 100, dice.randint(0, LARGEST)))
        seconds = dice.uniform(0, SLOWEST)
        with field.joint(tokens):
            last = circuit.call(fill, field.journal, tokens[0], nbytes, seconds).on(places[0])
            for token, place in zip(tokens[1:], places[1:], strict=True):
                last = circuit.call(append, field.journal, token, last).on(place)
            value = last.result()
            if value != bytes(nbytes) + b"+" * (len(tokens) - 1):
                field.find(f"{tokens[-1]} gave {len(value)} bytes, not {nbytes} and {len(tokens) - 1}")
