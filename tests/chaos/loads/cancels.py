"""Calls that are cancelled on their way, while they run, or when they have ended."""

from __future__ import annotations

import concurrent.futures
import time
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate

LONG_SECONDS = 600.0
STEP_SECONDS = 0.005


def linger(journal: Journal, token: str, seconds: float) -> str:
    """Take so long on a worker, in steps: a cancel strikes between two."""
    journal.note(token)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(STEP_SECONDS)
    return token


class Cancels:
    """One call, given up after a while; what is left of it would be seen in the tables."""

    name = "cancel"

    def run(self, field: Field, dice: Random) -> None:
        """Spawn, wait, cancel."""
        token = field.ledger.open(self.name)
        spawned = time.monotonic()
        seconds = dice.choice((LONG_SECONDS, dice.uniform(0, 0.05)))
        future = circuit.call(linger, field.journal, token, seconds).on(dice.choice(field.workers))
        time.sleep(dice.choice((0, 0.001, dice.uniform(0, 0.1))))
        if not future.cancel():
            field.judge(token, spawned, future, token)
            return
        try:
            future.result(timeout=0)
        except concurrent.futures.CancelledError:
            field.find(field.ledger.close(token, Fate.CANCELLED))
        else:
            field.find(f"{token} was cancelled and has a result")
