"""Values that take many frames, or shared memory: a cut is likely to be in the midst of one."""

from __future__ import annotations

import time
from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal

LARGEST = 4 * 1024 * 1024


def reverse(journal: Journal, token: str, content: bytes) -> bytes:
    """Send back on a worker what came, the other way round."""
    journal.note(token)
    return content[::-1]


class Payloads:
    """A large argument and a large result."""

    name = "payload"

    def run(self, field: Field, dice: Random) -> None:
        """Send one there and back."""
        token = field.ledger.open(self.name)
        content = dice.randbytes(dice.randint(0, LARGEST))
        spawned = time.monotonic()
        future = circuit.call(reverse, field.journal, token, content).on(dice.choice(field.workers))
        field.judge(token, spawned, future, content[::-1])
