"""Large values: in many frames, of which a cut is likely to hit one, or in memory that the nodes share."""

from __future__ import annotations

import time
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal

LARGEST = 4 * 1024 * 1024
LONGEST_LOOK = 0.2
Large: TypeAlias = bytes | NDArray[np.uint8]


def reverse(journal: Journal, token: str, content: Large | circuit.Future[Large]) -> Large:
    """Give back what came, the other way round; the outcome of another call is taken from where it is."""
    journal.note(token)
    taken = content.result() if isinstance(content, circuit.Future) else content
    return taken[::-1] if isinstance(taken, bytes) else np.ascontiguousarray(taken[::-1])


class Payloads:
    """Bytes, which travel, or an array, which is shared: turned round by one worker, and by another."""

    name = "payload"

    def run(self, field: Field, dice: Random) -> None:
        """Send one all round, and look at it for a while: its owner may be lost meanwhile."""
        tokens = field.open(self.name, 2)
        content = dice.randbytes(dice.randint(0, LARGEST))
        sent: Large = dice.choice((content, np.frombuffer(content, np.uint8)))
        with field.joint(tokens):
            half = circuit.call(reverse, field.journal, tokens[0], sent).on(dice.choice(field.workers))
            whole = circuit.call(reverse, field.journal, tokens[1], half).on(dice.choice(field.workers))
            received = whole.result()
            time.sleep(dice.uniform(0, LONGEST_LOOK))
            if bytes(received) != content:
                field.find(f"{tokens[1]} returned {len(received)} bytes, other than the {len(content)} sent")
