"""Futures that are given to other workers, which take the outcome from where it is."""

from __future__ import annotations

import time
from random import Random

import circuit
from tests.chaos.field import FAULT_ERRORS, Field
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
        tokens = [field.ledger.open(self.name) for _ in range(dice.randint(2, 4))]
        nbytes = dice.choice((0, 100, dice.randint(0, LARGEST)))
        seconds = dice.uniform(0, SLOWEST)
        try:
            with field.watchdog.over(tokens[0]):
                last = circuit.call(fill, field.journal, tokens[0], nbytes, seconds).on(
                    dice.choice(field.workers)
                )
                for token in tokens[1:]:
                    last = circuit.call(append, field.journal, token, last).on(dice.choice(field.workers))
                value = last.result()
        except FAULT_ERRORS as error:
            field.excuse(tokens, error)
            return
        if value != bytes(nbytes) + b"+" * (len(tokens) - 1):
            field.find(f"{tokens[-1]} gave {len(value)} bytes, not {nbytes} and {len(tokens) - 1}")
        field.returned(tokens)
